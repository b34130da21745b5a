/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MESSAGE from the network: resolved at the KMS, verified and opened, and given
 * to the user's client with a header that tells who was verified.
 */
#ifndef HELPER_MIKEYD_INCOMING_H
#define HELPER_MIKEYD_INCOMING_H

#include "helper/mikeyd/mikeyd.h"
#include "helper/mikeyd/route.h"

struct list_server;

int incoming_open(struct mikeyd *mikeyd, struct problem *problem);
void incoming_close(struct mikeyd *mikeyd);

/* incoming_message - take care of a MESSAGE; it will be answered */
void incoming_message(struct mikeyd *mikeyd, struct server *server, struct route *route);

/* incoming_for_list - the same of a MESSAGE to a group that is served here */
void incoming_for_list(struct mikeyd *mikeyd, struct server *server, const struct route *route,
		       const struct list_server *list);

/*
 * incoming_acceptable - is it protected, or may it be without? Answered if not.
 * Nothing is opened.
 */
bool incoming_acceptable(struct mikeyd *mikeyd, struct server *server);

#endif
