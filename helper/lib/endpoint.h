/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transport address as configuration and command lines write it:
 * "udp:127.0.0.1:5062", "tls:[2001:db8::1]:5061"; and networks of clients:
 * "127.0.0.0/8".
 */
#ifndef HELPER_LIB_ENDPOINT_H
#define HELPER_LIB_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>

#include "helper/lib/problem.h"

enum endpoint_transport {
	ENDPOINT_UDP,
	ENDPOINT_TCP,
	ENDPOINT_TLS,
};

/* A host as a URI names it, with the zero byte. */
#define ENDPOINT_HOST_SIZE 256

struct endpoint {
	enum endpoint_transport transport;
	struct sockaddr_storage address;
	char host[ENDPOINT_HOST_SIZE];	/* as the URI names it, "" without one */
};

/*
 * endpoint_parse - an address others can reach, with its port; not a name and
 * not the wildcard, because it is written into SIP messages
 */
int endpoint_parse(struct endpoint *endpoint, const char *text, struct problem *problem);

/*
 * endpoint_from_uri - where a sip: or sips: URI without user leads: an address
 * or a name (asked for now), a port (5060, with TLS 5061), and ;transport=
 * (udp; of sips: it is always TLS)
 */
int endpoint_from_uri(struct endpoint *endpoint, const char *uri, struct problem *problem);

struct network {
	struct sockaddr_storage address;
	unsigned int prefix;
};

int network_parse(struct network *network, const char *text, struct problem *problem);

bool network_contains(const struct network *network, const struct sockaddr *address);

#endif
