// SPDX-License-Identifier: GPL-2.0
/*
 * Refusals: extended ack for the caller; counter, tracepoint and multicast
 * group "refusals" for the operator.
 */
#include <linux/cred.h>
#include <linux/kernel.h>
#include <net/genetlink.h>

#include "netlink.h"
#include "refusal.h"
#include "stats.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

int mikey_refuse(struct mikey_why *why, int err, enum mikey_ticket_stat stat,
		 enum mikey_ticket_attr attr, const char *words)
{
	*why = (struct mikey_why){ words, stat, attr };
	return err;
}

int mikey_refuse_diag(struct mikey_why *why, int err, enum mikey_ticket_attr attr,
		      const struct mikey_diag *d)
{
	return mikey_refuse(why, err, MIKEY_TICKET_S_BAD_MESSAGE, attr, d->why);
}

int mikey_say(struct netlink_ext_ack *extack, int err, const char *words)
{
	/* NL_SET_ERR_MSG() takes literals only; these are constant too */
	if (extack)
		extack->_msg = words;
	return err;
}

static void tell_operator(struct genl_info *info, const struct mikey_why *why,
			  int err)
{
	u32 uid = from_kuid_munged(&init_user_ns, current_fsuid());
	const char *words = why->words ?: "no reason given";

	mikey_count(why->stat);
	trace_mikey_refused(uid, err, words);
	mikey_netlink_tell(genl_info_net(info), uid, err, words);
}

int mikey_answer_refusal(struct genl_info *info, const struct mikey_why *why,
			 int err)
{
	if (!err)
		return 0;
	if (why->words)
		mikey_say(info->extack, err, why->words);
	if (why->attr && info->attrs[why->attr])
		NL_SET_BAD_ATTR(info->extack, info->attrs[why->attr]);
	if (why->stat)
		tell_operator(info, why, err);
	return err;
}
