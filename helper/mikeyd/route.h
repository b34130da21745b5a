/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a request goes (RFC 3261 16.3-16.6): from the client to the next hop,
 * from the network to the client whose flow token the topmost Route carries.
 */
#ifndef HELPER_MIKEYD_ROUTE_H
#define HELPER_MIKEYD_ROUTE_H

#include "helper/mikeyd/user.h"
#include "helper/mikeyd/sipmsg.h"

struct route {
	struct user *user;		/* whose request; NULL: nobody's in particular */
	struct flow to;
	bool inbox;			/* not on: mikeyd itself takes it (inbox.h) */
	unsigned int drop_routes;	/* Route values that named us */
	bool strict;			/* the Route value behind them has no "lr" */
	int max_forwards;
	const char *words;		/* why it is refused, or NULL */
	bool asks_us;			/* OPTIONS for mikeyd itself: goes nowhere */
	char headers[512];		/* Path, Record-Route, ... or "" */
};

/* A refusal: a status code with its reason; code 0 = none. */
struct refusal {
	uint16_t code;
	const char *reason;
};

/*
 * route_request - find the way of a request, or the reason it has none
 *
 * Of a refusal that wants a line in the response, that is in route->headers.
 */
struct refusal route_request(struct mikeyd *mikeyd, const struct flow *from,
			     const struct sip_msg *msg, struct route *route);

/*
 * route_write - write a request for its way, and take TCP where UDP cannot
 * carry its size (18.1.1)
 * @pass: what to change besides; its via, routes, hops are filled in here
 * @branch: of our Via
 *
 * -EMSGSIZE if no transport can carry it.
 */
int route_write(struct mikeyd *mikeyd, struct route *route, struct sip_pass *pass,
		const char *branch, struct mbuf **mb);

/* route_is_client - is this the address of one who may be some user's client? */
bool route_is_client(const struct mikeyd *mikeyd, const struct sa *peer);

#endif
