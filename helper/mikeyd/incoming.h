/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MESSAGE from the network: resolved at the KMS, verified and opened, and given
 * to the user's client with a header that tells who was verified.
 */
#ifndef HELPER_MIKEYD_INCOMING_H
#define HELPER_MIKEYD_INCOMING_H

#include "helper/mikeyd/route.h"
#include "helper/mikeyd/user.h"

struct list_server;

int incoming_open(struct user *user, struct problem *problem);
void incoming_close(struct user *user);

/* incoming_use - from now on these names are the user's; false: no memory, nothing changed */
bool incoming_use(struct user *user, const struct config_user *config);

/* incoming_use - from now on these names are the user's; false: no memory, nothing changed */
bool incoming_use(struct user *user, const struct config_user *config);

/* incoming_message - take care of a MESSAGE for this user; it will be answered */
void incoming_message(struct user *user, struct server *server, struct route *route);

/* incoming_for_list - the same of a MESSAGE to a group that is served here */
void incoming_for_list(struct user *user, struct server *server, const struct route *route,
		       const struct list_server *list);

/*
 * incoming_acceptable - is it protected, or may it be without? Answered if not.
 * Nothing is opened.
 */
bool incoming_acceptable(struct user *user, struct server *server);

#endif
