// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink family "mikey_mime": policies, the two small commands, and
 * what all commands share. The contract is uapi/mikey_mime.h.
 */
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/string.h>
#include <net/sock.h>

#include "../ticket/version.h"
#include "form.h"
#include "netlink.h"
#include "reply.h"
#include "stats.h"

int mime_refuse(struct genl_info *info, const struct nlattr *attr, int err,
		const char *why)
{
	do_trace_netlink_extack(why);
	if (info->extack) {
		info->extack->_msg = why;
		NL_SET_BAD_ATTR(info->extack, attr);
	}
	return err;
}

int mime_missing(struct genl_info *info, int type, const char *why)
{
	NL_SET_ERR_ATTR_MISS(info->extack, NULL, type);
	return mime_refuse(info, NULL, -EINVAL, why);
}

int mime_check_opener(struct sk_buff *skb, struct genl_info *info)
{
	const struct socket *sock = NETLINK_CB(skb).sk->sk_socket;

	/* a socket of the kernel's own has no file, and no user */
	if (sock && sock->file &&
	    uid_eq(sock->file->f_cred->fsuid, current_fsuid()))
		return 0;
	return mime_refuse(info, NULL, -EPERM, "this socket was opened by another user");
}

u64 mime_segments_len(const struct genl_info *info, int type)
{
	const struct nlattr *attr;
	u64 len = 0;
	int rem;

	nla_for_each_attr(attr, genlmsg_data(info->genlhdr),
			  genlmsg_len(info->genlhdr), rem)
		if (nla_type(attr) == type)
			len += nla_len(attr);
	return len;
}

void mime_segments_copy(const struct genl_info *info, int type, u8 *buf)
{
	const struct nlattr *attr;
	int rem;

	nla_for_each_attr(attr, genlmsg_data(info->genlhdr),
			  genlmsg_len(info->genlhdr), rem) {
		if (nla_type(attr) != type)
			continue;
		memcpy(buf, nla_data(attr), nla_len(attr));
		buf += nla_len(attr);
	}
}

void mime_segments_wipe(const struct genl_info *info, int type)
{
	const struct nlattr *attr;
	int rem;

	nla_for_each_attr(attr, genlmsg_data(info->genlhdr),
			  genlmsg_len(info->genlhdr), rem)
		if (nla_type(attr) == type)
			memzero_explicit(nla_data(attr), nla_len(attr));
}

static int cmd_stats(struct sk_buff *skb, struct genl_info *info)
{
	struct mime_reply reply = {};
	int err;

	err = mime_reply_begin(&reply, info, &mime_family, MIKEY_MIME_CMD_STATS,
			       mime_stats_size(), 0);
	if (!err)
		err = mime_stats_put(reply.skb);
	if (!err)
		err = mime_reply_send(&reply, info);
	mime_reply_drop(&reply);
	return err;
}

static int put_caps(struct sk_buff *skb)
{
	if (nla_put_u32(skb, MIKEY_MIME_A_API_VERSION, MIKEY_MIME_GENL_VERSION) ||
	    nla_put_string(skb, MIKEY_MIME_A_MODULE_VERSION, MIKEY_MODULE_VERSION) ||
	    nla_put_u32(skb, MIKEY_MIME_A_FORMS, mime_forms_allowed()) ||
	    nla_put_u32(skb, MIKEY_MIME_A_MAX_ENTITY, mime_max_entity()) ||
	    nla_put_u32(skb, MIKEY_MIME_A_CONTENT_ALGS, mime_content_algs_allowed()))
		return -EMSGSIZE;
	return 0;
}

static int cmd_caps(struct sk_buff *skb, struct genl_info *info)
{
	const size_t room = 4 * nla_total_size(sizeof(u32)) +
			    nla_total_size(sizeof(MIKEY_MODULE_VERSION));
	struct mime_reply reply = {};
	int err;

	err = mime_reply_begin(&reply, info, &mime_family, MIKEY_MIME_CMD_CAPS, room, 0);
	if (!err)
		err = put_caps(reply.skb);
	if (!err)
		err = mime_reply_send(&reply, info);
	mime_reply_drop(&reply);
	return err;
}

/* Lengths are judged by the commands, which have words for them. */
static const struct nla_policy protect_policy[MIKEY_MIME_A_MAX + 1] = {
	[MIKEY_MIME_A_TICKET] = { .type = NLA_S32 },
	[MIKEY_MIME_A_RECIPIENT] = { .type = NLA_BINARY },
	[MIKEY_MIME_A_ENTITY] = { .type = NLA_BINARY },
	[MIKEY_MIME_A_FORM] = { .type = NLA_U32 },
	[MIKEY_MIME_A_CONTENT_ALG] = { .type = NLA_U32 },
	[MIKEY_MIME_A_NO_PROOF] = { .type = NLA_FLAG },
	[MIKEY_MIME_A_LIST_SERVICE] = { .type = NLA_FLAG },
};

static const struct nla_policy unprotect_policy[MIKEY_MIME_A_MAX + 1] = {
	[MIKEY_MIME_A_TICKET] = { .type = NLA_S32 },
	[MIKEY_MIME_A_TRANSFER] = { .type = NLA_BINARY },
	[MIKEY_MIME_A_CMS] = { .type = NLA_BINARY },
	[MIKEY_MIME_A_FORMS] = { .type = NLA_U32 },
};

static const struct genl_ops ops[] = {
	{
		.cmd = MIKEY_MIME_CMD_PROTECT,
		.doit = mime_cmd_protect,
		.policy = protect_policy,
		.maxattr = ARRAY_SIZE(protect_policy) - 1,
	}, {
		.cmd = MIKEY_MIME_CMD_UNPROTECT,
		.doit = mime_cmd_unprotect,
		.policy = unprotect_policy,
		.maxattr = ARRAY_SIZE(unprotect_policy) - 1,
	}, {
		.cmd = MIKEY_MIME_CMD_STATS,
		.doit = cmd_stats,
	}, {
		.cmd = MIKEY_MIME_CMD_CAPS,
		.doit = cmd_caps,
	},
};

struct genl_family mime_family __ro_after_init = {
	.name = MIKEY_MIME_GENL_NAME,
	.version = MIKEY_MIME_GENL_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.module = THIS_MODULE,
};

int mime_netlink_init(void)
{
	return genl_register_family(&mime_family);
}

void mime_netlink_exit(void)
{
	genl_unregister_family(&mime_family);
}

MODULE_ALIAS_GENL_FAMILY(MIKEY_MIME_GENL_NAME);
