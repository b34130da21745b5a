// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: attributes in, attributes out. What they mean
 * is in uapi/mikey_ticket.h.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "key.h"
#include "limits.h"
#include "mint.h"
#include "netlink.h"
#include "psk.h"
#include "request.h"
#include "resolve.h"
#include "stats.h"
#include "version.h"

#define IDENTITY NLA_POLICY_RANGE(NLA_BINARY, 1, MIKEY_UID_MAX)
/* a length beyond S16_MAX does not fit into the policy itself */
static struct netlink_range_validation message_range = {
	.min = 1,
	.max = MIKEY_MSG_MAX,
};

#define MESSAGE NLA_POLICY_FULL_RANGE(NLA_BINARY, &message_range)

static struct genl_family family;

int mikey_netlink_enter(struct sk_buff *skb, struct genl_info *info,
			const u16 *need, u32 num, struct mikey_why *why)
{
	const struct socket *sock = NETLINK_CB(skb).sk->sk_socket;
	u32 i;

	if (!sock || !sock->file ||
	    !uid_eq(sock->file->f_cred->fsuid, current_fsuid()))
		return mikey_refuse(why, -EPERM, MIKEY_TICKET_S_UNSPEC,
				    MIKEY_TICKET_A_UNSPEC,
				    "the socket was opened by another user");
	for (i = 0; i < num; i++) {
		if (info->attrs[need[i]])
			continue;
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, need[i]);
		return mikey_refuse(why, -EINVAL, MIKEY_TICKET_S_UNSPEC,
				    MIKEY_TICKET_A_UNSPEC,
				    "an attribute that this command needs is missing");
	}
	return 0;
}

struct mikey_blob mikey_attr_blob(const struct nlattr *attr)
{
	return (struct mikey_blob){ nla_data(attr), nla_len(attr) };
}

int mikey_attr_blobs(struct genl_info *info, enum mikey_ticket_attr type,
		     u32 max, struct mikey_blob **blobs, struct mikey_why *why)
{
	const struct nlattr *attr;
	u32 num = 0;
	int rem;

	*blobs = NULL;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		num += nla_type(attr) == type;
	if (num > max)
		return mikey_refuse(why, -EINVAL, MIKEY_TICKET_S_UNSPEC, type,
				    "there are too many attributes of this type");
	if (!num)
		return 0;
	*blobs = kmalloc_array(num, sizeof(**blobs), GFP_KERNEL);
	if (!*blobs)
		return -ENOMEM;
	num = 0;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		if (nla_type(attr) == type)
			(*blobs)[num++] = mikey_attr_blob(attr);
	return num;
}

const struct mikey_profile *mikey_netlink_profile(struct genl_info *info,
						  struct mikey_why *why)
{
	const struct nlattr *attr = info->attrs[MIKEY_TICKET_A_PROFILE];
	u32 id = attr ? nla_get_u32(attr) : MIKEY_PROFILE_IMMEDIATE;

	if (mikey_profile_allowed(id))
		return mikey_profile_by_id(id);
	mikey_refuse(why, -EPROTONOSUPPORT, MIKEY_TICKET_S_UNSPEC,
		     MIKEY_TICKET_A_PROFILE,
		     "this profile is not known or not allowed here");
	return NULL;
}

const struct mikey_suite *mikey_netlink_suite(struct genl_info *info,
					      struct mikey_why *why)
{
	const struct nlattr *attr = info->attrs[MIKEY_TICKET_A_SUITE];
	u32 id = attr ? nla_get_u32(attr) : MIKEY_SUITE_256;

	if (mikey_suite_allowed(id))
		return mikey_suite_by_id(id);
	mikey_refuse(why, -EPROTONOSUPPORT, MIKEY_TICKET_S_UNSPEC,
		     MIKEY_TICKET_A_SUITE,
		     "this suite is not known or not allowed here");
	return NULL;
}

struct sk_buff *mikey_reply_new(struct genl_info *info, size_t room,
				void **hdr)
{
	struct sk_buff *skb = genlmsg_new(room, GFP_KERNEL);

	if (!skb)
		return ERR_PTR(-ENOMEM);
	*hdr = genlmsg_put_reply(skb, info, &family, 0, info->genlhdr->cmd);
	if (!*hdr) {
		nlmsg_free(skb);
		return ERR_PTR(-EMSGSIZE);
	}
	return skb;
}

size_t mikey_policy_room(const struct mikey_policy *p)
{
	struct mikey_policy_iter it;
	struct mikey_id id;
	size_t room;

	room = nla_total_size(0) +				/* POLICY */
	       3 * nla_total_size(sizeof(u32)) +		/* PROFILE, SUITE, FLAGS */
	       2 * nla_total_size_64bit(sizeof(s64)) +		/* VALID_* */
	       3 * nla_total_size(0) +				/* REUSABLE, CHANGED, CACHEABLE */
	       nla_total_size(sizeof(u32)) +			/* REKEY */
	       nla_total_size(p->idr_kms.data.len) +
	       nla_total_size(p->idr_i.data.len);
	mikey_policy_walk(&it, p, MIKEY_IDR_R);
	while (mikey_policy_next(&it, p, &id))
		room += nla_total_size(id.data.len);
	return room;
}

static int put_blob(struct sk_buff *skb, int type, struct mikey_blob blob)
{
	return nla_put(skb, type, blob.len, blob.p);
}

/* What a policy grants beside the validity period. */
static int put_rights(struct sk_buff *skb, const struct mikey_policy *p)
{
	u32 rekey = mikey_policy_rekey(p);
	int err;

	err = nla_put_u32(skb, MIKEY_TICKET_A_FLAGS, p->flags);
	if (!err && (p->flags & MIKEY_FLAG_J))
		err = nla_put_flag(skb, MIKEY_TICKET_A_REUSABLE);
	if (!err && (p->flags & MIKEY_FLAG_K))
		err = nla_put_flag(skb, MIKEY_TICKET_A_CHANGED);
	if (!err && mikey_policy_keeps(p))
		err = nla_put_flag(skb, MIKEY_TICKET_A_CACHEABLE);
	if (!err && rekey)
		err = nla_put_u32(skb, MIKEY_TICKET_A_REKEY, rekey);
	return err;
}

static int put_responders(struct sk_buff *skb, const struct mikey_policy *p)
{
	struct mikey_policy_iter it;
	struct mikey_id id;
	int err = 0;

	mikey_policy_walk(&it, p, MIKEY_IDR_R);
	while (!err && mikey_policy_next(&it, p, &id))
		err = put_blob(skb, MIKEY_TICKET_A_RESPONDER, id.data);
	return err;
}

int mikey_reply_policy(struct sk_buff *skb, const struct mikey_policy *p,
		       const struct mikey_profile *profile,
		       const struct mikey_suite *suite)
{
	struct nlattr *nest;
	int err;

	nest = nla_nest_start(skb, MIKEY_TICKET_A_POLICY);
	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, MIKEY_TICKET_A_PROFILE, profile->id) ?:
	      nla_put_u32(skb, MIKEY_TICKET_A_SUITE, suite->id) ?:
	      put_blob(skb, MIKEY_TICKET_A_KMS, p->idr_kms.data) ?:
	      put_blob(skb, MIKEY_TICKET_A_INITIATOR, p->idr_i.data) ?:
	      put_responders(skb, p) ?:
	      nla_put_s64(skb, MIKEY_TICKET_A_VALID_FROM,
			  mikey_ts_to_unix(&p->tr_s), MIKEY_TICKET_A_PAD) ?:
	      nla_put_s64(skb, MIKEY_TICKET_A_VALID_UNTIL,
			  mikey_ts_to_unix(&p->tr_e), MIKEY_TICKET_A_PAD) ?:
	      put_rights(skb, p);
	if (err)
		return err;
	nla_nest_end(skb, nest);
	/* an attribute's length has 16 bits */
	return skb_tail_pointer(skb) - (u8 *)nest > U16_MAX ? -EMSGSIZE : 0;
}

size_t mikey_claims_room(const struct mikey_msg *m)
{
	return mikey_policy_room(&m->ticket.policy) +
	       nla_total_size(m->v.mac.len);
}

int mikey_reply_claims(struct sk_buff *skb, const struct mikey_msg *m,
		       const struct mikey_profile *profile,
		       const struct mikey_suite *suite)
{
	return put_blob(skb, MIKEY_TICKET_A_MAC, m->v.mac) ?:
	       mikey_reply_policy(skb, &m->ticket.policy, profile, suite);
}

int mikey_exchange_reply(struct genl_info *info, struct mikey_exchange *ex,
			 const struct mikey_msg *claims, struct mikey_why *why)
{
	size_t room = nla_total_size(sizeof(u32)) +
		      nla_total_size(ex->initial_len);
	struct sk_buff *skb;
	void *hdr;
	int err;

	if (claims)
		room += mikey_claims_room(claims);
	skb = mikey_reply_new(info, room, &hdr);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	err = nla_put(skb, MIKEY_TICKET_A_MESSAGE, ex->initial_len,
		      ex->initial);
	if (!err && claims)
		err = mikey_reply_claims(skb, claims, ex->profile, ex->suite);
	err = err ?: mikey_exchange_publish(ex, info, why);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	err = nla_put_u32(skb, MIKEY_TICKET_A_EXCHANGE, ex->id);
	if (err) {
		nlmsg_free(skb);
	} else {
		genlmsg_end(skb, hdr);
		err = genlmsg_reply(skb, info);
	}
	if (err) {
		mutex_lock(&ex->lock);
		mikey_exchange_close(ex);
		mutex_unlock(&ex->lock);
	}
	return err;
}

static int info_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const u16 need[] = { MIKEY_TICKET_A_TICKET };
	struct mikey_why why = {};
	struct mikey_ticket *t;
	struct mikey_policy p;
	struct sk_buff *reply;
	void *hdr;
	int err;

	err = mikey_netlink_enter(skb, info, need, ARRAY_SIZE(need), &why);
	if (err)
		return mikey_answer_refusal(info, &why, err);
	t = mikey_key_ticket(nla_get_s32(info->attrs[MIKEY_TICKET_A_TICKET]),
			     &why);
	if (IS_ERR(t))
		return mikey_answer_refusal(info, &why, PTR_ERR(t));
	if (info->attrs[MIKEY_TICKET_A_PSK]) {
		err = mikey_psk_made(nla_get_s32(info->attrs[MIKEY_TICKET_A_PSK]),
				     t, &why);
		if (err)
			goto out;
	}

	err = mikey_ticket_policy(t, &p);
	if (err)
		goto out;
	reply = mikey_reply_new(info, nla_total_size(sizeof(u32)) +
				nla_total_size_64bit(sizeof(s64)) +
				mikey_policy_room(&p), &hdr);
	err = PTR_ERR_OR_ZERO(reply);
	if (err)
		goto out;
	err = nla_put_u32(reply, MIKEY_TICKET_A_ROLE, t->role) ?:
	      mikey_reply_policy(reply, &p, mikey_ticket_profile(t),
				 mikey_ticket_suite(t)) ?:
	      nla_put_s64(reply, MIKEY_TICKET_A_REMAINING,
			  mikey_ticket_remaining(t), MIKEY_TICKET_A_PAD);
	if (err) {
		nlmsg_free(reply);
		goto out;
	}
	genlmsg_end(reply, hdr);
	err = genlmsg_reply(reply, info);
out:
	mikey_ticket_put(t);
	return mikey_answer_refusal(info, &why, err);
}

static int stats_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	struct nlattr *nest;
	void *hdr;
	int err = 0, i;

	reply = mikey_reply_new(info, nla_total_size(0) +
				MIKEY_TICKET_S_MAX *
				nla_total_size_64bit(sizeof(u64)), &hdr);
	if (IS_ERR(reply))
		return PTR_ERR(reply);
	nest = nla_nest_start(reply, MIKEY_TICKET_A_STATS);
	if (!nest)
		err = -EMSGSIZE;
	for (i = MIKEY_TICKET_S_PAD + 1; i <= MIKEY_TICKET_S_MAX && !err; i++)
		err = nla_put_u64_64bit(reply, i, mikey_counter(i),
					MIKEY_TICKET_S_PAD);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	nla_nest_end(reply, nest);
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
}

static int put_allowed(struct sk_buff *skb)
{
	int err = 0;
	u32 id;

	for (id = 0; id < 32 && !err; id++)
		if (mikey_profile_allowed(id))
			err = nla_put_u32(skb, MIKEY_TICKET_A_PROFILE, id);
	for (id = 0; id < 32 && !err; id++)
		if (mikey_suite_allowed(id))
			err = nla_put_u32(skb, MIKEY_TICKET_A_SUITE, id);
	return err;
}

static int caps_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *hdr;
	int err;

	reply = mikey_reply_new(info, NLMSG_DEFAULT_SIZE, &hdr);
	if (IS_ERR(reply))
		return PTR_ERR(reply);
	err = nla_put_u32(reply, MIKEY_TICKET_A_API_VERSION,
			  MIKEY_TICKET_GENL_VERSION) ?:
	      nla_put_string(reply, MIKEY_TICKET_A_MODULE_VERSION,
			     MIKEY_MODULE_VERSION) ?:
	      put_allowed(reply) ?:
	      nla_put_u8(reply, MIKEY_TICKET_A_PROT_TYPE, mikey_prot_type()) ?:
	      nla_put_u8(reply, MIKEY_TICKET_A_EXT_TYPE, mikey_ext_type()) ?:
	      nla_put_u32(reply, MIKEY_TICKET_A_CLOCK_SKEW, mikey_clock_skew());
	if (!err && mikey_user_master_allowed())
		err = nla_put_flag(reply, MIKEY_TICKET_A_USER_MASTER);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
}

/* What REQUEST and MINT both say about the ticket that is wanted. */
#define WISH \
	[MIKEY_TICKET_A_PSK] = { .type = NLA_S32 }, \
	[MIKEY_TICKET_A_PSK_ID] = IDENTITY, \
	[MIKEY_TICKET_A_KMS] = IDENTITY, \
	[MIKEY_TICKET_A_INITIATOR] = IDENTITY, \
	[MIKEY_TICKET_A_RESPONDER] = IDENTITY, \
	[MIKEY_TICKET_A_PROFILE] = { .type = NLA_U32 }, \
	[MIKEY_TICKET_A_SUITE] = { .type = NLA_U32 }, \
	[MIKEY_TICKET_A_VALID_FROM] = { .type = NLA_S64 }, \
	[MIKEY_TICKET_A_VALID_UNTIL] = { .type = NLA_S64 }, \
	[MIKEY_TICKET_A_REUSABLE] = { .type = NLA_FLAG }, \
	[MIKEY_TICKET_A_CACHEABLE] = { .type = NLA_FLAG }, \
	[MIKEY_TICKET_A_REKEY] = NLA_POLICY_MIN(NLA_U32, 1)

/* Anything that is not in a command's policy is refused by the core. */
static const struct nla_policy request_policy[MIKEY_TICKET_A_MAX + 1] = {
	WISH,
};

static const struct nla_policy answer_policy[MIKEY_TICKET_A_MAX + 1] = {
	[MIKEY_TICKET_A_EXCHANGE] = { .type = NLA_U32 },
	[MIKEY_TICKET_A_MESSAGE] = MESSAGE,
	[MIKEY_TICKET_A_KEYRING] = { .type = NLA_S32 },
};

static const struct nla_policy resolve_policy[MIKEY_TICKET_A_MAX + 1] = {
	[MIKEY_TICKET_A_PSK] = { .type = NLA_S32 },
	[MIKEY_TICKET_A_PSK_ID] = IDENTITY,
	[MIKEY_TICKET_A_KMS] = IDENTITY,
	[MIKEY_TICKET_A_IDENTITY] = IDENTITY,
	[MIKEY_TICKET_A_GROUP] = IDENTITY,
	[MIKEY_TICKET_A_LIST_SERVICE] = IDENTITY,
	[MIKEY_TICKET_A_MESSAGE] = MESSAGE,
	[MIKEY_TICKET_A_SUITE] = { .type = NLA_U32 },
	[MIKEY_TICKET_A_KEYRING] = { .type = NLA_S32 },
};

static const struct nla_policy mint_policy[MIKEY_TICKET_A_MAX + 1] = {
	WISH,
	[MIKEY_TICKET_A_KEYRING] = { .type = NLA_S32 },
	[MIKEY_TICKET_A_THDR] = NLA_POLICY_RANGE(NLA_BINARY,
						 MIKEY_TICKET_THDR_MIN,
						 MIKEY_TICKET_THDR_MAX),
};

static const struct nla_policy info_policy[MIKEY_TICKET_A_MAX + 1] = {
	[MIKEY_TICKET_A_PSK] = { .type = NLA_S32 },
	[MIKEY_TICKET_A_TICKET] = { .type = NLA_S32 },
};

static const struct nla_policy no_policy[MIKEY_TICKET_A_MAX + 1] = {};

#define OP(command, function, attrs) \
	{ .cmd = MIKEY_TICKET_CMD_##command, .doit = function, \
	  .policy = attrs, .maxattr = MIKEY_TICKET_A_MAX }

static const struct genl_ops ops[] = {
	OP(REQUEST, mikey_request_doit, request_policy),
	OP(GRANT, mikey_grant_doit, answer_policy),
	OP(MINT, mikey_mint_doit, mint_policy),
	OP(RESOLVE, mikey_resolve_doit, resolve_policy),
	OP(ADMIT, mikey_admit_doit, answer_policy),
	OP(INFO, info_doit, info_policy),
	OP(STATS, stats_doit, no_policy),
	OP(CAPS, caps_doit, no_policy),
};

static const struct genl_multicast_group groups[] = {
	{ .name = MIKEY_TICKET_MCGRP_REFUSALS,
	  .flags = GENL_MCAST_CAP_NET_ADMIN },
};

static struct genl_family family __ro_after_init = {
	.name = MIKEY_TICKET_GENL_NAME,
	.version = MIKEY_TICKET_GENL_VERSION,
	.maxattr = MIKEY_TICKET_A_MAX,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

void mikey_netlink_tell(struct net *net, u32 uid, int err, const char *words)
{
	struct sk_buff *skb;
	void *hdr;

	if (!genl_has_listeners(&family, net, 0))
		return;
	skb = genlmsg_new(nla_total_size(strlen(words) + 1) +
			  nla_total_size(sizeof(s32)) +
			  nla_total_size(sizeof(u32)), GFP_KERNEL);
	if (!skb)
		return;
	hdr = genlmsg_put(skb, 0, 0, &family, 0, MIKEY_TICKET_CMD_REFUSED);
	if (!hdr || nla_put_string(skb, MIKEY_TICKET_A_REASON, words) ||
	    nla_put_s32(skb, MIKEY_TICKET_A_ERROR, err) ||
	    nla_put_u32(skb, MIKEY_TICKET_A_UID, uid)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&family, net, skb, 0, 0, GFP_KERNEL);
}

int mikey_netlink_init(void)
{
	return genl_register_family(&family);
}

void mikey_netlink_exit(void)
{
	genl_unregister_family(&family);
}
