/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIP messages over UDP, TCP and TLS (RFC 3261 section 18), on libre's sockets
 * and parser.
 *
 * libre's own SIP transport is not used: it gives up a TCP connection whose
 * message exceeds 64 KiB, and it knows no difference between the two sides of a
 * terminal's proxy: *inside* is the user's SIP client, *outside* the network.
 */
#ifndef HELPER_MIKEYD_TRANSPORT_H
#define HELPER_MIKEYD_TRANSPORT_H

#include "helper/lib/endpoint.h"
#include "helper/lib/libre.h"
#include "helper/lib/problem.h"

enum side {
	SIDE_INSIDE,
	SIDE_OUTSIDE,
	SIDES,
};

/* The other side of a side. */
static inline enum side side_across(enum side side)
{
	return side == SIDE_INSIDE ? SIDE_OUTSIDE : SIDE_INSIDE;
}

/* side_name - "inside" or "outside" */
static inline const char *side_name(enum side side)
{
	return side == SIDE_INSIDE ? "inside" : "outside";
}

/* Where a message came from or goes to. */
struct flow {
	enum side side;
	enum sip_transp tp;
	struct sa peer;
	struct sa local;		/* where it arrived; unset: not known any more */
};

/* flow_to - where an address of the configuration leads */
void flow_to(struct flow *flow, enum side side, const struct endpoint *endpoint);

/* flow_transport - what libre calls a transport of the configuration */
enum sip_transp flow_transport(enum endpoint_transport transport);

/* Largest message over TCP: an entity of 256 KiB in CMS, base64 and headers. */
#define TRANSPORT_MESSAGE_MAX (512 * 1024)
/* Largest head, start line to empty line. */
#define TRANSPORT_HEAD_MAX (64 * 1024)

struct siptls;
struct transport;

/*
 * transport_recv_h - a message arrived whole; take a reference to keep it
 *
 * Its buffer is wiped when the last reference that sipmsg_release() gives
 * back goes.
 */
typedef void (transport_recv_h)(const struct flow *flow, struct sip_msg *msg, void *arg);

/* transport_fail_h - what was given to transport_send() for this flow is lost */
typedef void (transport_fail_h)(const struct flow *flow, int err, void *arg);

/* transport_accept_h - may this peer connect from inside? */
typedef bool (transport_accept_h)(const struct flow *flow, void *arg);

/*
 * recv is told of a message that arrived whole, large of one whose body exceeds
 * TRANSPORT_MESSAGE_MAX and was dropped.
 */
struct transport_handlers {
	transport_recv_h *recv, *large;
	transport_fail_h *fail;
	transport_accept_h *accept;
	void *arg;
};

int transport_alloc(struct transport **transport, const struct transport_handlers *handlers);

/* transport_use_tls - with what TLS is made from now on; NULL = not at all */
void transport_use_tls(struct transport *transport, struct siptls *tls);

/* transport_listen - one more address on one side */
int transport_listen(struct transport *transport, enum side side, enum sip_transp tp,
		     const struct sa *local, struct problem *problem);

/*
 * transport_send - send a message; over TCP and TLS on the connection to that
 * peer, which is made if there is none
 *
 * -ENOTCONN for a client over TLS that is gone.
 */
int transport_send(struct transport *transport, const struct flow *to, struct mbuf *mb);

/*
 * transport_answer - the same to somebody who asked: they do not get one of the last
 * connections, which are the way to the next hop
 */
int transport_answer(struct transport *transport, const struct flow *to, struct mbuf *mb);

/*
 * transport_ping - ask on a connection whether it is alive (RFC 5626 4.4.1), and
 * make it if there is none
 *
 * Where an earlier ping on it had an answer and this one has none, the fail
 * handler is called.
 */
int transport_ping(struct transport *transport, const struct flow *to);

/* transport_connected - is there a connection to that peer, or is one on its way? */
bool transport_connected(const struct transport *transport, const struct flow *to);

/* transport_established - is there a connection, with TLS if that is its way? */
bool transport_established(const struct transport *transport, const struct flow *to);

/*
 * transport_local - the address to be reached at by a peer, for Via and Path: where it
 * came to, or else the one at which the way to it begins
 *
 * Returns NULL if nothing listens on that side for that transport and
 * address family.
 */
const struct sa *transport_local(const struct transport *transport, const struct flow *to);

/*
 * transport_is_local - does this host and port name one of our listeners? Of names only
 * "localhost" and the machine's own do.
 */
bool transport_is_local(const struct transport *transport, const struct pl *host,
			uint16_t port);

/* transport_is_outside - does it name one that the network finds, and no client? */
bool transport_is_outside(const struct transport *transport, const struct pl *host,
			  uint16_t port);

#endif
