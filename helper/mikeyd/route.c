// SPDX-License-Identifier: GPL-2.0-or-later
/* The ways of requests. */
#include "helper/mikeyd/route.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/branch.h"
#include "helper/mikeyd/immediate.h"
#include "helper/mikeyd/inbox.h"
#include "helper/mikeyd/listserver.h"
#include "helper/mikeyd/owner.h"
#include "helper/mikeyd/pathmtu.h"
#include "helper/mikeyd/sipaddr.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/token.h"
#include "helper/mikeyd/wayback.h"

#define MAX_FORWARDS 70
#define MAX_FORWARDS_MOST 255		/* 20.22 */

static const struct refusal refusals[] = {
	{ 0, NULL },
#define REFUSE_LOOP 1
	{ 482, "Loop Detected" },
#define REFUSE_HOPS 2
	{ 483, "Too Many Hops" },
#define REFUSE_BAD 3
	{ 400, "Bad Max-Forwards" },
#define REFUSE_TOKEN 4
	{ 403, "Bad Flow Token" },
#define REFUSE_CLIENT 5
	{ 480, "No Client Is Registered" },
#define REFUSE_STRANGER 6
	{ 404, "Not Found" },
#define REFUSE_SCHEME 7
	{ 416, "Unsupported URI Scheme" },
#define REFUSE_EXTENSION 8
	{ 420, "Bad Extension" },
#define REFUSE_FLOW 9
	{ 430, "Flow Failed" },
#define REFUSE_ROUTE 10
	{ 400, "Bad Route" },
#define REFUSE_FORGED 11
	{ 403, "Not Your Identity" },
#define REFUSE_SIPS 12
	{ 480, "SIPS Not Allowed" },
};

/* Of what kinds of URI the next hop may know more than mikeyd. */
static const char * const schemes[] = { "sip", "sips", "tel", "urn", "im", "pres" };

bool route_is_client(const struct mikeyd *mikeyd, const struct sa *peer)
{
	const struct config *config = mikeyd->config;

	for (unsigned int u = 0; u < config->n_users; u++)
		for (unsigned int i = 0; i < config->users[u].n_clients; i++)
			if (network_contains(&config->users[u].clients[i], &peer->u.sa))
				return true;
	return false;
}

/*
 * Route values from the top that name us, the last token in them, and whether
 * the one behind them is a strict router's (16.4, 16.6 step 6). A request passes the
 * outside once: a second value of that side is for when it comes back, to another client.
 */
static int own_routes(const struct mikeyd *mikeyd, const struct sip_msg *msg,
		      struct pl *token, struct route *route)
{
	static const struct pl lr = PL("lr");
	bool was_outside = false;
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;
		struct sip_addr address;
		struct pl value;
		bool outside;

		if (!sipmsg_named(hdr, "Route"))
			continue;
		if (sipaddr_decode(&address, &hdr->val))
			return REFUSE_ROUTE;
		outside = transport_is_outside(mikeyd->transport, &address.uri.host,
					       address.uri.port);
		if ((outside && was_outside) ||
		    !transport_is_local(mikeyd->transport, &address.uri.host,
					address.uri.port)) {
			route->strict = uri_param_get(&address.uri.params, &lr, &value);
			/* it is to be the Request-URI */
			return route->strict && !sipmsg_is_uri(&address.auri) ?
				REFUSE_ROUTE : 0;
		}
		was_outside = was_outside || outside;
		if (pl_isset(&address.uri.user))
			*token = address.uri.user;
		route->drop_routes++;
	}
	return 0;
}

/* Whose identity P-Preferred-Identity names; NULL if nobody's */
static struct user *user_who_prefers(const struct mikeyd *mikeyd, const struct sip_msg *msg)
{
	struct le *le;

	LIST_FOREACH(&mikeyd->users, le)
		if (immediate_preferred(le->data, msg))
			return le->data;
	return NULL;
}

/*
 * Whom a request from inside is of: REGISTER is for To, all else is of From. A
 * lone user's client may register for further addresses of theirs.
 */
static int find_sender(struct mikeyd *mikeyd, const struct flow *from,
		       const struct sip_msg *msg, struct route *route)
{
	const struct pl *uri = sipmsg_is(msg, "REGISTER") ? &msg->to.auri : &msg->from.auri;
	struct uid uid;
	char txn[TXN_SIZE];

	route->user = user_only(mikeyd);
	/* its client was looked at when it connected, or just now */
	if (route->user)
		return 0;
	if (!uid_from_uri(&uid, uri->p, uri->l))
		route->user = user_of_identity(mikeyd, &uid);
	if (!route->user && immediate_is_anonymous(msg))
		route->user = user_who_prefers(mikeyd, msg);
	if (!route->user || user_may_be(route->user, from))
		return 0;
	txn_of(txn, msg);
	log_event(WARNING, "forged", log_text("txn", txn),
		  log_bytes("method", msg->met.p, msg->met.l),
		  log_text("user", route->user->config->name),
		  log_text("reason", "the client may not be that user"));
	return REFUSE_FORGED;
}

/* Is the request addressed to somebody here, whoever the client is? */
static bool is_addressed(const struct mikeyd *mikeyd, const struct sip_msg *msg)
{
	/* user@address, as a contact is written */
	return user_of_uri(mikeyd, &msg->ruri) ||
		transport_is_local(mikeyd->transport, &msg->uri.host, msg->uri.port);
}

/*
 * Whom a request from outside is for: the one whose client a token was made for;
 * else whom the Request-URI names, or To where that is a contact by now.
 */
static bool find_addressee(struct mikeyd *mikeyd, const struct sip_msg *msg,
			   const struct pl *token, struct route *route, bool *outbound)
{
	struct le *le;

	LIST_FOREACH(&mikeyd->users, le) {
		struct user *user = le->data;

		if (pl_isset(token) &&
		    token_read(&route->to, outbound, token, user->config->name)) {
			route->user = user;
			return true;
		}
	}
	route->user = user_only(mikeyd) ?: user_of_uri(mikeyd, &msg->ruri) ?:
		user_of_uri(mikeyd, &msg->to.auri);
	return !pl_isset(token) || token_read(&route->to, outbound, token, "");
}

/*
 * Is the client there, and is it the user's? What is opened for the user must
 * not go to whoever took the client's port when it left.
 */
static bool reaches(const struct mikeyd *mikeyd, const struct user *user,
		    const struct flow *client)
{
	const struct sa *local = transport_local(mikeyd->transport, client);

	if (client->tp != SIP_TRANSP_UDP && transport_connected(mikeyd->transport, client))
		return true;
	/* over TLS it is the client that connects */
	return local && client->tp != SIP_TRANSP_TLS &&
		owner_listens(mikeyd->owner, user ? user->config : NULL, client, local);
}

/* The contact that the Request-URI names, if it is the address of a client. */
static bool contact(const struct mikeyd *mikeyd, const struct sip_msg *msg, struct flow *to)
{
	static const struct pl name = PL("transport");
	struct pl transport = PL_INIT;

	if (sa_set(&to->peer, &msg->uri.host, msg->uri.port ?: SIP_PORT) ||
	    !route_is_client(mikeyd, &to->peer) ||
	    transport_is_local(mikeyd->transport, &msg->uri.host, msg->uri.port))
		return false;
	to->side = SIDE_INSIDE;
	uri_param_get(&msg->uri.params, &name, &transport);
	/* as for what sips: means, a client over TLS is there by its connection only */
	to->tp = !pl_strcasecmp(&transport, "tls") || sipmsg_is_secure(msg) ? SIP_TRANSP_TLS :
		!pl_strcasecmp(&transport, "tcp") ? SIP_TRANSP_TCP : SIP_TRANSP_UDP;
	return true;
}

/*
 * From the network: the token tells the client. Where its connection is gone,
 * the user's client is the one that registered since, or listens at its contact.
 */
static int way_inside(struct mikeyd *mikeyd, const struct sip_msg *msg,
		      const struct pl *token, struct route *route)
{
	bool named = pl_isset(token), outbound = false;
	enum inbox_when when;
	struct user *user;

	if (!find_addressee(mikeyd, msg, token, route, &outbound))
		return REFUSE_TOKEN;
	user = route->user;
	when = user && sipmsg_is(msg, "MESSAGE") ? inbox_when(user->inbox) : INBOX_NEVER;
	if (named && when != INBOX_ALWAYS && reaches(mikeyd, user, &route->to))
		return 0;
	/* the registrar has, or will have, another flow to try (RFC 5626 5.3.1) */
	if (outbound && when == INBOX_NEVER)
		return REFUSE_FLOW;
	if (!named && !is_addressed(mikeyd, msg))
		return REFUSE_STRANGER;
	if (when == INBOX_ALWAYS)
		route->inbox = true;
	else if (user && user->client_known && reaches(mikeyd, user, &user->client))
		route->to = user->client;
	else if (named && contact(mikeyd, msg, &route->to) &&
		 reaches(mikeyd, user, &route->to))
		return 0;
	else if (when == INBOX_ABSENT)
		route->inbox = true;
	else
		return REFUSE_CLIENT;
	return 0;
}

/* Which hop of a client's sips: request has no TLS (26.2.2); NULL if both do. */
static const char *no_way_for_sips(const struct mikeyd *mikeyd, const struct flow *from)
{
	if (mikeyd->next_hop.tp != SIP_TRANSP_TLS)
		return "sips: has to go over TLS, and next-hop does not";
	if (from->tp != SIP_TRANSP_TLS)
		return "sips: has to come over TLS, and the client's connection is none";
	return NULL;
}

/*
 * To a client, too, what is for a sips: URI goes over TLS or not at all; the client did
 * not register such a contact (RFC 5630 5.3). What mikeyd takes itself is there.
 */
static int keeps_secure(const struct sip_msg *msg, struct route *route)
{
	if (!sipmsg_is_secure(msg) || route->inbox || route->to.tp == SIP_TRANSP_TLS)
		return 0;
	route->words = "sips: has to go over TLS, and the client's connection is none";
	re_snprintf(route->headers, sizeof(route->headers),
		    "Warning: 380 mikeyd \"SIPS Not Allowed\"\r\n");
	return REFUSE_SIPS;
}

/* What is checked of every request before it has a way (16.3); 0 = all is well. */
static int validate(const struct mikeyd *mikeyd, const struct flow *from,
		    const struct sip_msg *msg, struct route *route)
{
	struct pl hops = msg->maxfwd, scheme = sipmsg_scheme(msg);
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		known = known || !pl_strcasecmp(&scheme, schemes[i]);
	if (from->side == SIDE_INSIDE && sipmsg_is_secure(msg))
		route->words = no_way_for_sips(mikeyd, from);
	if (!known || route->words)
		return REFUSE_SCHEME;
	route->max_forwards = MAX_FORWARDS;
	if (pl_isset(&hops)) {
		while (hops.l > 1 && *hops.p == '0')
			pl_advance(&hops, 1);
		if (hops.l > 3 || strspn(hops.p, "0123456789") < hops.l ||
		    pl_u32(&hops) > MAX_FORWARDS_MOST)
			return REFUSE_BAD;
		if (!pl_u32(&hops))
			return REFUSE_HOPS;
		route->max_forwards = pl_u32(&hops) - 1;
	}
	return branch_returns(mikeyd, from, msg) ? REFUSE_LOOP : 0;
}

/*
 * Option tags that are required of mikeyd, of which it knows none: in Proxy-Require of
 * a proxy (16.3 step 5), in Require of what it takes itself (8.2.2.3).
 */
static int extensions(const struct sip_msg *msg, const char *name, struct route *route)
{
	char *told = route->headers;
	struct pl rest, tag;
	bool any = false;
	size_t at = 0;
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		rest = hdr->val;
		while (sipmsg_named(hdr, name) && sipmsg_next_value(&rest, &tag)) {
			any = true;
			/* there may be more than can be told */
			if (at + tag.l < sizeof(route->headers) - 20)
				at += re_snprintf(told + at, sizeof(route->headers) - at, "%s%r",
						  at ? ", " : "Unsupported: ", &tag);
		}
	}
	if (at)
		strcpy(told + at, "\r\n");
	return any ? REFUSE_EXTENSION : 0;
}

/* Is mikeyd itself meant, and not somebody behind it? */
static bool is_for_us(const struct mikeyd *mikeyd, const struct sip_msg *msg,
		      const struct pl *token, const struct route *route)
{
	return sipmsg_is(msg, "OPTIONS") && !pl_isset(&msg->uri.user) && !pl_isset(token) &&
		sip_msg_hdr_count(msg, SIP_HDR_ROUTE) == route->drop_routes &&
		transport_is_local(mikeyd->transport, &msg->uri.host, msg->uri.port);
}

/* Where a client hears what is for it: over UDP that need not be where it sends from. */
static struct flow client_of(const struct flow *from, const struct sip_msg *msg)
{
	struct flow client = *from;

	if (client.tp == SIP_TRANSP_UDP)
		sa_set_port(&client.peer, sipmsg_reply_port(msg));
	return client;
}

struct refusal route_request(struct mikeyd *mikeyd, const struct flow *from,
			     const struct sip_msg *msg, struct route *route)
{
	struct pl token = PL_INIT;
	struct flow client;
	int code;

	memset(route, 0, sizeof(*route));
	code = own_routes(mikeyd, msg, &token, route);
	route->asks_us = !code && is_for_us(mikeyd, msg, &token, route);
	if (route->asks_us)
		return refusals[0];
	code = code ?: validate(mikeyd, from, msg, route) ?:
		extensions(msg, "Proxy-Require", route);
	if (code)
		return refusals[code];
	if (from->side == SIDE_INSIDE) {
		route->to = mikeyd->next_hop;
		code = find_sender(mikeyd, from, msg, route);
		client = client_of(from, msg);
		if (!code)
			wayback_write(mikeyd, from->side, &client, msg, route);
		return refusals[code];
	}
	/* what a list server sends goes where the client's requests go */
	if (listserver_find(mikeyd, msg, &route->user)) {
		route->to = mikeyd->next_hop;
		return refusals[0];
	}
	code = way_inside(mikeyd, msg, &token, route) ?: keeps_secure(msg, route);
	if (!code && route->inbox)
		code = extensions(msg, "Require", route);
	if (!code)
		wayback_write(mikeyd, from->side, &route->to, msg, route);
	return refusals[code];
}

static int write_once(struct mikeyd *mikeyd, struct route *route, struct sip_pass *pass,
		      const char *branch, struct mbuf **out)
{
	struct flow way = route->to;
	const struct sa *local;
	struct mbuf *mb;
	char via[160], date[SIPTIME_LINE_SIZE] = "", *headers = NULL;
	bool is_message = sipmsg_is(pass->msg, "MESSAGE");
	int err;

	local = transport_local(mikeyd->transport, &way);
	/* without a listener for TCP the answer comes on the same connection */
	way.tp = SIP_TRANSP_UDP;
	local = local ?: transport_local(mikeyd->transport, &way);
	if (!local)
		return -EAFNOSUPPORT;
	re_snprintf(via, sizeof(via), "SIP/2.0/%s %J;branch=%s;rport",
		    sip_transp_name(route->to.tp), local, branch);
	if (is_message && route->to.side == SIDE_OUTSIDE)
		immediate_date(date, pass->msg, time(NULL));
	if (re_sdprintf(&headers, "%s%s%s", route->headers, pass->headers ?: "", date))
		return -ENOMEM;
	mb = mbuf_alloc(2048 + (pass->content ? pass->content->body.l : 0) +
			mbuf_get_left(pass->msg->mb));
	err = mb ? 0 : -ENOMEM;
	if (!err) {
		struct sip_pass whole = *pass;

		whole.via = via;
		whole.headers = headers;
		whole.drop_routes = route->drop_routes;
		whole.strict = route->strict;
		whole.max_forwards = route->max_forwards;
		if (is_message && !whole.dropped)
			whole.dropped = immediate_dropped(mikeyd,
							  route->user ?: user_only(mikeyd),
							  route->to.side, pass->msg);
		err = sipmsg_write(mb, &whole);
	}
	mem_deref(headers);
	if (err)
		sipmsg_wipe(mb);
	else
		*out = mb;
	return err;
}

int route_write(struct mikeyd *mikeyd, struct route *route, struct sip_pass *pass,
		const char *branch, struct mbuf **mb)
{
	int err = write_once(mikeyd, route, pass, branch, mb);

	if (!err && route->to.tp == SIP_TRANSP_UDP &&
	    mbuf_get_left(*mb) > pathmtu_udp_most(&route->to)) {
		sipmsg_wipe(*mb);
		route->to.tp = SIP_TRANSP_TCP;
		err = write_once(mikeyd, route, pass, branch, mb);
	}
	if (!err && mbuf_get_left(*mb) > TRANSPORT_MESSAGE_MAX) {
		sipmsg_wipe(*mb);
		err = -EMSGSIZE;
	}
	return err;
}
