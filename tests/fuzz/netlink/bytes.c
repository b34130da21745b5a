// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Edits of bytes and of DER elements.
 */
#include <string.h>

#include "bytes.h"

/* What edits add to a message or object, so that it still fits everywhere. */
#define ADD_MAX 1024

/* @del bytes at @at go, @len of @add come. */
struct splice {
	u32 at;
	u32 del;
	u32 len;
	u8 add[ADD_MAX];
};

static u32 width(u16 len)
{
	return 1 << len % 4;
}

static u32 at_most(u32 n, u32 max)
{
	return n < max ? n : max;
}

/* @room: bytes that may be changed */
static void byte_splice(struct splice *s, const struct edit *e, const u8 *p, u32 room)
{
	memset(s, 0, sizeof(*s));
	s->at = e->where % (room + 1);
	switch (e->op) {
	case BYTE_FLIP:
	case BYTE_ADD:
		s->del = at_most(1, room - s->at);
		s->len = s->del;
		s->add[0] = p[s->at];
		if (e->op == BYTE_FLIP)
			s->add[0] ^= 1 << e->len % 8;
		else
			s->add[0] += e->value;
		break;
	case BYTE_SET:
		s->del = at_most(width(e->len), room - s->at);
		s->len = s->del;
		memcpy(s->add, &e->value, s->len);
		break;
	case BYTE_DELETE:
		s->del = at_most(e->len, room - s->at);
		break;
	case BYTE_INSERT:
		s->len = at_most(e->len, ADD_MAX);
		for (u32 i = 0; i < s->len; i++)
			s->add[i] = e->value >> i % 8 * 8;
		break;
	case BYTE_COPY:
		s->len = at_most(at_most(e->len, ADD_MAX), room - e->value % (room + 1));
		memcpy(s->add, p + e->value % (room + 1), s->len);
		break;
	case BYTE_CUT:
		s->del = room - s->at;
		break;
	}
}

void bytes_bend_msg(struct peer_msg *m, const struct recipe *r, u8 layer, u32 tail)
{
	static struct splice s;
	u32 left = ADD_MAX;

	for (u8 i = 0; i < r->num; i++) {
		if (r->edits[i].layer != layer || m->len < tail)
			continue;
		byte_splice(&s, &r->edits[i], m->p, m->len - tail);
		if (s.len > s.del + left)
			continue;
		left -= s.len > s.del ? s.len - s.del : 0;
		peer_splice(m, s.at, s.del, s.add, s.len);
	}
	/* it may have gone with what was around it */
	if (m->cut_len && (m->cut_at > m->len || m->cut_at + m->cut_len + tail > m->len)) {
		m->cut_at = m->len > tail ? m->len - tail : 0;
		m->cut_len = 0;
	}
}

static void splice_cms(struct edit_buf *object, const struct splice *s)
{
	if (object->len - s->del + s->len > sizeof(object->p))
		return;
	memmove(object->p + s->at + s->len, object->p + s->at + s->del,
		object->len - s->at - s->del);
	memcpy(object->p + s->at, s->add, s->len);
	object->len += s->len - s->del;
}

/* @at, @head, @len: where an element starts, bytes of its header and contents */
struct element {
	u32 at;
	u32 head;
	u32 len;
};

#define DEPTH_MAX 16

/* The element at @at; false where there is none before @end */
static bool element_at(const u8 *p, u32 at, u32 end, struct element *e)
{
	u32 n;

	if (end - at < 2)
		return false;
	*e = (struct element){ at, 2, p[at + 1] };
	if (e->len & 0x80) {
		n = e->len & 0x7f;
		if (!n || n > 3 || end - at < 2 + n)
			return false;
		e->len = 0;
		for (u32 i = 0; i < n; i++)
			e->len = e->len << 8 | p[at + 2 + i];
		e->head += n;
	}
	return e->len <= end - at - e->head;
}

/*
 * The element number @nth below @end, parents first; @path: it and all around
 * it, outermost first, @depth of them. Return: how many are still to be passed
 * over, -1 when it was found.
 */
static int find(const u8 *p, u32 at, u32 end, int nth, struct element *path, u32 *depth)
{
	struct element e;

	while (*depth < DEPTH_MAX && element_at(p, at, end, &e)) {
		path[(*depth)++] = e;
		if (!nth--)
			return -1;
		if (p[at] & 0x20) {
			nth = find(p, at + e.head, at + e.head + e.len, nth, path, depth);
			if (nth < 0)
				return nth;
		}
		(*depth)--;
		at += e.head + e.len;
	}
	return nth;
}

bool bytes_der_has(const struct edit_buf *object, const char *path)
{
	u32 at = 0, end = object->len;
	struct element e, way = { 0 };

	for (;; path += 2) {
		bool found = false;

		/* whole levels, as edit() wants them */
		for (u32 i = 0; at < end; i++) {
			if (!element_at(object->p, at, end, &e))
				return false;
			if (i == (u32)(*path - '0')) {
				found = true;
				way = e;
			}
			at += e.head + e.len;
		}
		if (!found || !path[1])
			return found;
		at = way.at + way.head;
		end = at + way.len;
	}
}

static u32 put_head(u8 *to, u8 tag, u32 len)
{
	to[0] = tag;
	if (len < 0x80) {
		to[1] = len;
		return 2;
	}
	if (len < 0x100) {
		to[1] = 0x81;
		to[2] = len;
		return 3;
	}
	to[1] = 0x82;
	to[2] = len >> 8;
	to[3] = len;
	return 4;
}

/* Lengths of what is around a change by @grown bytes, innermost first. */
static void fix_lengths(struct edit_buf *object, struct element *path, u32 depth, int grown)
{
	struct splice s;

	while (depth--) {
		struct element *e = &path[depth];

		s.at = e->at;
		s.del = e->head;
		s.len = put_head(s.add, object->p[e->at], e->len + grown);
		splice_cms(object, &s);
		grown += s.len - s.del;
	}
}

/* The element as it shall be, header and all */
static void bend_element(struct splice *s, const struct edit *e, const u8 *p, u32 head, u32 len)
{
	static u8 content[ADD_MAX];
	u32 i, n = at_most(e->len, ADD_MAX / 4);
	u8 tag = p[0];

	memcpy(content, p + head, len);
	switch (e->op) {
	case DER_DROP:
		return;
	case DER_REPEAT:
		memcpy(s->add, p, head + len);
		memcpy(s->add + head + len, p, head + len);
		s->len = 2 * (head + len);
		return;
	case DER_TAG:
		tag = e->value;
		break;
	case DER_CONTENT:
	case DER_APPEND:
		if (e->op == DER_CONTENT)
			len = 0;
		for (i = 0; i < n; i++)
			content[len++] = e->value >> i % 8 * 8;
		break;
	case DER_FLIP:
		if (len)
			content[e->len / 8 % len] ^= 1 << e->len % 8;
		break;
	case DER_BYTE:
		if (len)
			content[e->len % len] = e->value;
		break;
	case DER_WRAP:
		memcpy(content, p, head + len);
		len += head;
		tag = e->value | 0x20;
		break;
	}
	s->len = put_head(s->add, tag, len);
	memcpy(s->add + s->len, content, len);
	s->len += len;
}

static void bend_der(struct edit_buf *object, const struct edit *e)
{
	static struct splice s;
	struct element path[DEPTH_MAX];
	u32 depth = 0;

	if (find(object->p, 0, object->len, e->where % 64, path, &depth) >= 0)
		return;
	depth--;
	s.at = path[depth].at;
	s.del = path[depth].head + path[depth].len;
	s.len = 0;
	if (s.del > ADD_MAX / 2 - 8 || object->len > sizeof(object->p) - ADD_MAX - 64)
		return;
	bend_element(&s, e, object->p + s.at, path[depth].head, path[depth].len);
	splice_cms(object, &s);
	fix_lengths(object, path, depth, (int)(s.len - s.del));
}

void bytes_bend_cms(struct edit_buf *object, const struct recipe *r, u8 layer)
{
	static struct splice s;

	for (u8 i = 0; i < r->num; i++) {
		if (r->edits[i].layer != layer)
			continue;
		if (layer == LAYER_DER) {
			bend_der(object, &r->edits[i]);
		} else {
			byte_splice(&s, &r->edits[i], object->p, object->len);
			splice_cms(object, &s);
		}
	}
}
