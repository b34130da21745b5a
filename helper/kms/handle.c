// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What both exchanges have in common, in the order of the checks: form, PSK
 * by IDRpsk, MAC, time and replay, the requester's identity. Until the MAC
 * has verified nothing that depends on a user decides the answer or what it
 * costs: a dummy PSK takes the place of one that does not exist.
 */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "helper/kms/limit.h"
#include "helper/kms/policy.h"

#define HDR_LEN 10		/* HDR with #CS 0 (RFC 3830 6.1) */

/**
 * struct exchange_row - how the two exchanges differ before they part
 * @type: data type of the initial message
 * @initiator: the requester is IDRi and sent RANDRi, else IDRr and RANDRr
 * @answer: what comes behind the common checks
 */
struct exchange_row {
	enum mikey_data_type type;
	bool initiator;
	int (*answer)(struct kms_exchange *ex);
};

static const struct exchange_row exchange_rows[] = {
	[KMS_TICKET_REQUEST] = {
		.type = MIKEY_DT_REQUEST_INIT_PSK,
		.initiator = true,
		.answer = kms_issue,
	},
	[KMS_TICKET_RESOLVE] = {
		.type = MIKEY_DT_RESOLVE_INIT_PSK,
		.answer = kms_resolve,
	},
};

static s64 system_now(void *ctx)
{
	(void)ctx;
	return time(NULL);
}

static int system_random(void *ctx, enum kms_random_use use, u8 *buf,
			 size_t len)
{
	(void)ctx;
	(void)use;
	return RAND_priv_bytes(buf, len) == 1 ? 0 : -EIO;
}

const struct kms_env kms_env_system = {
	.now = system_now,
	.random = system_random,
};

struct kms *kms_new(const struct kms_policy *policy, const struct kms_env *env)
{
	struct kms *kms = calloc(1, sizeof(*kms));

	if (!kms)
		return NULL;
	kms->env = *env;
	kms->crypto = kms_crypto_new();
	if (kms_held_begin(kms, policy) || !kms->crypto ||
	    env->random(env->ctx, KMS_RANDOM_DUMMY_KEY, kms->dummy_key,
			sizeof(kms->dummy_key))) {
		kms_free(kms);
		return NULL;
	}
	return kms;
}

void kms_set_limit(struct kms *kms, struct kms_limit *limit)
{
	kms->limit = limit;
}

void kms_free(struct kms *kms)
{
	if (!kms)
		return;
	kms_crypto_free(kms->crypto);
	kms_held_end(kms);
	OPENSSL_cleanse(kms, sizeof(*kms));
	free(kms);
}

void kms_psk_wipe(struct kms_psk *psk)
{
	OPENSSL_cleanse(psk, sizeof(*psk));
}

void kms_tpk_wipe(struct kms_tpk *tpk)
{
	OPENSSL_cleanse(tpk, sizeof(*tpk));
}

void kms_print_blob(char *out, size_t size, struct mikey_blob b)
{
	size_t at = 0;
	u32 i;

	for (i = 0; i < b.len && at + 5 < size; i++)
		at += snprintf(out + at, size - at,
			       b.p[i] > 0x20 && b.p[i] < 0x7f && b.p[i] != '\\' ?
			       "%c" : "\\x%02x", b.p[i]);
	out[at] = '\0';
}

/* What an Error repeats can be read even where the rest cannot. */
static int peek_hdr(struct mikey_hdr *hdr, const u8 *msg, size_t len)
{
	if (len < HDR_LEN || msg[0] != MIKEY_VERSION)
		return -EBADMSG;
	memset(hdr, 0, sizeof(*hdr));
	hdr->data_type = msg[1];
	hdr->prf = msg[3] & 0x7f;
	hdr->csb_id = (u32)msg[4] << 24 | (u32)msg[5] << 16 |
		      (u32)msg[6] << 8 | msg[7];
	return 0;
}

/* The first suite that is on and has these algorithms, or NULL. */
static const struct mikey_suite *suite_of(const struct kms_policy *policy,
					  u8 prf, int auth_alg)
{
	const struct mikey_suite *suite;
	u32 id;

	for (id = 0; id < 32; id++) {
		if (!(policy->terms.suites & 1U << id))
			continue;
		suite = mikey_suite_by_id(id);
		if (suite && suite->prf == prf &&
		    (auth_alg < 0 || suite->auth_alg == (u8)auth_alg))
			return suite;
	}
	return NULL;
}

/* Is this suite on, and may the message be of it? */
static bool is_suite_of(const struct kms_policy *policy, u32 id,
			const struct mikey_msg *m)
{
	const struct mikey_suite *suite = mikey_suite_by_id(id);

	return suite && policy->terms.suites & 1U << id &&
	       suite->prf == m->hdr.prf && suite->auth_alg == m->v.auth_alg;
}

static struct mikey_cover cover_of_initial(const struct mikey_msg *m,
					   const struct exchange_row *row)
{
	struct mikey_cover cover;

	mikey_cover_message(&cover, m, row->initiator ? m->idr_i.data :
			    m->idr_r.data, m->idr_kms.data);
	return cover;
}

/*
 * PSK and MAC. Whatever is wrong here, the same work is done and the same
 * refusal given.
 */
static int authenticate(struct kms_exchange *ex, const struct exchange_row *row)
{
	struct kms_answer *answer = ex->answer;
	struct mikey_cover cover;
	const char *why = NULL;
	int ret;

	ex->suite = suite_of(ex->policy, ex->in.hdr.prf, -1);
	if (!ex->suite)
		return kms_refuse(ex, MIKEY_ERR_INVALID_PRF,
				  "the PRF is not one of a suite that is on");
	ex->suite = suite_of(ex->policy, ex->in.hdr.prf, ex->in.v.auth_alg);
	if (!ex->suite)
		return kms_refuse(ex, MIKEY_ERR_INVALID_MAC,
				  "PRF and MAC are not those of a suite that is on");

	kms_print_blob(answer->who, sizeof(answer->who), ex->in.idr_psk.data);
	ret = ex->store->ops->psk(ex->store, ex->in.idr_psk.data, &ex->psk);
	if (ret == -EAGAIN || ret == -EIO)
		return ret;
	if (ret == -EKEYREJECTED)
		why = "the store's row of this PSK was tampered with";
	else if (ret)
		why = "no such PSK";
	else if (ex->psk.superseded)
		why = "the PSK was superseded by another one";
	else if (ex->psk.expires && ex->psk.expires <= ex->now)
		why = "the PSK has expired";
	else if (!is_suite_of(ex->policy, ex->psk.suite, &ex->in))
		why = "the suite is not that of the PSK";
	else if (ex->psk.key_len !=
		 mikey_suite_by_id(ex->psk.suite)->key_len)
		why = "the PSK is not as long as its suite's keys";
	else
		ex->suite = mikey_suite_by_id(ex->psk.suite);
	if (why) {
		memcpy(ex->psk.key, ex->kms->dummy_key, ex->suite->key_len);
		ex->psk.key_len = ex->suite->key_len;
	}

	ret = kms_keys_of_message(ex->kms->crypto, ex->suite,
				  kms_blob(ex->psk.key, ex->psk.key_len),
				  &ex->in, false, &ex->request_keys);
	if (ret)
		return -EIO;
	cover = cover_of_initial(&ex->in, row);
	ret = kms_mac_verify(ex->kms->crypto, ex->suite->auth_alg,
			     kms_blob(ex->request_keys.auth, ex->suite->mac_len),
			     &cover, ex->in.v.mac);
	if (ret == -EIO)
		return ret;
	if (ret && !why)
		why = "the MAC does not verify";
	if (why)
		return kms_refuse(ex, MIKEY_ERR_AUTH_FAILURE, why);
	answer->authentic = true;
	return 0;
}

/*
 * The record is kept by everything that the keys of the answer depend on, not
 * by the whole message: two answers under one key and IV would reveal keys.
 */
static void digest_for_replay(const struct kms_exchange *ex,
			      struct mikey_blob from,
			      u8 digest[KMS_DIGEST_LEN])
{
	struct mikey_label label;
	u8 buf[2 + MIKEY_UID_MAX + sizeof(label.buf)];
	u32 at = 0;

	mikey_label_message(&label, MIKEY_LC_ENCR, ex->in.hdr.csb_id, true,
			    ex->in.randr_i.data, ex->in.randr_r.data);
	/* No IDRpsk is empty: a peer's name is never taken for one. */
	if (ex->peer)
		buf[at++] = 0;
	buf[at++] = from.len;
	memcpy(buf + at, from.p, from.len);
	memcpy(buf + at + from.len, label.buf, label.len);
	SHA256(buf, at + from.len + label.len, digest);
}

int kms_admit(struct kms_exchange *ex, struct mikey_blob from)
{
	const struct mikey_ts *t = &ex->in.t;
	struct kms_admission a = {
		.psk_id = from,
		.counter = t->type == MIKEY_TS_COUNTER,
		.now = ex->now,
		.skew = ex->policy->skew,
	};
	int ret;

	/* Nobody remembers where a peer's counters were. */
	if (a.counter && !ex->peer) {
		if (t->value > UINT32_MAX)
			return kms_refuse(ex, MIKEY_ERR_INVALID_TS,
					  "a counter of more than 32 bits");
		a.t = t->value;
	} else if (t->type == MIKEY_TS_NTP_UTC ||
		   t->type == MIKEY_TS_NTP_UTC_32) {
		a.t = mikey_ts_to_unix(t);
		if (a.t > a.now + a.skew || a.t < a.now - a.skew)
			return kms_refuse(ex, MIKEY_ERR_INVALID_TS,
					  "the time is outside the window");
	} else {
		return kms_refuse(ex, MIKEY_ERR_INVALID_TS,
				  "a type of timestamp that is not accepted");
	}
	digest_for_replay(ex, from, a.digest);
	a.t_answer = ex->t;
	ret = ex->store->ops->admit(ex->store, &a, &ex->t);
	if (ret == -EALREADY)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TS,
				  "a request that was answered before");
	if (ret == -ETIME)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TS,
				  "the time lies before the replay record begins");
	return ret == -EAGAIN ? ret : ret ? -EIO : 0;
}

int kms_check_head(struct kms_exchange *ex, const struct mikey_rand *rand)
{
	if (ex->in.hdr.num_cs || ex->in.hdr.map_type != MIKEY_MAP_EMPTY)
		return kms_refuse(ex, MIKEY_ERR_UNSPECIFIED,
				  "crypto sessions have no place in this exchange");
	if (rand->data.len < ex->suite->rand_len)
		return kms_refuse(ex, MIKEY_ERR_UNSPECIFIED,
				  "the RAND is shorter than the keys");
	return 0;
}

int kms_check_us(struct kms_exchange *ex)
{
	if (!kms_policy_is_us(ex->policy, &ex->in.idr_kms))
		return kms_refuse(ex, MIKEY_ERR_INVALID_ID,
				  "IDRkms is not an identity of this KMS");
	return 0;
}

void kms_note_deed(struct kms_exchange *ex, const struct mikey_id *who,
		   bool initiator)
{
	struct kms_deed *deed = &ex->answer->deed;

	deed->psk_id = ex->in.idr_psk.data;
	deed->requester = who->data;
	deed->has_policy = initiator ? ex->in.tp.present :
					    ex->in.ticket.present;
	if (deed->has_policy)
		deed->policy = initiator ? ex->in.tp.policy :
						ex->in.ticket.policy;
	deed->start = mikey_ts_to_unix(&deed->policy.tr_s);
	deed->end = mikey_ts_to_unix(&deed->policy.tr_e);
	deed->flags = deed->policy.flags;
}

/*
 * A token is asked for before the store writes anything, and taken only when it
 * has found that this is no replay: else whoever can repeat a message could use
 * up its sender's tokens.
 */
static int admit_within_limit(struct kms_exchange *ex)
{
	struct kms_limit *limit = ex->kms->limit;
	struct mikey_blob psk_id = ex->in.idr_psk.data;
	unsigned int wait;
	int ret;

	wait = kms_limit_ask(limit, psk_id, kms_limit_now());
	if (!wait) {
		ret = kms_admit(ex, psk_id);
		if (ret)
			return ret;
		wait = kms_limit_take(limit, psk_id, kms_limit_now());
	}
	if (!wait)
		return 0;
	ex->answer->why = "more requests than a PSK may make";
	ex->answer->retry_after = wait;
	return -EDQUOT;
}

static int converse(struct kms_exchange *ex, const struct exchange_row *row,
		    const u8 *msg, size_t len)
{
	const struct mikey_id *who;
	struct mikey_diag diag;
	int ret;

	if (ex->in.hdr.data_type != row->type)
		return kms_refuse(ex, MIKEY_ERR_INVALID_DT,
				  "a data type that does not belong here");
	if (mikey_msg_parse(&ex->in, msg, len,
			    MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &diag)) {
		peek_hdr(&ex->in.hdr, msg, len);
		return kms_refuse(ex, MIKEY_ERR_AUTH_FAILURE, diag.why);
	}
	/* A RANDR of the other role would be a payload to ignore. */
	if (row->initiator)
		memset(&ex->in.randr_r, 0, sizeof(ex->in.randr_r));
	else
		memset(&ex->in.randr_i, 0, sizeof(ex->in.randr_i));
	who = row->initiator ? &ex->in.idr_i : &ex->in.idr_r;
	if (!who->present || !ex->in.idr_kms.present || !ex->in.v.present ||
	    !ex->in.idr_psk.present || !ex->in.idr_psk.data.len ||
	    ex->in.idr_psk.type != MIKEY_ID_BYTES ||
	    ex->in.idr_psk.data.len > KMS_KEY_ID_MAX ||
	    who->data.len > MIKEY_UID_MAX)
		return kms_refuse(ex, MIKEY_ERR_AUTH_FAILURE,
				  "an identity is missing or too long");

	kms_note_deed(ex, who, row->initiator);
	ret = authenticate(ex, row);
	if (!ret)
		ret = kms_check_head(ex, row->initiator ? &ex->in.randr_i :
							  &ex->in.randr_r);
	if (!ret)
		ret = admit_within_limit(ex);
	if (!ret)
		ret = kms_check_us(ex);
	if (!ret)
		ret = row->answer(ex);
	return ret;
}

/* T is never smaller than the last one sent, whatever the clock does. */
static s64 never_back(struct kms *kms, s64 now)
{
	int_fast64_t last = atomic_load(&kms->last_t);

	while (now > last)
		if (atomic_compare_exchange_weak(&kms->last_t, &last, now))
			return now;
	return last;
}

s64 kms_time_again(struct kms_exchange *ex)
{
	const struct kms_env *env = &ex->kms->env;
	s64 t;

	ex->now = env->now(env->ctx);
	t = never_back(ex->kms, ex->now);
	return t > ex->t ? t : ex->t;
}

int kms_begin(struct kms_exchange *ex, struct kms *kms,
	      const u8 *msg, size_t len)
{
	struct kms_answer *answer = ex->answer;

	answer->len = 0;
	answer->error_no = -1;
	answer->authentic = false;
	answer->why = NULL;
	answer->who[0] = '\0';
	answer->retry_after = 0;
	answer->pending = NULL;
	memset(&answer->deed, 0, sizeof(answer->deed));
	if (peek_hdr(&ex->in.hdr, msg, len)) {
		answer->why = "not a MIKEY message of version 1";
		return -EBADMSG;
	}
	if (ex->in.hdr.data_type == MIKEY_DT_ERROR) {
		answer->why = "an Error message, which is never answered";
		return -EBADMSG;
	}
	ex->kms = kms;
	ex->held = kms_hold(kms);
	ex->policy = ex->held->policy;
	ex->now = kms->env.now(kms->env.ctx);
	ex->t = never_back(kms, ex->now);
	return 0;
}

int kms_conclude(struct kms_exchange *ex, int ret)
{
	struct kms_answer *answer = ex->answer;

	if (ret == KMS_REFUSED)
		ret = kms_error_build(ex);
	if (ret == KMS_ASKS)
		ret = KMS_WAITS;
	if (ret) {
		OPENSSL_cleanse(answer->buf, sizeof(answer->buf));
		answer->len = 0;
	}
	if (ret < 0 && !answer->why)
		answer->why = ret == -EAGAIN ? "the store is busy" :
			      "the store or the cryptography failed";
	kms_let_go(ex->kms, ex->held);
	OPENSSL_cleanse(ex, sizeof(*ex));
	return ret;
}

int kms_handle(struct kms *kms, struct kms_store *store,
	       enum kms_exchange_kind kind, const u8 *msg, size_t len,
	       struct kms_answer *answer)
{
	struct kms_exchange ex = {
		.store = store,
		.answer = answer,
	};
	int ret = kms_begin(&ex, kms, msg, len);

	if (ret)
		return ret;
	return kms_conclude(&ex, converse(&ex, &exchange_rows[kind], msg, len));
}
