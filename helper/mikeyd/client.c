// SPDX-License-Identifier: GPL-2.0-or-later
/* Client transactions: RFC 3261 17.1 with the changes of RFC 6026. */
#include "helper/mikeyd/transaction.h"

#include <errno.h>
#include <string.h>

#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/sipmsg.h"

/* Timers B, F and M; and what is waited for the end of a cancelled INVITE. */
#define TIMER_F (64 * SIP_T1)
/* Timer C: more than three minutes (16.6 step 11). */
#define TIMER_C (200 * 1000)
/* Timer D: at least 32 s */
#define TIMER_D (32 * 1000)

struct client {
	struct le le;
	struct transactions *transactions;
	struct flow to;
	char *branch;
	char *key;
	struct mbuf *request;
	client_response_h *handler;
	void *arg;
	struct deadline again, end;
	uint32_t interval;
	bool retried;			/* on a second connection */
	bool invite;
	bool answered;			/* a provisional response came ... */
	bool called;			/* ... which is no 100: somebody is being called */
	bool cancelled;
	char *reason;			/* why, or NULL */
	bool final, refused;		/* an INVITE */
	struct mbuf *ack;
};

static void client_destroy(void *data)
{
	struct client *client = data;

	deadline_cancel(&client->again);
	deadline_cancel(&client->end);
	hash_unlink(&client->le);
	mem_deref(client->branch);
	mem_deref(client->key);
	sipmsg_wipe(client->request);
	mem_deref(client->ack);
	mem_deref(client->reason);
}

static bool client_is(struct le *le, void *arg)
{
	const struct client *client = le->data;

	return !strcmp(client->key, arg);
}

static struct client *find(struct transactions *transactions, const char *branch,
			   const struct pl *method)
{
	struct le *le;
	char *key;

	if (re_sdprintf(&key, "%s %r", branch, method))
		return NULL;
	le = hash_lookup(transactions->clients, hash_joaat_str(key), client_is, key);
	mem_deref(key);
	return le ? le->data : NULL;
}

/* Tell the end of it, once. */
static void client_end(struct client *client, int err, const struct sip_msg *msg)
{
	client_response_h *handler = client->handler;
	void *arg = client->arg;

	mem_deref(client);
	handler(err, msg, arg);
}

static void start(struct client *client, struct deadline *deadline, uint32_t ms, tmr_h *handler)
{
	deadline_start(client->transactions->deadlines, deadline, ms, handler, client);
}

static int transmit(struct client *client, struct mbuf *mb)
{
	mb->pos = 0;
	return transport_send(client->transactions->transport, &client->to, mb);
}

static void nobody_waits(int err, const struct sip_msg *msg, void *arg)
{
	(void)err;
	(void)msg;
	(void)arg;
}

/* The CANCEL is a transaction of its own; its answer is of no interest. */
static void send_cancel(struct client *client)
{
	static const struct pl method = PL("CANCEL");
	struct mbuf *mb = mbuf_alloc(1024);

	if (mb && !sipmsg_hop(mb, client->request, "CANCEL", NULL, client->reason))
		client_send(client->transactions, &client->to, client->branch, &method, mb,
			    nobody_waits, NULL);
	mem_deref(mb);
}

static void client_timeout(void *arg);

/* Not before a provisional response: until then it could overtake the INVITE (9.1) */
static void cancel(struct client *client)
{
	client->cancelled = true;
	if (!client->answered)
		return;
	start(client, &client->end, TIMER_F, client_timeout);
	send_cancel(client);
}

static void client_timeout(void *arg)
{
	struct client *client = arg;

	if (client->final)
		client_end(client, -ESHUTDOWN, NULL);
	else if (client->answered && client->invite && !client->cancelled)
		cancel(client);
	else
		client_end(client, -ETIMEDOUT, NULL);
}

/*
 * Timer E: doubled up to T2, and T2 once a provisional response was seen; of an
 * INVITE Timer A, without that limit, until then.
 */
static void client_again(void *arg)
{
	struct client *client = arg;

	client->interval *= 2;
	if (client->interval > SIP_T2 && !client->invite)
		client->interval = SIP_T2;
	start(client, &client->again, client->interval, client_again);
	transmit(client, client->request);
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
	client->invite = !pl_strcmp(method, "INVITE");
	if (re_sdprintf(&client->branch, "%s", branch) ||
	    re_sdprintf(&client->key, "%s %r", branch, method)) {
		mem_deref(client);
		return -ENOMEM;
	}
	hash_append(transactions->clients, hash_joaat_str(client->key), &client->le, client);
	counter_more(COUNTER_REQUESTS_SENT, to->side, counter_method(method));
	start(client, &client->end, TIMER_F, client_timeout);
	if (to->tp == SIP_TRANSP_UDP)
		start(client, &client->again, client->interval, client_again);
	err = transmit(client, mb);
	if (err)
		mem_deref(client);
	return err;
}

static int print_reasons(struct re_printf *pf, const struct sip_msg *msg)
{
	struct le *le;
	int err = 0;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (sipmsg_named(hdr, "Reason"))
			err |= re_hprintf(pf, "Reason: %r\r\n", &hdr->val);
	}
	return err;
}

void client_cancel(struct transactions *transactions, const char *branch,
		   const struct sip_msg *msg)
{
	static const struct pl method = PL("INVITE");
	struct client *client = find(transactions, branch, &method);

	if (!client || client->final || client->cancelled)
		return;
	if (re_sdprintf(&client->reason, "%H", print_reasons, msg))
		client->reason = NULL;
	cancel(client);
}

static void acknowledge(struct client *client, const struct sip_msg *msg)
{
	if (!client->ack) {
		client->ack = mbuf_alloc(1024);
		if (client->ack &&
		    sipmsg_hop(client->ack, client->request, "ACK", &msg->to.val, NULL))
			client->ack = mem_deref(client->ack);
	}
	if (client->ack)
		transmit(client, client->ack);
}

static void provisional(struct client *client, const struct sip_msg *msg)
{
	bool first = !client->answered;

	if (client->final)
		return;
	client->answered = true;
	client->called = client->called || msg->scode > 100;
	if (!client->invite) {
		client->interval = SIP_T2;
	} else {
		deadline_cancel(&client->again);
		/* any but 100 says that somebody is being called (16.7 step 2) */
		if (!client->cancelled && (first || msg->scode > 100))
			start(client, &client->end, TIMER_C, client_timeout);
		else if (first)
			cancel(client);
	}
	client->handler(0, msg, client->arg);
}

/* The transaction stays, for what comes again and for other 2xx. */
static void answer_to_invite(struct client *client, const struct sip_msg *msg)
{
	bool first = !client->final, refused = msg->scode >= 300;

	/* after a 2xx there are only more of these, and after a refusal none */
	if (!first && refused != client->refused)
		return;
	deadline_cancel(&client->again);
	if (refused)
		acknowledge(client, msg);
	if (first) {
		client->final = true;
		client->refused = refused;
		start(client, &client->end, !refused ? TIMER_F :
			  client->to.tp == SIP_TRANSP_UDP ? TIMER_D : 0, client_timeout);
	}
	if (first || !refused)
		client->handler(0, msg, client->arg);
}

bool client_response(struct transactions *transactions, const struct sip_msg *msg)
{
	struct client *client;
	char branch[64];

	if (re_snprintf(branch, sizeof(branch), "%r", &msg->via.branch) < 0)
		return false;
	client = find(transactions, branch, &msg->cseq.met);
	if (!client)
		return false;
	counter_more(COUNTER_RESPONSES_RECEIVED, client->to.side, msg->scode / 100);
	if (msg->scode < 200)
		provisional(client, msg);
	else if (client->invite)
		answer_to_invite(client, msg);
	else
		client_end(client, 0, msg);
	return true;
}

static bool any_client(struct le *le, void *arg)
{
	(void)le;
	(void)arg;
	return true;
}

void client_stop(struct transactions *transactions)
{
	struct client *client;
	struct le *le;

	while ((le = hash_apply(transactions->clients, any_client, NULL))) {
		client = le->data;
		client_end(client, client->final ? -ESHUTDOWN : -ECANCELED, NULL);
	}
}

/*
 * The first client on a lost flow that waits for it; each one's handler may
 * change the table. An INVITE that rings waits for nothing that was sent: its
 * final response comes on a connection that the next hop makes (18.2.2). With a 100
 * only, the next hop may have died with it. One that has its final response is
 * still there only for what comes again, and one that was cancelled ends by itself.
 */
static bool client_on(struct le *le, void *arg)
{
	const struct client *client = le->data;
	const struct flow *flow = arg;

	return !(client->invite && (client->called || client->final ||
				    (client->answered && client->cancelled))) &&
		client->to.side == flow->side && client->to.tp == flow->tp &&
		sa_cmp(&client->to.peer, &flow->peer, SA_ALL);
}

/* Send it once more, over a new connection. */
static bool retry(struct client *client, int err)
{
	if (client->retried || client->to.side != SIDE_OUTSIDE || err == -EHOSTUNREACH)
		return false;
	client->retried = true;
	return !transmit(client, client->request);
}

/* One that was retried once and one that was not: two at most for each client. */
void client_failed(struct transactions *transactions, const struct flow *flow, int err)
{
	struct list lost = LIST_INIT;
	struct flow was = *flow;
	struct client *client;
	struct le *le;

	/* those that are sent once more are out of the table meanwhile */
	while ((le = hash_apply(transactions->clients, client_on, &was))) {
		client = le->data;
		hash_unlink(&client->le);
		list_append(&lost, &client->le, client);
	}
	while ((le = list_head(&lost))) {
		client = le->data;
		list_unlink(&client->le);
		hash_append(transactions->clients, hash_joaat_str(client->key), &client->le,
			    client);
		if (!retry(client, err))
			client_end(client, err, NULL);
	}
}
