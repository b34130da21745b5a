// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Edits of attributes.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "attrs.h"

#define ATTRS_MAX 1024
#define HEAD (NLMSG_HDRLEN + GENL_HDRLEN)
#define NESTS_MAX 16

/* @says: length in its header, 0 for the right one */
struct attr {
	u16 type;
	u16 says;
	u32 len;
	const u8 *p;
};

struct attr_list {
	struct attr a[ATTRS_MAX];
	u32 num;
};

/* New contents live until the request is written. */
static u8 pool[512 * 1024];
static u32 pooled;

static u8 *room(u32 len)
{
	u8 *p = pool + pooled;

	if (len > sizeof(pool) - pooled)
		return NULL;
	pooled += len;
	return p;
}

static void take_apart(struct attr_list *l, const u8 *p)
{
	const struct nlmsghdr *h = (const void *)p;
	u32 at = HEAD;

	l->num = 0;
	while (at + NLA_HDRLEN <= h->nlmsg_len && l->num < ATTRS_MAX) {
		const struct nlattr *n = (const void *)(p + at);

		if (n->nla_len < NLA_HDRLEN)
			break;
		l->a[l->num++] = (struct attr){
			.type = n->nla_type,
			.len = n->nla_len - NLA_HDRLEN,
			.p = p + at + NLA_HDRLEN,
		};
		at += NLA_ALIGN(n->nla_len);
	}
}

static u32 write_attr(u8 *to, u32 cap, const struct attr *a)
{
	struct nlattr *n = (void *)to;
	u32 len = NLA_HDRLEN + a->len;

	if (NLA_ALIGN(len) > cap)
		return 0;
	memset(to, 0, NLA_ALIGN(len));
	n->nla_type = a->type;
	n->nla_len = a->says ? a->says : len;
	if (a->len)
		memcpy(to + NLA_HDRLEN, a->p, a->len);
	return NLA_ALIGN(len);
}

static void insert(struct attr_list *l, u32 at, const struct attr *a)
{
	if (l->num == ATTRS_MAX)
		return;
	memmove(l->a + at + 1, l->a + at, (l->num - at) * sizeof(*a));
	l->a[at] = *a;
	l->num++;
}

/* A copy of its contents with @more bytes behind, to be written to */
static u8 *own(struct attr *a, u32 more)
{
	u8 *p = room(a->len + more);

	if (!p)
		return NULL;
	if (a->len)
		memcpy(p, a->p, a->len);
	memset(p + a->len, 0, more);
	a->p = p;
	return p;
}

static void put_bytes(struct attr *a, const void *from, u32 len)
{
	u8 *p = room(len);

	if (!p)
		return;
	memcpy(p, from, len);
	a->p = p;
	a->len = len;
}

/* A nest in a nest and so on, @len deep, with the attribute inside */
static void nest(struct attr *a, const struct edit *e)
{
	u32 depth = 1 + e->len % NESTS_MAX;

	while (depth--) {
		u8 *p = room(NLA_ALIGN(NLA_HDRLEN + a->len));
		u32 len = p ? write_attr(p, NLA_ALIGN(NLA_HDRLEN + a->len), a) : 0;

		if (!len || len > 0xffff - NLA_HDRLEN)
			return;
		*a = (struct attr){ .type = e->value, .p = p, .len = len };
	}
}

static void bend_value(struct attr *a, const struct edit *e, const struct live *live)
{
	s64 t = time(NULL) + (int)e->value;
	u32 x = live->exchange + (u32)e->value;
	u8 *p;

	switch (e->op) {
	case ATTR_CUT:
		if (e->len < a->len)
			a->len = e->len;
		break;
	case ATTR_GROW:
		if (a->len + e->len > 0xffff - NLA_HDRLEN)
			break;
		p = own(a, e->len);
		if (!p)
			break;
		memset(p + a->len, e->value, e->len);
		a->len += e->len;
		break;
	case ATTR_FLIP:
		p = own(a, 0);
		if (p && a->len)
			p[e->len / 8 % a->len] ^= 1 << e->len % 8;
		break;
	case ATTR_VALUE:
		put_bytes(a, &e->value, 1 << e->len % 4);
		break;
	case ATTR_SERIAL:
		put_bytes(a, &live->serials[e->value % live->num_serials], sizeof(int));
		break;
	case ATTR_TIME:
		put_bytes(a, &t, sizeof(t));
		break;
	case ATTR_EXCHANGE:
		put_bytes(a, &x, sizeof(x));
		break;
	}
}

static void bend_list(struct attr_list *l, const struct edit *e)
{
	u32 at = e->where % l->num, to = e->value % l->num, n;
	struct attr a = l->a[at];
	u8 *p;

	switch (e->op) {
	case ATTR_DROP:
		memmove(l->a + at, l->a + at + 1, (--l->num - at) * sizeof(a));
		break;
	case ATTR_REPEAT:
		insert(l, l->num, &a);
		break;
	case ATTR_SWAP:
		l->a[at] = l->a[to];
		l->a[to] = a;
		break;
	case ATTR_MANY:
		for (n = 1; n < e->len && n < ATTRS_MAX; n++)
			insert(l, at, &a);
		break;
	case ATTR_SPLIT:
		if (e->len > a.len)
			break;
		l->a[at].len = e->len;
		a.p += e->len;
		a.len -= e->len;
		insert(l, at + 1, &a);
		break;
	case ATTR_INSERT:
		n = e->len > 0xffff - NLA_HDRLEN ? 0xffff - NLA_HDRLEN : e->len;
		p = room(n);
		if (!p)
			break;
		memset(p, e->value >> 8, n);
		insert(l, at, &(struct attr){ .type = e->value, .p = p, .len = n });
		break;
	}
}

static void bend(struct attr_list *l, struct nlmsghdr *h, const struct edit *e,
		 const struct live *live)
{
	struct genlmsghdr *g = NLMSG_DATA(h);
	struct attr *a;

	switch (e->op) {
	case ATTR_COMMAND:
		g->cmd = e->value;
		return;
	case ATTR_VERSION:
		g->version = e->value;
		return;
	case ATTR_HEADER:
		h->nlmsg_flags ^= e->value;
		return;
	}
	if (!l->num)
		insert(l, 0, &(struct attr){ .type = e->value, .p = pool, .len = 0 });
	a = &l->a[e->where % l->num];
	switch (e->op) {
	case ATTR_TYPE:
		a->type = e->value;
		break;
	case ATTR_FLAGS:
		a->type ^= e->value << 14;
		break;
	case ATTR_LIE:
		a->says = e->value;
		break;
	case ATTR_NEST:
		nest(a, e);
		break;
	default:
		bend_list(l, e);
		if (l->num)
			bend_value(&l->a[e->where % l->num], e, live);
	}
}

u32 attrs_bend(u8 *p, u32 cap, const struct recipe *r, const struct live *live)
{
	static struct attr_list l;
	static u8 whole[512 * 1024];
	struct nlmsghdr *h = (void *)p;
	u32 len = HEAD, i, tail = 0;
	u8 fill = 0;

	pooled = 0;
	take_apart(&l, p);
	for (i = 0; i < r->num; i++) {
		const struct edit *e = &r->edits[i];

		if (e->layer != LAYER_ATTRS)
			continue;
		if (e->op == ATTR_TAIL) {
			tail = e->len;
			fill = e->value;
		} else {
			bend(&l, h, e, live);
		}
	}
	if (cap > sizeof(whole))
		cap = sizeof(whole);
	memcpy(whole, p, HEAD);
	for (i = 0; i < l.num; i++)
		len += write_attr(whole + len, cap - len, &l.a[i]);
	if (tail <= cap - len) {
		memset(whole + len, fill, tail);
		len += tail;
	}
	memcpy(p, whole, len);
	h->nlmsg_len = len;
	return len;
}
