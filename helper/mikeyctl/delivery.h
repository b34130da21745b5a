/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One MESSAGE (RFC 3428) sent as a SIP client does it, by libre's SIP stack,
 * and the final answer to it.
 */
#ifndef HELPER_MIKEYCTL_DELIVERY_H
#define HELPER_MIKEYCTL_DELIVERY_H

#include <stdint.h>

#include "helper/lib/bytes.h"
#include "helper/lib/endpoint.h"
#include "helper/lib/problem.h"

/*
 * RFC 3261 18.1.1: larger requests go over TCP, where the MTU is not known.
 * The headers of ours stay below the allowance, URIs counted.
 */
#define DELIVERY_UDP_MAX 1300
#define DELIVERY_HEADERS 400

struct delivery {
	struct endpoint via;
	const char *from, *to;		/* SIP URIs */
	const char *content_type;
	struct bytes body;
	uint32_t timeout;		/* seconds; 0 leaves it to SIP (32) */
};

struct delivery_answer {
	unsigned int code;
	char reason[128];
	char warning[256];		/* Warning, or "" */
	char retry_after[32];		/* Retry-After, or "" */
};

/* delivery_needs_tcp - is the request too large for a datagram? */
bool delivery_needs_tcp(const struct delivery *delivery);

/*
 * delivery_send - send it and wait for the final answer
 *
 * Returns -ETIMEDOUT if none came, -ECONNREFUSED if nobody listens there, and
 * -EINTR for a signal.
 */
int delivery_send(const struct delivery *delivery, struct delivery_answer *answer,
		  struct problem *problem);

#endif
