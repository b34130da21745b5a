// SPDX-License-Identifier: GPL-2.0-or-later
/* What is written into a request so that later ones come back here. */
#include "helper/mikeyd/wayback.h"

#include <errno.h>

#include "helper/mikeyd/sipaddr.h"
#include "helper/mikeyd/token.h"

/* Where the network is to connect to, best first: as we go to it, then TCP. */
static const struct sa *outside_address(const struct mikeyd *mikeyd, enum sip_transp *tp)
{
	static const enum sip_transp order[] = { SIP_TRANSP_TCP, SIP_TRANSP_UDP, SIP_TRANSP_TLS };
	struct flow hop = mikeyd->next_hop;
	const struct sa *local = NULL;

	if (hop.tp == SIP_TRANSP_TLS)
		local = transport_local(mikeyd->transport, &hop);
	/* protected messages are larger than UDP takes: ask for TCP */
	for (size_t i = 0; i < ARRAY_SIZE(order) && !local; i++) {
		hop.tp = order[i];
		local = transport_local(mikeyd->transport, &hop);
	}
	*tp = hop.tp;
	return local;
}

/* As URIs say it; of sips: it is said already (16.6 step 4, RFC 5630 5.3) */
static const char *transport_param(enum sip_transp tp, bool secure)
{
	return secure || tp == SIP_TRANSP_UDP ? "" :
		tp == SIP_TRANSP_TLS ? ";transport=tls" : ";transport=tcp";
}

/* The URI at which the network reaches the client of a token. */
static int outside_uri(const struct mikeyd *mikeyd, const struct user *user,
		       const struct flow *client, bool outbound, bool secure, char *uri,
		       size_t size)
{
	enum sip_transp tp;
	const struct sa *local = outside_address(mikeyd, &tp);
	char token[TOKEN_SIZE];

	if (!local)
		return -EAFNOSUPPORT;
	secure = secure && tp == SIP_TRANSP_TLS;
	token_write(token, client, outbound, user ? user->config->name : "");
	return re_snprintf(uri, size, "<%s:%s@%J%s;lr%s>", secure ? "sips" : "sip", token, local,
			   transport_param(tp, secure), outbound ? ";ob" : "") < 0 ? -EINVAL : 0;
}

static int inside_uri(const struct mikeyd *mikeyd, const struct flow *client, bool secure,
		      char *uri, size_t size)
{
	const struct sa *local = transport_local(mikeyd->transport, client);

	if (!local)
		return -EAFNOSUPPORT;
	secure = secure && client->tp == SIP_TRANSP_TLS;
	return re_snprintf(uri, size, "<%s:%J%s;lr>", secure ? "sips" : "sip", local,
			   transport_param(client->tp, secure)) < 0 ? -EINVAL : 0;
}

/* Requests that make a dialog are to come back this way (16.6 step 4). */
static bool makes_dialog(const struct sip_msg *msg)
{
	static const char * const methods[] = { "INVITE", "SUBSCRIBE", "NOTIFY", "REFER" };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (sipmsg_is(msg, methods[i]))
			return true;
	return false;
}

/*
 * Does a client register a flow that it looks after itself (RFC 5626 4.2)? Only
 * the first hop may say so in Path (5.1).
 */
static bool registers_flow(const struct sip_msg *msg)
{
	const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr address;
	struct pl value;

	return contact && sipmsg_lists(msg, "Supported", "outbound") &&
		sip_msg_hdr_count(msg, SIP_HDR_VIA) == 1 &&
		!sipaddr_decode(&address, &contact->val) &&
		!msg_param_decode(&address.params, "reg-id", &value);
}

void wayback_write(struct mikeyd *mikeyd, enum side from, const struct flow *client,
		   const struct sip_msg *msg, struct route *route)
{
	char outside[200], inside[200];
	bool secure = sipmsg_is_secure(msg);

	if (sipmsg_is(msg, "REGISTER") && from == SIDE_INSIDE) {
		if (!outside_uri(mikeyd, route->user, client, registers_flow(msg), secure,
				 outside, sizeof(outside)))
			re_snprintf(route->headers, sizeof(route->headers),
				    "Path: %s\r\n%s", outside,
				    sipmsg_lists(msg, "Supported", "path") ?
				    "" : "Supported: path\r\n");
		if (route->user) {
			route->user->client = *client;
			route->user->client_known = true;
		}
		return;
	}
	if (!makes_dialog(msg) ||
	    outside_uri(mikeyd, route->user, client, false, secure, outside, sizeof(outside)) ||
	    inside_uri(mikeyd, client, secure, inside, sizeof(inside)))
		return;
	/* the one of the side that it goes to is on top */
	re_snprintf(route->headers, sizeof(route->headers),
		    "Record-Route: %s\r\nRecord-Route: %s\r\n",
		    from == SIDE_INSIDE ? outside : inside,
		    from == SIDE_INSIDE ? inside : outside);
}
