// SPDX-License-Identifier: GPL-2.0-or-later
/* Bodies with a list of recipients (RFC 5365 section 6). */
#include "helper/mikeyd/listbody.h"

#include <errno.h>
#include <string.h>

#include "helper/lib/base64.h"
#include "helper/mikeyd/bodyparts.h"
#include "helper/mikeyd/entity.h"
#include "helper/mikeyd/mimehead.h"
#include "helper/mikeyd/sipmsg.h"

#define LIST_TYPE "application/resource-lists+xml"

/* The parts of a message, and which of them is the list. */
struct layout {
	struct pl body;
	struct body_parts parts;
	unsigned int lists, at;		/* how many, and the last of them */
	struct part_head list;
};

static int no_memory(struct problem *problem)
{
	return problem_set(problem, -ENOMEM, "no memory");
}

static int lay_out(struct layout *layout, const struct sip_msg *msg)
{
	const struct sip_hdr *type = sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE);
	struct part_head head;

	layout->lists = 0;
	layout->body = sipmsg_body(msg);
	if (!type || body_parts_find(&layout->parts, &type->val, &layout->body))
		return -ENOENT;
	for (unsigned int i = 0; i < layout->parts.count; i++) {
		if (part_head_read(&head, &layout->parts.part[i]))
			layout->parts.complete = false;
		if (strcmp(head.disposition, "recipient-list"))
			continue;
		layout->lists++;
		layout->at = i;
		layout->list = head;
	}
	return 0;
}

bool list_body_has(const struct sip_msg *msg)
{
	struct layout layout;

	return !lay_out(&layout, msg) && layout.lists;
}

static int check(const struct layout *layout, struct problem *problem)
{
	if (!layout->parts.complete)
		return problem_set(problem, -EBADMSG, "the multipart body is damaged or cut short");
	if (layout->lists != 1)
		return problem_set(problem, -EBADMSG,
				   "the message has %s part with the disposition recipient-list",
				   layout->lists ? "more than one" : "no");
	if (layout->parts.count == 1)
		return problem_set(problem, -EBADMSG,
				   "the message has nothing to protect beside its list of recipients");
	if (strcmp(layout->list.type, LIST_TYPE))
		return problem_set(problem, -EOPNOTSUPP,
				   "the list of recipients is %s; only " LIST_TYPE " is understood",
				   layout->list.type);
	return 0;
}

/* Does the message say nothing of its body but that it is multipart? */
static bool says_type_only(const char *head)
{
	const char *at = head, *end = head + strlen(head);
	struct head_line line;

	while (head_next(&at, end, &line))
		if (!head_is(&line, "Content-Type"))
			return false;
	return true;
}

/* The only other part, if it means the same without the multipart around it. */
static const struct body_part *only_part(const struct layout *layout, const char *head)
{
	const struct body_part *part = &layout->parts.part[!layout->at];
	struct part_head part_head;

	if (layout->parts.count != 2 || part->bare || !says_type_only(head) ||
	    part_head_read(&part_head, part) || !part_head.typed ||
	    part_head.encoding != PART_IDENTITY)
		return NULL;
	return part;
}

static int copy(struct bytes *to, const struct pl *from)
{
	if (bytes_alloc(to, from->l))
		return -ENOMEM;
	memcpy(to->data, from->p, from->l);
	return 0;
}

/* The whole body, from the list's delimiter to the next one left out. */
static int cut_list(struct bytes *entity, const struct layout *layout, const char *head)
{
	const struct body_parts *parts = &layout->parts;
	const struct pl *body = &layout->body;
	const char *from = parts->part[layout->at].line;
	const char *next = layout->at + 1 < parts->count ?
		parts->part[layout->at + 1].line : parts->last_line;
	size_t len = strlen(head), before = from - body->p, after = body->p + body->l - next;
	uint8_t *to;

	if (bytes_alloc(entity, len + 2 + before + after))
		return -ENOMEM;
	to = mempcpy(entity->data, head, len);
	to = mempcpy(to, "\r\n", 2);
	to = mempcpy(to, body->p, before);
	memcpy(to, next, after);
	return 0;
}

static int make_entity(struct bytes *entity, const struct layout *layout,
		       const struct sip_msg *msg)
{
	const struct body_part *part;
	char *head;
	int err;

	err = entity_head(&head, msg);
	if (err)
		return err;
	part = only_part(layout, head);
	err = part ? copy(entity, &part->whole) : cut_list(entity, layout, head);
	mem_deref(head);
	return err;
}

/* The list's part: as it came, or with the content that may be seen. */
static int make_list(struct list_body *body, const struct layout *layout,
		     struct problem *problem)
{
	const struct body_part *part = &layout->parts.part[layout->at];
	const struct bytes *shown = &body->recipients.shown;
	bool base64 = layout->list.encoding == PART_BASE64;
	uint8_t *to;

	if (body->recipients.hidden == body->recipients.count)
		return 0;	/* nobody gets it */
	if (!body->recipients.changed)
		return copy(&body->list, &part->whole) ? no_memory(problem) : 0;
	if (!base64 && layout->list.encoding != PART_IDENTITY)
		return problem_set(problem, -EBADMSG,
				   "a list with recipients to hide must be in base64 or as it is");
	if (bytes_alloc(&body->list, part->head.l + 1 +
			(base64 ? base64_size(shown->len, BASE64_MIME_LINE) : shown->len)))
		return no_memory(problem);
	to = mempcpy(body->list.data, part->head.p, part->head.l);
	if (base64)
		to += base64_write((char *)to, shown->data, shown->len, BASE64_MIME_LINE);
	else
		to = mempcpy(to, shown->data, shown->len);
	body->list.len = to - body->list.data;
	return 0;
}

static int read_list(struct recipients *recipients, struct layout *layout,
		     const struct sip_msg *msg, struct problem *problem)
{
	struct bytes document;
	int err;

	if (lay_out(layout, msg))
		return problem_set(problem, -EBADMSG,
				   "a message to a list of recipients has a body multipart/mixed");
	err = check(layout, problem);
	err = err ?: part_decode(&document, &layout->parts.part[layout->at], &layout->list,
				 problem);
	if (err)
		return err;
	err = recipients_read(recipients, &document, problem);
	bytes_wipe(&document);
	return err;
}

int list_body_read(struct list_body *body, const struct sip_msg *msg, struct problem *problem)
{
	struct layout layout;
	int err;

	memset(body, 0, sizeof(*body));
	err = read_list(&body->recipients, &layout, msg, problem);
	if (err)
		return err;
	body->list_first = !layout.at;
	err = make_list(body, &layout, problem);
	if (!err && make_entity(&body->entity, &layout, msg))
		err = no_memory(problem);
	if (err)
		list_body_wipe(body);
	return err;
}

void list_body_wipe(struct list_body *body)
{
	bytes_wipe(&body->entity);
	bytes_wipe(&body->list);
	recipients_free(&body->recipients);
}

int list_body_read_list(struct recipients *recipients, const struct sip_msg *msg,
			struct problem *problem)
{
	struct layout layout;

	return read_list(recipients, &layout, msg, problem);
}

/* The part that is left, as the body of a message of its own. */
static int unwrap(const struct layout *layout, char **headers, struct mbuf **out)
{
	const struct body_part *part = &layout->parts.part[!layout->at];
	const struct bytes whole = { .data = (uint8_t *)part->whole.p, .len = part->whole.l };
	struct part_head head;
	struct pl body;
	int err;

	if (part_head_read(&head, part))
		return -EBADMSG;
	err = entity_split(&whole, headers, &body);
	if (err)
		return err;
	*out = mbuf_alloc(body.l + 1);
	if (!*out || mbuf_write_pl(*out, &body)) {
		*out = mem_deref(*out);
		*headers = mem_deref(*headers);
		return -ENOMEM;
	}
	(*out)->pos = 0;
	return 0;
}

/* From the list's delimiter to the next one, which stay, another part. */
static int replace(struct mbuf *mb, const struct layout *layout, const struct bytes *part)
{
	const struct body_parts *parts = &layout->parts;
	const struct body_part *list = &parts->part[layout->at];
	const char *next = layout->at + 1 < parts->count ?
		parts->part[layout->at + 1].line : parts->last_line;
	const struct pl *body = &layout->body;
	const char *begin = part->len ? list->whole.p : list->line;
	int err;

	err = mbuf_write_mem(mb, (const uint8_t *)body->p, begin - body->p);
	if (part->len && !err)
		err = mbuf_write_mem(mb, part->data, part->len) ?: mbuf_write_str(mb, "\r\n");
	return err ?: mbuf_write_mem(mb, (const uint8_t *)next, body->p + body->l - next);
}

int list_body_expand(const struct sip_msg *msg, const struct bytes *part, char **headers,
		     struct mbuf **out)
{
	struct layout layout;
	struct problem problem;

	if (lay_out(&layout, msg) || check(&layout, &problem))
		return -EBADMSG;
	if (!part->len && layout.parts.count == 2 && !layout.parts.part[!layout.at].bare)
		return unwrap(&layout, headers, out);
	*out = mbuf_alloc(layout.body.l + part->len + 2);
	if (!*out)
		return -ENOMEM;
	if (!replace(*out, &layout, part) && !entity_head(headers, msg)) {
		(*out)->pos = 0;
		return 0;
	}
	*out = mem_deref(*out);
	return -ENOMEM;
}
