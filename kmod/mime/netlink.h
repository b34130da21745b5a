/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family, and what its commands share: refusals in
 * words, and bytes that several attributes carry.
 */
#ifndef MIKEY_MIME_NETLINK_H
#define MIKEY_MIME_NETLINK_H

#include <net/genetlink.h>

#include "../../uapi/mikey_mime.h"
#include "../wire/wire.h"

/* Module parameters (main.c) */
u32 mime_max_entity(void);
u32 mime_forms_allowed(void);
u32 mime_content_algs_allowed(void);

/* Commands (protect.c, unprotect.c) */
int mime_cmd_protect(struct sk_buff *skb, struct genl_info *info);
int mime_cmd_unprotect(struct sk_buff *skb, struct genl_info *info);

/*
 * Refuse in words: @why is a constant sentence, @attr the attribute at fault
 * or NULL. Returns @err.
 */
int mime_refuse(struct genl_info *info, const struct nlattr *attr, int err,
		const char *why);

/* The same for an attribute that is missing: -EINVAL. */
int mime_missing(struct genl_info *info, int type, const char *why);

/**
 * mime_check_opener() - is the sender of a request the user who opened its
 * socket?
 *
 * A socket that another user's process inherited or was handed would run
 * with that user's keys. Return: 0 or -EPERM.
 */
int mime_check_opener(struct sk_buff *skb, struct genl_info *info);

/* Bytes of all attributes of one type in a request together */
u64 mime_segments_len(const struct genl_info *info, int type);

/* Copy them, one behind the other; @buf has room for mime_segments_len(). */
void mime_segments_copy(const struct genl_info *info, int type, u8 *buf);

/* Wipe them in the request, which netlink frees as it is. */
void mime_segments_wipe(const struct genl_info *info, int type);

extern struct genl_family mime_family;

int mime_netlink_init(void);
void mime_netlink_exit(void);

#endif
