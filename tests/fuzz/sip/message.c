// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A received message, from either side, through all that a proxy does to it
 * but sending: it is read, judged, routed and written. Its size says from which
 * side, so that seeds are messages and nothing else.
 *
 * Beyond the sanitizers' findings: what is written can be read again, has no
 * fault that the received one had not, and says nothing about whom mikeyd
 * verified.
 */
#include <stdlib.h>
#include <string.h>

#include "helper/mikeyd/mikeyd.h"
#include "helper/mikeyd/owner.h"
#include "helper/mikeyd/branch.h"
#include "helper/mikeyd/route.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config_user rules = { .name = "", .any_client_user = true };
static struct config config = { .users = &rules, .n_users = 1 };
static struct mikeyd mikeyd = { .config = &config };
static struct user user = { .mikeyd = &mikeyd, .config = &rules, .rules = &config };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void nobody(const struct flow *flow, struct sip_msg *msg, void *arg)
{
	(void)flow;
	(void)msg;
	(void)arg;
}

static void set_up(void)
{
	static const struct transport_handlers handlers = { .recv = nobody, .large = nobody };
	struct problem problem;
	struct sa local;

	if (mikeyd.transport)
		return;
	must(!libre_init());
	dbg_init(DBG_EMERG, DBG_NONE);
	rules.clients = calloc(1, sizeof(*rules.clients));
	must(rules.clients && !network_parse(rules.clients, "127.0.0.0/8", &problem));
	rules.n_clients = 1;
	must(!transport_alloc(&mikeyd.transport, &handlers));
	/* port 0 is any that is free: nothing is sent, nor read */
	sa_set_str(&local, "127.0.0.1", 0);
	for (int side = SIDE_INSIDE; side < SIDES; side++)
		for (int tp = SIP_TRANSP_UDP; tp <= SIP_TRANSP_TCP; tp++)
			must(!transport_listen(mikeyd.transport, side, tp, &local, &problem));
	must(!owner_open(&mikeyd.owner, &config, mikeyd.transport, &problem));
	mikeyd.next_hop.side = SIDE_OUTSIDE;
	mikeyd.next_hop.tp = SIP_TRANSP_UDP;
	sa_set_str(&mikeyd.next_hop.peer, "127.0.0.1", 5060);
	user.client.side = SIDE_INSIDE;
	user.client.tp = SIP_TRANSP_UDP;
	sa_set_str(&user.client.peer, "127.0.0.1", 5070);
	user.client_known = true;
	list_append(&mikeyd.users, &user.le, &user);
}

/* What is sent is a message, of which the client is told nothing by others. */
static struct sip_msg *read_again(struct mbuf *mb)
{
	struct sip_msg *msg;
	struct le *le;

	mb->pos = 0;
	must(!sipmsg_decode(&msg, mb));
	LIST_FOREACH(&msg->hdrl, le)
		must(!sipmsg_named(le->data, VERIFIED_HEADER));
	return msg;
}

static void answer(const struct sip_msg *msg, uint16_t code)
{
	struct mbuf *mb = mbuf_alloc(1024);
	char *via = NULL;

	if (pl_isset(&msg->via.val) && !sipmsg_received_via(&via, msg)) {
		must(!sipmsg_respond(mb, msg, via, "tag", code, "Reason", NULL));
		mem_deref(read_again(mb));
	}
	mem_deref(via);
	mem_deref(mb);
}

/* The ACK and the CANCEL of what was sent: the same transaction. */
static void follow(struct mbuf *request, const struct sip_msg *msg, const char *method)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *again;

	must(!sipmsg_hop(mb, request, method, &msg->to.val, NULL));
	again = read_again(mb);
	must(!sipmsg_fault(again) && !pl_cmp(&again->via.branch, &msg->via.branch));
	mem_deref(again);
	mem_deref(mb);
}

static void pass(struct route *route, const struct flow *from, const struct sip_msg *msg)
{
	struct sip_pass changes = { .msg = msg };
	struct sip_msg *sent;
	struct mbuf *mb = NULL;
	char branch[BRANCH_SIZE], *via;

	branch_write(branch, from, msg);
	if (sipmsg_received_via(&via, msg))
		return;
	changes.received_via = via;
	if (!route->asks_us && !route->inbox &&
	    !route_write(&mikeyd, route, &changes, branch, &mb)) {
		sent = read_again(mb);
		must(!pl_cmp(&sent->callid, &msg->callid) && !pl_cmp(&sent->met, &msg->met));
		must(!pl_strcmp(&sent->via.branch, branch));
		/* a strict router's URI comes from its Route, which nobody judged */
		if (!route->strict) {
			must(!sipmsg_fault(sent) && !pl_cmp(&sent->ruri, &msg->ruri));
			follow(mb, sent, "ACK");
			follow(mb, sent, "CANCEL");
		}
		mem_deref(sent);
	}
	mem_deref(via);
	mem_deref(mb);
}

static void request(struct sip_msg *msg, enum side side, bool strict)
{
	const struct flow from = { .side = side, .tp = SIP_TRANSP_UDP, .peer = msg->src };
	struct route route;

	if (strict)
		sipmsg_unstrict(msg);
	must(sipmsg_reply_port(msg));
	if (route_request(&mikeyd, &from, msg, &route).code)
		answer(msg, 404);
	else
		pass(&route, &from, msg);
}

static void response(const struct sip_msg *msg)
{
	struct sip_pass changes = { .msg = msg, .pop_via = true };
	struct mbuf *mb = mbuf_alloc(1024);

	must(!sipmsg_write(mb, &changes));
	mem_deref(read_again(mb));
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_msg *msg;
	struct mbuf *mb;

	set_up();
	mb = mbuf_alloc(size + 1);
	mbuf_write_mem(mb, data, size);
	mb->pos = 0;
	if (!sipmsg_decode(&msg, mb)) {
		sa_set_str(&msg->src, "127.0.0.1", 5070);
		if (sipmsg_fault(msg))
			answer(msg, 400);
		else if (msg->req)
			request(msg, size & 1 ? SIDE_OUTSIDE : SIDE_INSIDE, size & 2);
		else
			response(msg);
		mem_deref(msg);
	}
	mem_deref(mb);
	return 0;
}
