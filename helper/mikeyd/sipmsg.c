// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading and writing SIP messages on their way through. */
#include "helper/mikeyd/sipmsg.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "helper/mikeyd/sipaddr.h"

void sipmsg_release(void *data)
{
	struct sip_msg *msg = data;

	if (msg && mem_nrefs(msg) == 1)
		OPENSSL_cleanse(msg->mb->buf, msg->mb->size);
	mem_deref(msg);
}

void sipmsg_wipe(struct mbuf *mb)
{
	if (mb && mb->buf && mem_nrefs(mb) == 1)
		OPENSSL_cleanse(mb->buf, mb->size);
	mem_deref(mb);
}

static bool is_length(const char *line, size_t len, struct pl *value)
{
	const char *end = line + len, *colon = memchr(line, ':', len);
	size_t name;

	if (!colon)
		return false;
	name = colon - line;
	while (name && (line[name - 1] == ' ' || line[name - 1] == '\t'))
		name--;
	if (!(name == 14 && !strncasecmp(line, "Content-Length", 14)) &&
	    !(name == 1 && (*line == 'l' || *line == 'L')))
		return false;
	for (colon++; colon < end && strchr(" \t\r\n", *colon); colon++)
		;
	while (end > colon && strchr(" \t\r\n", end[-1]))
		end--;
	value->p = colon;
	value->l = end - colon;
	return true;
}

bool sipmsg_content_length(const char *head, size_t len, struct pl *value)
{
	const char *end = head + len, *line = head, *stop;
	struct pl found;
	bool any = false;

	for (; line < end; line = stop + 2) {
		for (stop = line; (stop = memmem(stop, end - stop, "\r\n", 2)); stop += 2)
			if (end - stop < 3 || (stop[2] != ' ' && stop[2] != '\t'))
				break;
		if (!stop)
			break;
		if (!is_length(line, stop - line, &found))
			continue;
		/* two lengths would let two parsers see two messages */
		if (any && pl_cmp(value, &found))
			return false;
		*value = found;
		any = true;
	}
	for (size_t i = 0; any && i < value->l; i++)
		if (value->p[i] < '0' || value->p[i] > '9')
			return false;
	return any && value->l;
}

bool sipmsg_is_uri(const struct pl *text)
{
	for (size_t i = 0; i < text->l; i++)
		if ((unsigned char)text->p[i] <= 0x20 || strchr("<>\"\177", text->p[i]))
			return false;
	return text->l;
}

struct pl sipmsg_scheme(const struct sip_msg *msg)
{
	struct pl scheme = { .p = msg->ruri.p, .l = 0 };
	char c;

	for (; scheme.l < msg->ruri.l; scheme.l++) {
		c = scheme.p[scheme.l] | 0x20;
		if (scheme.p[scheme.l] == ':')
			return scheme;
		if (!(c >= 'a' && c <= 'z') && (!scheme.l || !strchr("+-.0123456789", c)))
			break;
	}
	scheme.l = 0;
	return scheme;
}

bool sipmsg_is_secure(const struct sip_msg *msg)
{
	struct pl scheme = sipmsg_scheme(msg);

	return !pl_strcasecmp(&scheme, "sips");
}

bool sipmsg_is(const struct sip_msg *msg, const char *method)
{
	return !pl_strcmp(msg->req ? &msg->met : &msg->cseq.met, method);
}

struct pl sipmsg_body(const struct sip_msg *msg)
{
	struct pl body = { .p = (char *)mbuf_buf(msg->mb), .l = mbuf_get_left(msg->mb) };

	if (pl_isset(&msg->clen) && pl_u32(&msg->clen) < body.l)
		body.l = pl_u32(&msg->clen);
	return body;
}

bool sipmsg_is_content(const struct sip_hdr *hdr)
{
	if (hdr->name.l > 8 && !strncasecmp(hdr->name.p, "Content-", 8))
		return true;
	/* the compact forms of Type, Encoding and Length */
	return hdr->name.l == 1 && strchr("cCeElL", *hdr->name.p);
}

bool sipmsg_is_one(const struct pl *params)
{
	for (size_t i = 0; i < params->l; i++)
		if (strchr(",<>", params->p[i]))
			return false;
	return true;
}

bool sipmsg_next_value(struct pl *rest, struct pl *value)
{
	const char *comma;

	while (rest->l && strchr(" \t\r\n,", *rest->p))
		pl_advance(rest, 1);
	if (!rest->l)
		return false;
	*value = *rest;
	comma = pl_strchr(rest, ',');
	if (comma)
		value->l = comma - rest->p;
	pl_advance(rest, value->l);
	while (strchr(" \t\r\n", value->p[value->l - 1]))
		value->l--;
	return true;
}

bool sipmsg_lists(const struct sip_msg *msg, const char *name, const char *tag)
{
	struct pl rest, value;
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		rest = hdr->val;
		while (sipmsg_named(hdr, name) && sipmsg_next_value(&rest, &value))
			if (!pl_strcasecmp(&value, tag))
				return true;
	}
	return false;
}

bool sipmsg_requires(const struct sip_msg *msg, const char *tag)
{
	return sipmsg_lists(msg, "Require", tag);
}

/* Without one option tag, and not at all if nothing is left. */
static int write_require(struct mbuf *mb, const struct pl *values, const char *tag)
{
	struct pl rest = *values, value;
	bool any = false;
	int err = 0;

	while (!err && sipmsg_next_value(&rest, &value)) {
		if (!pl_strcasecmp(&value, tag))
			continue;
		err = mbuf_printf(mb, "%s%r", any ? ", " : "Require: ", &value);
		any = true;
	}
	return err ?: any ? mbuf_write_str(mb, "\r\n") : 0;
}

/* Headers that change with the addressee; was it one of them? */
bool sipmsg_write_readdressed(struct mbuf *mb, const struct sip_hdr *hdr,
			      const struct sip_readdress *to, int *err)
{
	if (sipmsg_named(hdr, "To"))
		*err |= mbuf_printf(mb, "To: <%s>\r\n", to->uri);
	else if (sipmsg_named(hdr, "Call-ID"))
		*err |= mbuf_printf(mb, "Call-ID: %s\r\n", to->call_id);
	else if (sipmsg_named(hdr, "Require"))
		*err |= write_require(mb, &hdr->val, to->not_required);
	else
		return sipmsg_named(hdr, "Via");
	return true;
}

/* How many of which headers of the message came by already. */
struct passed {
	unsigned int vias, routes, identities;
};

static bool is_dropped(const struct sip_hdr *hdr, const char * const *names)
{
	for (; names && *names; names++)
		if (sipmsg_named(hdr, *names))
			return true;
	return false;
}

static int write_header(struct mbuf *mb, const struct sip_hdr *hdr, struct passed *passed,
			const struct sip_pass *pass)
{
	int err = 0;

	if (is_dropped(hdr, pass->dropped))
		return 0;
	if (pass->readdress && sipmsg_write_readdressed(mb, hdr, pass->readdress, &err))
		return err;
	if (sipmsg_named(hdr, "Via") && !passed->vias++) {
		if (pass->pop_via)
			return 0;
		if (pass->received_via)
			return mbuf_printf(mb, "Via: %s\r\n", pass->received_via);
	}
	if (sipmsg_named(hdr, "Route") &&
	    passed->routes++ < pass->drop_routes + (pass->strict ? 1 : 0))
		return 0;
	if (sipmsg_named(hdr, "From") && pass->from)
		return mbuf_printf(mb, "From: %s\r\n", pass->from);
	if (sipmsg_named(hdr, IDENTITY_HEADER) && pass->identity)
		return passed->identities++ ? 0 :
			mbuf_printf(mb, IDENTITY_HEADER ": %s\r\n", pass->identity);
	if ((pass->msg->req && sipmsg_named(hdr, "Max-Forwards")) ||
	    (pass->content && (sipmsg_is_content(hdr) || sipmsg_named(hdr, "MIME-Version"))) ||
	    sipmsg_named(hdr, "Content-Length") || sipmsg_named(hdr, VERIFIED_HEADER))
		return 0;
	return mbuf_printf(mb, "%r: %r\r\n", &hdr->name, &hdr->val);
}

/* The request line for a strict router, whose URI is that of the next Route. */
static int write_strict(struct mbuf *mb, const struct sip_pass *pass)
{
	unsigned int routes = 0;
	struct sip_addr address;
	struct le *le;

	LIST_FOREACH(&pass->msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (!sipmsg_named(hdr, "Route") || routes++ < pass->drop_routes)
			continue;
		if (sipaddr_decode(&address, &hdr->val))
			break;
		return mbuf_printf(mb, "%r %r SIP/2.0\r\n", &pass->msg->met, &address.auri);
	}
	return -EBADMSG;
}

int sipmsg_unstrict(struct sip_msg *msg)
{
	struct sip_hdr *last = NULL, *first = NULL;
	struct sip_addr address;
	struct pl ours = msg->ruri;
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le) {
		if (!sipmsg_named(le->data, "Route"))
			continue;
		last = le->data;
		first = first ?: last;
	}
	if (!last || sipaddr_decode(&address, &last->val) || !sipmsg_is_uri(&address.auri))
		return -EBADMSG;
	msg->ruri = address.auri;
	msg->uri = address.uri;
	/* the URI that named us takes the place that it has with loose routers */
	last->val = ours;
	if (first != last) {
		list_unlink(&last->le);
		list_insert_before(&msg->hdrl, &first->le, &last->le, last);
	}
	return 0;
}

int sipmsg_write(struct mbuf *mb, const struct sip_pass *pass)
{
	const struct sip_msg *msg = pass->msg;
	struct pl body = pass->content ? pass->content->body : sipmsg_body(msg);
	struct passed passed = { 0 };
	struct le *le;
	int err;

	if (pass->readdress)
		err = mbuf_printf(mb, "%r %s SIP/2.0\r\n", &msg->met, pass->readdress->uri);
	else if (pass->strict)
		err = write_strict(mb, pass);
	else if (msg->req)
		err = mbuf_printf(mb, "%r %r SIP/2.0\r\n", &msg->met, &msg->ruri);
	else
		err = mbuf_printf(mb, "SIP/2.0 %u %r\r\n", msg->scode, &msg->reason);
	if (pass->via)
		err |= mbuf_printf(mb, "Via: %s\r\n", pass->via);
	/* on top: the order of Record-Route and Path is the way itself */
	if (pass->headers)
		err |= mbuf_write_str(mb, pass->headers);
	LIST_FOREACH(&msg->hdrl, le)
		err |= write_header(mb, le->data, &passed, pass);
	if (pass->strict && !pass->readdress)
		err |= mbuf_printf(mb, "Route: <%r>\r\n", &msg->ruri);
	if (msg->req)
		err |= mbuf_printf(mb, "Max-Forwards: %d\r\n", pass->max_forwards);
	if (pass->content)
		err |= mbuf_write_pl(mb, &pass->content->headers);
	err |= mbuf_printf(mb, "Content-Length: %zu\r\n\r\n", body.l);
	if (body.l)
		err |= mbuf_write_mem(mb, (const uint8_t *)body.p, body.l);
	mb->pos = 0;
	return err ? -ENOMEM : 0;
}

/* What a response takes from its request (8.2.6), each once. */
static const struct {
	const char *name;
	bool trying;		/* of a 100 only */
} copied[] = {
	{ "From", false },
	{ "Call-ID", false },
	{ "CSeq", false },
	{ "Timestamp", true },
};

static int write_copied(struct mbuf *mb, const struct sip_msg *msg, const char *name)
{
	const struct sip_hdr *hdr = sipmsg_find(msg, name);

	return hdr ? mbuf_printf(mb, "%s: %r\r\n", name, &hdr->val) : 0;
}

int sipmsg_respond(struct mbuf *mb, const struct sip_msg *msg, const char *via,
		   const char *tag, uint16_t code, const char *reason, const char *headers)
{
	unsigned int vias = 0;
	struct le *le;
	int err;

	err = mbuf_printf(mb, "SIP/2.0 %u %s\r\n", code, reason);
	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (sipmsg_named(hdr, "Via") && !vias++)
			err |= mbuf_printf(mb, "Via: %s\r\n", via);
		else if (sipmsg_named(hdr, "Via"))
			err |= mbuf_printf(mb, "Via: %r\r\n", &hdr->val);
	}
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
		if (!copied[i].trying || code == 100)
			err |= write_copied(mb, msg, copied[i].name);
	if (pl_isset(&msg->to.val))
		err |= mbuf_printf(mb, pl_isset(&msg->to.tag) || code == 100 ? "To: %r\r\n" :
				   "To: %r;tag=%s\r\n", &msg->to.val, tag);
	if (headers)
		err |= mbuf_write_str(mb, headers);
	err |= mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	mb->pos = 0;
	return err ? -ENOMEM : 0;
}

int sipmsg_hop(struct mbuf *mb, struct mbuf *request, const char *method, const struct pl *to,
	       const char *headers)
{
	struct mbuf *view = mbuf_alloc_ref(request);
	struct sip_msg *msg;
	unsigned int vias = 0;
	struct le *le;
	int err;

	if (!view)
		return -ENOMEM;
	view->pos = 0;
	view->end = request->end;
	err = sipmsg_decode(&msg, view);
	mem_deref(view);
	if (err)
		return err;
	err = mbuf_printf(mb, "%s %r SIP/2.0\r\n", method, &msg->ruri);
	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if ((sipmsg_named(hdr, "Via") && !vias++) || sipmsg_named(hdr, "Route") ||
		    sipmsg_named(hdr, "From") || sipmsg_named(hdr, "Call-ID"))
			err |= mbuf_printf(mb, "%r: %r\r\n", &hdr->name, &hdr->val);
	}
	err |= mbuf_printf(mb, "To: %r\r\nCSeq: %u %s\r\n%sMax-Forwards: 70\r\n"
			   "Content-Length: 0\r\n\r\n", to ?: &msg->to.val, msg->cseq.num,
			   method, headers ?: "");
	mem_deref(msg);
	mb->pos = 0;
	return err ? -ENOMEM : 0;
}

/* A parameter that stands there without value: where it is, ';' included. */
static bool find_flag(const struct pl *params, const char *name, struct pl *flag)
{
	const char *end = params->p + params->l, *at = params->p, *stop;
	struct pl word;

	for (; at < end; at = stop) {
		stop = memchr(at + 1, ';', end - at - 1);
		if (!stop)
			stop = end;
		word.p = at + 1;
		word.l = stop - at - 1;
		while (word.l && strchr(" \t\r\n", *word.p))
			pl_advance(&word, 1);
		while (word.l && strchr(" \t\r\n", word.p[word.l - 1]))
			word.l--;
		if (!pl_strcasecmp(&word, name)) {
			flag->p = at;
			flag->l = stop - at;
			return true;
		}
	}
	return false;
}

/* Whoever gets a request says where it came from (18.2.1), and not its sender. */
static void cut_received(char *params)
{
	size_t len, name;
	char *next;

	while (params) {
		len = 1 + strcspn(params + 1, ";");
		next = params[len] ? params + len : NULL;
		name = 1 + strspn(params + 1, " \t\r\n");
		if (strncasecmp(params + name, "received", 8) ||
		    !strchr("= \t\r\n;", params[name + 8])) {
			params = next;
			continue;
		}
		memmove(params, params + len, strlen(params + len) + 1);
		params = next ? params : NULL;
	}
}

int sipmsg_received_via(char **via, const struct sip_msg *msg)
{
	struct pl params, flag;
	char *value;
	int err;

	if (re_sdprintf(&value, "%r", &msg->via.val))
		return -ENOMEM;
	cut_received(strchr(value, ';'));
	pl_set_str(&params, value + strcspn(value, ";"));
	if (find_flag(&params, "rport", &flag))
		err = re_sdprintf(via, "%b%s;received=%j;rport=%u", value,
				  (size_t)(flag.p - value), flag.p + flag.l, &msg->src,
				  sa_port(&msg->src));
	else if (sa_cmp(&msg->via.addr, &msg->src, SA_ADDR))
		err = re_sdprintf(via, "%s", value);
	else
		err = re_sdprintf(via, "%s;received=%j", value, &msg->src);
	mem_deref(value);
	return -err;
}

uint16_t sipmsg_reply_port(const struct sip_msg *msg)
{
	uint16_t sent_by = sa_port(&msg->via.addr), usual = msg->tp == SIP_TRANSP_TLS ?
		SIP_PORT_TLS : SIP_PORT;
	struct pl flag;

	if (msg->tp == SIP_TRANSP_UDP && (find_flag(&msg->via.params, "rport", &flag) ||
					  !sa_cmp(&msg->via.addr, &msg->src, SA_ADDR)))
		return sa_port(&msg->src);
	return sent_by ? sent_by : usual;
}
