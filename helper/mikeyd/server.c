// SPDX-License-Identifier: GPL-2.0-or-later
/* Server transactions: RFC 3261 17.2 with the changes of RFC 4320 and RFC 6026. */
#include "helper/mikeyd/transaction.h"

#include <errno.h>
#include <string.h>

#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/sipmsg.h"

/*
 * Of each side, so that the network cannot keep the user from sending. Each is
 * remembered for Timer J, so this is 512 a second.
 */
#define SERVERS_MAX 16384
/* Of each side as well: what requests that have no answer yet, and answers, may hold. */
#define BYTES_MAX (64 * 1024 * 1024)
/* Timer F; a server that was not answered by then never will be. */
#define TIMER_F (64 * SIP_T1)
#define TIMER_J (64 * SIP_T1)
/* Timers H and L of an INVITE: until the ACK, or the last repeat of a 2xx. */
#define TIMER_H (64 * SIP_T1)
/* The client's Timer E is at T2 by then: now it may be told to wait (RFC 4320 4.1) */
#define TRYING_MS (7 * SIP_T1)

static void forget_msg(struct server *server)
{
	if (server->transactions)
		server->transactions->n_bytes[server->flow.side] -= server->size;
	server->size = 0;
	sipmsg_release(server->msg);
	server->msg = NULL;
}

static void forget_response(struct server *server)
{
	if (server->transactions)
		server->transactions->n_bytes[server->flow.side] -= server->response_size;
	server->response_size = 0;
	sipmsg_wipe(server->response);
	server->response = NULL;
}

static void server_destroy(void *data)
{
	struct server *server = data;

	deadline_cancel(&server->timer);
	deadline_cancel(&server->again);
	hash_unlink(&server->le);
	if (server->transactions)
		server->transactions->n_servers[server->flow.side]--;
	if (server->transactions)
		counter_less(COUNTER_TRANSACTIONS, server->flow.side, 0);
	forget_msg(server);
	mem_deref(server->key);
	mem_deref(server->via);
	forget_response(server);
}

/*
 * What tells retransmissions (17.2.3): branch, sent-by and method; for a client
 * that is older than RFC 3261 what its rules compare. ACK and CANCEL find their
 * INVITE with its method in place of theirs; To of an ACK has a tag that is not
 * in the INVITE.
 */
static int server_key(char **key, const struct flow *flow, const struct sip_msg *msg,
		      const struct pl *method)
{
	const struct sip_via *via = &msg->via;
	bool invite = !pl_strcmp(method, "INVITE");

	if (via->branch.l > 7 && !strncasecmp(via->branch.p, "z9hG4bK", 7))
		return -re_sdprintf(key, "%d %r %r %r", flow->side, &via->branch, &via->sentby,
				    method);
	return -re_sdprintf(key, "%d %r %r %r %u %r %r %r", flow->side, &msg->ruri,
			    &msg->from.tag, &msg->callid, msg->cseq.num, method,
			    invite ? &pl_null : &msg->to.tag, &via->val);
}

/* Fields that server_event() is given at most. */
#define FIELDS_MAX 12

void server_fields(const struct server *server, enum log_level level, const char *event,
		   const struct log_field *fields)
{
	struct log_field all[3 + FIELDS_MAX + 1] = {
		log_text("txn", server->txn),
		log_text("method", server->method),
		log_text("side", side_name(server->flow.side)),
	};

	for (size_t i = 0; i < FIELDS_MAX && fields[i].key; i++)
		all[3 + i] = fields[i];
	log_fields(level, event, all);
}

#define PLACE_SIZE 80

/* As a setting has it: "tcp:192.0.2.1:5060" */
static void write_place(char place[PLACE_SIZE], const struct flow *flow)
{
	re_snprintf(place, PLACE_SIZE, "%s:%J", flow->tp == SIP_TRANSP_UDP ? "udp" :
		    flow->tp == SIP_TRANSP_TCP ? "tcp" : "tls", &flow->peer);
}

void server_forwarded(const struct server *server, const struct flow *to, const char *branch)
{
	char place[PLACE_SIZE];

	if (!log_is_on(LOG_LEVEL_DEBUG))
		return;
	write_place(place, to);
	server_event(server, DEBUG, "forwarded", log_text("to", place), log_text("branch", branch));
}

static void tell_new(const struct server *server)
{
	const struct sip_msg *msg = server->msg;
	char place[PLACE_SIZE];

	if (!log_is_on(LOG_LEVEL_DEBUG))
		return;
	write_place(place, &server->flow);
	server_event(server, DEBUG, "received", log_text("from", place),
		     log_bytes("uri", msg->ruri.p, msg->ruri.l),
		     log_bytes("sender", msg->from.auri.p, msg->from.auri.l),
		     log_bytes("call-id", msg->callid.p, msg->callid.l));
}

static bool server_is(struct le *le, void *arg)
{
	const struct server *server = le->data;

	return !strcmp(server->key, arg);
}

static struct server *find(struct transactions *transactions, const struct flow *flow,
			   const struct sip_msg *msg, const struct pl *method)
{
	struct le *le;
	char *key;

	if (server_key(&key, flow, msg, method))
		return NULL;
	le = hash_lookup(transactions->servers, hash_joaat_str(key), server_is, key);
	mem_deref(key);
	return le ? le->data : NULL;
}

static void start(struct server *server, struct deadline *deadline, uint32_t ms, tmr_h *handler)
{
	deadline_start(server->transactions->deadlines, deadline, ms, handler, server);
}

static void server_expire(void *arg)
{
	struct server *server = arg;

	mem_deref(server);
}

/* On the connection of the request; to who is inside on no other one, which has no owner yet */
static void send_to_sender(struct server *server, struct mbuf *mb)
{
	struct transport *transport = server->transactions->transport;
	struct flow to = server->flow;
	int err;

	if (to.tp == SIP_TRANSP_UDP ||
	    (to.side == SIDE_OUTSIDE && !transport_connected(transport, &to)))
		sa_set_port(&to.peer, server->reply_port);
	mb->pos = 0;
	err = transport_answer(transport, &to, mb);
	if (err)
		server_event(server, INFO, "response-lost", log_text("reason", strerror(-err)));
}

bool server_absorb(struct transactions *transactions, const struct flow *flow,
		   const struct sip_msg *msg)
{
	struct server *server = find(transactions, flow, msg, &msg->met);

	if (!server)
		return false;
	counter_more(COUNTER_RETRANSMISSIONS, flow->side, 0);
	/* a 2xx is repeated by who sent it, until there is an ACK */
	if (server->response && !server->accepted)
		send_to_sender(server, server->response);
	return true;
}

static const struct pl invite_method = PL("INVITE");

struct server *server_invited(struct transactions *transactions, const struct flow *flow,
			      const struct sip_msg *msg)
{
	return find(transactions, flow, msg, &invite_method);
}

bool server_acknowledged(struct transactions *transactions, const struct flow *flow,
			 const struct sip_msg *msg)
{
	struct server *server = find(transactions, flow, msg, &invite_method);

	if (!server || server->accepted)
		return false;
	if (!server->final)
		return true;
	/* Timer I: more ACKs may come over UDP */
	deadline_cancel(&server->again);
	start(server, &server->timer, server->flow.tp == SIP_TRANSP_UDP ? SIP_T4 : 0,
	      server_expire);
	return true;
}

static void say_trying(void *arg)
{
	struct server *server = arg;

	if (!server->response)
		server_respond(server, 100, "Trying", NULL);
}

static void count_new(const struct transactions *transactions, enum side side,
		      const struct sip_msg *msg)
{
	uint64_t now = transactions->n_servers[side];

	counter_more(COUNTER_REQUESTS_RECEIVED, side, counter_method(&msg->met));
	counter_more(COUNTER_TRANSACTIONS, side, 0);
	if (now > counter_get(COUNTER_TRANSACTIONS_MOST, side, 0))
		counter_set(COUNTER_TRANSACTIONS_MOST, side, 0, now);
}

int server_new(struct server **out, struct transactions *transactions,
	       const struct flow *flow, struct sip_msg *msg)
{
	struct server *server;
	int err;

	*out = NULL;
	if (transactions->n_servers[flow->side] >= SERVERS_MAX ||
	    transactions->n_bytes[flow->side] + msg->mb->size > BYTES_MAX)
		return -EMFILE;
	server = mem_zalloc(sizeof(*server), server_destroy);
	if (!server)
		return -ENOMEM;
	server->transactions = transactions;
	server->flow = *flow;
	server->reply_port = sipmsg_reply_port(msg);
	server->invite = sipmsg_is(msg, "INVITE");
	transactions->n_servers[flow->side]++;
	count_new(transactions, flow->side, msg);
	server->msg = mem_ref(msg);
	server->since = tmr_jiffies();
	txn_of(server->txn, msg);
	re_snprintf(server->method, sizeof(server->method), "%r", &msg->met);
	server->size = msg->mb->size;
	transactions->n_bytes[flow->side] += server->size;
	rand_str(server->tag, sizeof(server->tag));
	err = server_key(&server->key, flow, msg, &msg->met) ?:
		sipmsg_received_via(&server->via, msg);
	if (err) {
		mem_deref(server);
		return -ENOMEM;
	}
	hash_append(transactions->servers, hash_joaat_str(server->key), &server->le, server);
	/* how long an INVITE may ring is the client transaction's business */
	if (!server->invite) {
		start(server, &server->timer, 2 * TIMER_F, server_expire);
		start(server, &server->again, TRYING_MS, say_trying);
	}
	tell_new(server);
	*out = server;
	return 0;
}

/* Timer G: a final response that is no 2xx, until its ACK is there. */
static void repeat(void *arg)
{
	struct server *server = arg;

	server->interval *= 2;
	if (server->interval > SIP_T2)
		server->interval = SIP_T2;
	start(server, &server->again, server->interval, repeat);
	send_to_sender(server, server->response);
}

/* The last state: what comes again is absorbed, and answered as it was. */
static void complete(struct server *server, uint16_t code)
{
	server->final = true;
	server_event(server, DEBUG, "answered", log_number("status", code),
		     log_number("ms", tmr_jiffies() - server->since));
	deadline_cancel(&server->again);
	/* its text is no longer needed, and SERVERS_MAX of them would be a lot */
	forget_msg(server);
	server->accepted = server->invite && code < 300;
	if (server->invite && !server->accepted && server->flow.tp == SIP_TRANSP_UDP) {
		server->interval = SIP_T1;
		start(server, &server->again, server->interval, repeat);
	}
	/* over TCP nothing is sent twice, yet a proxy may repeat over UDP */
	start(server, &server->timer, server->invite ? TIMER_H : TIMER_J, server_expire);
}

void server_relay(struct server *server, uint16_t code, struct mbuf *mb)
{
	if (server->final) {
		if (server->accepted && code / 100 == 2)
			send_to_sender(server, mb);
		sipmsg_wipe(mb);
		return;
	}
	forget_response(server);
	server->response = mb;
	server->response_size = mb->size;
	server->transactions->n_bytes[server->flow.side] += mb->size;
	counter_more(COUNTER_RESPONSES_SENT, server->flow.side, code / 100);
	send_to_sender(server, mb);
	if (code >= 200)
		complete(server, code);
}

void server_respond(struct server *server, uint16_t code, const char *reason,
		    const char *headers)
{
	struct mbuf *mb;

	if (server->final)
		return;
	mb = mbuf_alloc(1024);
	if (!mb || sipmsg_respond(mb, server->msg, server->via, server->tag, code, reason,
				  headers)) {
		mem_deref(mb);
		return;
	}
	server_relay(server, code, mb);
}
