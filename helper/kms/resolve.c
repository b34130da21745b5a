// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ticket Resolve at the KMS: RESOLVE_INIT in, RESOLVE_RESP out (RFC 6043
 * 4.2.3.4, 4.2.3.5), behind the checks that both exchanges share.
 *
 *	RESOLVE_RESP = HDR, T, IDRkms, KEMAC, [IDRr, RANDRkms], V
 *
 * A peer that asks for one of its users (zk.h) goes the same way; a ticket
 * that a peer issued goes there.
 *
 * Whether a ticket exists, is genuine, is over or is for somebody else is not
 * the requester's business: all checks are made, then one answer is given.
 */
#include <openssl/crypto.h>

#include "helper/kms/ticket.h"
#include "helper/kms/zk.h"

/* Everything secret of one resolve in one place, to be wiped in one. */
struct resolve {
	const struct mikey_profile *profile;
	struct mikey_ticket_data td;
	bool minted;			/* by the initiator: mode 3 */
	struct kms_tpk tpk;
	struct kms_psk psk;		/* the TPK of mode 3 */
	struct kms_ticket_keys keys;
	struct kms_mpks mpks;
	struct kms_resolved out;
	const char *why;		/* first reason to refuse, or NULL */
};

static void doubt(struct resolve *re, const char *why)
{
	if (!re->why)
		re->why = why;
}

/* What can be said about the ticket without any key. */
static int check_form(struct kms_exchange *ex, struct resolve *re)
{
	const struct mikey_ticket_payload *ticket = &ex->in.ticket;
	const struct mikey_suite *suite = ex->suite;
	struct mikey_diag diag;
	int ret;

	if (!ticket->present)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET,
				  "there is no ticket");
	ret = kms_policy_form(ex, &ticket->policy, false, &re->profile);
	if (ret)
		return ret;
	if (mikey_ticket_data_parse(&re->td, ticket, &diag))
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET, diag.why);
	if (re->td.kemac.encr_alg != suite->encr_alg ||
	    re->td.kemac.mac_alg != MIKEY_AUTH_NULL ||
	    re->td.v.auth_alg != suite->auth_alg ||
	    re->td.rand.data.len < suite->rand_len)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET,
				  "the ticket's algorithms are not those of the suite");
	if (re->td.thdr.len < KMS_ID_LEN)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET,
				  "the ticket's header (THDR) does not name a KMS");
	if (re->td.t.type != MIKEY_TS_NTP_UTC &&
	    re->td.t.type != MIKEY_TS_NTP_UTC_32)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET,
				  "the ticket's T is not a time");
	if (!re->profile->forked && ticket->initiator_data.len)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET,
				  "Initiator Data without key forking");
	re->minted = mikey_mode_of(ticket->policy.flags) == MIKEY_MODE_INITIATOR;
	return 0;
}

/*
 * D says where the TPK is sought, and nowhere else (RFC 6043 6.10): with D1
 * among our own, with D0 among the users' PSKs. A user can name a PSK like a
 * TPK, or write a TPK's name into a ticket of his own.
 */
static int look_up(struct kms_exchange *ex, struct resolve *re)
{
	const struct kms_store_ops *ops = ex->store->ops;
	const struct mikey_id *id = &re->td.idr_psk;
	struct mikey_blob name = { 0 };
	int ret;

	if (id->present && id->type == MIKEY_ID_BYTES &&
	    id->data.len <= KMS_KEY_ID_MAX)
		name = id->data;
	if (!re->minted)
		return ops->tpk(ex->store, name, &re->tpk);
	ret = ops->psk(ex->store, name, &re->psk);
	if (!ret) {
		memcpy(re->tpk.key, re->psk.key, re->psk.key_len);
		re->tpk.key_len = re->psk.key_len;
	}
	return ret;
}

static int find_tpk(struct kms_exchange *ex, struct resolve *re)
{
	const char *why = NULL;
	int ret;

	ret = look_up(ex, re);
	if (ret == -EAGAIN || ret == -EIO)
		return ret;
	if (ret == -EKEYREJECTED)
		why = "the store's row of this TPK was tampered with";
	else if (ret == -EKEYREVOKED)
		why = "the ticket's TPK was revoked";
	else if (ret)
		why = "the ticket's TPK is not known";
	else if (re->tpk.key_len < ex->suite->key_len)
		why = "the ticket's TPK is shorter than its keys";
	if (why) {
		doubt(re, why);
		memcpy(re->tpk.key, ex->kms->dummy_key, ex->suite->key_len);
		re->tpk.key_len = ex->suite->key_len;
		re->psk = ex->psk;
	}
	if (!re->minted)
		return 0;
	ret = kms_minted_check(ex, &ex->in.ticket.policy, &re->td.t, &re->psk,
			       &why);
	if (why)
		doubt(re, why);
	return ret;
}

/* Ticket MAC, MPKi and MPKr, Vr. */
static int open_ticket(struct kms_exchange *ex, struct resolve *re)
{
	const struct kms_crypto *c = ex->kms->crypto;
	int ret;

	ret = kms_ticket_open(c, &ex->in.ticket, &re->td, ex->suite,
			      re->profile, &re->tpk, &re->keys);
	if (ret == -EIO)
		return ret;
	if (ret)
		doubt(re, ret == -EBADMSG ?
		      "the ticket's keys are not those of the profile" :
		      "the ticket's MAC does not verify");
	ret = kms_ticket_mpks(c, ex->suite, &re->keys, re->td.rand.data,
			      &re->mpks);
	if (ret || !re->profile->forked)
		return ret;
	ret = kms_ticket_vr(c, ex->suite, ex->in.ticket.initiator_data,
			    &re->mpks);
	if (ret == -EIO)
		return ret;
	if (ret)
		doubt(re, "Vr of the Initiator Data does not verify");
	return 0;
}

/* Whose tickets for a PSI are: see enum kms_psi_role. */
static const enum kms_psi_role psi_roles[] = {
	[MIKEY_PROFILE_ID_IMMEDIATE] = KMS_PSI_MEMBER,
	[MIKEY_PROFILE_ID_ANNEX_I] = KMS_PSI_SERVER,
};

/* Is @uid one who resolves for a PSI in the ticket? 0, -ENOENT, error. */
static int in_group(struct kms_exchange *ex, const struct resolve *re,
		    struct mikey_blob uid)
{
	const struct mikey_policy *policy = &ex->in.ticket.policy;
	enum kms_psi_role role = psi_roles[re->profile->id];
	struct mikey_policy_iter it;
	struct mikey_id group;
	int ret;

	mikey_policy_walk(&it, policy, MIKEY_IDR_R);
	while (mikey_policy_next(&it, policy, &group)) {
		if (memchr(group.data.p, '?', group.data.len))
			continue;
		ret = ex->store->ops->member(ex->store, role, group.data, uid);
		if (ret != -ENOENT && ret != -EKEYREJECTED)
			return ret;
	}
	return -ENOENT;
}

/*
 * Which of the requester's identities the ticket is for: the one it asked
 * under if that matches, else the first that does; by name or wildcard first,
 * then for a PSI.
 */
static int match(struct kms_exchange *ex, struct resolve *re)
{
	struct kms_uid uids[KMS_USER_UIDS_MAX];
	struct mikey_blob asked = ex->in.idr_r.data;
	struct kms_uid *matched = NULL;
	struct mikey_blob uid;
	bool first;
	u32 num, i;
	int ret;

	ret = kms_requester_uids(ex, uids, &num);
	if (ret)
		return ret;
	for (i = 0; i < num; i++) {
		uid = kms_blob(uids[i].data, uids[i].len);
		first = mikey_blob_eq(uid, asked);
		if ((!matched || first) &&
		    mikey_policy_names(&ex->in.ticket.policy, uid))
			matched = &uids[i];
	}
	for (i = 0; !matched && i <= num; i++) {
		/* the identity asked under, then the others in their order */
		uid = i ? kms_blob(uids[i - 1].data, uids[i - 1].len) : asked;
		ret = in_group(ex, re, uid);
		if (!ret) {
			re->out.matched.len = uid.len;
			memcpy(re->out.matched.data, uid.p, uid.len);
			return 0;
		}
		if (ret != -ENOENT)
			return ret;
	}
	if (matched)
		re->out.matched = *matched;
	else
		doubt(re, "the ticket is not for this user");
	return 0;
}

static int check_ticket(struct kms_exchange *ex, struct resolve *re)
{
	const struct mikey_policy *policy = &ex->in.ticket.policy;
	int ret;

	ret = find_tpk(ex, re);
	if (!ret)
		ret = open_ticket(ex, re);
	if (!ret)
		ret = match(ex, re);
	if (ret)
		return ret;
	if (!kms_policy_is_us(ex->policy, &policy->idr_kms))
		doubt(re, "the ticket is another KMS's");
	if (mikey_ts_to_unix(&policy->tr_e) < ex->now)
		doubt(re, "the ticket's validity period is over");
	if (re->why)
		return kms_refuse(ex, MIKEY_ERR_AUTH_FAILURE, re->why);
	return 0;
}

/* MPKr' for the identity that matched (RFC 6043 5.1.1); GTGKs never fork. */
static int fork_keys(struct kms_exchange *ex, struct resolve *re)
{
	const struct kms_env *env = &ex->kms->env;
	const struct mikey_suite *suite = ex->suite;
	struct kms_resolved *out = &re->out;
	struct mikey_label label;

	out->randr_len = suite->rand_len;
	if (env->random(env->ctx, KMS_RANDOM_RANDR_KMS, out->randr_kms,
			out->randr_len) ||
	    mikey_label_fork(&label, MIKEY_LC_FORK_MPK,
			     kms_blob(out->matched.data, out->matched.len),
			     kms_blob(out->randr_kms, out->randr_len)))
		return -EIO;
	return kms_prf(ex->kms->crypto, suite->prf,
		       kms_blob(re->mpks.mpk_r, suite->key_len),
		       kms_blob(label.buf, label.len), out->mpk_r,
		       suite->key_len);
}

/* The KEMAC's keys and the KEMAC; to a peer TLS protects it. */
static int put_keys(struct kms_exchange *ex, struct mikey_builder *b, u64 t,
		    const struct kms_resolved *out,
		    struct kms_message_keys *response)
{
	const struct kms_crypto *c = ex->kms->crypto;
	struct kms_key_list list;
	int ret;

	ret = kms_key_list_write(&list, ex->suite, out->profile, out->mpk_i,
				 out->profile->forked ? out->mpk_r : NULL,
				 &out->keys);
	if (!ret && ex->peer) {
		mikey_put_kemac(b, MIKEY_ENCR_NULL, kms_blob(list.buf, list.len));
	} else if (!ret) {
		ret = kms_keys_of_message(c, ex->suite,
					  kms_blob(ex->psk.key, ex->psk.key_len),
					  &ex->in, true, response);
		if (!ret)
			ret = kms_kemac_write(c, b, ex->suite, response,
					      ex->in.hdr.csb_id, t, &list);
	}
	OPENSSL_cleanse(&list, sizeof(list));
	return ret;
}

int kms_resolve_answer(struct kms_exchange *ex, const struct kms_resolved *out)
{
	struct kms_message_keys response = { 0 };
	struct mikey_builder b;
	struct mikey_ts t;
	int ret;

	mikey_ts_from_unix(&t, ex->t);
	kms_answer_begin(ex, &b, MIKEY_DT_RESOLVE_RESP);
	mikey_put_idr(&b, MIKEY_IDR_KMS, ex->in.idr_kms.type,
		      ex->in.idr_kms.data);
	ret = put_keys(ex, &b, t.value, out, &response);
	if (!ret && out->profile->forked) {
		/* the modifier of the forked keys */
		mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_NAI,
			      kms_blob(out->matched.data, out->matched.len));
		mikey_put_randr(&b, MIKEY_RANDR_KMS,
				kms_blob(out->randr_kms, out->randr_len));
	}
	if (!ret)
		ret = kms_answer_sign(ex, &b, response.auth);
	OPENSSL_cleanse(&response, sizeof(response));
	if (ret)
		return -EIO;
	ex->answer->deed.matched_len = out->matched.len;
	memcpy(ex->answer->deed.matched, out->matched.data, out->matched.len);
	return 0;
}

/* Whose identity IDRr is: a user's own, or one of the peer's domain. */
static int check_requester(struct kms_exchange *ex)
{
	int ret;

	if (ex->peer)
		return kms_zk_speaks_for(ex->peer, &ex->in.idr_r) ? 0 :
		       kms_refuse(ex, MIKEY_ERR_AUTH_FAILURE,
				  "IDRr is not of a domain that the peer speaks for");
	ret = kms_owns_uid(ex, ex->psk.user, &ex->in.idr_r);
	if (ret == -ENOENT || ret == -EKEYREJECTED)
		return kms_refuse(ex, MIKEY_ERR_AUTH_FAILURE,
				  "IDRr is not a UID of the PSK's owner");
	return ret;
}

static int answer(struct kms_exchange *ex, struct resolve *re)
{
	re->out.profile = re->profile;
	re->out.keys = re->keys;
	memcpy(re->out.mpk_i, re->mpks.mpk_i, sizeof(re->out.mpk_i));
	return kms_resolve_answer(ex, &re->out);
}

int kms_resolve(struct kms_exchange *ex)
{
	const struct kms_peer *peer = NULL;
	struct resolve re;
	int ret;

	ret = check_requester(ex);
	if (ret)
		return ret;
	memset(&re, 0, sizeof(re));
	ret = check_form(ex, &re);
	if (!ret && !ex->peer)
		peer = kms_zk_issuer(ex->policy, &ex->in.ticket.policy);
	if (peer) {
		ret = kms_zk_ask(ex, re.profile, peer);
	} else {
		if (!ret)
			ret = check_ticket(ex, &re);
		if (!ret && re.profile->forked)
			ret = fork_keys(ex, &re);
		if (!ret)
			ret = answer(ex, &re);
	}
	if (re.td.idr_psk.present && re.td.idr_psk.data.len <= KMS_NAME_MAX) {
		ex->answer->deed.tpk_len = re.td.idr_psk.data.len;
		memcpy(ex->answer->deed.tpk, re.td.idr_psk.data.p,
		       re.td.idr_psk.data.len);
	}
	OPENSSL_cleanse(&re, sizeof(re));
	return ret;
}
