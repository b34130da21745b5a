// SPDX-License-Identifier: GPL-2.0-or-later
/* SIP over TCP connections, with TLS or without. */
#include "helper/mikeyd/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/socket.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/framing.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/siptls.h"

#define CONNECTIONS_MAX 256		/* of each side */
/* So many of them are for us to make: others cannot use up the way to the next hop. */
#define CONNECTIONS_OWN 16
#define CONNECT_MS 5000
#define IDLE_MS (900 * 1000)
/*
 * Clients have longer: many are reached by their connection only, and say nothing on
 * it until they register again, within an hour mostly.
 */
#define CLIENT_IDLE_MS (7200 * 1000)
/* TCP looks after so many seconds, and so often then, whether a client is there still. */
#define KEEP_IDLE 120
#define KEEP_PAUSE 10
/* A ping is answered within this time (RFC 5626 4.4.1). */
#define PONG_MS 10000
/* A message that has begun arrives whole within this time, or never. */
#define MESSAGE_MS (32 * 1000)
/* What was sent is acknowledged within this time, or the other side is gone. */
#define ACKNOWLEDGE_MS 10000
#define SEND_QUEUE_MAX (4 * 1024 * 1024)

struct streams {
	struct list list;
	unsigned int count[SIDES];
	struct transport_handlers handlers;
	struct siptls *tls;
};

struct stream {
	struct le le;
	struct streams *streams;
	struct flow flow;
	struct tcp_conn *tcp;
	struct siptls *context;		/* which a handshake may ask */
	struct tls_conn *tls;
	struct tmr timer;
	struct tmr pong;		/* runs while a ping has no answer */
	bool answers_pings;		/* one had an answer */
	bool connected;
	struct mbuf *queue;		/* sent before the connection was there */

	struct framing framing;		/* what was received */
};

static void stream_destroy(void *data)
{
	struct stream *stream = data;

	tmr_cancel(&stream->timer);
	tmr_cancel(&stream->pong);
	if (stream->le.list) {
		list_unlink(&stream->le);
		stream->streams->count[stream->flow.side]--;
		counter_less(COUNTER_CONNECTIONS, stream->flow.side, stream->flow.tp);
	}
	mem_deref(stream->tls);
	mem_deref(stream->tcp);
	mem_deref(stream->context);
	sipmsg_wipe(stream->queue);
	framing_wipe(&stream->framing);
}

static void streams_destroy(void *data)
{
	struct streams *streams = data;

	list_flush(&streams->list);
	mem_deref(streams->tls);
}

int streams_alloc(struct streams **out, const struct transport_handlers *handlers)
{
	struct streams *streams = mem_zalloc(sizeof(*streams), streams_destroy);

	if (!streams)
		return -ENOMEM;
	streams->handlers = *handlers;
	*out = streams;
	return 0;
}

void streams_use_tls(struct streams *streams, struct siptls *tls)
{
	mem_deref(streams->tls);
	streams->tls = mem_ref(tls);
}

/* The connection is over; what was given to it is lost. */
static void stream_close(struct stream *stream, int err)
{
	struct streams *streams = stream->streams;
	struct flow flow = stream->flow;

	mem_deref(stream);
	streams->handlers.fail(&flow, err, streams->handlers.arg);
}

static void tell_closed(enum log_level level, const struct flow *flow, const char *reason)
{
	char peer[80];

	re_snprintf(peer, sizeof(peer), "%J", &flow->peer);
	log_fields(level, "closed", (const struct log_field[]){
		log_text("side", side_name(flow->side)),
		log_text("peer", peer),
		log_text("reason", reason),
		{ 0 }
	});
}

static void closed(int err, void *arg)
{
	struct stream *stream = arg;

	/* a handshake that failed will fail again */
	if (stream->tls && !stream->connected && err == EPROTO) {
		tell_closed(LOG_LEVEL_INFO, &stream->flow, "there is no TLS with it");
		err = EHOSTUNREACH;
	}
	/* -ETIMEDOUT would be a transaction's own time-out */
	if (err == ETIMEDOUT)
		err = stream->connected ? ECONNRESET : EHOSTUNREACH;
	stream_close(stream, err ? -err : -ECONNRESET);
}

static void timed_out(void *arg)
{
	struct stream *stream = arg;

	if (stream->connected && framing_is_inside(&stream->framing))
		tell_closed(LOG_LEVEL_WARNING, &stream->flow, "a message stopped half-way");
	stream_close(stream, stream->connected ? -ECONNRESET : -EHOSTUNREACH);
}

/* Nothing is on its way; a message that is keeps its own time. */
static void rest(struct stream *stream)
{
	if (framing_is_inside(&stream->framing))
		return;
	tmr_start(&stream->timer, stream->flow.side == SIDE_INSIDE ? CLIENT_IDLE_MS : IDLE_MS,
		  timed_out, stream);
}

/*
 * A peer that is gone without a word, or whose network is, would keep what is
 * sent to it for a quarter of an hour, longer than anybody waits.
 */
static void limit_silence(const struct stream *stream)
{
	const unsigned int limit = ACKNOWLEDGE_MS;

	if (setsockopt(tcp_conn_fd(stream->tcp), IPPROTO_TCP, TCP_USER_TIMEOUT, &limit,
		       sizeof(limit)))
		log_event(INFO, "no-user-timeout", log_text("reason", strerror(errno)));
}

/* A client that went without a word gives its place to others, as it may be silent for long. */
static void look_after(const struct stream *stream)
{
	const int on = 1, idle = KEEP_IDLE, pause = KEEP_PAUSE;
	int fd = tcp_conn_fd(stream->tcp);

	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &pause, sizeof(pause)))
		log_event(INFO, "no-keep-alive", log_text("reason", strerror(errno)));
}

static void send_queue(struct stream *stream)
{
	struct mbuf *queue = stream->queue;
	int err;

	if (!queue)
		return;
	queue->pos = 0;
	err = tcp_send(stream->tcp, queue);
	stream->queue = NULL;
	sipmsg_wipe(queue);
	if (err)
		stream_close(stream, -err);
}

static void established(void *arg)
{
	struct stream *stream = arg;

	stream->connected = true;
	limit_silence(stream);
	rest(stream);
	send_queue(stream);
}

/* The handshake of somebody who connected is over; now they have to say something. */
static void shook_hands(void *arg)
{
	struct stream *stream = arg;

	stream->connected = true;
	tmr_start(&stream->timer, MESSAGE_MS, timed_out, stream);
	send_queue(stream);
}

static void broken(struct stream *stream, int err)
{
	tell_closed(LOG_LEVEL_INFO, &stream->flow, err == -EMSGSIZE ? "a message is too large" :
		    err == -EBADMSG ? "no Content-Length" : strerror(-err));
	stream_close(stream, err);
}

/* Decode a message and hand it over; false if the stream is gone. */
static bool hand_over(struct stream *stream, struct mbuf *mb, transport_recv_h *handler)
{
	struct streams *streams = stream->streams;
	struct flow flow = stream->flow;
	struct sip_msg *msg;
	bool alive;

	mb->pos = 0;
	if (sipmsg_decode(&msg, mb)) {
		counter_more(COUNTER_DROPPED, flow.side, DROPPED_NOT_SIP);
		tell_closed(LOG_LEVEL_INFO, &flow, "it carries something else than SIP");
		sipmsg_wipe(mb);
		stream_close(stream, -EBADMSG);
		return false;
	}
	mem_deref(mb);		/* msg holds it */
	msg->src = flow.peer;
	msg->tp = flow.tp;
	mem_ref(stream);
	handler(&flow, msg, streams->handlers.arg);
	sipmsg_release(msg);
	/* the handler's own sending may have ended it */
	alive = mem_nrefs(stream) > 1;
	mem_deref(stream);
	return alive;
}

/* CRLFCRLF is a ping, CRLF its answer (RFC 5626 4.4.1). */
static void keep_alive(struct stream *stream, size_t bytes)
{
	struct mbuf *pong;

	if (!bytes)
		return;
	if (tmr_isrunning(&stream->pong)) {
		tmr_cancel(&stream->pong);
		stream->answers_pings = true;
	}
	pong = bytes >= 4 && stream->connected ? mbuf_alloc(2) : NULL;
	if (!pong)
		return;
	mbuf_write_str(pong, "\r\n");
	pong->pos = 0;
	tcp_send(stream->tcp, pong);
	mem_deref(pong);
}

/* What is there of a message now has to be the whole of it in time. */
static void mind_the_time(struct stream *stream)
{
	if (stream->framing.begun)
		tmr_start(&stream->timer, MESSAGE_MS, timed_out, stream);
	stream->framing.begun = false;
}

static void take(struct stream *stream, struct mbuf *mb)
{
	struct framing *framing = &stream->framing;
	const struct transport_handlers *handlers = &stream->streams->handlers;

	while (mbuf_get_left(mb) || framing->received) {
		bool there = mbuf_get_left(mb);
		struct mbuf *whole;
		int err = framing_feed(framing, mb);

		mind_the_time(stream);
		keep_alive(stream, framing->empty);
		framing->empty = 0;
		if (err) {
			broken(stream, err);
			return;
		}
		if (framing_is_large(framing)) {
			/* its client gets an answer, and keeps its connection */
			if (!hand_over(stream, framing_take_head(framing), handlers->large))
				return;
		} else if (framing_is_whole(framing)) {
			whole = framing_take(framing);
			if (!whole) {
				broken(stream, -ENOMEM);
				return;
			}
			mind_the_time(stream);
			if (!hand_over(stream, whole, handlers->recv))
				return;
		} else if (framing->received && !framing->received->end) {
			framing_wipe(framing);
		} else if (!there) {
			return;		/* the rest is on its way */
		}
	}
	rest(stream);
}

/* libre frees what it read as it is, and the stream may be gone by then. */
static void received(struct mbuf *mb, void *arg)
{
	take(arg, mb);
	OPENSSL_cleanse(mb->buf, mb->size);
}

static struct stream *stream_new(struct streams *streams, const struct flow *flow,
				 unsigned int most)
{
	struct stream *stream;

	if (streams->count[flow->side] >= most)
		return NULL;
	stream = mem_zalloc(sizeof(*stream), stream_destroy);
	if (!stream)
		return NULL;
	stream->streams = streams;
	stream->flow = *flow;
	tmr_init(&stream->timer);
	tmr_init(&stream->pong);
	list_append(&streams->list, &stream->le, stream);
	streams->count[flow->side]++;
	counter_more(COUNTER_CONNECTIONS, flow->side, flow->tp);
	return stream;
}

/* The context stays while the connection may ask it, whatever a reload brings. */
static int start_tls(struct stream *stream,
		     int (*start)(const struct siptls *tls, struct tls_conn **conn,
				  struct tcp_conn *tcp))
{
	stream->context = mem_ref(stream->streams->tls);
	return start(stream->context, &stream->tls, stream->tcp);
}

void streams_accept(struct streams *streams, const struct flow *flow, struct tcp_sock *socket)
{
	struct stream *stream = stream_new(streams, flow, CONNECTIONS_MAX - CONNECTIONS_OWN);

	if (!stream) {
		tell_closed(LOG_LEVEL_WARNING, flow, "there are too many");
		tcp_reject(socket);
		return;
	}
	if (tcp_accept(&stream->tcp, socket, flow->tp == SIP_TRANSP_TLS ? shook_hands : NULL,
		       received, closed, stream)) {
		mem_deref(stream);
		return;
	}
	tcp_conn_txqsz_set(stream->tcp, SEND_QUEUE_MAX);
	limit_silence(stream);
	if (flow->side == SIDE_INSIDE)
		look_after(stream);
	tmr_start(&stream->timer, MESSAGE_MS, timed_out, stream);
	/* TLS is established when its handshake is over, and TCP now */
	stream->connected = flow->tp != SIP_TRANSP_TLS;
	if (!stream->connected && start_tls(stream, siptls_serve))
		mem_deref(stream);
}

static struct stream *stream_find(const struct streams *streams, const struct flow *flow)
{
	struct le *le;

	LIST_FOREACH(&streams->list, le) {
		struct stream *stream = le->data;

		if (stream->flow.side == flow->side && stream->flow.tp == flow->tp &&
		    sa_cmp(&stream->flow.peer, &flow->peer, SA_ALL))
			return stream;
	}
	return NULL;
}

bool streams_connected(const struct streams *streams, const struct flow *to)
{
	return stream_find(streams, to);
}

bool streams_established(const struct streams *streams, const struct flow *to)
{
	const struct stream *stream = stream_find(streams, to);

	return stream && stream->connected;
}

/* Make a connection. */
static int stream_open(struct stream **out, struct streams *streams, const struct flow *to,
		       const struct sa *local, bool own)
{
	struct stream *stream;
	int err;

	/* a client over TLS proves nothing, and is not one to connect to */
	if (to->tp == SIP_TRANSP_TLS && to->side == SIDE_INSIDE)
		return -ENOTCONN;
	stream = stream_new(streams, to, CONNECTIONS_MAX - (own ? 0 : CONNECTIONS_OWN));
	if (!stream)
		return -EMFILE;
	err = -tcp_connect_bind(&stream->tcp, &to->peer, established, received, closed, local,
				stream);
	if (!err && to->tp == SIP_TRANSP_TLS)
		err = start_tls(stream, siptls_connect);
	if (err) {
		mem_deref(stream);
		return err;
	}
	tcp_conn_txqsz_set(stream->tcp, SEND_QUEUE_MAX);
	tmr_start(&stream->timer, CONNECT_MS, timed_out, stream);
	*out = stream;
	return 0;
}

static void no_pong(void *arg)
{
	struct stream *stream = arg;

	/* who never answered one may not know what it is */
	if (!stream->answers_pings)
		return;
	tell_closed(LOG_LEVEL_INFO, &stream->flow, "no answer to a keep-alive");
	stream_close(stream, -ECONNRESET);
}

int streams_ping(struct streams *streams, const struct flow *to, const struct sa *local)
{
	struct stream *stream = stream_find(streams, to);
	struct mbuf *mb;
	int err;

	if (!stream)
		return stream_open(&stream, streams, to, local, true);
	/* on its way already */
	if (!stream->connected)
		return 0;
	mb = mbuf_alloc(4);
	if (!mb)
		return -ENOMEM;
	mbuf_write_str(mb, "\r\n\r\n");
	mb->pos = 0;
	rest(stream);
	err = -tcp_send(stream->tcp, mb);
	mem_deref(mb);
	if (!err && !tmr_isrunning(&stream->pong))
		tmr_start(&stream->pong, PONG_MS, no_pong, stream);
	return err;
}

int streams_send(struct streams *streams, const struct flow *to, const struct sa *local,
		 bool own, struct mbuf *mb)
{
	struct stream *stream = stream_find(streams, to);
	int err;

	if (stream && stream->connected) {
		rest(stream);
		return -tcp_send(stream->tcp, mb);
	}
	if (!stream) {
		err = stream_open(&stream, streams, to, local, own);
		if (err)
			return err;
	}
	if (!stream->queue)
		stream->queue = mbuf_alloc(mbuf_get_left(mb));
	if (!stream->queue)
		return -ENOMEM;
	if (stream->queue->end + mbuf_get_left(mb) > SEND_QUEUE_MAX)
		return -ENOBUFS;
	return -mbuf_write_mem(stream->queue, mbuf_buf(mb), mbuf_get_left(mb));
}
