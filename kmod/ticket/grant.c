// SPDX-License-Identifier: GPL-2.0
/*
 * GRANT and ADMIT: find the exchange, have the answer checked, make the key,
 * which MINT does too. Nothing has changed until the last step, so whatever
 * fails leaves the exchange open for a true answer.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/keyctl.h>
#include <linux/ktime.h>
#include <linux/skbuff.h>

#include "grant.h"
#include "key.h"
#include "netlink.h"
#include "psk.h"
#include "stats.h"

int mikey_grant_check(const struct mikey_policy *p,
		      const struct mikey_profile *profile,
		      const struct mikey_suite *suite, struct mikey_why *why)
{
	struct mikey_diag d;
	int err;

	err = mikey_flags_check(p->flags, &d);
	err = err ?: mikey_policy_check(p, profile, suite, false, &d);
	if (err)
		return mikey_refuse(why, err == -EBADMSG ? -EACCES : err,
				    MIKEY_TICKET_S_BAD_POLICY,
				    MIKEY_TICKET_A_MESSAGE, d.why);
	if (p->num_responders > MIKEY_TICKET_RESPONDERS_MAX)
		return mikey_refuse(why, -EACCES, MIKEY_TICKET_S_BAD_POLICY,
				    MIKEY_TICKET_A_MESSAGE,
				    "the ticket names too many responders");
	if (!mikey_key_uid_ok(p->idr_i.data))
		return mikey_refuse(why, -EACCES, MIKEY_TICKET_S_BAD_POLICY,
				    MIKEY_TICKET_A_MESSAGE,
				    "the ticket's initiator has characters that no UID has");
	return 0;
}

static int reply(struct genl_info *info, const struct mikey_ticket *t,
		 struct sk_buff **skb, void **hdr)
{
	struct mikey_policy p;
	int err;

	err = mikey_ticket_policy(t, &p);
	if (err)
		return err;
	*skb = mikey_reply_new(info, nla_total_size(sizeof(s32)) +
			       mikey_policy_room(&p), hdr);
	if (IS_ERR(*skb))
		return PTR_ERR(*skb);
	err = mikey_reply_policy(*skb, &p, mikey_ticket_profile(t),
				 mikey_ticket_suite(t));
	if (err)
		nlmsg_free(*skb);
	return err;
}

int mikey_grant_link(struct genl_info *info, struct mikey_ticket *t,
		     struct key *ring, struct mikey_why *why)
{
	char desc[MIKEY_KEY_DESC_MAX];
	struct sk_buff *skb;
	struct key *key;
	void *hdr;
	int err;

	/* before the key exists: behind it only sending can fail */
	err = mikey_key_describe(desc, t);
	err = err ?: reply(info, t, &skb, &hdr);
	if (err) {
		mikey_ticket_free(t);
		return err;
	}
	key = mikey_key_make(t, desc, ring);
	if (IS_ERR(key)) {
		mikey_ticket_free(t);
		nlmsg_free(skb);
		err = PTR_ERR(key);
		return mikey_refuse(why, err, MIKEY_TICKET_S_UNSPEC,
				    MIKEY_TICKET_A_KEYRING, err == -EDQUOT ?
				    "the user's quota of keys is used up" :
				    "the ticket cannot be linked into the keyring");
	}
	err = nla_put_s32(skb, MIKEY_TICKET_A_TICKET, key_serial(key));
	if (!err) {
		genlmsg_end(skb, hdr);
		err = genlmsg_reply(skb, info);
	} else {
		nlmsg_free(skb);
	}
	/*
	 * Nobody was told: as if it had not been. Unlinked first, since the
	 * collector does not give back what a link counts in the owner's quota.
	 */
	if (err) {
		key_unlink(ring, key);
		key_invalidate(key);
	}
	key_put(key);
	return err;
}

static int make_ticket(struct genl_info *info, const struct mikey_exchange *ex,
		       const struct mikey_grant_ops *ops, struct key *ring,
		       struct mikey_why *why)
{
	struct nlattr *msg = info->attrs[MIKEY_TICKET_A_MESSAGE];
	struct mikey_ticket *t;

	t = ops->finish(ex, mikey_attr_blob(msg), ktime_get_real_seconds(), why);
	return IS_ERR(t) ? PTR_ERR(t) : mikey_grant_link(info, t, ring, why);
}

struct key *mikey_grant_ring(struct genl_info *info, struct mikey_why *why)
{
	struct nlattr *keyring = info->attrs[MIKEY_TICKET_A_KEYRING];

	return mikey_key_ring(keyring ? nla_get_s32(keyring) :
			      KEY_SPEC_USER_KEYRING, why);
}

static int grant(struct genl_info *info, const struct mikey_grant_ops *ops,
		 struct mikey_why *why)
{
	u32 id = nla_get_u32(info->attrs[MIKEY_TICKET_A_EXCHANGE]);
	struct mikey_exchange *ex;
	struct key *ring;
	int err;

	ex = mikey_exchange_find(info, id, ops->resolve, why);
	if (IS_ERR(ex))
		return PTR_ERR(ex);
	ring = mikey_grant_ring(info, why);
	if (IS_ERR(ring)) {
		err = PTR_ERR(ring);
		goto out;
	}
	err = mikey_psk_check(ex->psk, why);
	err = err ?: make_ticket(info, ex, ops, ring, why);
	key_put(ring);
	/* an authentic Error ends the exchange as success does */
	if (!err)
		mikey_count(ops->stat);
	if (!err || err == -EREMOTEIO)
		mikey_exchange_close(ex);
out:
	mikey_exchange_release(ex);
	return err;
}

int mikey_grant(struct sk_buff *skb, struct genl_info *info,
		const struct mikey_grant_ops *ops)
{
	static const u16 need[] = {
		MIKEY_TICKET_A_EXCHANGE, MIKEY_TICKET_A_MESSAGE,
	};
	struct mikey_why why = {};
	int err;

	err = mikey_netlink_enter(skb, info, need, ARRAY_SIZE(need), &why);
	err = err ?: grant(info, ops, &why);
	return mikey_answer_refusal(info, &why, err);
}
