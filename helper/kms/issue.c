// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ticket Request at the KMS: REQUEST_INIT in, REQUEST_RESP out (RFC 6043
 * 4.2.1.4, 4.2.1.5), behind the checks that both exchanges share.
 *
 *	REQUEST_RESP = HDR, T, IDRkms, TICKET, KEMAC, V
 */
#include <openssl/crypto.h>

#include "helper/kms/ticket.h"

/* Everything secret of one issue in one place, to be wiped in one. */
struct issue {
	struct kms_ticket_keys keys;
	struct kms_mpks mpks;
	struct kms_message_keys response;
	struct kms_key_list list;
	struct kms_tpk tpk;
	u8 rand[MIKEY_KEY_MAX];
	u8 kms_id[KMS_ID_LEN];
};

static int make_keys(struct kms_exchange *ex, struct issue *is)
{
	const struct kms_env *env = &ex->kms->env;
	const struct mikey_suite *suite = ex->suite;

	if (env->random(env->ctx, KMS_RANDOM_MPK, is->keys.mpk,
			suite->key_len) ||
	    env->random(env->ctx, KMS_RANDOM_TRAFFIC_KEY, is->keys.traffic,
			suite->key_len) ||
	    env->random(env->ctx, KMS_RANDOM_SPI, is->keys.spi,
			sizeof(is->keys.spi)) ||
	    env->random(env->ctx, KMS_RANDOM_TICKET_RAND, is->rand,
			suite->rand_len))
		return -EIO;
	return kms_ticket_mpks(ex->kms->crypto, suite, &is->keys,
			       kms_blob(is->rand, suite->rand_len), &is->mpks);
}

static int write_response(struct kms_exchange *ex, const struct kms_grant *grant,
			  struct issue *is)
{
	const struct kms_crypto *c = ex->kms->crypto;
	const struct mikey_suite *suite = ex->suite;
	struct mikey_ts issued, t;
	struct mikey_builder b;
	int ret;

	mikey_ts_from_unix(&issued, ex->now);
	mikey_ts_from_unix(&t, ex->t);
	kms_answer_begin(ex, &b, MIKEY_DT_REQUEST_RESP);
	mikey_put_idr(&b, MIKEY_IDR_KMS, ex->in.idr_kms.type,
		      ex->in.idr_kms.data);
	ret = kms_ticket_write(c, &b, suite, grant, &is->tpk, is->kms_id,
			       &issued, is->rand, &is->keys);
	if (!ret)
		ret = kms_key_list_write(&is->list, suite, grant->profile,
					 is->mpks.mpk_i, grant->profile->forked ?
					 is->mpks.mpk_r : NULL, &is->keys);
	if (!ret)
		ret = kms_keys_of_message(c, suite,
					  kms_blob(ex->psk.key, ex->psk.key_len),
					  &ex->in, true, &is->response);
	if (!ret)
		ret = kms_kemac_write(c, &b, suite, &is->response,
				      ex->in.hdr.csb_id, t.value, &is->list);
	if (!ret)
		ret = kms_answer_sign(ex, &b, is->response.auth);
	return ret ? -EIO : 0;
}

static void summarise(struct kms_exchange *ex, const struct kms_grant *grant,
		      const struct kms_tpk *tpk)
{
	struct kms_deed *deed = &ex->answer->deed;

	deed->start = mikey_ts_to_unix(&grant->tr_s);
	deed->end = mikey_ts_to_unix(&grant->tr_e);
	deed->flags = grant->head.flags;
	deed->changed = grant->changed;
	deed->tpk_len = tpk->name_len;
	memcpy(deed->tpk, tpk->name, tpk->name_len);
}

int kms_issue(struct kms_exchange *ex)
{
	struct kms_store *store = ex->store;
	struct kms_grant grant;
	struct issue is;
	int ret;

	ret = kms_owns_uid(ex, ex->psk.user, &ex->in.idr_i);
	if (ret == -ENOENT || ret == -EKEYREJECTED)
		return kms_refuse(ex, MIKEY_ERR_AUTH_FAILURE,
				  "IDRi is not a UID of the PSK's owner");
	if (ret)
		return ret;
	ret = kms_policy_grant(ex, &grant);
	if (ret)
		return ret;

	memset(&is, 0, sizeof(is));
	ret = store->ops->tpk_for_ticket(store, ex->now,
					 mikey_ts_to_unix(&grant.tr_e), &is.tpk);
	if (!ret)
		ret = store->ops->kms_id(store, is.kms_id);
	if (ret) {
		if (ret == -ENOENT || ret == -EKEYREVOKED)
			ex->answer->why = "there is no TPK (mikey-kms tpk rotate makes one)";
		if (ret == -EKEYREJECTED)
			ex->answer->why = "the store's row of the newest TPK was tampered with";
		ret = ret == -EAGAIN ? ret : -EIO;
		goto out;
	}
	ret = make_keys(ex, &is);
	if (!ret)
		ret = write_response(ex, &grant, &is);
	if (!ret)
		summarise(ex, &grant, &is.tpk);
out:
	OPENSSL_cleanse(&is, sizeof(is));
	return ret;
}
