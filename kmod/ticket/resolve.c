// SPDX-License-Identifier: GPL-2.0
/*
 * The Ticket Resolve exchange (RFC 6043 4.2.3).
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../wire/builder.h"
#include "clock.h"
#include "grant.h"
#include "inbound.h"
#include "kept.h"
#include "key.h"
#include "kms.h"
#include "limits.h"
#include "netlink.h"
#include "psk.h"
#include "resolve.h"
#include "stats.h"
#include "transfer.h"

/* RESOLVE_INIT beside its identities and its ticket, generously. */
#define RESOLVE_ROOM 256

/* How long a ticket that opens one message waits for that to happen. */
#define SINGLE_USE_SECONDS 60

static int write_resolve(const struct mikey_inquiry *q,
			 const struct mikey_ticket_payload *ticket, u8 *buf,
			 u32 size)
{
	struct mikey_builder b;
	struct mikey_ts ts;

	mikey_build_begin(&b, buf, size);
	mikey_put_hdr(&b, MIKEY_DT_RESOLVE_INIT_PSK, true, q->suite->prf,
		      q->csb_id);
	mikey_ts_from_unix(&ts, q->t);
	mikey_put_t(&b, &ts);
	mikey_put_randr(&b, MIKEY_RANDR_R,
			(struct mikey_blob){ q->rand, q->suite->rand_len });
	mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_NAI, q->identity);
	mikey_put_idr(&b, MIKEY_IDR_KMS, MIKEY_ID_URI, q->kms);
	mikey_put_ticket(&b, ticket->from_type);
	mikey_put_opaque16(&b, ticket->initiator_data);
	mikey_put_idr(&b, MIKEY_IDR_PSK, MIKEY_ID_BYTES, q->psk_id);
	mikey_put_v(&b, q->suite->auth_alg, q->suite->mac_len);
	return mikey_build_end(&b);
}

static bool is_one_of(const struct mikey_names *names, struct mikey_blob uid)
{
	u32 i;

	for (i = 0; i < names->num; i++)
		if (mikey_blob_eq(names->uid[i], uid))
			return true;
	return false;
}

static bool ticket_names_us(const struct mikey_inquiry *q,
			    const struct mikey_policy *p)
{
	u32 i;

	for (i = 0; i < q->groups.num; i++) {
		if (mikey_policy_names(p, q->groups.uid[i]))
			return true;
		/* hundreds of wildcards for each of them take their time */
		cond_resched();
	}
	return mikey_policy_names(p, q->identity);
}

/*
 * A message may come through a list service, which then is its addressee and
 * which its ticket need not name (RFC 5365); the ticket is for members.
 */
static int check_addressee(const struct mikey_inquiry *q,
			   const struct mikey_msg *m, struct mikey_why *why)
{
	struct mikey_blob to = m->idr_r.data;

	if (!mikey_blob_eq(q->identity, to) && !is_one_of(&q->groups, to) &&
	    !is_one_of(&q->services, to))
		return mikey_refuse(why, -EKEYREJECTED,
				    MIKEY_TICKET_S_BAD_POLICY,
				    MIKEY_TICKET_A_MESSAGE,
				    "the message is addressed to somebody else");
	if (!ticket_names_us(q, &m->ticket.policy))
		return mikey_refuse(why, -EACCES, MIKEY_TICKET_S_BAD_POLICY,
				    MIKEY_TICKET_A_MESSAGE,
				    "the ticket is not for this user");
	/* IDRr is one of the ticket's (TS 33.328 8.3.1.1.1) */
	if (!is_one_of(&q->services, to) &&
	    !mikey_policy_names(&m->ticket.policy, to))
		return mikey_refuse(why, -EKEYREJECTED,
				    MIKEY_TICKET_S_BAD_POLICY,
				    MIKEY_TICKET_A_MESSAGE,
				    "the message's addressee is nobody whom its ticket names");
	return 0;
}

/* The early reject: nothing of this needs the KMS. */
static int check_transfer(struct mikey_exchange *ex,
			  const struct mikey_inquiry *q,
			  const struct mikey_msg *m, s64 now,
			  struct mikey_why *why)
{
	struct mikey_diag d;
	int err;

	/* before the profile: these words say what is wrong with the flags */
	if (mikey_flags_check(m->ticket.policy.flags, &d))
		return mikey_refuse(why, -EACCES, MIKEY_TICKET_S_BAD_POLICY,
				    MIKEY_TICKET_A_MESSAGE, d.why);
	ex->profile = mikey_profile_of(m->ticket.policy.flags);
	if (!ex->profile)
		return mikey_refuse(why, -EACCES, MIKEY_TICKET_S_BAD_POLICY,
				    MIKEY_TICKET_A_MESSAGE,
				    "the ticket's flags are those of no profile");
	if (!mikey_profile_allowed(ex->profile->id))
		return mikey_refuse(why, -EPROTONOSUPPORT,
				    MIKEY_TICKET_S_BAD_POLICY,
				    MIKEY_TICKET_A_MESSAGE,
				    "the ticket's profile is not allowed here");
	err = mikey_inbound_check(m, ex->profile, ex->suite, now, why);
	return err ?: check_addressee(q, m, why);
}

static int copy_transfer(struct mikey_exchange *ex, struct mikey_blob transfer,
			 struct mikey_msg *m, struct mikey_why *why)
{
	struct mikey_diag d;
	int err;

	ex->transfer = kvmalloc(transfer.len, GFP_KERNEL_ACCOUNT);
	if (!ex->transfer)
		return -ENOMEM;
	memcpy(ex->transfer, transfer.p, transfer.len);
	ex->transfer_len = transfer.len;
	err = mikey_msg_parse(m, ex->transfer, ex->transfer_len,
			      mikey_ext_type(), &d);
	if (err)
		return mikey_refuse_diag(why, err, MIKEY_TICKET_A_MESSAGE, &d);
	if (m->hdr.data_type != MIKEY_DT_TRANSFER_INIT)
		return mikey_refuse(why, -EBADMSG, MIKEY_TICKET_S_BAD_MESSAGE,
				    MIKEY_TICKET_A_MESSAGE,
				    "the message is not a TRANSFER_INIT");
	return 0;
}

int mikey_resolve_read(struct mikey_exchange *ex, const struct mikey_inquiry *q,
		       s64 now, struct mikey_msg *m, struct mikey_why *why)
{
	int err;

	err = copy_transfer(ex, q->transfer, m, why);
	return err ?: check_transfer(ex, q, m, now, why);
}

int mikey_resolve_begin(struct mikey_exchange *ex, const struct mikey_inquiry *q,
			const struct mikey_hmac *psk, const struct mikey_msg *m,
			struct mikey_why *why)
{
	int err, len;
	u32 room;

	room = min_t(u32, MIKEY_MSG_MAX, RESOLVE_ROOM + q->identity.len +
		     q->kms.len + q->psk_id.len + q->transfer.len);
	ex->initial = kvmalloc(room, GFP_KERNEL_ACCOUNT);
	if (!ex->initial)
		return -ENOMEM;
	len = write_resolve(q, &m->ticket, ex->initial, room);
	if (len < 0)
		return mikey_refuse(why, -EMSGSIZE, MIKEY_TICKET_S_UNSPEC,
				    MIKEY_TICKET_A_MESSAGE,
				    "the ticket does not fit into one message");
	ex->initial_len = len;
	err = mikey_kms_prepare(ex, psk, q->csb_id,
				(struct mikey_blob){ q->rand, q->suite->rand_len });
	return err ?: mikey_kms_seal(ex, q->identity, q->kms);
}

/* RFC 3261 allows '?' in a user part; there it is written %3F. */
static int check_uid(struct mikey_blob uid, enum mikey_ticket_attr attr,
		     struct mikey_why *why)
{
	if (!mikey_key_uid_ok(uid) || memchr(uid.p, '?', uid.len))
		return mikey_refuse(why, -EINVAL, MIKEY_TICKET_S_UNSPEC, attr,
				    "this identity has characters that no UID has");
	return 0;
}

static int take_names(struct genl_info *info, enum mikey_ticket_attr attr,
		      u32 max, struct mikey_names *names, struct mikey_why *why)
{
	struct mikey_blob *uid;
	int err, num;
	u32 i;

	num = mikey_attr_blobs(info, attr, max, &uid, why);
	if (num < 0)
		return num;
	names->uid = uid;
	names->num = num;
	for (err = 0, i = 0; i < names->num && !err; i++)
		err = check_uid(uid[i], attr, why);
	return err;
}

static int take_inquiry(struct genl_info *info, struct mikey_inquiry *q,
			struct mikey_why *why)
{
	struct nlattr **attrs = info->attrs;
	int err;

	q->psk_id = mikey_attr_blob(attrs[MIKEY_TICKET_A_PSK_ID]);
	q->kms = mikey_attr_blob(attrs[MIKEY_TICKET_A_KMS]);
	q->identity = mikey_attr_blob(attrs[MIKEY_TICKET_A_IDENTITY]);
	q->transfer = mikey_attr_blob(attrs[MIKEY_TICKET_A_MESSAGE]);
	q->suite = mikey_netlink_suite(info, why);
	if (!q->suite)
		return -EPROTONOSUPPORT;
	q->t = mikey_clock_send();
	q->csb_id = get_random_u32();
	get_random_bytes(q->rand, q->suite->rand_len);
	err = check_uid(q->identity, MIKEY_TICKET_A_IDENTITY, why);
	err = err ?: take_names(info, MIKEY_TICKET_A_GROUP,
				MIKEY_TICKET_GROUPS_MAX, &q->groups, why);
	return err ?: take_names(info, MIKEY_TICKET_A_LIST_SERVICE,
				 MIKEY_TICKET_GROUPS_MAX - q->groups.num,
				 &q->services, why);
}

/* The attributes, the PSK and the message itself; no key of the ticket yet. */
static int take_message(struct genl_info *info, struct mikey_exchange *ex,
			struct mikey_inquiry *q, struct mikey_hmac *psk,
			struct mikey_msg *m, struct mikey_why *why)
{
	int err;

	err = take_inquiry(info, q, why);
	if (err)
		return err;
	ex->resolve = true;
	ex->suite = q->suite;
	ex->psk = mikey_psk_get(nla_get_s32(info->attrs[MIKEY_TICKET_A_PSK]),
				q->suite, psk, why);
	if (IS_ERR(ex->psk)) {
		err = PTR_ERR(ex->psk);
		ex->psk = NULL;
		return err;
	}
	err = mikey_kept_asker(key_serial(ex->psk), q->identity, q->kms,
			       ex->asker);
	err = err ?: mikey_sha256(&q->identity, 1, ex->reader);
	err = err ?: mikey_psk_digest(psk, ex->psk_digest);
	return err ?: mikey_resolve_read(ex, q, ktime_get_real_seconds(), m,
					 why);
}

/* What the message claims, and the kept ticket under which it verified. */
static int reply_kept(struct genl_info *info, const struct mikey_ticket *t,
		      const struct mikey_msg *m)
{
	struct sk_buff *skb;
	void *hdr;
	int err;

	skb = mikey_reply_new(info, nla_total_size(sizeof(s32)) +
			      mikey_claims_room(m), &hdr);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	err = nla_put_s32(skb, MIKEY_TICKET_A_TICKET, key_serial(t->key)) ?:
	      mikey_reply_claims(skb, m, mikey_ticket_profile(t),
				 mikey_ticket_suite(t));
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

static int resolve(struct genl_info *info, struct mikey_exchange *ex,
		   struct mikey_msg *m, struct mikey_why *why)
{
	struct mikey_inquiry q = {};
	struct mikey_hmac psk = {};
	struct mikey_ticket *kept;
	int err;

	err = take_message(info, ex, &q, &psk, m, why);
	if (err)
		goto out;
	kept = mikey_kept_find(info, ex, m, why);
	if (IS_ERR(kept)) {
		err = PTR_ERR(kept);
	} else if (kept) {
		err = reply_kept(info, kept, m);
		if (!err)
			mikey_count(MIKEY_TICKET_S_REUSES);
		mikey_ticket_put(kept);
	} else {
		err = mikey_resolve_begin(ex, &q, &psk, m, why);
		err = err ?: mikey_exchange_reply(info, ex, m, why);
		if (!err)
			mikey_count(MIKEY_TICKET_S_RESOLVES);
	}
out:
	memzero_explicit(&psk, sizeof(psk));
	kfree(q.groups.uid);
	kfree(q.services.uid);
	return err;
}

int mikey_resolve_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const u16 need[] = {
		MIKEY_TICKET_A_PSK, MIKEY_TICKET_A_PSK_ID, MIKEY_TICKET_A_KMS,
		MIKEY_TICKET_A_IDENTITY, MIKEY_TICKET_A_MESSAGE,
	};
	struct mikey_exchange *ex;
	struct mikey_why why = {};
	struct mikey_msg *m;
	int err;

	err = mikey_netlink_enter(skb, info, need, ARRAY_SIZE(need), &why);
	if (err)
		return mikey_answer_refusal(info, &why, err);
	m = kmalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	ex = mikey_exchange_new();
	if (!ex) {
		kfree(m);
		return -ENOMEM;
	}
	err = resolve(info, ex, m, &why);
	mikey_exchange_put(ex);
	kfree(m);
	return mikey_answer_refusal(info, &why, err);
}

static int refuse_form(struct mikey_why *why, const char *words)
{
	return mikey_refuse(why, -EBADMSG, MIKEY_TICKET_S_BAD_MESSAGE,
			    MIKEY_TICKET_A_MESSAGE, words);
}

/*
 * The identity that matched and the random value of the fork (4.2.3.5). Only
 * a TRANSFER_RESP would need them, which these profiles do not have; a KMS
 * that leaves them out has not forked.
 */
static int check_answer(const struct mikey_exchange *ex,
			const struct mikey_msg *m, struct mikey_why *why)
{
	struct mikey_msg *initial;
	int err;

	initial = kmalloc(sizeof(*initial), GFP_KERNEL);
	if (!initial)
		return -ENOMEM;
	err = mikey_kms_initial(ex, initial);
	err = err ?: mikey_kms_identity(m, initial, why);
	kfree(initial);
	if (err || !ex->profile->forked)
		return err;
	if (!m->idr_r.present || m->idr_r.type != MIKEY_ID_NAI ||
	    !m->idr_r.data.len || m->idr_r.data.len > MIKEY_UID_MAX)
		return refuse_form(why, "the answer does not name the responder");
	if (!m->randr_kms.present ||
	    m->randr_kms.data.len < ex->suite->rand_len)
		return refuse_form(why, "the answer has no RANDRkms, or a short one");
	return 0;
}

/*
 * A ticket that opens one message keeps that message: to compare it costs next
 * to nothing, and a digest of it a tenth of what opening a short one does.
 */
static int bind_ticket(struct mikey_ticket *t, const struct mikey_exchange *ex)
{
	struct mikey_blob to = { t->wire, t->wire_len };
	struct mikey_received *r = mikey_received(t);

	memcpy(r->asker, ex->asker, sizeof(r->asker));
	memcpy(r->reader, ex->reader, sizeof(r->reader));
	if (!r->kept) {
		r->transfer = kvmalloc(ex->transfer_len, GFP_KERNEL_ACCOUNT);
		if (!r->transfer)
			return -ENOMEM;
		memcpy(r->transfer, ex->transfer, ex->transfer_len);
		r->transfer_len = ex->transfer_len;
		to = (struct mikey_blob){ r->transfer, r->transfer_len };
	}
	return mikey_sha256(&to, 1, r->digest);
}

/* @transfer is TRANSFER_INIT, and a ticket only comes out if it verifies. */
static struct mikey_ticket *admit(const struct mikey_exchange *ex,
				  const struct mikey_msg *transfer,
				  const struct mikey_keys *keys, s64 now,
				  struct mikey_why *why)
{
	struct mikey_ticket_spec spec = {
		.role = MIKEY_ROLE_RESPONDER,
		.profile = ex->profile,
		.suite = ex->suite,
		.payload = &transfer->ticket,
		.keys = keys,
		.expires = S64_MAX,
		.now = now,
		.psk = ex->psk_digest,
	};
	struct mikey_ticket *t;
	int err;

	spec.kept = mikey_policy_keeps(&transfer->ticket.policy) &&
		    mikey_kept_count(current_fsuid());
	if (!spec.kept)
		spec.expires = now + SINGLE_USE_SECONDS;
	t = mikey_ticket_new(&spec);
	if (IS_ERR(t)) {
		if (spec.kept)
			mikey_kept_uncount(current_fsuid());
		return t;
	}
	/* nobody knows the ticket yet: its keys can be used where they lie */
	err = mikey_inbound_check(transfer, ex->profile, ex->suite, now, why);
	err = err ?: mikey_inbound_verify(transfer, ex->suite,
					  &t->secrets->mpk_i,
					  (struct mikey_blob){ t->spi, t->spi_len },
					  why);
	err = err ?: bind_ticket(t, ex);
	if (err) {
		mikey_ticket_free(t);
		return ERR_PTR(err);
	}
	return t;
}

struct mikey_ticket *mikey_resolve_finish(const struct mikey_exchange *ex,
					  struct mikey_blob msg, s64 now,
					  struct mikey_why *why)
{
	struct mikey_ticket *t;
	struct mikey_keys keys;
	struct mikey_diag d;
	struct mikey_msg *m;
	int err;

	m = kmalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return ERR_PTR(-ENOMEM);
	err = mikey_kms_open(ex, msg, m, why);
	err = err ?: check_answer(ex, m, why);
	err = err ?: mikey_kms_keys(ex, m, &keys, why);
	if (err) {
		t = ERR_PTR(err);
		goto out;
	}
	/* it parsed when the exchange began */
	err = mikey_msg_parse(m, ex->transfer, ex->transfer_len,
			      mikey_ext_type(), &d);
	t = err ? ERR_PTR(err) : admit(ex, m, &keys, now, why);
	memzero_explicit(&keys, sizeof(keys));
out:
	kfree(m);
	return t;
}

int mikey_admit_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct mikey_grant_ops ops = {
		.resolve = true,
		.finish = mikey_resolve_finish,
		.stat = MIKEY_TICKET_S_ADMITS,
	};

	return mikey_grant(skb, info, &ops);
}
