// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a peer answers to a RESOLVE_INIT (TS 33.328 B.2.3), held against what
 * was asked; see zk.h. A peer is trusted with the keys of its own tickets and
 * with nothing else: whatever does not fit is not passed on.
 */
#include <openssl/crypto.h>

#include "helper/kms/zk.h"

#define KEYS_MAX 3

/* Why a reply is none, or NULL. */
static const char *object_to_head(const struct kms_pending *p,
				  const struct mikey_msg *m)
{
	const struct kms_exchange *ex = &p->ex;
	s64 skew = ex->policy->skew;

	if (m->hdr.csb_id != p->csb_id)
		return "the peer's answer is to something else (CSB ID)";
	if (m->hdr.prf != ex->suite->prf)
		return "the peer's answer has another PRF";
	if (m->hdr.num_cs || m->hdr.map_type != MIKEY_MAP_EMPTY)
		return "the peer's answer has crypto sessions";
	if (m->t.type != MIKEY_TS_NTP_UTC && m->t.type != MIKEY_TS_NTP_UTC_32)
		return "the time of the peer's answer is not in UTC";
	if (mikey_ts_to_unix(&m->t) > ex->now + skew ||
	    mikey_ts_to_unix(&m->t) < ex->now - skew)
		return "the time of the peer's answer is outside the window";
	if (m->v.present && m->v.auth_alg != MIKEY_AUTH_NULL)
		return "V of the peer's answer is not NULL";
	return NULL;
}

static const char *object_to_answer(const struct kms_pending *p,
				    const struct mikey_msg *m)
{
	struct mikey_blob asked = kms_blob(p->asked.data, p->asked.len);

	if (!m->v.present)
		return "V of the peer's answer is missing";
	if (m->idr_kms.present && (m->idr_kms.type != MIKEY_ID_URI ||
				   !mikey_blob_eq(m->idr_kms.data, p->idr_kms)))
		return "the peer's answer is another KMS's (IDRkms)";
	if (!m->kemac.present || m->kemac.encr_alg != MIKEY_ENCR_NULL ||
	    m->kemac.mac_alg != MIKEY_AUTH_NULL)
		return "the KEMAC of the peer's answer is not NULL";
	if (!p->profile->forked)
		return NULL;
	/* MPKr' is forked for this name, which the user compares with (5.1.1) */
	if (!m->idr_r.present || m->idr_r.type != MIKEY_ID_NAI ||
	    !mikey_blob_eq(m->idr_r.data, asked))
		return "the peer's answer is for another user (IDRr)";
	if (!m->randr_kms.present ||
	    m->randr_kms.data.len < p->ex.suite->rand_len)
		return "the peer's answer has no RANDRkms, or a short one";
	return NULL;
}

/* MPKi, [MPKr'], traffic key, in this order and nothing else (4.2.3.5). */
static const char *take_keys(const struct kms_pending *p, struct mikey_blob plain,
			     struct kms_resolved *out)
{
	u8 *where[KEYS_MAX] = { out->mpk_i };
	struct mikey_key_data data[KEYS_MAX];
	u32 want = 1, num, i;
	struct mikey_diag diag;

	if (p->profile->forked)
		where[want++] = out->mpk_r;
	where[want++] = out->keys.traffic;
	if (mikey_key_data_parse(plain, data, KEYS_MAX, &num, &diag) ||
	    num != want)
		return "the peer's answer does not carry the keys of the profile";
	for (i = 0; i < num; i++) {
		if (data[i].type != (i + 1 < num ? MIKEY_KEY_MPK :
						   p->profile->traffic_key))
			return "a key of the peer's answer is not of the profile's type";
		if (data[i].key.len != p->ex.suite->key_len || data[i].salt.len)
			return "a key of the peer's answer is not of the suite's length";
		if (data[i].kv != MIKEY_KV_SPI ||
		    data[i].spi.len != MIKEY_SPI_LEN)
			return "a key of the peer's answer has no SPI of 8 bytes";
		memcpy(where[i], data[i].key.p, data[i].key.len);
	}
	memcpy(out->keys.spi, data[num - 1].spi.p, MIKEY_SPI_LEN);
	return NULL;
}

/*
 * What is wrong with the ticket the user is told as if it were ours. All else
 * is between the KMSs, and may be better soon.
 */
static int take_refusal(struct kms_pending *p, const struct mikey_msg *m)
{
	struct kms_exchange *ex = &p->ex;

	if (m->err.present && (m->err.error_no == MIKEY_ERR_AUTH_FAILURE ||
			       m->err.error_no == MIKEY_ERR_INVALID_TICKET ||
			       m->err.error_no == MIKEY_ERR_INVALID_TPPAR))
		return kms_refuse(ex, m->err.error_no,
				  "the issuing KMS refuses the ticket");
	ex->answer->why = m->err.present && m->err.error_no == MIKEY_ERR_INVALID_TS ?
			  "the peer does not like our time" :
			  "the peer does not like our message";
	return -EAGAIN;
}

int kms_zk_read(struct kms_pending *p, const u8 *reply, size_t len,
		struct kms_resolved *out)
{
	struct mikey_diag diag;
	const char *why = NULL;
	struct mikey_msg m;
	int ret = 0;

	memset(out, 0, sizeof(*out));
	out->profile = p->profile;
	out->matched = p->asked;
	if (mikey_msg_parse(&m, reply, len, MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT,
			    &diag) ||
	    (m.hdr.data_type != MIKEY_DT_RESOLVE_RESP &&
	     m.hdr.data_type != MIKEY_DT_ERROR))
		why = "the peer's answer is not a RESOLVE_RESP";
	else
		why = object_to_head(p, &m);
	if (!why && m.hdr.data_type == MIKEY_DT_ERROR)
		return take_refusal(p, &m);
	if (!why)
		why = object_to_answer(p, &m);
	if (!why)
		why = take_keys(p, m.kemac.encr_data, out);
	if (!why && p->profile->forked) {
		out->randr_len = m.randr_kms.data.len;
		memcpy(out->randr_kms, m.randr_kms.data.p, out->randr_len);
	}
	if (why) {
		OPENSSL_cleanse(out, sizeof(*out));
		p->ex.answer->why = why;
		ret = -EAGAIN;
	}
	return ret;
}
