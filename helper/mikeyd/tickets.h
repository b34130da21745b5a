/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tickets a user has to send with, and which of those received were kept:
 * an index of the keyring, which is the real store. It is read from there at
 * start, so a killed helper goes on with the tickets it had.
 */
#ifndef HELPER_MIKEYD_TICKETS_H
#define HELPER_MIKEYD_TICKETS_H

#include "helper/lib/ticket.h"
#include "helper/mikeyd/user.h"

struct tickets;

int tickets_open(struct tickets **tickets, struct user *user, struct problem *problem);
void tickets_close(struct tickets *tickets);

/*
 * tickets_find - a reusable ticket of this initiator for exactly these
 * responders that is valid for a while yet; 0 if there is none
 * @rules: what a fresh one would be like
 */
int32_t tickets_find(const struct tickets *tickets, const struct config_user *rules,
		     const struct uid *initiator, const struct uid *responders,
		     unsigned int n_responders);

/* tickets_valid_until - the end of one that tickets_find() found */
int64_t tickets_valid_until(const struct tickets *tickets, int32_t serial);

/*
 * tickets_add - a ticket is there and stays; takes the policy's memory
 * @role: MIKEY_ROLE_RESPONDER: one that tickets_is_kept(), which the kernel
 *	finds by itself; here it is only known to be droppable
 */
void tickets_add(struct tickets *tickets, int32_t serial, uint32_t role,
		 struct ticket_policy *policy);

/*
 * tickets_is_kept - may one who resolved it use it for further messages
 * (J1 and E0)? Any other one serves the message that it was resolved for.
 */
bool tickets_is_kept(const struct ticket_policy *policy);

/* tickets_drop - a ticket is spent or no longer any good: out of index and keyring */
void tickets_drop(struct tickets *tickets, int32_t serial);

/* tickets_drop_oldest - make room in the user's quota; false if there is none */
bool tickets_drop_oldest(struct tickets *tickets);

#endif
