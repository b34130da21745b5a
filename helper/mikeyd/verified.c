// SPDX-License-Identifier: GPL-2.0-or-later
/* The sender of an opened message, for the user's client. */
#include "helper/mikeyd/verified.h"

#include <time.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/sipaddr.h"
#include "helper/mikeyd/txn.h"

char *verified_line(const struct mime_opened *opened, const struct sender *original)
{
	char escaped[UID_ESCAPED_MAX], by[UID_ESCAPED_MAX] = "", sent[32] = "", *line = NULL;
	bool listed = original->uid.len;
	time_t seconds = opened->sent;
	struct tm tm;

	uid_escape(escaped, &opened->initiator);
	if (gmtime_r(&seconds, &tm))
		strftime(sent, sizeof(sent), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (listed)
		uid_escape(by, &original->uid);
	if (re_sdprintf(&line, "%s: <%s>; proved=%s; sent=%s; form=%s%s%s%s%s\r\n",
			VERIFIED_HEADER, escaped, mime_proved_name(opened->proved), sent,
			mime_form_name(opened->form), listed ? "; original=\"" : "",
			by, listed ? "\"; original-proved=" : "",
			listed ? mime_proved_name(original->proved) : ""))
		return NULL;
	return line;
}

/* Is the sender known, and not only that they could resolve a ticket? */
static bool is_proved(const struct mime_opened *opened)
{
	return opened->proved >= MIKEY_PROVED_INITIATOR;
}

/*
 * Does the address name the initiator, or whom a list server names, and nobody
 * else besides?
 */
static bool is_sender(const struct mime_opened *opened, const struct sender *original,
		      const struct pl *name, const struct pl *uri, const struct pl *params)
{
	struct uid uid;

	return sipaddr_is_plain(name, params) && !uid_from_uri(&uid, uri->p, uri->l) &&
		(uid_equal(&uid, &opened->initiator) || uid_equal(&uid, &original->uid));
}

char *verified_from(const struct sip_msg *msg, const struct mime_opened *opened,
		    const struct sender *original)
{
	char escaped[UID_ESCAPED_MAX], txn[TXN_SIZE], *from = NULL;
	struct uid claimed;

	if (is_sender(opened, original, &msg->from.dname, &msg->from.auri, &msg->from.params))
		return NULL;
	txn_of(txn, msg);
	log_event(WARNING, "from-differs", log_text("txn", txn),
		  log_bytes("from", msg->from.val.p, msg->from.val.l),
		  log_text("sender", opened->initiator.text));
	if (!is_proved(opened))
		return NULL;
	if (!sipaddr_is_plain(&msg->from.dname, &msg->from.params) ||
	    uid_from_uri(&claimed, msg->from.auri.p, msg->from.auri.l))
		claimed.len = 0;
	claimed.text[claimed.len] = '\0';
	for (size_t i = 0; i < claimed.len; i++)
		if (claimed.text[i] == '"' || claimed.text[i] == '\\')
			claimed.text[i] = '\'';
	uid_escape(escaped, &opened->initiator);
	if (re_sdprintf(&from, "\"claims to be %s\" <sip:%s>%s%r", claimed.len ?
			claimed.text : "somebody else", escaped,
			pl_isset(&msg->from.tag) ? ";tag=" : "", &msg->from.tag))
		return NULL;
	return from;
}

char *verified_identity(const struct sip_msg *msg, const struct mime_opened *opened,
			const struct sender *original)
{
	char escaped[UID_ESCAPED_MAX], *identity = NULL;
	bool other = false;
	struct le *le;

	if (!is_proved(opened))
		return NULL;
	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;
		struct sip_addr addr;

		if (sipmsg_named(hdr, IDENTITY_HEADER) &&
		    (sipaddr_decode(&addr, &hdr->val) ||
		     !is_sender(opened, original, &addr.dname, &addr.auri, &addr.params)))
			other = true;
	}
	if (!other)
		return NULL;
	uid_escape(escaped, &opened->initiator);
	if (re_sdprintf(&identity, "<sip:%s>", escaped))
		return NULL;
	return identity;
}
