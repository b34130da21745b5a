/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MESSAGEs (RFC 3428) sent as a SIP client does it, by libre's SIP stack, and
 * the final answers to them.
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

/* A MESSAGE for one recipient, or for a list service. */
struct delivery {
	struct endpoint via;
	const char *from, *to;		/* SIP URIs */
	const char *content_type;
	const char *headers;		/* more lines with their ends, or NULL */
	struct bytes body;		/* the caller's */
	uint32_t timeout;		/* seconds; 0 leaves it to SIP (32) */
};

struct delivery_answer {
	int error;			/* there is no answer: a negative errno, ... */
	char words[160];		/* ... and what it means */
	unsigned int code;
	char reason[128];
	char warning[256];		/* Warning, or "" */
	char retry_after[32];		/* Retry-After, or "" */
};

/* delivery_needs_tcp - is the request too large for a datagram? */
bool delivery_needs_tcp(const struct delivery *delivery);

/*
 * delivery_send - send them, some at a time, and wait for the final answers
 * @deliveries: all by the same via
 *
 * Each has an answer, or an error: -ETIMEDOUT if no answer came, -EINTR for a
 * signal. -ECONNREFUSED and the like, with none sent, if nobody listens there.
 */
int delivery_send(const struct delivery *deliveries, struct delivery_answer *answers,
		  unsigned int count, struct problem *problem);

#endif
