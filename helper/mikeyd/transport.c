// SPDX-License-Identifier: GPL-2.0-or-later
/* Listeners of both sides, and where a message leaves from. */
#include "helper/mikeyd/transport.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
	struct flow flow = { .side = listener->side, .tp = SIP_TRANSP_UDP, .peer = *src,
			     .local = listener->local };
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
	struct flow flow = { .side = listener->side, .tp = listener->tp, .peer = *peer,
			     .local = listener->local };

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

/* The address at which the way to a peer begins: a connected UDP socket sends nothing */
static void way_begins(struct sa *from, const struct sa *peer)
{
	int fd = socket(sa_af(peer), SOCK_DGRAM | SOCK_CLOEXEC, 0);

	sa_init(from, AF_UNSPEC);
	from->len = sizeof(from->u);
	if (fd < 0 || connect(fd, &peer->u.sa, peer->len) ||
	    getsockname(fd, &from->u.sa, &from->len))
		sa_init(from, AF_UNSPEC);
	if (fd >= 0)
		close(fd);
}

static bool serves(const struct listener *listener, const struct flow *to)
{
	return listener->side == to->side && listener->tp == to->tp &&
		sa_af(&listener->local) == sa_af(&to->peer);
}

/* The first one that serves a flow, at that address; NULL: at any */
static struct listener *find_at(const struct transport *transport, const struct flow *to,
				const struct sa *address, int flags)
{
	struct le *le;

	LIST_FOREACH(&transport->listeners, le) {
		struct listener *listener = le->data;

		if (serves(listener, to) &&
		    (!address || sa_cmp(&listener->local, address, flags)))
			return listener;
	}
	return NULL;
}

static unsigned int count(const struct transport *transport, const struct flow *to)
{
	unsigned int n = 0;
	struct le *le;

	LIST_FOREACH(&transport->listeners, le)
		n += serves(le->data, to);
	return n;
}

/* Answers leave from where the request came to (RFC 3581 section 4). */
static struct listener *find(const struct transport *transport, const struct flow *to)
{
	struct listener *listener = NULL;
	struct sa from;

	if (count(transport, to) < 2)
		return find_at(transport, to, NULL, 0);
	if (sa_isset(&to->local, SA_ADDR))
		listener = find_at(transport, to, &to->local, SA_ALL);
	if (listener)
		return listener;
	way_begins(&from, &to->peer);
	return find_at(transport, to, &from, SA_ADDR) ?: find_at(transport, to, NULL, 0);
}

const struct sa *transport_local(const struct transport *transport, const struct flow *to)
{
	struct listener *listener = find(transport, to);

	return listener ? &listener->local : NULL;
}

/* The machine's own name, with its domain if it has one, or without. */
static bool is_hostname(const struct pl *host)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (gethostname(name, sizeof(name) - 1) || !*name)
		return false;
	if (!pl_strcasecmp(host, name))
		return true;
	name[strcspn(name, ".")] = '\0';
	return *name && !pl_strcasecmp(host, name);
}

static bool is_at(const struct listener *listener, const struct pl *host, uint16_t port)
{
	struct sa address;

	if (!sa_set(&address, host, port))
		return sa_cmp(&listener->local, &address, SA_ALL);
	if (sa_port(&listener->local) != port)
		return false;
	return pl_strcasecmp(host, "localhost") ? is_hostname(host) :
		sa_is_loopback(&listener->local);
}

/* The sides that have a listener there, as bits. */
static unsigned int sides_at(const struct transport *transport, const struct pl *host,
			     uint16_t port)
{
	unsigned int sides = 0;
	struct le *le;

	LIST_FOREACH(&transport->listeners, le) {
		const struct listener *listener = le->data;

		if (is_at(listener, host, port ? port : SIP_PORT))
			sides |= 1u << listener->side;
	}
	return sides;
}

bool transport_is_local(const struct transport *transport, const struct pl *host,
			uint16_t port)
{
	return sides_at(transport, host, port);
}

bool transport_is_outside(const struct transport *transport, const struct pl *host,
			  uint16_t port)
{
	return sides_at(transport, host, port) == 1u << SIDE_OUTSIDE;
}

/* Connections leave from the address we listen on, so that both are one to others. */
static const struct sa *leave_from(const struct transport *transport, const struct flow *to,
				   struct sa *local)
{
	const struct listener *listener = find(transport, to);

	if (!listener)
		return NULL;
	*local = listener->local;
	sa_set_port(local, 0);
	return local;
}

static int send_by(struct transport *transport, const struct flow *to, bool own,
		   struct mbuf *mb)
{
	struct listener *listener;
	struct sa local;

	if (to->tp == SIP_TRANSP_UDP) {
		listener = find(transport, to);
		if (!listener)
			return -EAFNOSUPPORT;
		return -udp_send(listener->udp, &to->peer, mb);
	}
	return streams_send(transport->streams, to, leave_from(transport, to, &local), own, mb);
}

int transport_send(struct transport *transport, const struct flow *to, struct mbuf *mb)
{
	return send_by(transport, to, true, mb);
}

int transport_answer(struct transport *transport, const struct flow *to, struct mbuf *mb)
{
	return send_by(transport, to, false, mb);
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
	sa_init(&flow->local, AF_UNSPEC);
	sa_set_sa(&flow->peer, (const struct sockaddr *)&endpoint->address);
}
