// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ending an exchange: the parts that all answers share, and MIKEY Errors
 * (RFC 6043 5.4).
 */
#include <openssl/crypto.h>

#include "helper/kms/exchange.h"

const char *kms_error_name(int error_no)
{
	static const char *const names[] = {
		[MIKEY_ERR_AUTH_FAILURE] = "Auth failure",
		[MIKEY_ERR_INVALID_TS] = "Invalid TS",
		[MIKEY_ERR_INVALID_PRF] = "Invalid PRF",
		[MIKEY_ERR_INVALID_MAC] = "Invalid MAC",
		[MIKEY_ERR_INVALID_EA] = "Invalid EA",
		[MIKEY_ERR_INVALID_HA] = "Invalid HA",
		[MIKEY_ERR_INVALID_DH] = "Invalid DH",
		[MIKEY_ERR_INVALID_ID] = "Invalid ID",
		[MIKEY_ERR_INVALID_CERT] = "Invalid Cert",
		[MIKEY_ERR_INVALID_SP] = "Invalid SP",
		[MIKEY_ERR_INVALID_SPPAR] = "Invalid SPpar",
		[MIKEY_ERR_INVALID_DT] = "Invalid DT",
		[MIKEY_ERR_UNSPECIFIED] = "Unspecified error",
		[MIKEY_ERR_INVALID_TICKET] = "Invalid TICKET",
		[MIKEY_ERR_INVALID_TPPAR] = "Invalid TPpar",
	};

	if (error_no < 0 || (size_t)error_no >= ARRAY_SIZE(names) ||
	    !names[error_no])
		return "unknown error";
	return names[error_no];
}

int kms_refuse(struct kms_exchange *ex, enum mikey_err_no no, const char *why)
{
	ex->answer->error_no = no;
	ex->answer->why = why;
	return KMS_REFUSED;
}

void kms_answer_begin(struct kms_exchange *ex, struct mikey_builder *b,
		      enum mikey_data_type type)
{
	struct mikey_ts t;

	mikey_build_begin(b, ex->answer->buf, sizeof(ex->answer->buf));
	mikey_put_hdr(b, type, false, ex->in.hdr.prf, ex->in.hdr.csb_id);
	mikey_ts_from_unix(&t, ex->t);
	mikey_put_t(b, &t);
}

/* V is the last payload and its MAC the last field: all before is covered. */
static int sign(struct kms_exchange *ex, struct mikey_builder *b,
		const u8 *auth, struct mikey_blob behind)
{
	u32 at = ex->peer ? mikey_put_v(b, MIKEY_AUTH_NULL, 0) :
		 mikey_put_v(b, ex->suite->auth_alg, ex->suite->mac_len);
	int len = mikey_build_end(b);
	struct mikey_cover cover = {
		.num = 2,
		.seg = { kms_blob(b->buf, at), behind },
	};
	u8 mac[MIKEY_MAC_MAX];
	int ret;

	if (len < 0)
		return -EIO;
	ex->answer->len = len;
	if (ex->peer)
		return 0;
	ret = kms_mac(ex->kms->crypto, ex->suite->auth_alg,
		      kms_blob(auth, ex->suite->mac_len), &cover, mac);
	if (ret != ex->suite->mac_len)
		return -EIO;
	memcpy(b->buf + at, mac, ret);
	return 0;
}

int kms_answer_sign(struct kms_exchange *ex, struct mikey_builder *b,
		    const u8 *auth)
{
	return sign(ex, b, auth, ex->in.raw);
}

int kms_error_build(struct kms_exchange *ex)
{
	struct mikey_builder b;
	int len;

	kms_answer_begin(ex, &b, MIKEY_DT_ERROR);
	mikey_put_err(&b, ex->answer->error_no);
	if (ex->answer->authentic && !ex->peer)
		return sign(ex, &b, ex->request_keys.auth,
			    (struct mikey_blob) { 0 });
	len = mikey_build_end(&b);
	if (len < 0)
		return -EIO;
	ex->answer->len = len;
	return 0;
}
