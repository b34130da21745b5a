// SPDX-License-Identifier: GPL-2.0-or-later
/* Multipart bodies, read with GMime. */
#include "helper/mikeyd/multipart.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <string.h>

#include "helper/lib/base64.h"
#include "helper/lib/mime.h"

static const char part_transfer[] =
	"Content-Type: application/mikey\r\n"
	"Content-Transfer-Encoding: base64\r\n"
	"\r\n";

static const char part_cms[] =
	"Content-Type: application/pkcs7-mime; smime-type=%s; name=smime.p7m\r\n"
	"Content-Transfer-Encoding: base64\r\n"
	"Content-Disposition: attachment; filename=smime.p7m\r\n"
	"\r\n";

static int write_base64(struct mbuf *mb, const struct bytes *bytes)
{
	size_t size = base64_size(bytes->len, BASE64_MIME_LINE);

	/* base64_write ends with a zero byte, which what follows overwrites */
	if (mb->size < mb->pos + size + 1 && mbuf_resize(mb, mb->pos + size + 1))
		return -ENOMEM;
	mb->pos += base64_write((char *)mb->buf + mb->pos, bytes->data, bytes->len,
				BASE64_MIME_LINE);
	mb->end = mb->pos;
	return 0;
}

int multipart_build(struct multipart *multipart, const struct bytes *transfer,
		    const struct bytes *cms, uint32_t form)
{
	struct mbuf *mb = mbuf_alloc(1024 + base64_size(transfer->len, BASE64_MIME_LINE) +
				     base64_size(cms->len, BASE64_MIME_LINE));
	char boundary[33];
	int err;

	if (!mb)
		return -ENOMEM;
	/* base64 has no '-' at the start of a line, so any boundary would do */
	rand_str(boundary, sizeof(boundary));
	err = mbuf_printf(mb, "--%s\r\n", boundary);
	err |= mbuf_write_str(mb, part_transfer);
	err |= write_base64(mb, transfer);
	err |= mbuf_printf(mb, "--%s\r\n", boundary);
	err |= mbuf_printf(mb, part_cms, mime_form_type(form));
	err |= write_base64(mb, cms);
	err |= mbuf_printf(mb, "--%s--\r\n", boundary);
	mb->pos = 0;
	if (err) {
		mem_deref(mb);
		return -ENOMEM;
	}
	multipart->body = mb;
	re_snprintf(multipart->headers, sizeof(multipart->headers),
		    "Content-Type: multipart/mixed;boundary=\"%s\"\r\n", boundary);
	return 0;
}

/* The bytes of a part, out of whatever transfer encoding. */
static int decode(struct bytes *out, GMimePart *part, struct problem *problem)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeContentEncoding encoding = g_mime_part_get_content_encoding(part);
	GMimeStream *memory;
	GByteArray *array;
	int err = 0;

	if (!content)
		return problem_set(problem, -EBADMSG, "a part of the message has no content");
	if (encoding == GMIME_CONTENT_ENCODING_UUENCODE)
		return problem_set(problem, -EBADMSG, "a part of the message is uuencoded");
	memory = g_mime_stream_mem_new();
	/* base64 as it stands: GMime skips what it does not know in it */
	if (encoding == GMIME_CONTENT_ENCODING_BASE64)
		g_mime_stream_write_to_stream(g_mime_data_wrapper_get_stream(content), memory);
	else
		g_mime_data_wrapper_write_to_stream(content, memory);
	array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
	if (encoding == GMIME_CONTENT_ENCODING_BASE64) {
		if (base64_read(out, (char *)array->data, array->len))
			err = problem_set(problem, -EBADMSG,
					  "a part of the message is not base64");
	} else if (bytes_alloc(out, array->len)) {
		err = problem_set(problem, -ENOMEM, "no memory");
	} else if (array->len) {
		memcpy(out->data, array->data, array->len);
	}
	g_object_unref(memory);
	if (!err && !out->len) {
		bytes_wipe(out);
		err = problem_set(problem, -EBADMSG, "a part of the message is empty");
	}
	return err;
}

/* GMime makes the best of everything; what it had to mend is told here. */
static void mended(gint64 offset, GMimeParserWarning what, const gchar *item, gpointer arg)
{
	bool *damaged = arg;

	(void)offset;
	(void)item;
	if (what == GMIME_WARN_MALFORMED_MULTIPART || what == GMIME_WARN_TRUNCATED_MESSAGE ||
	    what == GMIME_CRIT_MULTIPART_WITHOUT_BOUNDARY)
		*damaged = true;
}

static GMimeObject *parse(const struct pl *type, const struct pl *body, bool *damaged)
{
	GMimeParserOptions *options = g_mime_parser_options_new();
	GMimeStream *stream = g_mime_stream_mem_new();
	GMimeParser *parser;
	GMimeObject *object;

	g_mime_parser_options_set_warning_callback(options, mended, damaged);
	g_mime_stream_write(stream, "Content-Type: ", strlen("Content-Type: "));
	g_mime_stream_write(stream, type->p, type->l);
	g_mime_stream_write(stream, "\r\n\r\n", 4);
	g_mime_stream_write(stream, body->p, body->l);
	/* at a last boundary without line end GMime leaves a '\r' to the part */
	g_mime_stream_write(stream, "\r\n", 2);
	g_mime_stream_seek(stream, 0, GMIME_STREAM_SEEK_SET);
	parser = g_mime_parser_new_with_stream(stream);
	object = g_mime_parser_construct_part(parser, options);
	g_object_unref(parser);
	g_object_unref(stream);
	g_mime_parser_options_free(options);
	return object;
}

/* The only part of a type; 2 and more are as bad as none, since which counts? */
static unsigned int find_parts(GMimeMultipart *multipart, const char *subtype,
			       GMimePart **part)
{
	unsigned int count = 0;

	for (int i = 0; i < g_mime_multipart_get_count(multipart); i++) {
		GMimeObject *object = g_mime_multipart_get_part(multipart, i);
		GMimeContentType *type = g_mime_object_get_content_type(object);

		if (!GMIME_IS_PART(object) ||
		    !g_mime_content_type_is_type(type, "application", subtype))
			continue;
		*part = GMIME_PART(object);
		count++;
	}
	return count;
}

static enum multipart_kind take_parts(GMimeMultipart *multipart, bool damaged,
				      struct bytes *transfer, struct bytes *cms,
				      struct problem *problem)
{
	GMimePart *mikey = NULL, *smime = NULL;
	unsigned int mikeys = find_parts(multipart, "mikey", &mikey);
	unsigned int smimes = find_parts(multipart, "pkcs7-mime", &smime);

	if (!mikeys)
		return MULTIPART_PLAIN;
	if (damaged) {
		problem_set(problem, -EBADMSG, "the multipart body is damaged or cut short");
		return MULTIPART_BROKEN;
	}
	if (mikeys > 1 || smimes > 1) {
		problem_set(problem, -EBADMSG,
			    "the message has several parts where one belongs");
		return MULTIPART_BROKEN;
	}
	if (!smimes) {
		problem_set(problem, -EPROTONOSUPPORT,
			    "the message has no part application/pkcs7-mime");
		return MULTIPART_UNKNOWN;
	}
	if (decode(transfer, mikey, problem))
		return MULTIPART_BROKEN;
	if (decode(cms, smime, problem)) {
		bytes_wipe(transfer);
		return MULTIPART_BROKEN;
	}
	return MULTIPART_PROTECTED;
}

enum multipart_kind multipart_parse(const struct pl *type, const struct pl *body,
				    struct bytes *transfer, struct bytes *cms,
				    struct problem *problem)
{
	static bool initialised;
	enum multipart_kind kind = MULTIPART_PLAIN;
	struct msg_ctype ctype;
	bool damaged = false;
	GMimeObject *object;

	if (!pl_isset(type) || msg_ctype_decode(&ctype, type) ||
	    !msg_ctype_cmp(&ctype, "multipart", "mixed"))
		return MULTIPART_PLAIN;
	if (!initialised)
		g_mime_init();
	initialised = true;
	object = parse(type, body, &damaged);
	if (object && GMIME_IS_MULTIPART(object))
		kind = take_parts(GMIME_MULTIPART(object), damaged, transfer, cms, problem);
	if (object)
		g_object_unref(object);
	return kind;
}

static bool is_length(const struct pl *name)
{
	return !pl_strcasecmp(name, "Content-Length") || !pl_strcasecmp(name, "l");
}

/* Content-Length is SIP's framing and not of the entity. */
static bool belongs(const struct sip_hdr *hdr)
{
	return sipmsg_is_content(hdr) && !is_length(&hdr->name);
}

static const char *full_name(const struct sip_hdr *hdr)
{
	return sipmsg_named(hdr, "Content-Type") ? "Content-Type" :
		sipmsg_named(hdr, "Content-Encoding") ? "Content-Encoding" : NULL;
}

int entity_build(struct bytes *entity, const struct sip_msg *msg)
{
	struct pl body = sipmsg_body(msg), name;
	size_t size = 2 + body.l;
	struct le *le;
	char *to;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (belongs(hdr))
			size += hdr->name.l + strlen("Content-Encoding") + hdr->val.l + 4;
	}
	if (bytes_alloc(entity, size))
		return -ENOMEM;
	to = (char *)entity->data;
	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (!belongs(hdr))
			continue;
		name = hdr->name;
		if (name.l == 1 && full_name(hdr))
			pl_set_str(&name, full_name(hdr));
		to = mempcpy(to, name.p, name.l);
		to = mempcpy(to, ": ", 2);
		to = mempcpy(to, hdr->val.p, hdr->val.l);
		to = mempcpy(to, "\r\n", 2);
	}
	to = mempcpy(to, "\r\n", 2);
	if (body.l)
		to = mempcpy(to, body.p, body.l);
	entity->len = to - (char *)entity->data;
	return 0;
}

/* One line with its folded continuations; false at the empty line. */
static bool next_line(const char **at, const char *end, struct pl *line)
{
	const char *stop;

	line->p = *at;
	do {
		stop = memchr(*at, '\n', end - *at);
		if (!stop)
			return false;
		*at = stop + 1;
	} while (*at < end && (**at == ' ' || **at == '\t') && stop > line->p + 1);
	line->l = stop - line->p;
	if (line->l && line->p[line->l - 1] == '\r')
		line->l--;
	return true;
}

/* Write a value in one line; no control character gets through. */
static int write_value(struct mbuf *mb, const struct pl *line)
{
	int err = 0;

	for (size_t i = 0; i < line->l && !err; i++) {
		unsigned char c = line->p[i];

		if (c == '\r' || c == '\n')	/* of a fold, blanks follow */
			continue;
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return -EBADMSG;
		err = -mbuf_write_u8(mb, c);
	}
	return err ?: -mbuf_write_str(mb, "\r\n");
}

static int keep_line(struct mbuf *mb, const struct pl *line)
{
	const char *colon = pl_strchr(line, ':');
	struct pl name = { .p = line->p };

	if (!colon || colon == line->p)
		return -EBADMSG;
	name.l = colon - line->p;
	for (size_t i = 0; i < name.l; i++)
		if (!g_ascii_isalnum(name.p[i]) && name.p[i] != '-')
			return -EBADMSG;
	if (name.l <= 8 || strncasecmp(name.p, "Content-", 8) || is_length(&name))
		return 0;
	return write_value(mb, line);
}

int entity_split(const struct bytes *entity, char **headers, struct pl *body)
{
	const char *at = (char *)entity->data, *end = at + entity->len;
	struct mbuf *mb = mbuf_alloc(256);
	struct pl line;
	int err = mb ? -EBADMSG : -ENOMEM;

	while (mb && next_line(&at, end, &line)) {
		if (!line.l) {
			body->p = at;
			body->l = end - at;
			mb->pos = 0;
			err = -mbuf_strdup(mb, headers, mb->end);
			break;
		}
		err = keep_line(mb, &line);
		if (err)
			break;
		err = -EBADMSG;		/* the empty line is to come */
	}
	sipmsg_wipe(mb);
	return err;
}
