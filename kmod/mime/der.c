// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DER: a strict bounded reader and a writer that works backwards.
 *
 * One encoding for one value: indefinite and padded lengths (BER) are
 * refused, since a hash over the object must not depend on which of several
 * encodings somebody on the way chose.
 */
#include "der.h"

#define DER_CONSTRUCTED 0x20
#define DER_TAG_NUMBER 0x1f
#define DER_LONG_LENGTH 0x80

struct der_cursor der_read(struct der_reader *r, struct mikey_blob buf,
			   struct mikey_diag *diag)
{
	r->buf = buf;
	r->diag = diag;
	r->err = 0;
	return (struct der_cursor){ .r = r, .pos = 0, .end = buf.len };
}

void der_fail(struct der_cursor *c, int err, const char *why)
{
	if (c->r->err)
		return;
	c->r->err = err;
	c->r->diag->why = why;
	c->r->diag->offset = c->pos;
}

bool der_more(const struct der_cursor *c)
{
	return !c->r->err && c->pos < c->end;
}

bool der_at(const struct der_cursor *c, u8 tag)
{
	return der_more(c) && c->r->buf.p[c->pos] == tag;
}

/*
 * Length octets at *@pos; leaves *@pos behind them. At most four octets of
 * length, so that no sum here exceeds 64 bits and no length 32.
 */
static bool der_length(struct der_cursor *c, u32 *pos, u32 *len)
{
	const u8 *p = c->r->buf.p;
	u32 octets, i;

	if (*pos >= c->end) {
		der_fail(c, -EBADMSG, "the object ends before an element's length");
		return false;
	}
	*len = p[(*pos)++];
	if (*len < DER_LONG_LENGTH)
		goto fits;

	octets = *len & ~DER_LONG_LENGTH;
	if (!octets) {
		der_fail(c, -EBADMSG, "indefinite lengths (BER) are not accepted, DER is required");
		return false;
	}
	if (octets > sizeof(*len)) {
		der_fail(c, -EBADMSG, "an element's length has more than four octets");
		return false;
	}
	if (octets > c->end - *pos) {
		der_fail(c, -EBADMSG, "the object ends inside an element's length");
		return false;
	}
	*len = 0;
	for (i = 0; i < octets; i++)
		*len = *len << 8 | p[(*pos)++];
	if (*len < DER_LONG_LENGTH || !(*len >> (8 * (octets - 1)))) {
		der_fail(c, -EBADMSG, "an element's length is not the shortest, DER is required");
		return false;
	}
fits:
	if (*len > c->end - *pos) {
		der_fail(c, -EBADMSG, "an element is longer than what surrounds it");
		return false;
	}
	return true;
}

/* The next element: @from its first octet, @body of @len octets. */
static bool der_element(struct der_cursor *c, u8 tag, const char *why,
			u32 *from, u32 *body, u32 *len)
{
	u32 pos = c->pos;

	if (c->r->err)
		return false;
	if (!der_at(c, tag)) {
		/*
		 * BER writers split strings into a constructed form: say so
		 * instead of a riddle about what was expected.
		 */
		if (!(tag & DER_CONSTRUCTED) && (tag & DER_TAG_NUMBER) &&
		    der_at(c, tag | DER_CONSTRUCTED))
			why = "strings in pieces (BER) are not accepted, DER is required";
		der_fail(c, -EBADMSG, why);
		return false;
	}
	*from = pos++;
	if (!der_length(c, &pos, len))
		return false;
	*body = pos;
	c->pos = pos + *len;
	return true;
}

struct mikey_blob der_get(struct der_cursor *c, u8 tag, const char *why)
{
	u32 from, body, len;

	if (!der_element(c, tag, why, &from, &body, &len))
		return (struct mikey_blob){ NULL, 0 };
	return (struct mikey_blob){ c->r->buf.p + body, len };
}

struct mikey_blob der_get_tlv(struct der_cursor *c, u8 tag, const char *why)
{
	u32 from, body, len;

	if (!der_element(c, tag, why, &from, &body, &len))
		return (struct mikey_blob){ NULL, 0 };
	return (struct mikey_blob){ c->r->buf.p + from, body - from + len };
}

struct der_cursor der_enter(struct der_cursor *c, u8 tag, const char *why)
{
	u32 from, body, len;

	if (!der_element(c, tag, why, &from, &body, &len))
		return (struct der_cursor){ c->r, c->pos, c->pos };
	return (struct der_cursor){ c->r, body, body + len };
}

struct mikey_blob der_left(const struct der_cursor *c)
{
	if (!der_more(c))
		return (struct mikey_blob){ NULL, 0 };
	return (struct mikey_blob){ c->r->buf.p + c->pos, c->end - c->pos };
}

u32 der_get_small(struct der_cursor *c, const char *why)
{
	struct mikey_blob v = der_get(c, DER_INTEGER, why);

	if (c->r->err)
		return 0;
	if (v.len != 1 || v.p[0] > 127) {
		der_fail(c, -EBADMSG, why);
		return 0;
	}
	return v.p[0];
}

void der_leave(struct der_cursor *c, const char *why)
{
	if (c->pos != c->end)
		der_fail(c, -EBADMSG, why);
}

void der_write(struct der_writer *w, u8 *buf, u32 size)
{
	w->buf = buf;
	w->start = size;
	w->overflow = false;
}

u8 *der_put_room(struct der_writer *w, u32 len)
{
	if (w->overflow || len > w->start) {
		w->overflow = true;
		return NULL;
	}
	w->start -= len;
	return w->buf + w->start;
}

void der_put(struct der_writer *w, struct mikey_blob bytes)
{
	u8 *p = der_put_room(w, bytes.len);

	if (p && bytes.len)
		memcpy(p, bytes.p, bytes.len);
}

static void der_put_long_header(struct der_writer *w, u8 tag, u32 len)
{
	u32 octets = 1, i;
	u8 *p;

	while (octets < sizeof(len) && len >> 8 * octets)
		octets++;
	p = der_put_room(w, 2 + octets);
	if (!p)
		return;
	p[0] = tag;
	p[1] = DER_LONG_LENGTH | octets;
	for (i = 0; i < octets; i++, len >>= 8)
		p[1 + octets - i] = len;
}

void der_put_header(struct der_writer *w, u8 tag, u32 end)
{
	u32 len = end - w->start;
	u8 *p;

	if (w->overflow)
		return;
	if (len >= DER_LONG_LENGTH) {
		der_put_long_header(w, tag, len);
		return;
	}
	p = der_put_room(w, 2);
	if (!p)
		return;
	p[0] = tag;
	p[1] = len;
}

void der_put_small(struct der_writer *w, u8 value)
{
	u8 *p = der_put_room(w, 3);

	if (!p)
		return;
	p[0] = DER_INTEGER;
	p[1] = 1;
	p[2] = value;
}

void der_put_oid(struct der_writer *w, struct mikey_blob oid)
{
	u32 end = w->start;

	der_put(w, oid);
	der_put_header(w, DER_OID, end);
}
