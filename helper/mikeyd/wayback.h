/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines that bring later requests here: Path (RFC 3327), Record-Route. */
#ifndef HELPER_MIKEYD_WAYBACK_H
#define HELPER_MIKEYD_WAYBACK_H

#include "helper/mikeyd/route.h"

/*
 * wayback_write - write them into route->headers, if the request is one of those that
 * want them
 * @from: the side that it came from
 * @client: the flow of the client that it is from, or for
 *
 * Who registers is the client of route->user from now on.
 */
void wayback_write(struct mikeyd *mikeyd, enum side from, const struct flow *client,
		   const struct sip_msg *msg, struct route *route);

#endif
