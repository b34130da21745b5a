// SPDX-License-Identifier: GPL-2.0-or-later
/* Non-INVITE transactions, both kinds. */
#include "helper/mikeyd/transaction.h"

#include <errno.h>
#include <string.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/sipmsg.h"

/* Of each side, so that the network cannot keep the user from sending. */
#define SERVERS_MAX 4096
/* Of each side as well: what requests that have no answer yet may hold. */
#define BYTES_MAX (64 * 1024 * 1024)
/* Timer F; a server that was not answered by then never will be. */
#define TIMER_F (64 * SIP_T1)
#define TIMER_J (64 * SIP_T1)
/* The buckets; a power of two. */
#define BUCKETS 1024

struct transactions {
	struct transport *transport;
	struct hash *servers, *clients;
	unsigned int n_servers[SIDES];
	size_t n_bytes[SIDES];
};

struct client {
	struct le le;
	struct transactions *transactions;
	struct flow to;
	char *key;
	struct mbuf *request;
	client_response_h *handler;
	void *arg;
	struct tmr again, end;
	uint32_t interval;
};

static void transactions_destroy(void *data)
{
	struct transactions *transactions = data;

	hash_flush(transactions->servers);
	hash_flush(transactions->clients);
	mem_deref(transactions->servers);
	mem_deref(transactions->clients);
}

int transactions_alloc(struct transactions **out, struct transport *transport)
{
	struct transactions *transactions = mem_zalloc(sizeof(*transactions),
						       transactions_destroy);

	if (!transactions)
		return -ENOMEM;
	transactions->transport = transport;
	if (hash_alloc(&transactions->servers, BUCKETS) ||
	    hash_alloc(&transactions->clients, BUCKETS)) {
		mem_deref(transactions);
		return -ENOMEM;
	}
	*out = transactions;
	return 0;
}

/* ---- server */

static void forget_msg(struct server *server)
{
	if (server->transactions)
		server->transactions->n_bytes[server->flow.side] -= server->size;
	server->size = 0;
	sipmsg_release(server->msg);
	server->msg = NULL;
}

static void server_destroy(void *data)
{
	struct server *server = data;

	tmr_cancel(&server->timer);
	hash_unlink(&server->le);
	if (server->transactions)
		server->transactions->n_servers[server->flow.side]--;
	forget_msg(server);
	mem_deref(server->key);
	mem_deref(server->via);
	sipmsg_wipe(server->response);
}

/*
 * What tells retransmissions (17.2.3): branch, sent-by and method; for a client
 * that is older than RFC 3261 what its rules compare.
 */
static int server_key(char **key, const struct flow *flow, const struct sip_msg *msg)
{
	const struct sip_via *via = &msg->via;

	if (via->branch.l > 7 && !strncasecmp(via->branch.p, "z9hG4bK", 7))
		return -re_sdprintf(key, "%d %r %r %r", flow->side, &via->branch, &via->sentby,
				    &msg->met);
	return -re_sdprintf(key, "%d %r %r %r %u %r %r %r", flow->side, &msg->ruri,
			    &msg->from.tag, &msg->callid, msg->cseq.num, &msg->met,
			    &msg->to.tag, &via->val);
}

static bool server_is(struct le *le, void *arg)
{
	const struct server *server = le->data;

	return !strcmp(server->key, arg);
}

static void server_expire(void *arg)
{
	struct server *server = arg;

	mem_deref(server);
}

static void server_send(struct server *server)
{
	int err;

	server->response->pos = 0;
	err = transport_send(server->transactions->transport, &server->flow,
			     server->response);
	if (err)
		log_info("a response could not be sent: %s", strerror(-err));
}

bool server_absorb(struct transactions *transactions, const struct flow *flow,
		   const struct sip_msg *msg)
{
	struct server *server;
	struct le *le;
	char *key;

	if (server_key(&key, flow, msg))
		return true;
	le = hash_lookup(transactions->servers, hash_joaat_str(key), server_is, key);
	mem_deref(key);
	if (!le)
		return false;
	server = le->data;
	if (server->response)
		server_send(server);
	return true;
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
	transactions->n_servers[flow->side]++;
	server->msg = mem_ref(msg);
	server->size = msg->mb->size;
	transactions->n_bytes[flow->side] += server->size;
	tmr_init(&server->timer);
	rand_str(server->tag, sizeof(server->tag));
	err = server_key(&server->key, flow, msg) ?: sipmsg_received_via(&server->via, msg);
	if (err) {
		mem_deref(server);
		return -ENOMEM;
	}
	hash_append(transactions->servers, hash_joaat_str(server->key), &server->le, server);
	tmr_start(&server->timer, 2 * TIMER_F, server_expire, server);
	*out = server;
	return 0;
}

void server_relay(struct server *server, uint16_t code, struct mbuf *mb)
{
	if (server->final) {
		sipmsg_wipe(mb);
		return;
	}
	sipmsg_wipe(server->response);
	server->response = mb;
	server_send(server);
	if (code < 200)
		return;
	server->final = true;
	/* its text is no longer needed, and 4096 of them would be a lot */
	forget_msg(server);
	/* over TCP nothing is sent twice, yet a proxy may repeat over UDP */
	tmr_start(&server->timer, TIMER_J, server_expire, server);
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

/* ---- client */

static void client_destroy(void *data)
{
	struct client *client = data;

	tmr_cancel(&client->again);
	tmr_cancel(&client->end);
	hash_unlink(&client->le);
	mem_deref(client->key);
	sipmsg_wipe(client->request);
}

static bool client_is(struct le *le, void *arg)
{
	const struct client *client = le->data;

	return !strcmp(client->key, arg);
}

/* Tell the end of it, once. */
static void client_end(struct client *client, int err, const struct sip_msg *msg)
{
	client_response_h *handler = client->handler;
	void *arg = client->arg;

	mem_deref(client);
	handler(err, msg, arg);
}

static void client_timeout(void *arg)
{
	client_end(arg, -ETIMEDOUT, NULL);
}

/* Timer E: doubled up to T2, and T2 once a provisional response was seen. */
static void client_again(void *arg)
{
	struct client *client = arg;

	client->interval *= 2;
	if (client->interval > SIP_T2)
		client->interval = SIP_T2;
	tmr_start(&client->again, client->interval, client_again, client);
	client->request->pos = 0;
	transport_send(client->transactions->transport, &client->to, client->request);
}

int client_send(struct transactions *transactions, const struct flow *to, const char *branch,
		const struct pl *method, struct mbuf *mb, client_response_h *handler, void *arg)
{
	struct client *client = mem_zalloc(sizeof(*client), client_destroy);
	int err;

	if (!client)
		return -ENOMEM;
	client->transactions = transactions;
	client->to = *to;
	client->request = mem_ref(mb);
	client->handler = handler;
	client->arg = arg;
	client->interval = SIP_T1;
	tmr_init(&client->again);
	tmr_init(&client->end);
	if (re_sdprintf(&client->key, "%s %r", branch, method)) {
		mem_deref(client);
		return -ENOMEM;
	}
	hash_append(transactions->clients, hash_joaat_str(client->key), &client->le, client);
	tmr_start(&client->end, TIMER_F, client_timeout, client);
	if (to->tp == SIP_TRANSP_UDP)
		tmr_start(&client->again, client->interval, client_again, client);
	mb->pos = 0;
	err = transport_send(transactions->transport, to, mb);
	if (err)
		mem_deref(client);
	return err;
}

bool client_response(struct transactions *transactions, const struct sip_msg *msg)
{
	struct client *client;
	struct le *le;
	char *key;

	if (re_sdprintf(&key, "%r %r", &msg->via.branch, &msg->cseq.met))
		return false;
	le = hash_lookup(transactions->clients, hash_joaat_str(key), client_is, key);
	mem_deref(key);
	if (!le)
		return false;
	client = le->data;
	if (msg->scode >= 200) {
		client_end(client, 0, msg);
		return true;
	}
	client->interval = SIP_T2;
	client->handler(0, msg, client->arg);
	return true;
}

static bool any_client(struct le *le, void *arg)
{
	(void)le;
	(void)arg;
	return true;
}

void transactions_stop(struct transactions *transactions)
{
	struct le *le;

	if (!transactions)
		return;
	while ((le = hash_apply(transactions->clients, any_client, NULL)))
		client_end(le->data, -ECANCELED, NULL);
}

/* The first client on a lost flow; each one's handler may change the table. */
static bool client_on(struct le *le, void *arg)
{
	const struct client *client = le->data;
	const struct flow *flow = arg;

	return client->to.side == flow->side && client->to.tp == flow->tp &&
		sa_cmp(&client->to.peer, &flow->peer, SA_ALL);
}

void client_failed(struct transactions *transactions, const struct flow *flow, int err)
{
	struct flow lost = *flow;
	struct le *le;

	while ((le = hash_apply(transactions->clients, client_on, &lost)))
		client_end(le->data, err, NULL);
}
