/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MESSAGE from the user's client: found or asked for a ticket, protected, sent
 * on. Never sent as it came, unless the configuration says so for all.
 */
#ifndef HELPER_MIKEYD_OUTGOING_H
#define HELPER_MIKEYD_OUTGOING_H

#include "helper/mikeyd/route.h"
#include "helper/mikeyd/user.h"

/* outgoing_message - take care of a MESSAGE of this user; it will be answered */
void outgoing_message(struct user *user, struct server *server, struct route *route);

/* outgoing_refuse - answer that a message could not be protected */
void outgoing_refuse(struct mikeyd *mikeyd, struct server *server,
		     const struct problem *problem);

#endif
