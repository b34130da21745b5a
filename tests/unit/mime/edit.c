// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bending DER objects: takes the tree apart along a path and puts it together
 * again from the inside out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "edit.h"

#define CONSTRUCTED 0x20

struct element {
	u8 tag;
	struct mikey_blob all;
	struct mikey_blob value;
};

static void die(const char *why)
{
	fprintf(stderr, "edit: %s\n", why);
	abort();
}

static struct element first(struct mikey_blob in)
{
	struct element e;
	u32 len, head = 2;

	if (in.len < 2)
		die("no such element");
	e.tag = in.p[0];
	len = in.p[1];
	if (len & 0x80) {
		u32 octets = len & 0x7f;

		if (!octets || octets > 4 || head + octets > in.len)
			die("not DER");
		for (len = 0; octets; octets--)
			len = len << 8 | in.p[head++];
	}
	if (len > in.len - head)
		die("not DER");
	e.value = (struct mikey_blob){ in.p + head, len };
	e.all = (struct mikey_blob){ in.p, head + len };
	return e;
}

static void append(struct edit_buf *b, const void *p, u32 len)
{
	if (len > sizeof(b->p) - b->len)
		die("object too long");
	if (len)
		memcpy(b->p + b->len, p, len);
	b->len += len;
}

static void append_byte(struct edit_buf *b, u8 byte)
{
	append(b, &byte, 1);
}

static void header(struct edit_buf *b, u8 tag, u32 len, bool longer)
{
	u8 octets = len < 0x80 ? 0 : len < 0x100 ? 1 : 2;

	octets += longer;
	append_byte(b, tag);
	if (!octets) {
		append_byte(b, len);
		return;
	}
	append_byte(b, 0x80 | octets);
	while (octets--)
		append_byte(b, octets > 1 ? 0 : len >> 8 * octets);
}

static void put(struct edit_buf *out, const struct element *e, enum edit_op op,
		struct mikey_blob with)
{
	switch (op) {
	case EDIT_REPLACE:
		append(out, with.p, with.len);
		break;
	case EDIT_REMOVE:
		break;
	case EDIT_BEFORE:
		append(out, with.p, with.len);
		append(out, e->all.p, e->all.len);
		break;
	case EDIT_AFTER:
		append(out, e->all.p, e->all.len);
		append(out, with.p, with.len);
		break;
	case EDIT_TAG:
		append(out, e->all.p, e->all.len);
		out->p[out->len - e->all.len] = with.p[0];
		break;
	case EDIT_VALUE:
		header(out, e->tag, with.len, false);
		append(out, with.p, with.len);
		break;
	case EDIT_INDEFINITE:
		append_byte(out, e->tag);
		append_byte(out, 0x80);
		append(out, e->value.p, e->value.len);
		append(out, "\0\0", 2);
		break;
	case EDIT_LONG_LENGTH:
		header(out, e->tag, e->value.len, true);
		append(out, e->value.p, e->value.len);
		break;
	case EDIT_CHUNKED: {
		struct edit_buf parts = { 0 };
		u32 half = e->value.len / 2;

		header(&parts, 0x04, half, false);
		append(&parts, e->value.p, half);
		header(&parts, 0x04, e->value.len - half, false);
		append(&parts, e->value.p + half, e->value.len - half);
		header(out, e->tag | CONSTRUCTED, parts.len, false);
		append(out, parts.p, parts.len);
		break;
	}
	}
}

/* All elements of @in, the one at @path bent */
static void walk(struct edit_buf *out, struct mikey_blob in, const char *path,
		 enum edit_op op, struct mikey_blob with)
{
	char *rest;
	u32 index = strtoul(path, &rest, 10);

	for (u32 i = 0; in.len || i <= index; i++) {
		struct element e = first(in);

		in.p += e.all.len;
		in.len -= e.all.len;
		if (i != index) {
			append(out, e.all.p, e.all.len);
		} else if (!*rest) {
			put(out, &e, op, with);
		} else {
			struct edit_buf inner = { 0 };

			walk(&inner, e.value, rest + 1, op, with);
			header(out, e.tag, inner.len, false);
			append(out, inner.p, inner.len);
		}
	}
}

void edit(struct edit_buf *out, struct mikey_blob object, const char *path,
	  enum edit_op op, struct mikey_blob with)
{
	out->len = 0;
	walk(out, object, path, op, with);
}

struct mikey_blob edit_find(struct mikey_blob object, const char *path)
{
	struct element e = { 0 };
	char *rest = (char *)path;

	for (;;) {
		u32 index = strtoul(rest, &rest, 10);

		for (u32 i = 0; i <= index; i++) {
			e = first(object);
			object.p += e.all.len;
			object.len -= e.all.len;
		}
		if (!*rest++)
			return e.all;
		object = e.value;
	}
}

struct mikey_blob edit_hex(const char *hex)
{
	static u8 ring[8][256];
	static u32 turn;
	u8 *buf = ring[turn++ % 8];
	u32 len = 0;
	int n;

	for (unsigned int byte; sscanf(hex, " %2x%n", &byte, &n) == 1; hex += n) {
		if (len == sizeof(ring[0]))
			die("too many digits");
		buf[len++] = byte;
	}
	if (hex[strspn(hex, " ")])
		die("not hexadecimal");
	return (struct mikey_blob){ buf, len };
}
