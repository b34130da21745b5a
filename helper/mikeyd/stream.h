/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP connections that carry SIP, with TLS or without: framing by
 * Content-Length (RFC 3261 18.3), reuse, limits on size, number and time.
 */
#ifndef HELPER_MIKEYD_STREAM_H
#define HELPER_MIKEYD_STREAM_H

#include "helper/mikeyd/transport.h"

struct siptls;
struct streams;

int streams_alloc(struct streams **streams, const struct transport_handlers *handlers);

/* streams_use_tls - of connections from now on; NULL = there is no TLS */
void streams_use_tls(struct streams *streams, struct siptls *tls);

/* streams_accept - take the connection that waits on a listening socket */
void streams_accept(struct streams *streams, const struct flow *flow, struct tcp_sock *socket);

/*
 * streams_send - send to a peer, connecting to it if there is no connection
 * @local: address to connect from, or NULL
 * @own: we want to, and not who asked us: by one of the connections that are kept for that
 */
int streams_send(struct streams *streams, const struct flow *to, const struct sa *local,
		 bool own, struct mbuf *mb);

/* streams_ping - as transport_ping() */
int streams_ping(struct streams *streams, const struct flow *to, const struct sa *local);

/* streams_established - is there a connection, and does it carry something already? */
bool streams_established(const struct streams *streams, const struct flow *to);

bool streams_connected(const struct streams *streams, const struct flow *to);

#endif
