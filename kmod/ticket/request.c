// SPDX-License-Identifier: GPL-2.0
/*
 * The Ticket Request exchange (RFC 6043 4.2.1).
 *
 * What the KMS grants is compared with what was asked for, whether or not
 * it says that it changed something (K flag): fewer rights are fine where the
 * ticket stays useful (a shorter validity period, no reuse), more are not.
 * Responders are all or nothing: a sender who addresses three people must
 * not find out at the second message that the third one never got it.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../wire/builder.h"
#include "grant.h"
#include "kms.h"
#include "limits.h"
#include "netlink.h"
#include "psk.h"
#include "request.h"
#include "stats.h"

/* All of REQUEST_INIT but its identities, generously. */
#define REQUEST_ROOM 512

static int refuse(struct mikey_why *why, int err, enum mikey_ticket_attr attr,
		  const char *words)
{
	return mikey_refuse(why, err, MIKEY_TICKET_S_UNSPEC, attr, words);
}

static int write_request(const struct mikey_wish *w, u8 *buf, u32 size)
{
	struct mikey_builder b;
	struct mikey_ts ts;

	mikey_build_begin(&b, buf, size);
	mikey_put_hdr(&b, MIKEY_DT_REQUEST_INIT_PSK, true, w->suite->prf,
		      w->csb_id);
	mikey_ts_from_unix(&ts, w->t);
	mikey_put_t(&b, &ts);
	mikey_put_randr(&b, MIKEY_RANDR_I,
			(struct mikey_blob){ w->rand, w->suite->rand_len });
	mikey_put_idr(&b, MIKEY_IDR_I, MIKEY_ID_NAI, w->initiator);
	mikey_put_idr(&b, MIKEY_IDR_KMS, MIKEY_ID_URI, w->kms);
	mikey_wish_put_policy(w, &b, MIKEY_PL_TP);
	mikey_put_idr(&b, MIKEY_IDR_PSK, MIKEY_ID_BYTES, w->psk_id);
	mikey_put_v(&b, w->suite->auth_alg, w->suite->mac_len);
	return mikey_build_end(&b);
}

/* Our own message, read as the KMS will read it: one set of rules. */
static int check_request(const struct mikey_exchange *ex,
			 struct mikey_why *why)
{
	struct mikey_diag d = {};
	struct mikey_msg *m;
	int err;

	m = kmalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	err = mikey_msg_parse(m, ex->initial, ex->initial_len, mikey_ext_type(),
			      &d);
	err = err ?: mikey_policy_check(&m->tp.policy, ex->profile, ex->suite,
					true, &d);
	if (err)
		err = refuse(why, -EINVAL, MIKEY_TICKET_A_UNSPEC, d.why);
	kfree(m);
	return err;
}

int mikey_request_begin(struct mikey_exchange *ex, const struct mikey_wish *w,
			const struct mikey_hmac *psk, struct mikey_why *why)
{
	u32 room = mikey_wish_room(w, REQUEST_ROOM);
	int len, err;

	ex->initial = kvmalloc(room, GFP_KERNEL_ACCOUNT);
	if (!ex->initial)
		return -ENOMEM;
	len = write_request(w, ex->initial, room);
	if (len < 0)
		return refuse(why, -EMSGSIZE, MIKEY_TICKET_A_RESPONDER,
			      "the responders do not fit into one message");
	ex->initial_len = len;
	err = check_request(ex, why);
	err = err ?: mikey_kms_prepare(ex, psk, w->csb_id,
				       (struct mikey_blob){ w->rand, w->suite->rand_len });
	return err ?: mikey_kms_seal(ex, w->initiator, w->kms);
}

static int request(struct genl_info *info, struct mikey_exchange *ex,
		   const struct mikey_wish *w, struct mikey_why *why)
{
	struct mikey_hmac psk = {};
	int err;

	ex->profile = w->profile;
	ex->suite = w->suite;
	ex->psk = mikey_psk_get(nla_get_s32(info->attrs[MIKEY_TICKET_A_PSK]),
				w->suite, &psk, why);
	err = PTR_ERR_OR_ZERO(ex->psk);
	if (err)
		ex->psk = NULL;
	err = err ?: mikey_psk_digest(&psk, ex->psk_digest);
	err = err ?: mikey_request_begin(ex, w, &psk, why);
	memzero_explicit(&psk, sizeof(psk));
	return err;
}

int mikey_request_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const u16 need[] = {
		MIKEY_TICKET_A_PSK, MIKEY_TICKET_A_PSK_ID, MIKEY_TICKET_A_KMS,
		MIKEY_TICKET_A_INITIATOR, MIKEY_TICKET_A_RESPONDER,
		MIKEY_TICKET_A_VALID_UNTIL,
	};
	struct mikey_exchange *ex;
	struct mikey_why why = {};
	struct mikey_wish w = {};
	int err;

	err = mikey_netlink_enter(skb, info, need, ARRAY_SIZE(need), &why);
	err = err ?: mikey_wish_begin(&w, info, &why);
	if (err)
		goto out;
	ex = mikey_exchange_new();
	if (!ex) {
		err = -ENOMEM;
		goto out;
	}
	err = request(info, ex, &w, &why);
	err = err ?: mikey_exchange_reply(info, ex, NULL, &why);
	if (!err)
		mikey_count(MIKEY_TICKET_S_REQUESTS);
	mikey_exchange_put(ex);
out:
	mikey_wish_end(&w);
	return mikey_answer_refusal(info, &why, err);
}

static int refuse_policy(struct mikey_why *why, const char *words)
{
	return mikey_refuse(why, -EACCES, MIKEY_TICKET_S_BAD_POLICY,
			    MIKEY_TICKET_A_MESSAGE, words);
}

static int refuse_identity(struct mikey_why *why, const char *words)
{
	return mikey_refuse(why, -EKEYREJECTED, MIKEY_TICKET_S_BAD_POLICY,
			    MIKEY_TICKET_A_MESSAGE, words);
}

/* Is each of @a's responders one of @b's? */
static bool responders_within(const struct mikey_policy *a,
			      const struct mikey_policy *b)
{
	struct mikey_policy_iter ia, ib;
	struct mikey_id id_a, id_b;
	bool found;

	mikey_policy_walk(&ia, a, MIKEY_IDR_R);
	while (mikey_policy_next(&ia, a, &id_a)) {
		found = false;
		mikey_policy_walk(&ib, b, MIKEY_IDR_R);
		while (!found && mikey_policy_next(&ib, b, &id_b))
			found = mikey_blob_eq(id_a.data, id_b.data);
		if (!found)
			return false;
	}
	return true;
}

/* Counted first: at most MIKEY_TICKET_RESPONDERS_MAX on either side. */
static bool same_responders(const struct mikey_policy *asked,
			    const struct mikey_policy *granted)
{
	return granted->num_responders == asked->num_responders &&
	       responders_within(asked, granted) &&
	       responders_within(granted, asked);
}

/* Who it is from, for whom, and by whom. */
static int check_names(const struct mikey_policy *asked,
		       const struct mikey_policy *granted,
		       struct mikey_why *why)
{
	if (!mikey_blob_eq(asked->idr_kms.data, granted->idr_kms.data))
		return refuse_identity(why, "the ticket names another KMS");
	if (!mikey_blob_eq(asked->idr_i.data, granted->idr_i.data))
		return refuse_identity(why, "the ticket is for another initiator");
	if (!same_responders(asked, granted))
		return refuse_policy(why, "the ticket is not for the responders asked for");
	return 0;
}

/* No right that was not asked for. */
static int check_rights(const struct mikey_policy *asked,
			const struct mikey_policy *granted, s64 now,
			struct mikey_why *why)
{
	u32 wanted = mikey_policy_rekey(asked);
	u32 given = mikey_policy_rekey(granted);

	if (granted->flags & ~asked->flags & MIKEY_FLAG_J)
		return refuse_policy(why, "the ticket may be reused, which was not asked for");
	if (asked->flags & ~granted->flags & MIKEY_FLAG_E)
		return refuse_policy(why, "responders may keep the ticket, as nobody asked for");
	/* PSK/MIME is among them; none at all would mean every one (6.10) */
	if (granted->num_app != asked->num_app)
		return refuse_policy(why, "the ticket is for more applications than asked for");
	if (wanted && (!given || given > wanted))
		return refuse_policy(why, "the ticket is rekeyed less often than was asked for");
	if (mikey_ts_to_unix(&granted->tr_s) <
	    mikey_ts_to_unix(&asked->tr_s) - mikey_clock_skew())
		return refuse_policy(why, "the ticket is valid earlier than was asked for");
	if (mikey_ts_to_unix(&granted->tr_e) > mikey_ts_to_unix(&asked->tr_e))
		return refuse_policy(why, "the ticket is valid longer than was asked for");
	if (mikey_ts_to_unix(&granted->tr_e) <= now)
		return refuse_policy(why, "the ticket's validity period is over");
	return 0;
}

/* 6.10: a KMS that changed something says so (K). */
static bool is_changed(const struct mikey_policy *asked,
		       const struct mikey_policy *granted)
{
	return asked->flags != granted->flags ||
	       mikey_ts_to_unix(&asked->tr_s) != mikey_ts_to_unix(&granted->tr_s) ||
	       mikey_ts_to_unix(&asked->tr_e) != mikey_ts_to_unix(&granted->tr_e) ||
	       mikey_policy_rekey(asked) != mikey_policy_rekey(granted);
}

static int check_granted(const struct mikey_exchange *ex,
			 const struct mikey_policy *asked,
			 const struct mikey_policy *granted, s64 now,
			 struct mikey_why *why)
{
	int err;

	err = mikey_grant_check(granted, ex->profile, ex->suite, why);
	if (err)
		return err;
	if (mikey_mode_of(granted->flags) != MIKEY_MODE_KMS)
		return refuse_policy(why, "the granted ticket is not one that the KMS made (D1)");
	err = check_names(asked, granted, why);
	err = err ?: check_rights(asked, granted, now, why);
	if (err)
		return err;
	if (!(granted->flags & MIKEY_FLAG_K) && is_changed(asked, granted))
		return refuse_policy(why, "the KMS changed the policy without saying so (K)");
	return 0;
}

static int check_answer(const struct mikey_exchange *ex,
			const struct mikey_msg *m, s64 now,
			struct mikey_why *why)
{
	struct mikey_ticket_data td;
	struct mikey_msg *initial;
	struct mikey_diag d;
	int err;

	initial = kmalloc(sizeof(*initial), GFP_KERNEL);
	if (!initial)
		return -ENOMEM;
	err = mikey_kms_initial(ex, initial);
	if (err)
		goto out;
	err = mikey_kms_identity(m, initial, why);
	err = err ?: check_granted(ex, &initial->tp.policy, &m->ticket.policy,
				   now, why);
	if (err)
		goto out;
	if (m->ticket.initiator_data.len) {
		err = refuse_policy(why, "the granted ticket already has initiator data");
		goto out;
	}
	err = mikey_ticket_data_parse(&td, &m->ticket, &d);
	if (err)
		mikey_refuse_diag(why, err, MIKEY_TICKET_A_MESSAGE, &d);
	else if (td.rand.data.len < ex->suite->rand_len)	/* 12.1 */
		err = refuse_policy(why, "the granted ticket's random value is too short");
out:
	kfree(initial);
	return err;
}

struct mikey_ticket *mikey_request_finish(const struct mikey_exchange *ex,
					  struct mikey_blob msg, s64 now,
					  struct mikey_why *why)
{
	struct mikey_ticket_spec spec = {
		.role = MIKEY_ROLE_INITIATOR,
		.profile = ex->profile,
		.suite = ex->suite,
		.expires = S64_MAX,
		.now = now,
		.psk = ex->psk_digest,
	};
	struct mikey_ticket *t = NULL;
	struct mikey_keys keys;
	struct mikey_msg *m;
	int err;

	m = kmalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return ERR_PTR(-ENOMEM);
	err = mikey_kms_open(ex, msg, m, why);
	err = err ?: check_answer(ex, m, now, why);
	err = err ?: mikey_kms_keys(ex, m, &keys, why);
	if (err)
		goto out;
	spec.payload = &m->ticket;
	spec.keys = &keys;
	t = mikey_ticket_new(&spec);
	memzero_explicit(&keys, sizeof(keys));
out:
	kfree(m);
	return err ? ERR_PTR(err) : t;
}

int mikey_grant_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct mikey_grant_ops ops = {
		.resolve = false,
		.finish = mikey_request_finish,
		.stat = MIKEY_TICKET_S_GRANTS,
	};

	return mikey_grant(skb, info, &ops);
}
