// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Multipart bodies taken apart. The delimiters are sought here, since GMime does
 * not tell where a part lies; what headers say, and the encodings, are GMime's.
 */
#include "helper/mikeyd/bodyparts.h"

#include <ctype.h>
#include <errno.h>
#include <gmime/gmime.h>
#include <string.h>

#include "helper/lib/base64.h"
#include "helper/mikeyd/mimehead.h"

/* RFC 2046 5.1.1 */
#define BOUNDARY_MAX 70

/* A header that says more than this says too much. */
#define VALUE_SIZE 1024

static void gmime_once(void)
{
	static bool initialised;

	if (!initialised)
		g_mime_init();
	initialised = true;
}

static void copy_lower(char *to, size_t size, const char *from)
{
	size_t len = 0;

	for (; *from && len < size - 1; from++)
		to[len++] = tolower((unsigned char)*from);
	to[len] = '\0';
}

/* "\r\n--" and the boundary of a multipart/mixed; 0 if it is none. */
static size_t find_delimiter(char delimiter[BOUNDARY_MAX + 5], const struct pl *type)
{
	GMimeContentType *content_type;
	const char *boundary;
	char value[VALUE_SIZE];
	size_t len = 0;

	if (!pl_isset(type) || pl_strcpy(type, value, sizeof(value)) || strlen(value) != type->l)
		return 0;
	gmime_once();
	content_type = g_mime_content_type_parse(NULL, value);
	if (!content_type)
		return 0;
	boundary = g_mime_content_type_get_parameter(content_type, "boundary");
	if (g_mime_content_type_is_type(content_type, "multipart", "mixed") && boundary &&
	    *boundary && strlen(boundary) <= BOUNDARY_MAX)
		len = snprintf(delimiter, BOUNDARY_MAX + 5, "\r\n--%s", boundary);
	g_object_unref(content_type);
	return len;
}

/* A delimiter line that was found. */
struct delimiter {
	const char *before;	/* where the part before it ends */
	const char *line, *behind;
	bool last;
};

/* Is the rest of the line white space? Where the next line begins; or NULL. */
static const char *rest_of_line(const char *at, const char *end, bool last)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
		return at + 2;
	return last && at == end ? at : NULL;
}

/* @text is "\r\n--boundary"; at the beginning of a body its CRLF is not there. */
static bool next_delimiter(struct delimiter *delimiter, const char *body, const char *at,
			   const char *end, const char *text, size_t len)
{
	for (;;) {
		if (at == body && (size_t)(end - at) >= len - 2 && !memcmp(at, text + 2, len - 2)) {
			delimiter->before = at;
			delimiter->line = at;
		} else {
			at = memmem(at, end - at, text, len);
			if (!at)
				return false;
			delimiter->before = at;
			delimiter->line = at + 2;
		}
		at = delimiter->line + len - 2;
		delimiter->last = end - at >= 2 && at[0] == '-' && at[1] == '-';
		delimiter->behind = rest_of_line(delimiter->last ? at + 2 : at, end,
						 delimiter->last);
		if (delimiter->behind)
			return true;
	}
}

/*
 * Where the content begins. Without any there need not be an empty line (RFC 2046 5.1.1);
 * false if the headers are cut off.
 */
static bool divide(struct body_part *part)
{
	const char *at = part->whole.p, *end = at + part->whole.l;
	struct head_line line;

	part->head = part->whole;
	part->content.p = end;
	part->content.l = 0;
	part->bare = false;
	while (head_next(&at, end, &line)) {
		if (!head_is_end(&line))
			continue;
		part->head.l = at - part->whole.p;
		part->content.p = at;
		part->content.l = end - at;
		return true;
	}
	part->bare = at == end;
	return part->bare;
}

int body_parts_find(struct body_parts *parts, const struct pl *type, const struct pl *body)
{
	const char *end = body->p + body->l, *stop;
	char text[BOUNDARY_MAX + 5];
	size_t len = find_delimiter(text, type);
	struct delimiter delimiter;
	struct body_part *part;
	bool found, divided = true;

	parts->count = 0;
	parts->complete = false;
	parts->last_line = end;
	if (!len)
		return -ENOENT;
	found = body->l && next_delimiter(&delimiter, body->p, body->p, end, text, len);
	while (found && !delimiter.last && parts->count < BODY_PARTS_MAX) {
		part = &parts->part[parts->count++];
		part->line = delimiter.line;
		part->whole.p = delimiter.behind;
		/* the CRLF of an empty part is that of the delimiter before it */
		found = next_delimiter(&delimiter, body->p, delimiter.behind - 2, end, text, len);
		stop = found ? delimiter.before : end;
		part->whole.l = stop > part->whole.p ? stop - part->whole.p : 0;
		if (!divide(part) || stop < part->whole.p)
			divided = false;
	}
	if (found)
		parts->last_line = delimiter.line;
	parts->complete = found && delimiter.last && divided;
	return 0;
}

static int read_type(struct part_head *head, const struct pl *lines)
{
	GMimeContentType *type;
	char value[VALUE_SIZE], *name;
	int err = head_value(lines, "Content-Type", value, sizeof(value));

	strcpy(head->type, "text/plain");
	if (err)
		return err == -ENOENT ? 0 : err;
	head->typed = true;
	type = g_mime_content_type_parse(NULL, value);
	if (!type)
		return -EBADMSG;
	name = g_mime_content_type_get_mime_type(type);
	copy_lower(head->type, sizeof(head->type), name);
	g_free(name);
	g_object_unref(type);
	return 0;
}

static int read_disposition(struct part_head *head, const struct pl *lines)
{
	GMimeContentDisposition *disposition;
	const char *handling;
	char value[VALUE_SIZE];
	int err = head_value(lines, "Content-Disposition", value, sizeof(value));

	head->disposition[0] = '\0';
	head->optional = false;
	if (err)
		return err == -ENOENT ? 0 : err;
	disposition = g_mime_content_disposition_parse(NULL, value);
	if (!disposition)
		return -EBADMSG;
	copy_lower(head->disposition, sizeof(head->disposition),
		   g_mime_content_disposition_get_disposition(disposition));
	/* GMime takes a comment for a part of it */
	head->disposition[strcspn(head->disposition, " \t(")] = '\0';
	handling = g_mime_content_disposition_get_parameter(disposition, "handling");
	head->optional = handling && !strcasecmp(handling, "optional");
	g_object_unref(disposition);
	return 0;
}

static int read_encoding(struct part_head *head, const struct pl *lines)
{
	char value[VALUE_SIZE];
	int err = head_value(lines, "Content-Transfer-Encoding", value, sizeof(value));

	head->encoding = PART_IDENTITY;
	if (err)
		return err == -ENOENT ? 0 : err;
	value[strcspn(value, " \t;(")] = '\0';
	switch (g_mime_content_encoding_from_string(value)) {
	case GMIME_CONTENT_ENCODING_7BIT:
	case GMIME_CONTENT_ENCODING_8BIT:
	case GMIME_CONTENT_ENCODING_BINARY:
		break;
	case GMIME_CONTENT_ENCODING_BASE64:
		head->encoding = PART_BASE64;
		break;
	case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
		head->encoding = PART_QUOTED;
		break;
	default:
		head->encoding = PART_UNKNOWN;
	}
	return 0;
}

int part_head_read(struct part_head *head, const struct body_part *part)
{
	int err;

	gmime_once();
	memset(head, 0, sizeof(*head));
	err = read_type(head, &part->head);
	err = err ?: read_disposition(head, &part->head);
	return err ?: read_encoding(head, &part->head);
}

static int decode_quoted(struct bytes *out, const struct pl *content)
{
	GMimeEncoding state;

	g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	if (bytes_alloc(out, g_mime_encoding_outlen(&state, content->l)))
		return -ENOMEM;
	out->len = g_mime_encoding_flush(&state, content->p, content->l, (char *)out->data);
	return 0;
}

int part_decode(struct bytes *out, const struct body_part *part,
		const struct part_head *head, struct problem *problem)
{
	const struct pl *content = &part->content;
	int err;

	switch (head->encoding) {
	case PART_IDENTITY:
		err = bytes_alloc(out, content->l);
		if (!err && content->l)
			memcpy(out->data, content->p, content->l);
		break;
	case PART_BASE64:
		/* GMime would skip what it does not know in it */
		err = base64_read(out, content->p, content->l);
		break;
	case PART_QUOTED:
		err = decode_quoted(out, content);
		break;
	default:
		return problem_set(problem, -EBADMSG,
				   "a part of the message has a transfer encoding that is not known");
	}
	if (err == -ENOMEM)
		return problem_set(problem, err, "no memory");
	if (err)
		return problem_set(problem, err, "a part of the message is not base64");
	if (!out->len) {
		bytes_wipe(out);
		return problem_set(problem, -EBADMSG, "a part of the message is empty");
	}
	return 0;
}
