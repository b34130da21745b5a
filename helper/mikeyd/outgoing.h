/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MESSAGE from the user's client: found or asked for a ticket, protected, sent
 * on. Never sent as it came, unless the configuration says so for all.
 */
#ifndef HELPER_MIKEYD_OUTGOING_H
#define HELPER_MIKEYD_OUTGOING_H

#include "helper/mikeyd/mikeyd.h"
#include "helper/mikeyd/route.h"

int outgoing_open(struct mikeyd *mikeyd, struct problem *problem);
void outgoing_close(struct mikeyd *mikeyd);

/* outgoing_message - take care of a MESSAGE; it will be answered */
void outgoing_message(struct mikeyd *mikeyd, struct server *server, struct route *route);

#endif
