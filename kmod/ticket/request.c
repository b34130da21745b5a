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
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../wire/builder.h"
#include "clock.h"
#include "grant.h"
#include "key.h"
#include "kms.h"
#include "limits.h"
#include "netlink.h"
#include "psk.h"
#include "request.h"
#include "stats.h"

/* All of REQUEST_INIT but its identities, generously. */
#define REQUEST_ROOM 512
#define PER_IDENTITY 8

static int refuse(struct mikey_why *why, int err, enum mikey_ticket_attr attr,
		  const char *words)
{
	return mikey_refuse(why, err, MIKEY_TICKET_S_UNSPEC, attr, words);
}

/* KEMAC of TP: one key of zeros that says which type and length is wanted. */
static void put_wanted_key(struct mikey_builder *b, const struct mikey_wish *w)
{
	static const u8 zeros[MIKEY_KEY_MAX + MIKEY_SPI_LEN];
	u8 buf[4 + MIKEY_KEY_MAX + 1 + MIKEY_SPI_LEN];
	struct mikey_builder inner;
	int len;

	mikey_build_begin(&inner, buf, sizeof(buf));
	mikey_put_key_data(&inner, w->profile->traffic_key,
			   (struct mikey_blob){ zeros, w->suite->key_len },
			   (struct mikey_blob){ zeros, MIKEY_SPI_LEN });
	len = mikey_build_end(&inner);
	mikey_put_kemac(b, MIKEY_ENCR_NULL,
			(struct mikey_blob){ buf, len > 0 ? len : 0 });
}

static void put_policy(struct mikey_builder *b, const struct mikey_wish *w)
{
	static const struct mikey_blob app = {
		(const u8 *)MIKEY_APP_PSK_MIME, sizeof(MIKEY_APP_PSK_MIME) - 1
	};
	struct mikey_policy p = {
		.ticket_type = MIKEY_TICKET_TYPE_3GPP_BASE,
		.subtype = MIKEY_TICKET_SUBTYPE,
		.version = MIKEY_TICKET_VERSION,
		.prf = w->suite->prf,
		.flags = mikey_profile_flags(w->profile, MIKEY_MODE_KMS) |
			 (w->reusable ? MIKEY_FLAG_J : 0) |
			 (w->cacheable ? 0 : MIKEY_FLAG_E),
	};
	struct mikey_frame frame;
	struct mikey_ts ts;
	u32 i;

	mikey_open_policy(b, &frame, MIKEY_PL_TP, &p);
	mikey_put_idr(b, MIKEY_IDR_KMS, MIKEY_ID_URI, w->kms);
	mikey_put_idr(b, MIKEY_IDR_I, MIKEY_ID_NAI, w->initiator);
	mikey_ts_from_unix(&ts, w->from);
	mikey_put_tr(b, MIKEY_TR_START, &ts);
	mikey_ts_from_unix(&ts, w->until);
	mikey_put_tr(b, MIKEY_TR_END, &ts);
	put_wanted_key(b, w);
	mikey_put_idr(b, MIKEY_IDR_APP, MIKEY_ID_BYTES, app);
	for (i = 0; i < w->num_responders; i++)
		mikey_put_idr(b, MIKEY_IDR_R, MIKEY_ID_NAI, w->responders[i]);
	mikey_close_policy(b, &frame);
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
	put_policy(&b, w);
	mikey_put_idr(&b, MIKEY_IDR_PSK, MIKEY_ID_BYTES, w->psk_id);
	mikey_put_v(&b, w->suite->auth_alg, w->suite->mac_len);
	return mikey_build_end(&b);
}

static u32 request_room(const struct mikey_wish *w)
{
	u32 room, i;

	room = REQUEST_ROOM + 2 * (w->kms.len + w->initiator.len) +
	       w->psk_id.len;
	for (i = 0; i < w->num_responders; i++)
		room += w->responders[i].len + PER_IDENTITY;
	return min_t(u32, room, MIKEY_MSG_MAX);
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
	u32 room = request_room(w);
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

static int wish_from_attrs(struct genl_info *info, struct mikey_exchange *ex,
			   struct mikey_wish *w, struct mikey_why *why)
{
	struct nlattr **attrs = info->attrs;
	s64 now = ktime_get_real_seconds();

	w->psk_id = mikey_attr_blob(attrs[MIKEY_TICKET_A_PSK_ID]);
	w->kms = mikey_attr_blob(attrs[MIKEY_TICKET_A_KMS]);
	w->initiator = mikey_attr_blob(attrs[MIKEY_TICKET_A_INITIATOR]);
	if (!mikey_key_uid_ok(w->initiator))
		return refuse(why, -EINVAL, MIKEY_TICKET_A_INITIATOR,
			      "the initiator has characters that no UID has");
	w->from = now;
	if (attrs[MIKEY_TICKET_A_VALID_FROM])
		w->from = nla_get_s64(attrs[MIKEY_TICKET_A_VALID_FROM]);
	w->until = nla_get_s64(attrs[MIKEY_TICKET_A_VALID_UNTIL]);
	if (w->until <= now)
		return refuse(why, -EINVAL, MIKEY_TICKET_A_VALID_UNTIL,
			      "the validity period is already over");
	w->reusable = nla_get_flag(attrs[MIKEY_TICKET_A_REUSABLE]);

	w->profile = mikey_netlink_profile(info, why);
	if (!w->profile)
		return -EPROTONOSUPPORT;
	w->suite = mikey_netlink_suite(info, why);
	if (!w->suite)
		return -EPROTONOSUPPORT;
	ex->profile = w->profile;
	ex->suite = w->suite;
	w->t = mikey_clock_send();
	w->csb_id = get_random_u32();
	get_random_bytes(w->rand, w->suite->rand_len);
	return 0;
}

static int request(struct genl_info *info, struct mikey_exchange *ex,
		   struct mikey_why *why)
{
	struct mikey_wish w = {};
	struct mikey_blob *responders;
	struct mikey_hmac psk = {};
	int err;

	err = wish_from_attrs(info, ex, &w, why);
	if (err)
		return err;
	err = mikey_attr_blobs(info, MIKEY_TICKET_A_RESPONDER,
			       MIKEY_TICKET_RESPONDERS_MAX, &responders, why);
	if (err < 0)
		return err;
	w.responders = responders;
	w.num_responders = err;

	ex->psk = mikey_psk_get(nla_get_s32(info->attrs[MIKEY_TICKET_A_PSK]),
				w.suite, &psk, why);
	err = PTR_ERR_OR_ZERO(ex->psk);
	if (err)
		ex->psk = NULL;
	err = err ?: mikey_request_begin(ex, &w, &psk, why);
	memzero_explicit(&psk, sizeof(psk));
	kfree(responders);
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
	int err;

	err = mikey_netlink_enter(skb, info, need, ARRAY_SIZE(need), &why);
	if (err)
		return mikey_answer_refusal(info, &why, err);
	ex = mikey_exchange_new();
	if (!ex)
		return -ENOMEM;
	err = request(info, ex, &why);
	err = err ?: mikey_exchange_reply(info, ex, NULL, &why);
	if (!err)
		mikey_count(MIKEY_TICKET_S_REQUESTS);
	mikey_exchange_put(ex);
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
	if (!mikey_blob_eq(asked->idr_kms.data, granted->idr_kms.data))
		return refuse_identity(why, "the ticket names another KMS");
	if (!mikey_blob_eq(asked->idr_i.data, granted->idr_i.data))
		return refuse_identity(why, "the ticket is for another initiator");
	if (!same_responders(asked, granted))
		return refuse_policy(why, "the ticket is not for the responders asked for");
	if (granted->flags & ~asked->flags & MIKEY_FLAG_J)
		return refuse_policy(why, "the ticket may be reused, which was not asked for");
	if (mikey_ts_to_unix(&granted->tr_s) <
	    mikey_ts_to_unix(&asked->tr_s) - mikey_clock_skew())
		return refuse_policy(why, "the ticket is valid earlier than was asked for");
	if (mikey_ts_to_unix(&granted->tr_e) > mikey_ts_to_unix(&asked->tr_e))
		return refuse_policy(why, "the ticket is valid longer than was asked for");
	if (mikey_ts_to_unix(&granted->tr_e) <= now)
		return refuse_policy(why, "the ticket's validity period is over");
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

/* SHA-256 over profile, suite and every IDRr, as mikey_ticket.h has it. */
static int responders_digest(const struct mikey_ticket *t, u8 digest[32])
{
	u32 max = 2 + t->policy.tp_data.len, at = 2;
	struct mikey_policy_iter it;
	struct mikey_id id;
	u8 *buf;
	int err;

	/* an IDR payload is longer than the length and bytes put down here */
	buf = kvmalloc(max, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	buf[0] = t->profile->id;
	buf[1] = t->suite->id;
	mikey_policy_walk(&it, &t->policy, MIKEY_IDR_R);
	while (mikey_policy_next(&it, &t->policy, &id)) {
		buf[at++] = id.data.len >> 8;
		buf[at++] = id.data.len;
		memcpy(buf + at, id.data.p, id.data.len);
		at += id.data.len;
	}
	err = mikey_sha256(&(struct mikey_blob){ buf, at }, 1, digest);
	kvfree(buf);
	return err;
}

int mikey_grant_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const u16 need[] = {
		MIKEY_TICKET_A_EXCHANGE, MIKEY_TICKET_A_MESSAGE,
	};
	static const struct mikey_grant_ops ops = {
		.resolve = false,
		.finish = mikey_request_finish,
		.digest = responders_digest,
		.stat = MIKEY_TICKET_S_GRANTS,
	};
	struct mikey_why why = {};
	int err;

	err = mikey_netlink_enter(skb, info, need, ARRAY_SIZE(need), &why);
	err = err ?: mikey_grant(info, &ops, &why);
	return mikey_answer_refusal(info, &why, err);
}
