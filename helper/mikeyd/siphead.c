// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The head of a received message. libre reads the values; lines are divided
 * here, because libre gives up a message for one value that it cannot read,
 * though a proxy passes most of them on as they are (RFC 3261 16.3 step 1,
 * RFC 4475 3.1.1.7, 3.3.4 and 3.4.1) and answers what it refuses.
 */
#include "helper/mikeyd/sipmsg.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "helper/mikeyd/sipaddr.h"

/* More lines than this are no SIP message. */
#define HEADERS_MAX 1024
#define BUCKETS 16

/* Names that mikeyd asks for: compact form, number, whether commas divide values. */
static const struct known {
	const char *name;
	char compact;
	enum sip_hdrid id;
	bool list;
} known[] = {
	{ "Via", 'v', SIP_HDR_VIA, true },
	{ "Route", '\0', SIP_HDR_ROUTE, true },
	{ "Record-Route", '\0', SIP_HDR_RECORD_ROUTE, true },
	{ "Path", '\0', SIP_HDR_PATH, true },
	{ "P-Asserted-Identity", '\0', SIP_HDR_P_ASSERTED_IDENTITY, true },
	{ "P-Preferred-Identity", '\0', SIP_HDR_P_PREFERRED_IDENTITY, true },
	{ "From", 'f', SIP_HDR_FROM, false },
	{ "To", 't', SIP_HDR_TO, false },
	{ "Call-ID", 'i', SIP_HDR_CALL_ID, false },
	{ "CSeq", '\0', SIP_HDR_CSEQ, false },
	{ "Max-Forwards", '\0', SIP_HDR_MAX_FORWARDS, false },
	{ "Supported", 'k', SIP_HDR_SUPPORTED, false },
	{ "Contact", 'm', SIP_HDR_CONTACT, false },
	{ "Subject", 's', SIP_HDR_SUBJECT, false },
	{ "Content-Length", 'l', SIP_HDR_CONTENT_LENGTH, false },
	{ "Content-Type", 'c', SIP_HDR_CONTENT_TYPE, false },
	{ "Content-Encoding", 'e', SIP_HDR_CONTENT_ENCODING, false },
};

bool sipmsg_named(const struct sip_hdr *hdr, const char *name)
{
	if (hdr->name.l == 1)
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (!strcmp(known[i].name, name))
				return known[i].compact &&
					(*hdr->name.p | 0x20) == known[i].compact;
	return !pl_strcasecmp(&hdr->name, name);
}

const struct sip_hdr *sipmsg_find(const struct sip_msg *msg, const char *name)
{
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le)
		if (sipmsg_named(le->data, name))
			return le->data;
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct pl trim(const char *from, const char *to)
{
	struct pl text;

	while (from < to && is_blank(*from))
		from++;
	while (to > from && is_blank(to[-1]))
		to--;
	text.p = from;
	text.l = to - from;
	return text;
}

static void header_destroy(void *data)
{
	struct sip_hdr *hdr = data;

	list_unlink(&hdr->le);
	hash_unlink(&hdr->he);
}

static void msg_destroy(void *data)
{
	struct sip_msg *msg = data;

	list_flush(&msg->hdrl);
	mem_deref(msg->hdrht);
	mem_deref(msg->mb);
}

static int add(struct sip_msg *msg, const struct pl *name, const struct pl *value)
{
	struct sip_hdr *hdr = mem_zalloc(sizeof(*hdr), header_destroy);

	if (!hdr)
		return -ENOMEM;
	hdr->name = *name;
	hdr->val = *value;
	hdr->id = SIP_HDR_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (sipmsg_named(hdr, known[i].name))
			hdr->id = known[i].id;
	list_append(&msg->hdrl, &hdr->le, hdr);
	if (hdr->id != SIP_HDR_NONE)
		hash_append(msg->hdrht, hdr->id, &hdr->he, hdr);
	return 0;
}

static bool is_list(const struct pl *name)
{
	const struct sip_hdr hdr = { .name = *name };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].list && sipmsg_named(&hdr, known[i].name))
			return true;
	return false;
}

/* The comma that ends a value: not one in quotes or in angle brackets. */
static const char *value_end(const char *at, const char *end)
{
	bool quoted = false, angle = false;

	for (; at < end; at++) {
		if (quoted && *at == '\\' && at + 1 < end)
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (!quoted && *at == '<')
			angle = true;
		else if (!quoted && *at == '>')
			angle = false;
		else if (!quoted && !angle && *at == ',')
			break;
	}
	return at;
}

static int add_line(struct sip_msg *msg, const char *line, const char *end,
		    unsigned int *count)
{
	const char *colon = memchr(line, ':', end - line), *stop;
	struct pl name, value;
	int err = 0;

	/* a line without colon is a name without value, which is a fault */
	name = trim(line, colon ?: end);
	value = trim(colon ? colon + 1 : end, end);
	if (!is_list(&name) || !value.l)
		return (*count)++ < HEADERS_MAX ? add(msg, &name, &value) : -E2BIG;
	end = value.p + value.l;
	for (line = value.p; !err && line <= end; line = stop + 1) {
		stop = value_end(line, end);
		value = trim(line, stop);
		err = (*count)++ < HEADERS_MAX ? add(msg, &name, &value) : -E2BIG;
	}
	return err;
}

/* Header lines with their folds, up to the empty line. */
static int read_lines(struct sip_msg *msg, const char *line, const char *end)
{
	unsigned int count = 0;
	const char *stop;
	int err = 0;

	for (; line < end && !err; line = stop + 2) {
		for (stop = line; (stop = memmem(stop, end - stop, "\r\n", 2)); stop += 2)
			if (stop + 2 == end || (stop[2] != ' ' && stop[2] != '\t'))
				break;
		if (!stop)
			return -EBADMSG;
		err = add_line(msg, line, stop, &count);
	}
	return err;
}

/* In whatever case (7.1). */
static bool has_version(const char *at, const char *end)
{
	for (; end - at >= 4; at++)
		if (!strncasecmp(at, "SIP/", 4))
			return true;
	return false;
}

/* "METHOD URI SIP/2.0": what is between the first and the last space is the URI */
static int read_request_line(struct sip_msg *msg, const char *line, const char *end)
{
	const char *first = memchr(line, ' ', end - line), *last = memrchr(line, ' ', end - line);

	if (!first || first == line || !has_version(first, end))
		return -EBADMSG;
	msg->req = true;
	msg->met.p = line;
	msg->met.l = first - line;
	msg->ver.p = last + 1;
	msg->ver.l = end - last - 1;
	msg->ruri.p = first + 1;
	msg->ruri.l = last > first ? last - first - 1 : 0;
	if (uri_decode(&msg->uri, &msg->ruri))
		memset(&msg->uri, 0, sizeof(msg->uri));
	return 0;
}

/* "SIP/2.0 200 Reason": without a code of three digits it is none */
static int read_status_line(struct sip_msg *msg, const char *line, const char *end)
{
	struct pl code = { .p = line + 8, .l = 3 };

	if (end - line < 11 || strncasecmp(line, "SIP/2.0 ", 8) ||
	    strspn(code.p, "0123456789") != 3 || (end - line > 11 && line[11] != ' '))
		return -EBADMSG;
	msg->ver.p = line;
	msg->ver.l = 7;
	msg->scode = pl_u32(&code);
	msg->reason.p = end - line > 11 ? line + 12 : end;
	msg->reason.l = end - msg->reason.p;
	return msg->scode < 100 || msg->scode > 699 ? -EBADMSG : 0;
}

/* An address whose URI need not be one that libre can read (RFC 4475 3.3.4). */
static void read_address(struct sip_taddr *out, const struct pl *value)
{
	struct sip_addr address;
	const char *end = value->p + value->l, *name = sipaddr_behind_name(value) ?: value->p;
	const char *open, *close;

	memset(out, 0, sizeof(*out));
	out->val = *value;
	if (!sipaddr_decode(&address, value)) {
		out->dname = address.dname;
		out->auri = trim(address.auri.p, address.auri.p + address.auri.l);
		out->uri = address.uri;
		out->params = address.params;
	} else {
		out->dname.p = value->p;
		out->dname.l = name - value->p;
		open = memchr(name, '<', end - name);
		close = memchr(open ?: value->p, open ? '>' : ';', end - (open ?: value->p));
		if (open && !close)
			return;
		out->auri = trim(open ? open + 1 : value->p, close ?: end);
		out->params.p = close ? close + (open ? 1 : 0) : end;
		out->params.l = end - out->params.p;
	}
	msg_param_decode(&out->params, "tag", &out->tag);
}

/* The values of the first header of each name. */
static void read_values(struct sip_msg *msg)
{
	const struct sip_hdr *hdr;

#define FIRST(id) (hdr = sip_msg_hdr(msg, id))
	/* RFC 2543 knew no branch; and of any Via it is told where it came from */
	if (FIRST(SIP_HDR_VIA)) {
		sip_via_decode(&msg->via, &hdr->val);
		msg->via.val = hdr->val;
	}
	if (FIRST(SIP_HDR_FROM))
		read_address(&msg->from, &hdr->val);
	if (FIRST(SIP_HDR_TO))
		read_address(&msg->to, &hdr->val);
	if (FIRST(SIP_HDR_CSEQ) && sip_cseq_decode(&msg->cseq, &hdr->val))
		memset(&msg->cseq, 0, sizeof(msg->cseq));
	if (FIRST(SIP_HDR_CONTENT_TYPE) && msg_ctype_decode(&msg->ctyp, &hdr->val))
		memset(&msg->ctyp, 0, sizeof(msg->ctyp));
	if (FIRST(SIP_HDR_CALL_ID))
		msg->callid = hdr->val;
	if (FIRST(SIP_HDR_MAX_FORWARDS))
		msg->maxfwd = hdr->val;
	if (FIRST(SIP_HDR_CONTENT_LENGTH))
		msg->clen = hdr->val;
#undef FIRST
}

int sipmsg_decode(struct sip_msg **out, struct mbuf *mb)
{
	const char *text = (const char *)mbuf_buf(mb), *end, *head_end, *line_end, *body;
	struct sip_msg *msg;
	int err;

	*out = NULL;
	/* empty lines before the start line are no fault (7.5) */
	for (end = text + mbuf_get_left(mb); end - text > 1 && !memcmp(text, "\r\n", 2); text += 2)
		;
	head_end = memmem(text, end - text, "\r\n\r\n", 4);
	body = head_end ? head_end + 4 : end;
	/* a head without its end is a fault that can be answered */
	if (!head_end && end - text > 2 && !memcmp(end - 2, "\r\n", 2))
		head_end = end - 2;
	if (!head_end)
		return -EBADMSG;
	line_end = memmem(text, head_end + 2 - text, "\r\n", 2);
	msg = mem_zalloc(sizeof(*msg), msg_destroy);
	if (!msg)
		return -ENOMEM;
	msg->mb = mem_ref(mb);
	err = -hash_alloc(&msg->hdrht, BUCKETS);
	if (!err)
		err = strncasecmp(text, "SIP/", 4) ? read_request_line(msg, text, line_end) :
			read_status_line(msg, text, line_end);
	err = err ?: read_lines(msg, line_end + 2, head_end + 2);
	if (err) {
		mem_deref(msg);
		return err;
	}
	read_values(msg);
	mb->pos = (size_t)(body - (const char *)mb->buf);
	*out = msg;
	return 0;
}
