// SPDX-License-Identifier: GPL-2.0-or-later
/* Listeners of both sides, and where a message leaves from. */
#include "helper/mikeyd/transport.h"

#include <errno.h>
#include <string.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/stream.h"

/* One socket that listens. */
struct listener {
	struct le le;
	struct transport *transport;
	enum side side;
	enum sip_transp tp;
	struct sa local;
	struct udp_sock *udp;
	struct tcp_sock *tcp;
};

struct transport {
	struct list listeners;
	struct streams *streams;
	struct transport_handlers handlers;
};

static void listener_destroy(void *data)
{
	struct listener *listener = data;

	list_unlink(&listener->le);
	mem_deref(listener->udp);
	mem_deref(listener->tcp);
}

static void transport_destroy(void *data)
{
	struct transport *transport = data;

	mem_deref(transport->streams);
	list_flush(&transport->listeners);
}

static void udp_recv(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct listener *listener = arg;
	struct transport *transport = listener->transport;
	struct flow flow = { .side = listener->side, .tp = SIP_TRANSP_UDP, .peer = *src };
	struct sip_msg *msg;
	int err;

	/* a keep-alive (RFC 5626 3.5.1, and what clients send instead) */
	if (mbuf_get_left(mb) <= 4)
		return;
	err = sipmsg_decode(&msg, mb);
	if (err) {
		counter_more(COUNTER_DROPPED, flow.side, DROPPED_NOT_SIP);
		log_event(DEBUG, "dropped", log_text("side", side_name(flow.side)),
			  log_text("reason", "it is no SIP message"));
		return;
	}
	msg->src = *src;
	msg->tp = SIP_TRANSP_UDP;
	transport->handlers.recv(&flow, msg, transport->handlers.arg);
	sipmsg_release(msg);
}

static void stream_incoming(const struct sa *peer, void *arg)
{
	struct listener *listener = arg;
	struct transport *transport = listener->transport;
	struct flow flow = { .side = listener->side, .tp = listener->tp, .peer = *peer };

	if (!transport->handlers.accept(&flow, transport->handlers.arg))
		tcp_reject(listener->tcp);
	else
		streams_accept(transport->streams, &flow, listener->tcp);
}

int transport_alloc(struct transport **out, const struct transport_handlers *handlers)
{
	struct transport *transport = mem_zalloc(sizeof(*transport), transport_destroy);
	int err;

	if (!transport)
		return -ENOMEM;
	transport->handlers = *handlers;
	err = streams_alloc(&transport->streams, handlers);
	if (err)
		mem_deref(transport);
	else
		*out = transport;
	return err;
}

void transport_use_tls(struct transport *transport, struct siptls *tls)
{
	streams_use_tls(transport->streams, tls);
}

int transport_listen(struct transport *transport, enum side side, enum sip_transp tp,
		     const struct sa *local, struct problem *problem)
{
	struct listener *listener = mem_zalloc(sizeof(*listener), listener_destroy);
	char text[80];
	int err;

	if (!listener)
		return problem_set(problem, -ENOMEM, "no memory");
	re_snprintf(text, sizeof(text), "%s:%J", tp == SIP_TRANSP_UDP ? "udp" :
		    tp == SIP_TRANSP_TLS ? "tls" : "tcp", local);
	listener->transport = transport;
	listener->side = side;
	listener->tp = tp;
	listener->local = *local;
	if (tp == SIP_TRANSP_UDP) {
		err = udp_listen(&listener->udp, local, udp_recv, listener);
		if (!err)
			udp_rxsz_set(listener->udp, 65536);
	} else {
		err = tcp_listen(&listener->tcp, local, stream_incoming, listener);
	}
	if (err) {
		mem_deref(listener);
		return problem_set(problem, -err, "cannot listen on %s: %s", text, strerror(err));
	}
	list_append(&transport->listeners, &listener->le, listener);
	return 0;
}

static struct listener *find(const struct transport *transport, enum side side,
			     enum sip_transp tp, int af)
{
	struct le *le;

	LIST_FOREACH(&transport->listeners, le) {
		struct listener *listener = le->data;

		if (listener->side == side && listener->tp == tp &&
		    sa_af(&listener->local) == af)
			return listener;
	}
	return NULL;
}

const struct sa *transport_local(const struct transport *transport, enum side side,
				 enum sip_transp tp, int af)
{
	struct listener *listener = find(transport, side, tp, af);

	return listener ? &listener->local : NULL;
}

bool transport_is_local(const struct transport *transport, const struct pl *host,
			uint16_t port)
{
	struct sa address;
	struct le *le;

	if (sa_set(&address, host, port ? port : SIP_PORT))
		return false;
	LIST_FOREACH(&transport->listeners, le) {
		struct listener *listener = le->data;

		if (sa_cmp(&listener->local, &address, SA_ALL))
			return true;
	}
	return false;
}

/* Connections leave from the address we listen on, so that both are one to others. */
static const struct sa *leave_from(const struct transport *transport, const struct flow *to,
				   struct sa *local)
{
	const struct listener *listener = find(transport, to->side, to->tp, sa_af(&to->peer));

	if (!listener)
		return NULL;
	*local = listener->local;
	sa_set_port(local, 0);
	return local;
}

int transport_send(struct transport *transport, const struct flow *to, struct mbuf *mb)
{
	struct listener *listener;
	struct sa local;

	if (to->tp == SIP_TRANSP_UDP) {
		listener = find(transport, to->side, to->tp, sa_af(&to->peer));
		if (!listener)
			return -EAFNOSUPPORT;
		return -udp_send(listener->udp, &to->peer, mb);
	}
	return streams_send(transport->streams, to, leave_from(transport, to, &local), mb);
}

int transport_ping(struct transport *transport, const struct flow *to)
{
	struct sa local;

	return streams_ping(transport->streams, to, leave_from(transport, to, &local));
}

bool transport_established(const struct transport *transport, const struct flow *to)
{
	return streams_established(transport->streams, to);
}

bool transport_connected(const struct transport *transport, const struct flow *to)
{
	return streams_connected(transport->streams, to);
}

enum sip_transp flow_transport(enum endpoint_transport transport)
{
	static const enum sip_transp names[] = {
		[ENDPOINT_UDP] = SIP_TRANSP_UDP,
		[ENDPOINT_TCP] = SIP_TRANSP_TCP,
		[ENDPOINT_TLS] = SIP_TRANSP_TLS,
	};

	return names[transport];
}

void flow_to(struct flow *flow, enum side side, const struct endpoint *endpoint)
{
	flow->side = side;
	flow->tp = flow_transport(endpoint->transport);
	sa_set_sa(&flow->peer, (const struct sockaddr *)&endpoint->address);
}
