// SPDX-License-Identifier: GPL-2.0-or-later
/* What is protected, put together and taken apart. */
#include "helper/mikeyd/entity.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "helper/mikeyd/mimehead.h"
#include "helper/mikeyd/sender.h"
#include "helper/mikeyd/sipmsg.h"

#define DEFAULT_TYPE "Content-Type: text/plain\r\n"	/* RFC 2045 5.2 */

/* The name that a header of SIP's has in a MIME entity; NULL if it is not of it. */
static const char *entity_name(const struct head_line *line)
{
	if (line->name.l == 1 && tolower((unsigned char)*line->name.p) == 'c')
		return "Content-Type";
	if (line->name.l == 1 && tolower((unsigned char)*line->name.p) == 'e')
		return "Content-Encoding";
	if (line->name.l <= 8 || strncasecmp(line->name.p, "Content-", 8) ||
	    head_is(line, "Content-Length"))
		return NULL;
	return line->name.p;
}

/*
 * From the text itself and not from what libre read: that lacks folds and
 * blanks, and a list of values would come back as several headers.
 */
static int write_head(struct mbuf *mb, const struct sip_msg *msg)
{
	const struct sip_hdr *first = list_ledata(list_head(&msg->hdrl));
	const char *at, *end = (const char *)mbuf_buf(msg->mb), *name;
	struct head_line line;
	int err = 0;

	if (!first)
		return 0;
	at = first->name.p;
	while (!err && head_next(&at, end, &line) && !head_is_end(&line)) {
		name = entity_name(&line);
		if (!name)
			continue;
		err = name == line.name.p ? mbuf_write_pl(mb, &line.name) :
			mbuf_write_str(mb, name);
		err = err ?: mbuf_write_pl(mb, &line.rest);
		err = err ?: mbuf_write_str(mb, "\r\n");
	}
	return err;
}

int entity_head(char **lines, const struct sip_msg *msg)
{
	struct mbuf *mb = mbuf_alloc(256);
	int err = mb ? write_head(mb, msg) : ENOMEM;

	if (!err) {
		mb->pos = 0;
		err = mbuf_strdup(mb, lines, mb->end);
	}
	sipmsg_wipe(mb);
	return err ? -ENOMEM : 0;
}

int entity_build(struct bytes *entity, const struct sip_msg *msg)
{
	struct pl body = sipmsg_body(msg);
	char *head, *to;
	size_t len;

	if (entity_head(&head, msg))
		return -ENOMEM;
	len = strlen(head);
	if (bytes_alloc(entity, len + 2 + body.l)) {
		mem_deref(head);
		return -ENOMEM;
	}
	to = mempcpy(entity->data, head, len);
	to = mempcpy(to, "\r\n", 2);
	if (body.l)
		memcpy(to, body.p, body.l);
	mem_deref(head);
	return 0;
}

/*
 * From the colon on; folds stay. No other control character gets through: a
 * lone CR, which some parsers take for the end of a line, could hide a header.
 */
static int write_rest(struct mbuf *mb, const struct pl *rest)
{
	int err = 0;

	for (size_t i = 0; i < rest->l && !err; i++) {
		unsigned char c = rest->p[i];

		if (c == '\r' && i + 1 < rest->l && rest->p[i + 1] == '\n')
			continue;
		if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
			return -EBADMSG;
		if (c == '\n')
			err = -mbuf_write_u8(mb, '\r');
		err = err ?: -mbuf_write_u8(mb, c);
	}
	return err ?: -mbuf_write_str(mb, "\r\n");
}

/* What RFC 5322 3.6.8 lets a name be made of; all of it, or what SIP does, too (25.1). */
static bool is_name(const struct pl *name, bool in_sip)
{
	for (size_t i = 0; i < name->l; i++) {
		unsigned char c = name->p[i];

		if (c <= ' ' || c > '~' || (in_sip && !isalnum(c) && !strchr("-.!%*_+`'~", c)))
			return false;
	}
	return name->l;
}

static int keep_line(struct mbuf *mb, const struct head_line *line)
{
	int err;

	if (!line->rest.l || line->name.p + line->name.l != line->rest.p ||
	    !is_name(&line->name, false))
		return -EBADMSG;
	/*
	 * compact names are SIP's: in an entity they say nothing; and whom a list
	 * server names was read before, where it counts
	 */
	if (line->name.l == 1 || !entity_name(line) || head_is(line, SENDER_HEADER))
		return 0;
	if (!is_name(&line->name, true))
		return -EBADMSG;
	err = -mbuf_write_pl(mb, &line->name);
	return err ?: write_rest(mb, &line->rest);
}

int entity_split(const struct bytes *entity, char **headers, struct pl *body)
{
	const char *at = (char *)entity->data, *end = at + entity->len;
	struct mbuf *mb = mbuf_alloc(256);
	struct head_line line;
	bool typed = false;
	int err = mb ? -EBADMSG : -ENOMEM;

	while (mb && head_next(&at, end, &line)) {
		if (head_is_end(&line)) {
			body->p = at;
			body->l = end - at;
			/* MIME has a type for what names none, SIP has not (RFC 3261 20.15) */
			err = typed || !body->l ? 0 : -mbuf_write_str(mb, DEFAULT_TYPE);
			mb->pos = 0;
			err = err ?: -mbuf_strdup(mb, headers, mb->end);
			break;
		}
		typed = typed || head_is(&line, "Content-Type");
		err = keep_line(mb, &line);
		if (err)
			break;
		err = -EBADMSG;		/* the empty line is to come */
	}
	sipmsg_wipe(mb);
	return err;
}
