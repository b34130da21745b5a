// SPDX-License-Identifier: GPL-2.0-or-later
/* What comes for list servers, and what all of them do. */
#include "helper/mikeyd/listserver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/immediate.h"
#include "helper/mikeyd/incoming.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/sipmsg.h"

#define OPTION_TAG "recipient-list-message"

static const struct list_server *find_of(const struct config_user *config,
					 const struct uid *uid)
{
	for (unsigned int i = 0; i < config->n_list_servers; i++)
		if (uid_equal(list_server_address(&config->list_servers[i]), uid))
			return &config->list_servers[i];
	return NULL;
}

const struct list_server *listserver_find(const struct mikeyd *mikeyd,
					  const struct sip_msg *msg, struct user **user)
{
	struct uid uid;
	struct le *le;

	if (!sipmsg_is(msg, "MESSAGE") || uid_from_uri(&uid, msg->ruri.p, msg->ruri.l))
		return NULL;
	LIST_FOREACH(&mikeyd->users, le) {
		struct user *each = le->data;
		const struct list_server *list = find_of(each->config, &uid);

		if (list && user)
			*user = each;
		if (list)
			return list;
	}
	return NULL;
}

/* Is one of the values in < and > this address? */
static bool names(const struct pl *value, const struct uid *address, unsigned int *count)
{
	const char *at = value->p, *end = at + value->l, *stop;
	char uri[UID_ESCAPED_MAX + 4] = "sip:";
	struct uid uid;

	while ((at = memchr(at, '<', end - at)) && (stop = memchr(at, '>', end - at))) {
		size_t len = stop - at - 1;

		(*count)++;
		if (len < UID_ESCAPED_MAX) {
			memcpy(uri + 4, at + 1, len);
			if (!uid_from_uri(&uid, uri, 4 + len) && uid_equal(&uid, address))
				return true;
		}
		at = stop;
	}
	return false;
}

/* Has it been here, or at too many others? */
static bool loops(const struct list_server *list, const struct sip_msg *msg)
{
	unsigned int count = 0;
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (sipmsg_named(hdr, LIST_HEADER) &&
		    names(&hdr->val, list_server_address(list), &count))
			return true;
	}
	return count >= LIST_SERVERS_MAX;
}

void listserver_message(struct user *user, struct server *server,
			const struct route *route, const struct list_server *list)
{
	struct mikeyd *mikeyd = user->mikeyd;

	if (loops(list, server->msg))
		proxy_refuse(mikeyd, server, 482, "Loop Detected", false,
			     "a message came back to its list server, or passed too many");
	else if (!circular_possible(mikeyd))
		proxy_refuse(mikeyd, server, 503, "Service Unavailable", true,
			     "too many messages are being sent to lists");
	else if (list->psi.len)
		incoming_for_list(user, server, route, list);
	else
		listserver_uris(user, server, route, list);
}

/* From without its parameters: the tag is a copy's own. */
static struct pl plain_from(const struct sip_msg *msg)
{
	const struct sip_taddr *from = &msg->from;
	const char *end = from->auri.p + from->auri.l;
	struct pl plain = from->val;

	if (end < from->val.p + from->val.l && *end == '>')
		end++;
	plain.l = end - plain.p;
	return plain;
}

/* What belongs to the request that came, and not to those that go out. */
#define NOT_COPIED "Contact", "Record-Route", "P-Preferred-Identity"
/* What RFC 3323 5.3 takes from a message beside From. */
#define TOLD_OF_USER "Subject", "Call-Info", "Organization", "User-Agent", "Reply-To", "In-Reply-To"

static const char * const dropped[] = { NOT_COPIED, NULL };
static const char * const dropped_and_identity[] = { NOT_COPIED, IDENTITY_HEADER, NULL };
static const char * const dropped_for_privacy[] = {
	NOT_COPIED, IDENTITY_HEADER, TOLD_OF_USER, NULL
};

/* RFC 5365 7.2: an identity that was asserted is passed on within the domain of trust. */
static bool passes_identity(const struct mikeyd *mikeyd, const struct sip_msg *msg)
{
	return immediate_trusts(mikeyd, msg) &&
		(immediate_trusts_next_hop(mikeyd) || !immediate_wants_privacy(msg));
}

struct circular *listserver_circular(struct mikeyd *mikeyd, const struct list_server *list,
				     const struct sip_msg *msg, const struct route *route,
				     const struct uid *verified)
{
	bool hide = verified && (immediate_privacy(msg, "user") ||
				 immediate_privacy(msg, "header"));
	bool assert = verified && !immediate_wants_privacy(msg);
	char escaped[UID_ESCAPED_MAX], identity[UID_ESCAPED_MAX] = "";
	char *from = NULL, *headers = NULL;
	struct pl plain = plain_from(msg);
	struct circular_wish wish = {
		.msg = msg,
		.route = route,
		.dropped = hide ? dropped_for_privacy : verified || !passes_identity(mikeyd, msg) ?
			dropped_and_identity : dropped,
		.not_required = OPTION_TAG,
	};
	struct circular *circular = NULL;
	int err;

	if (hide)
		pl_set_str(&plain, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
	if (assert)
		uid_escape(identity, verified);
	uid_escape(escaped, list_server_address(list));
	err = re_sdprintf(&from, "%r", &plain);
	err = err ?: re_sdprintf(&headers, LIST_HEADER ": <%s>\r\n%s%s%s", escaped,
				 assert ? IDENTITY_HEADER ": <sip:" : "", identity,
				 assert ? ">\r\n" : "");
	if (!err) {
		wish.from = from;
		wish.headers = headers;
		circular = circular_new(mikeyd, &wish);
	}
	mem_deref(from);
	mem_deref(headers);
	return circular;
}

void listserver_answer(struct list_answer *answer, const struct circular_report *report,
		       const char *txn)
{
	bool none = report->failed == report->count;

	answer->code = none ? 480 : 202;
	answer->reason = none ? "Temporarily Unavailable" : "Accepted";
	answer->headers[0] = '\0';
	if (report->failed)
		snprintf(answer->headers, sizeof(answer->headers),
			 "Warning: 399 mikeyd \"not delivered to %u of %u\"\r\n",
			 report->failed, report->count);
	log_event(INFO, "list-answered", log_text("txn", txn), log_number("status", answer->code),
		  log_number("members", report->count), log_number("reached", report->reached),
		  log_number("failed", report->failed));
}
