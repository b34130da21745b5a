// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens to a message that arrived. */
#include "helper/mikeyd/proxy.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "helper/mikeyd/branch.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/immediate.h"
#include "helper/mikeyd/incoming.h"
#include "helper/mikeyd/listserver.h"
#include "helper/mikeyd/outgoing.h"
#include "helper/mikeyd/owner.h"
#include "helper/mikeyd/queue.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/standing.h"
#include "helper/mikeyd/token.h"

/* A request that was sent on with a client transaction. */
struct relay {
	struct mikeyd *mikeyd;
	struct server *server;
	bool new_from;		/* its From was changed on the way */
	proxy_done_h *done;
	void *arg;
};

static void relay_destroy(void *data)
{
	struct relay *relay = data;

	mem_deref(relay->server);
}

void proxy_refuse(struct mikeyd *mikeyd, struct server *server, uint16_t code,
		  const char *reason, unsigned int retry, const char *words)
{
	char headers[600] = "", quoted[400];
	size_t at = 0;

	if (retry)
		at = snprintf(headers, sizeof(headers), "Retry-After: %u\r\n",
			      retry > mikeyd->config->retry_after ? retry :
			      mikeyd->config->retry_after);
	if (words) {
		server_event(server, INFO, "own-answer", log_number("status", code),
			     log_text("reason", words));
		/* quoted-string: no quotation marks, no line ends */
		snprintf(quoted, sizeof(quoted), "%s", words);
		for (char *c = quoted; *c; c++)
			if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20)
				*c = '\'';
		/* the network is not told what failed, and how */
		if (server->flow.side == SIDE_INSIDE)
			snprintf(headers + at, sizeof(headers) - at,
				 "Warning: 399 mikeyd \"%s\"\r\n", quoted);
	}
	server_respond(server, code, reason, headers);
}

/* A registrar that does not know Path sends nothing this way. */
static void check_path(const struct sip_msg *msg)
{
	static bool told;
	char txn[TXN_SIZE];

	if (told || !sipmsg_is(msg, "REGISTER") || msg->scode / 100 != 2 ||
	    sip_msg_hdr(msg, SIP_HDR_PATH))
		return;
	told = true;
	txn_of(txn, msg);
	log_event(WARNING, "no-path", log_text("txn", txn),
		  log_bytes("user", msg->to.auri.p, msg->to.auri.l),
		  log_text("reason", "without RFC 3327 messages may not come this way"));
}

void proxy_relay(struct mikeyd *mikeyd, struct server *server, int err,
		 const struct sip_msg *msg, const char *from)
{
	struct sip_pass pass = { .msg = msg, .pop_via = true, .from = from };
	struct mbuf *mb;

	if (err == -ETIMEDOUT && server->invite) {
		proxy_refuse(mikeyd, server, 408, "Request Timeout", false,
			     "nobody answered the call");
	} else if (err == -ETIMEDOUT) {
		/*
		 * A timeout is not told: the sender's own timer ran out as
		 * well (RFC 4320 4.2).
		 */
		server_event(server, INFO, "no-answer", log_text("reason", "nothing came in time"));
	} else if (err) {
		proxy_refuse(mikeyd, server, 503, "Service Unavailable", true,
			     err == -ECANCELED ? "mikeyd is ending" :
			     server->flow.side == SIDE_INSIDE ?
			     "the next SIP hop cannot be reached" :
			     "the user's client cannot be reached");
	} else {
		if (sipmsg_is(msg, "MESSAGE"))
			pass.dropped = immediate_dropped(mikeyd, user_only(mikeyd),
							 server->flow.side, msg);
		mb = mbuf_alloc(2048 + mbuf_get_left(msg->mb));
		if (mb && !sipmsg_write(mb, &pass))
			server_relay(server, msg->scode, mb);
		else
			mem_deref(mb);
	}
}

static void relay_response(int err, const struct sip_msg *msg, void *arg)
{
	struct relay *relay = arg;
	bool final = err || msg->scode >= 200;
	char *from = NULL;

	if (err == -ESHUTDOWN) {
		mem_deref(relay);
		return;
	}
	/* a 100 is for the next hop only (16.7 step 5) */
	if (!err && msg->scode == 100)
		return;
	if (!err && msg->scode == 408 && !relay->server->invite)
		err = -ETIMEDOUT;
	if (!err)
		check_path(msg);
	if (!err && relay->new_from)
		re_sdprintf(&from, "%r", &relay->server->msg->from.val);
	/* what is remembered of it must not be less than what was said */
	if (relay->done && final)
		relay->done(err ? 0 : msg->scode, relay->arg);
	proxy_relay(relay->mikeyd, relay->server, err, msg, from);
	mem_deref(from);
	if (!msg || (final && !relay->server->invite))
		mem_deref(relay);
}

void proxy_forward(struct mikeyd *mikeyd, struct server *server, struct route *route,
		   const struct sip_pass *changes, proxy_done_h *done, void *arg)
{
	struct sip_pass pass = changes ? *changes : (struct sip_pass){ 0 };
	struct relay *relay = mem_zalloc(sizeof(*relay), relay_destroy);
	char branch[BRANCH_SIZE];
	struct mbuf *mb = NULL;
	int err = -ENOMEM;

	if (relay) {
		relay->mikeyd = mikeyd;
		relay->server = mem_ref(server);
		relay->new_from = pass.from;
		relay->done = done;
		relay->arg = arg;
		pass.msg = server->msg;
		pass.received_via = server->via;
		branch_write(branch, &server->flow, server->msg);
		re_snprintf(server->branch, sizeof(server->branch), "%s", branch);
		err = route_write(mikeyd, route, &pass, branch, &mb);
	}
	if (!err)
		server_forwarded(server, &route->to, branch);
	if (!err)
		err = client_send(mikeyd->transactions, &route->to, branch, &server->msg->met,
				  mb, relay_response, relay);
	sipmsg_wipe(mb);
	if (!err)
		return;
	mem_deref(relay);
	if (err == -EMSGSIZE)
		proxy_refuse(mikeyd, server, 513, "Message Too Large", false,
			     "too large for the way it has to go");
	else
		proxy_refuse(mikeyd, server, 503, "Service Unavailable", true, strerror(-err));
	if (done)
		done(0, arg);
}

/* ---- without a transaction: what cannot have one, and the ACK of a 2xx */

static void stateless_refuse(struct mikeyd *mikeyd, const struct flow *flow,
			     const struct sip_msg *msg, struct refusal refusal)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct flow to = *flow;
	char tag[17], *via = NULL;

	if (to.tp == SIP_TRANSP_UDP)
		sa_set_port(&to.peer, sipmsg_reply_port(msg));
	if (!sipmsg_is(msg, "ACK") && mb && !sipmsg_received_via(&via, msg)) {
		token_hash(tag, via);
		if (!sipmsg_respond(mb, msg, via, tag, refusal.code, refusal.reason, NULL))
			transport_answer(mikeyd->transport, &to, mb);
	}
	mem_deref(via);
	mem_deref(mb);
}

static void pass_ack(struct mikeyd *mikeyd, const struct flow *flow,
		     const struct sip_msg *msg)
{
	struct sip_pass pass = { .msg = msg };
	char branch[BRANCH_SIZE], *via = NULL;
	struct mbuf *mb = NULL;
	struct route route;

	if (route_request(mikeyd, flow, msg, &route).code || sipmsg_received_via(&via, msg))
		return;
	branch_write(branch, flow, msg);
	pass.received_via = via;
	if (!route_write(mikeyd, &route, &pass, branch, &mb)) {
		counter_more(COUNTER_REQUESTS_SENT, route.to.side, counter_method(&msg->met));
		transport_send(mikeyd->transport, &route.to, mb);
	}
	sipmsg_wipe(mb);
	mem_deref(via);
}

/* ---- everything that arrives */

static void got_response(struct mikeyd *mikeyd, const struct sip_msg *msg)
{
	struct pl host, port = PL_INIT;

	if (uri_decode_hostport(&msg->via.sentby, &host, &port) ||
	    !transport_is_local(mikeyd->transport, &host, pl_u32(&port)))
		return;		/* 16.7 step 3: not ours */
	/* without a transaction it goes nowhere (RFC 6026 7.3) */
	client_response(mikeyd->transactions, msg);
}

/* A CANCEL ends here if its INVITE is known (16.10), and passes if not. */
static bool cancels(struct mikeyd *mikeyd, struct server *server)
{
	struct server *invited;

	if (!sipmsg_is(server->msg, "CANCEL"))
		return false;
	invited = server_invited(mikeyd->transactions, &server->flow, server->msg);
	if (!invited)
		return false;
	/* before the answer, which the request does not outlive */
	client_cancel(mikeyd->transactions, invited->branch, server->msg);
	server_respond(server, 200, "OK", NULL);
	return true;
}

static void no_way(struct mikeyd *mikeyd, struct server *server, struct refusal refusal,
		   const struct route *route)
{
	if (!*route->headers) {
		proxy_refuse(mikeyd, server, refusal.code, refusal.reason, false, route->words);
		return;
	}
	if (route->words)
		server_event(server, INFO, "own-answer", log_number("status", refusal.code),
			     log_text("reason", route->words));
	server_respond(server, refusal.code, refusal.reason, route->headers);
}

/* An OPTIONS that asks mikeyd itself: a proxy allows all methods (11.2) */
static void answer_options(struct server *server)
{
	server_respond(server, 200, "OK",
		       "Accept: */*\r\nSupported: path, outbound\r\nServer: mikeyd\r\n");
}

static void pass_request(struct mikeyd *mikeyd, struct server *server, struct route *route)
{
	/* so that it is not sent again until somebody rings (16.2) */
	if (server->invite)
		server_respond(server, 100, "Trying", NULL);
	proxy_forward(mikeyd, server, route, NULL, NULL, NULL);
}

/* A strict router puts our Record-Route URI where the Request-URI was (16.4). */
static void undo_strict(const struct mikeyd *mikeyd, struct sip_msg *msg)
{
	static const struct pl lr = PL("lr");
	struct pl value;

	if (!uri_param_get(&msg->uri.params, &lr, &value) &&
	    transport_is_local(mikeyd->transport, &msg->uri.host, msg->uri.port))
		sipmsg_unstrict(msg);
}

/* Whose keys and policy would it be? */
static void message_of_nobody(struct mikeyd *mikeyd, struct server *server)
{
	if (server->flow.side == SIDE_INSIDE)
		proxy_refuse(mikeyd, server, 403, "Forbidden", false,
			     "From is no identity of a user");
	else
		proxy_refuse(mikeyd, server, 404, "Not Found", false,
			     "a message for nobody here");
}

static void got_request(struct mikeyd *mikeyd, const struct flow *flow, struct sip_msg *msg)
{
	const struct list_server *list;
	struct refusal refusal;
	struct server *server;
	struct route route;

	undo_strict(mikeyd, msg);
	if (sipmsg_is(msg, "ACK")) {
		counter_more(COUNTER_REQUESTS_RECEIVED, flow->side, counter_method(&msg->met));
		if (!server_acknowledged(mikeyd->transactions, flow, msg))
			pass_ack(mikeyd, flow, msg);
		return;
	}
	if (server_absorb(mikeyd->transactions, flow, msg))
		return;
	if (server_new(&server, mikeyd->transactions, flow, msg)) {
		counter_more(COUNTER_DROPPED, flow->side, DROPPED_OVERLOAD);
		stateless_refuse(mikeyd, flow, msg,
				 (struct refusal){ 503, "Service Unavailable" });
		return;
	}
	if (cancels(mikeyd, server))
		return;
	refusal = route_request(mikeyd, flow, msg, &route);
	list = flow->side == SIDE_OUTSIDE ? listserver_find(mikeyd, msg, NULL) : NULL;
	if (refusal.code)
		no_way(mikeyd, server, refusal, &route);
	else if (route.asks_us)
		answer_options(server);
	else if (sipmsg_is(msg, "MESSAGE") && immediate_expired(msg, time(NULL)))
		proxy_refuse(mikeyd, server, 400, "Message Expired", false,
			     "Expires and Date say that the message's time is over");
	else if (!sipmsg_is(msg, "MESSAGE"))
		pass_request(mikeyd, server, &route);
	else if (!route.user)
		message_of_nobody(mikeyd, server);
	else if (flow->side == SIDE_INSIDE)
		outgoing_message(route.user, server, &route);
	else if (list)
		listserver_message(route.user, server, &route, list);
	else
		incoming_message(route.user, server, &route);
}

/* From inside only clients may send, and those of this machine's other users not. */
static bool accepts(const struct flow *flow, void *arg)
{
	struct mikeyd *mikeyd = arg;
	const struct sa *local;

	if (flow->side == SIDE_OUTSIDE)
		return true;
	local = transport_local(mikeyd->transport, flow);
	return local && route_is_client(mikeyd, &flow->peer) &&
		owner_allows(mikeyd->owner, NULL, flow, local);
}

static void tell_dropped(enum log_level level, const struct flow *flow,
			 const struct sip_msg *msg, const char *reason)
{
	char txn[TXN_SIZE], peer[80];

	txn_of(txn, msg);
	re_snprintf(peer, sizeof(peer), "%J", &flow->peer);
	log_fields(level, "dropped", (const struct log_field[]){
		log_text("txn", txn),
		log_bytes("method", msg->req ? msg->met.p : msg->cseq.met.p,
			  msg->req ? msg->met.l : msg->cseq.met.l),
		log_text("side", side_name(flow->side)),
		log_text("from", peer),
		log_text("reason", reason),
		{ 0 }
	});
}

static void received(const struct flow *flow, struct sip_msg *msg, void *arg)
{
	struct mikeyd *mikeyd = arg;
	uint16_t fault;

	if (flow->side == SIDE_OUTSIDE)
		queue_hop_alive(mikeyd);
	/* a TCP connection was asked when it was accepted */
	if (flow->tp == SIP_TRANSP_UDP && !accepts(flow, mikeyd)) {
		counter_more(COUNTER_DROPPED, flow->side, DROPPED_STRANGER);
		tell_dropped(LOG_LEVEL_WARNING, flow, msg, "it is from somebody who is no client");
		return;
	}
	fault = sipmsg_fault(msg);
	if (fault) {
		counter_more(COUNTER_DROPPED, flow->side, DROPPED_MALFORMED);
		tell_dropped(LOG_LEVEL_INFO, flow, msg, "it is malformed");
		if (msg->req && pl_isset(&msg->via.val))
			stateless_refuse(mikeyd, flow, msg,
					 fault == 505 ?
					 (struct refusal){ 505, "Version Not Supported" } :
					 (struct refusal){ 400, "Bad Request" });
	} else if (msg->req) {
		got_request(mikeyd, flow, msg);
	} else {
		got_response(mikeyd, msg);
	}
}

static void received_large(const struct flow *flow, struct sip_msg *msg, void *arg)
{
	counter_more(COUNTER_DROPPED, flow->side, DROPPED_LARGE);
	tell_dropped(LOG_LEVEL_INFO, flow, msg, "it is too large");
	if (msg->req && pl_isset(&msg->via.sentby))
		stateless_refuse(arg, flow, msg,
				 (struct refusal){ 413, "Request Entity Too Large" });
}

static void failed(const struct flow *flow, int err, void *arg)
{
	struct mikeyd *mikeyd = arg;

	/* first: what is sent once more makes the new connection itself */
	standing_lost(mikeyd->standing, flow);
	client_failed(mikeyd->transactions, flow, err);
}

struct transport_handlers proxy_handlers(struct mikeyd *mikeyd)
{
	return (struct transport_handlers){
		.recv = received,
		.large = received_large,
		.fail = failed,
		.accept = accepts,
		.arg = mikeyd,
	};
}
