/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family "mikey_ticket".
 */
#ifndef MIKEY_TICKET_NETLINK_H
#define MIKEY_TICKET_NETLINK_H

#include <net/genetlink.h>

#include "exchange.h"
#include "refusal.h"
#include "ticket.h"

int mikey_netlink_init(void);
void mikey_netlink_exit(void);

/* One refusal to the multicast group, if anybody listens there. */
void mikey_netlink_tell(struct net *net, u32 uid, int err, const char *words);

/**
 * mikey_netlink_enter() - what each command that uses keys starts with
 * @need: attributes that must be there
 * @num: of them
 *
 * Return: 0; -EPERM for a socket that somebody else opened: it was passed
 * on, or its opener has become another user, and current's credentials are
 * not those its owner meant to use. -EINVAL for a missing attribute.
 */
int mikey_netlink_enter(struct sk_buff *skb, struct genl_info *info,
			const u16 *need, u32 num, struct mikey_why *why);

struct mikey_blob mikey_attr_blob(const struct nlattr *attr);

/**
 * mikey_attr_blobs() - all attributes of one type
 * @max: more are refused with -EINVAL
 *
 * Return: how many; *@blobs, to be freed with kfree(), borrows from the
 * request; -ENOMEM, -EINVAL.
 */
int mikey_attr_blobs(struct genl_info *info, enum mikey_ticket_attr type,
		     u32 max, struct mikey_blob **blobs, struct mikey_why *why);

/* PROFILE and SUITE, or the defaults. NULL: not known or not allowed here. */
const struct mikey_profile *mikey_netlink_profile(struct genl_info *info,
						  struct mikey_why *why);
const struct mikey_suite *mikey_netlink_suite(struct genl_info *info,
					      struct mikey_why *why);

/* A reply of that much room behind the header, started. ERR_PTR(-ENOMEM). */
struct sk_buff *mikey_reply_new(struct genl_info *info, size_t room,
				void **hdr);

/**
 * mikey_exchange_reply() - publish an exchange and answer with its message
 * @claims: TRANSFER_INIT, of which policy and MAC are told, or NULL
 *
 * When the reply cannot be sent the exchange is closed again.
 */
int mikey_exchange_reply(struct genl_info *info, struct mikey_exchange *ex,
			 const struct mikey_msg *claims, struct mikey_why *why);

/* POLICY and MAC of a TRANSFER_INIT, and room for them. */
int mikey_reply_claims(struct sk_buff *skb, const struct mikey_msg *m,
		       const struct mikey_profile *profile,
		       const struct mikey_suite *suite);
size_t mikey_claims_room(const struct mikey_msg *m);

/* The nested POLICY; room for it is at most mikey_policy_room(). */
int mikey_reply_policy(struct sk_buff *skb, const struct mikey_policy *p,
		       const struct mikey_profile *profile,
		       const struct mikey_suite *suite);
size_t mikey_policy_room(const struct mikey_policy *p);

#endif
