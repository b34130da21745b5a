// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is wrong with a message (RFC 3261 16.3 step 1): what mikeyd acts on has
 * to be well-formed, and the head has to mean the same to every parser. What a
 * proxy has no use for is not looked at.
 */
#include "helper/mikeyd/sipmsg.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "helper/mikeyd/sipaddr.h"

/*
 * No control characters, lone CR and LF among them, for which parsers have
 * different ideas; but as quoted pairs in quotes, where they are valid
 * (25.1). Quotes end with their header: some values have single ones.
 */
static bool is_clean(const struct sip_msg *msg)
{
	const uint8_t *at = msg->mb->buf, *end = msg->mb->buf + msg->mb->pos;
	bool quoted = false;

	if (end - at < 4 || memcmp(end - 4, "\r\n\r\n", 4))
		return false;
	for (; at < end; at++) {
		if (*at == '\r' && end - at > 1 && at[1] == '\n') {
			at++;
			if (end - at > 1 && at[1] != ' ' && at[1] != '\t')
				quoted = false;
		} else if (quoted && *at == '\\' && end - at > 1 && at[1] != '\r' &&
			   at[1] != '\n') {
			at++;
		} else if ((*at < 0x20 && *at != '\t') || *at == 0x7f) {
			return false;
		} else if (*at == '"') {
			quoted = !quoted;
		}
	}
	return true;
}

static bool is_token(const struct pl *text)
{
	for (size_t i = 0; i < text->l; i++) {
		char c = text->p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		      (c >= 'a' && c <= 'z') || (c && strchr("-.!%*_+`'~", c))))
			return false;
	}
	return text->l;
}

static bool is_number(const struct pl *text)
{
	return pl_isset(text) && text->l <= 10 && strspn(text->p, "0123456789") >= text->l;
}

static bool are_names(const struct sip_msg *msg)
{
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (!is_token(&hdr->name))
			return false;
	}
	return true;
}

/* Every Via, since responses go by them. A branch is not needed (RFC 2543). */
static bool are_vias(const struct sip_msg *msg)
{
	struct sip_via via;
	struct le *le;
	int err;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (!sipmsg_named(hdr, "Via"))
			continue;
		/* without a branch it says ENOENT, and has read all else */
		memset(&via, 0, sizeof(via));
		err = sip_via_decode(&via, &hdr->val);
		if ((err && err != ENOENT) || !pl_isset(&via.sentby))
			return false;
		/* libre looks for its beginning, in the parameters too */
		if (memchr(hdr->val.p, ';', via.sentby.p - hdr->val.p))
			return false;
	}
	return pl_isset(&msg->via.sentby);
}

/* The several would be read differently: libre, and others, take the last one. */
static bool is_single(const struct sip_msg *msg, const char *name, bool needed)
{
	unsigned int count = 0;
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le)
		count += sipmsg_named(le->data, name);
	return count == 1 || (!count && !needed);
}

static bool are_single(const struct sip_msg *msg)
{
	return is_single(msg, "From", true) && is_single(msg, "To", true) &&
		is_single(msg, "Call-ID", true) && is_single(msg, "CSeq", true) &&
		is_single(msg, "Max-Forwards", false) && is_single(msg, "Content-Length", false);
}

static bool are_words(const char *at, const char *end)
{
	for (; at < end; at++) {
		const struct pl one = { .p = at, .l = 1 };

		if (*at != ' ' && *at != '\t' && *at != '\r' && *at != '\n' &&
		    !((unsigned char)*at & 0x80) && !is_token(&one))
			return false;
	}
	return true;
}

/*
 * An address whose URI stands where libre found it, behind a display name that
 * is in quotes or needs none (RFC 4475 3.1.2.6, 3.1.2.14, 3.1.2.15).
 */
static bool is_address(const struct sip_taddr *address)
{
	const char *at = address->val.p, *end, *open;
	const char *uri = address->auri.p, *uri_end;

	if (!address->auri.l || !memchr(uri, ':', address->auri.l))
		return false;
	end = at + address->val.l;
	uri_end = uri + address->auri.l;
	for (const char *c = uri; c < uri_end; c++)
		if (strchr(" \t\r\n<>\"", *c))
			return false;
	if (uri == at)
		return true;
	at = sipaddr_behind_name(&address->val);
	open = at ? memchr(at, '<', end - at) : NULL;
	return open && uri == open + 1 && uri_end < end && *uri_end == '>' &&
		are_words(at, open);
}

/* The Request-URI: of SIP's own ones everything, of others the scheme. */
static bool is_uri(const struct sip_msg *msg)
{
	struct pl scheme = sipmsg_scheme(msg);

	if (!sipmsg_is_uri(&msg->ruri) || !scheme.l)
		return false;
	if (pl_strcasecmp(&scheme, "sip") && pl_strcasecmp(&scheme, "sips"))
		return true;
	/* headers in it are not for requests (19.1.1) */
	return msg->uri.scheme.p == scheme.p && pl_isset(&msg->uri.host) &&
		!pl_isset(&msg->uri.headers);
}

/*
 * Methods are told by case (7.1), but some read them in any: as "Message" a text would
 * pass here as something unknown, and be shown by them.
 */
static bool is_method(const struct pl *method)
{
	return is_token(method) && (pl_strcasecmp(method, "MESSAGE") ||
				    !pl_strcmp(method, "MESSAGE"));
}

static bool is_version(const struct pl *version)
{
	const char *at = version->p, *end = at + version->l, *dot;

	if (version->l < 7 || strncasecmp(at, "SIP/", 4))
		return false;
	dot = memchr(at, '.', version->l);
	for (at += 4; at < end; at++)
		if (at != dot && (*at < '0' || *at > '9'))
			return false;
	return dot && dot + 1 < end;
}

static bool is_sequence(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CSEQ);
	struct pl number = { 0 };
	const char *end;

	if (!hdr || !is_token(&msg->cseq.met))
		return false;
	number.p = hdr->val.p;
	end = number.p + hdr->val.l;
	while (number.p + number.l < end && number.p[number.l] >= '0' &&
	       number.p[number.l] <= '9')
		number.l++;
	while (number.l > 1 && *number.p == '0')
		pl_advance(&number, 1);
	return is_number(&number) && pl_u64(&number) <= UINT32_MAX;
}

static bool is_length(const struct sip_msg *msg)
{
	struct pl body = sipmsg_body(msg);

	return !pl_isset(&msg->clen) ||
		(is_number(&msg->clen) && body.l == pl_u64(&msg->clen));
}

uint16_t sipmsg_fault(const struct sip_msg *msg)
{
	if (msg->req && !is_version(&msg->ver))
		return 400;
	if (msg->req && pl_strcasecmp(&msg->ver, "SIP/2.0"))
		return 505;
	if (!is_clean(msg) || !are_names(msg) || !are_vias(msg) || !are_single(msg))
		return 400;
	if (!pl_isset(&msg->callid) || !is_address(&msg->from) || !is_address(&msg->to) ||
	    !is_sequence(msg) || !is_length(msg))
		return 400;
	if (msg->req && (!is_method(&msg->met) || !is_uri(msg) ||
			 pl_cmp(&msg->met, &msg->cseq.met)))
		return 400;
	return 0;
}
