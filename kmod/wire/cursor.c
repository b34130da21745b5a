// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bounded cursor that every parser of the codec reads through: the only
 * place that takes bytes out of a received message.
 */
#include "cursor.h"

void mikey_cursor_begin(struct mikey_cursor *c, const u8 *buf, u32 pos,
			u32 end, struct mikey_diag *d)
{
	c->buf = buf;
	c->pos = pos;
	c->end = end;
	c->err = 0;
	c->d = d;
}

void mikey_cursor_refuse(struct mikey_cursor *c, int err, const char *why,
			 u32 offset)
{
	if (c->err)
		return;
	c->err = err;
	c->d->why = why;
	c->d->offset = offset;
}

/* NULL once anything has failed; @len may be 0. */
static const u8 *take(struct mikey_cursor *c, u32 len)
{
	const u8 *p;

	if (c->err)
		return NULL;
	if (len > c->end - c->pos) {
		mikey_cursor_refuse(c, -EBADMSG,
				    "a field runs past the end of its container",
				    c->pos);
		return NULL;
	}
	p = c->buf + c->pos;
	c->pos += len;
	return p;
}

static u64 get_be(struct mikey_cursor *c, u32 len)
{
	const u8 *p = take(c, len);
	u64 v = 0;
	u32 i;

	for (i = 0; p && i < len; i++)
		v = v << 8 | p[i];
	return v;
}

/* Nearly all that is read are these two. */
u8 mikey_get_u8(struct mikey_cursor *c)
{
	const u8 *p = take(c, 1);

	return p ? *p : 0;
}

u16 mikey_get_be16(struct mikey_cursor *c)
{
	const u8 *p = take(c, 2);

	return p ? p[0] << 8 | p[1] : 0;
}

u32 mikey_get_be24(struct mikey_cursor *c)
{
	return get_be(c, 3);
}

u32 mikey_get_be32(struct mikey_cursor *c)
{
	return get_be(c, 4);
}

u64 mikey_get_be64(struct mikey_cursor *c)
{
	return get_be(c, 8);
}

struct mikey_blob mikey_get_blob(struct mikey_cursor *c, u32 len)
{
	struct mikey_blob b = { .p = take(c, len) };

	if (b.p)
		b.len = len;
	return b;
}
