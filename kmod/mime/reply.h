/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A reply to a command: a few attributes, and bytes of any number behind
 * them in segments.
 */
#ifndef MIKEY_MIME_REPLY_H
#define MIKEY_MIME_REPLY_H

#include <linux/skbuff.h>
#include <net/genetlink.h>

#include "../wire/wire.h"

/**
 * struct mime_reply - a reply being written; all zeros is none
 * @skb: the message; ordinary attributes go here with nla_put()
 * @pages: what mime_reply_put_bytes() fills, @num of 1 << @order pages each;
 *	none where everything fits into @skb's linear part
 * @used: bytes in them
 */
struct mime_reply {
	struct sk_buff *skb;
	struct page *pages[MAX_SKB_FRAGS];
	unsigned int num;
	unsigned int order;
	u32 used;
};

/**
 * mime_reply_begin() - allocate everything that the reply may need
 * @cmd: of the family @family
 * @room: for attributes put into @r->skb, headers included
 * @bytes: the most that mime_reply_put_bytes() may be asked to put
 *
 * May sleep. Return: 0 or -ENOMEM.
 */
int mime_reply_begin(struct mime_reply *r, struct genl_info *info,
		     const struct genl_family *family, u8 cmd, size_t room,
		     u32 bytes);

/* @len bytes are enough for @attr, the last one so far, which nla_reserve() made. */
void mime_reply_shorten(struct mime_reply *r, struct nlattr *attr, u32 len);

/**
 * mime_reply_put_bytes() - attributes of @type that together hold @bytes
 *
 * Once, after all other attributes. Return: 0 or -EMSGSIZE.
 */
int mime_reply_put_bytes(struct mime_reply *r, int type, struct mikey_blob bytes);

/* Send it; it is used up, whatever comes of it. Return: 0 or an error. */
int mime_reply_send(struct mime_reply *r, struct genl_info *info);

/* Drop it, unless it was sent; what it holds is wiped. */
void mime_reply_drop(struct mime_reply *r);

#endif
