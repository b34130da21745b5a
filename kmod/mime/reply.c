// SPDX-License-Identifier: GPL-2.0
/*
 * Replies that can be large.
 *
 * A reply with 256 KiB in it as one piece of memory would need 128 pages in a
 * row, which a machine that has been up for a while may not have. Longer
 * bytes therefore lie in fragments of a few pages each. What is charged to
 * the receiver is then close to what it gets, too.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "../../uapi/mikey_mime.h"
#include "reply.h"

/* What @bytes take in segments, attribute headers included */
static size_t segments_room(u32 bytes)
{
	return DIV_ROUND_UP(bytes, MIKEY_MIME_SEGMENT) * nla_total_size(0) +
	       ALIGN(bytes, NLA_ALIGNTO);
}

static int alloc_pages_for(struct mime_reply *r, size_t room)
{
	r->order = get_order(DIV_ROUND_UP(room, MAX_SKB_FRAGS));
	while (r->num < DIV_ROUND_UP(room, PAGE_SIZE << r->order)) {
		struct page *page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_COMP |
						__GFP_NOWARN, r->order);

		if (!page)
			return -ENOMEM;
		r->pages[r->num++] = page;
	}
	return 0;
}

int mime_reply_begin(struct mime_reply *r, struct genl_info *info,
		     const struct genl_family *family, u8 cmd, size_t room,
		     u32 bytes)
{
	const size_t segments = segments_room(bytes);
	const bool linear = room + segments <= GENLMSG_DEFAULT_SIZE;

	r->skb = genlmsg_new(room + (linear ? segments : 0), GFP_KERNEL_ACCOUNT);
	if (!r->skb)
		return -ENOMEM;
	if (!genlmsg_put_reply(r->skb, info, family, 0, cmd))
		return -EMSGSIZE;
	return linear ? 0 : alloc_pages_for(r, segments);
}

void mime_reply_shorten(struct mime_reply *r, struct nlattr *attr, u32 len)
{
	attr->nla_len = nla_attr_size(len);
	memset(nla_data(attr) + len, 0, nla_padlen(len));
	skb_trim(r->skb, (u8 *)attr + nla_total_size(len) - r->skb->data);
}

/* Append to the fragments. */
static int store(struct mime_reply *r, const void *from, u32 len)
{
	const u32 size = PAGE_SIZE << r->order;

	if (len > (u64)size * r->num - r->used)
		return -EMSGSIZE;
	while (len) {
		u32 off = r->used % size;
		u32 n = min(len, size - off);

		memcpy(page_address(r->pages[r->used / size]) + off, from, n);
		r->used += n;
		from += n;
		len -= n;
	}
	return 0;
}

static int store_attr(struct mime_reply *r, int type, const u8 *p, u32 len)
{
	static const u8 zeros[NLA_ALIGNTO];
	const struct nlattr header = {
		.nla_len = nla_attr_size(len),
		.nla_type = type,
	};
	int err;

	err = store(r, &header, sizeof(header));
	if (!err)
		err = store(r, p, len);
	return err ?: store(r, zeros, nla_padlen(len));
}

int mime_reply_put_bytes(struct mime_reply *r, int type, struct mikey_blob bytes)
{
	while (bytes.len) {
		u32 n = min_t(u32, bytes.len, MIKEY_MIME_SEGMENT);
		int err = r->num ? store_attr(r, type, bytes.p, n) :
				   nla_put(r->skb, type, n, bytes.p);

		if (err)
			return err;
		bytes.p += n;
		bytes.len -= n;
	}
	return 0;
}

/* Hand the pages over to the message, those with nothing in them back. */
static void attach_pages(struct mime_reply *r)
{
	const u32 size = PAGE_SIZE << r->order;
	struct sk_buff *skb = r->skb;
	u32 left = r->used;
	unsigned int i;

	for (i = 0; i < r->num; i++) {
		u32 n = min(left, size);

		if (!n) {
			__free_pages(r->pages[i], r->order);
			continue;
		}
		skb_add_rx_frag(skb, i, r->pages[i], 0, n, size);
		left -= n;
	}
	r->num = 0;
}

int mime_reply_send(struct mime_reply *r, struct genl_info *info)
{
	struct sk_buff *skb = r->skb;

	attach_pages(r);
	r->skb = NULL;
	/* the fragments count, which nlmsg_end() would leave out */
	nlmsg_hdr(skb)->nlmsg_len = skb->len;
	return genlmsg_reply(skb, info);
}

void mime_reply_drop(struct mime_reply *r)
{
	while (r->num) {
		struct page *page = r->pages[--r->num];

		memzero_explicit(page_address(page), PAGE_SIZE << r->order);
		__free_pages(page, r->order);
	}
	if (!r->skb)
		return;
	memzero_explicit(r->skb->data, r->skb->len);
	nlmsg_free(r->skb);
	r->skb = NULL;
}
