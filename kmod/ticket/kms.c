// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to the KMS get their MAC here, and its answers are opened here:
 * authentic before anything in them is believed (RFC 6043 5.5: their MAC
 * covers the initial message too, whose random CSB ID and RAND make them
 * fresh), then the KEMAC.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kms.h"
#include "kemac.h"
#include "limits.h"
#include "stats.h"

int mikey_kms_prepare(struct mikey_exchange *ex, const struct mikey_hmac *psk,
		      u32 csb_id, struct mikey_blob rand)
{
	struct mikey_derivation d = { .suite = ex->suite, .csb_id = csb_id };
	int err;

	if (ex->resolve)
		d.randr_r = rand;
	else
		d.randr_i = rand;
	err = mikey_derive_auth(&d, psk, ex->auth_init);
	d.response = true;
	err = err ?: mikey_derive_auth(&d, psk, ex->auth);
	return err ?: mikey_derive_encr(&d, psk, &ex->encr);
}

int mikey_kms_initial(const struct mikey_exchange *ex, struct mikey_msg *m)
{
	struct mikey_diag d;

	return mikey_msg_parse(m, ex->initial, ex->initial_len,
			       mikey_ext_type(), &d);
}

int mikey_kms_seal(struct mikey_exchange *ex, struct mikey_blob identity,
		   struct mikey_blob kms)
{
	struct mikey_cover cover;
	struct mikey_msg *m;
	int err;

	m = kmalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	err = mikey_kms_initial(ex, m);
	if (err)
		goto out;
	mikey_cover_message(&cover, m, identity, kms);
	err = mikey_mac_sum(ex->suite->auth_alg, ex->auth_init,
			    ex->suite->mac_len, &cover,
			    ex->initial + m->v.mac_offset);
out:
	kfree(m);
	return err;
}

static int refuse_mac(struct mikey_why *why, const char *words)
{
	return mikey_refuse(why, -EKEYREJECTED, MIKEY_TICKET_S_BAD_MAC,
			    MIKEY_TICKET_A_MESSAGE, words);
}

static int refuse_form(struct mikey_why *why, const char *words)
{
	return mikey_refuse(why, -EBADMSG, MIKEY_TICKET_S_BAD_MESSAGE,
			    MIKEY_TICKET_A_MESSAGE, words);
}

/* CSB ID of the initial message: HDR's fifth to eighth byte (RFC 3830 6.1) */
static u32 initial_csb_id(const struct mikey_exchange *ex)
{
	const u8 *p = ex->initial + 4;

	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static int check_mac(const struct mikey_exchange *ex, const struct mikey_msg *m,
		     const u8 *auth, struct mikey_blob behind,
		     struct mikey_why *why)
{
	struct mikey_cover cover;
	int err;

	if (m->v.auth_alg != ex->suite->auth_alg)
		return refuse_mac(why, "the answer's MAC is not of this suite");
	mikey_cover_message(&cover, m, behind, (struct mikey_blob){});
	err = mikey_mac_check(m->v.auth_alg, auth, ex->suite->mac_len, &cover,
			      m->v.mac);
	if (err == -EKEYREJECTED)
		refuse_mac(why, "the answer's MAC does not verify");
	return err;
}

/* RFC 3830 6.12, RFC 6043 6.9 */
static const char *error_words(const struct mikey_err *err)
{
	static const char * const words[] = {
		[MIKEY_ERR_AUTH_FAILURE] = "KMS error 0: authentication failure",
		[MIKEY_ERR_INVALID_TS] = "KMS error 1: invalid timestamp",
		[MIKEY_ERR_INVALID_PRF] = "KMS error 2: PRF function not supported",
		[MIKEY_ERR_INVALID_MAC] = "KMS error 3: MAC algorithm not supported",
		[MIKEY_ERR_INVALID_EA] = "KMS error 4: encryption algorithm not supported",
		[MIKEY_ERR_INVALID_HA] = "KMS error 5: hash function not supported",
		[MIKEY_ERR_INVALID_DH] = "KMS error 6: DH group not supported",
		[MIKEY_ERR_INVALID_ID] = "KMS error 7: ID not supported",
		[MIKEY_ERR_INVALID_CERT] = "KMS error 8: certificate not supported",
		[MIKEY_ERR_INVALID_SP] = "KMS error 9: security protocol not supported",
		[MIKEY_ERR_INVALID_SPPAR] = "KMS error 10: SP parameters not supported",
		[MIKEY_ERR_INVALID_DT] = "KMS error 11: data type not supported",
		[MIKEY_ERR_UNSPECIFIED] = "KMS error 12: unspecified error",
		[MIKEY_ERR_INVALID_TICKET] = "KMS error 14: ticket type not supported",
		[MIKEY_ERR_INVALID_TPPAR] = "KMS error 15: ticket policy parameters not supported",
	};

	if (err->present && err->error_no < ARRAY_SIZE(words) &&
	    words[err->error_no])
		return words[err->error_no];
	return "KMS error without a known number";
}

static int open_error(const struct mikey_exchange *ex, const struct mikey_msg *m,
		      struct mikey_why *why)
{
	const char *words = error_words(&m->err);
	int err;

	/* 5.4: the auth_key of the message that the KMS found in error */
	if (!m->v.present || m->v.auth_alg == MIKEY_AUTH_NULL)
		return mikey_refuse(why, -ECOMM, MIKEY_TICKET_S_KMS_ERRORS,
				    MIKEY_TICKET_A_MESSAGE, words);
	err = check_mac(ex, m, ex->auth_init, (struct mikey_blob){}, why);
	if (err)
		return err;
	return mikey_refuse(why, -EREMOTEIO, MIKEY_TICKET_S_KMS_ERRORS,
			    MIKEY_TICKET_A_MESSAGE, words);
}

int mikey_kms_open(const struct mikey_exchange *ex, struct mikey_blob msg,
		   struct mikey_msg *m, struct mikey_why *why)
{
	struct mikey_blob initial = { ex->initial, ex->initial_len };
	struct mikey_diag d;
	int err;

	err = mikey_msg_parse(m, msg.p, msg.len, mikey_ext_type(), &d);
	if (err)
		return mikey_refuse_diag(why, err, MIKEY_TICKET_A_MESSAGE, &d);
	/* 4.2.1.5, 5.4: these repeat the initial message's */
	if (m->hdr.csb_id != initial_csb_id(ex) ||
	    m->hdr.prf != ex->suite->prf)
		return refuse_mac(why, "the message answers another one");
	if (m->hdr.data_type == MIKEY_DT_ERROR)
		return open_error(ex, m, why);

	if (m->hdr.data_type != (ex->resolve ? MIKEY_DT_RESOLVE_RESP :
					       MIKEY_DT_REQUEST_RESP))
		return refuse_form(why, "the message is not an answer to this exchange");
	if (m->t.type != MIKEY_TS_NTP_UTC && m->t.type != MIKEY_TS_NTP_UTC_32)
		return refuse_form(why, "the answer's timestamp is not in UTC");
	return check_mac(ex, m, ex->auth, initial, why);
}

int mikey_kms_identity(const struct mikey_msg *m,
		       const struct mikey_msg *initial, struct mikey_why *why)
{
	if (m->idr_kms.present &&
	    !mikey_blob_eq(m->idr_kms.data, initial->idr_kms.data))
		return mikey_refuse(why, -EKEYREJECTED,
				    MIKEY_TICKET_S_BAD_POLICY,
				    MIKEY_TICKET_A_MESSAGE,
				    "the answer is from another KMS");
	return 0;
}

/* MPKi, [MPKr], traffic key, in this order and nothing else (4.2.1.5). */
static int sort_keys(const struct mikey_exchange *ex,
		     const struct mikey_key_data *data, u32 num,
		     struct mikey_keys *keys, struct mikey_why *why)
{
	const struct mikey_profile *profile = ex->profile;
	u8 *where[3] = { keys->mpk_i };
	u32 want = 1, i;

	if (profile->forked)
		where[want++] = keys->mpk_r;
	where[want++] = keys->traffic;

	if (num != want)
		return refuse_form(why, "the answer does not carry the keys of this profile");
	for (i = 0; i < num; i++) {
		if (data[i].type != (i + 1 < num ? MIKEY_KEY_MPK :
						   profile->traffic_key))
			return refuse_form(why, "a key of the answer is not of the profile's type");
		if (data[i].key.len != ex->suite->key_len || data[i].salt.len)
			return refuse_form(why, "a key of the answer is not of the suite's length");
		if (data[i].kv != MIKEY_KV_SPI || !data[i].spi.len ||
		    data[i].spi.len > MIKEY_SPI_LEN)
			return refuse_form(why, "a key of the answer has no SPI of 1 to 8 bytes");
		memcpy(where[i], data[i].key.p, data[i].key.len);
	}
	keys->spi_len = data[num - 1].spi.len;
	memcpy(keys->spi, data[num - 1].spi.p, keys->spi_len);
	return 0;
}

int mikey_kms_keys(const struct mikey_exchange *ex, const struct mikey_msg *m,
		   struct mikey_keys *keys, struct mikey_why *why)
{
	const struct mikey_kemac *kemac = &m->kemac;
	struct mikey_key_data data[3];
	struct mikey_diag d;
	u8 *plain;
	u32 num;
	int err;

	memset(keys, 0, sizeof(*keys));
	if (!kemac->present || kemac->encr_alg != ex->suite->encr_alg ||
	    kemac->mac_alg != MIKEY_AUTH_NULL)
		return refuse_form(why, "the answer's KEMAC is not of this suite");
	if (kemac->encr_data.len > MIKEY_KEMAC_MAX)
		return refuse_form(why, "the answer's KEMAC is too long");

	plain = kmemdup(kemac->encr_data.p, kemac->encr_data.len, GFP_KERNEL);
	if (!plain)
		return -ENOMEM;
	err = mikey_aes_cm(&ex->encr, ex->suite->key_len, m->hdr.csb_id,
			   m->t.value, plain, kemac->encr_data.len);
	if (err)
		goto out;
	err = mikey_key_data_parse((struct mikey_blob){ plain, kemac->encr_data.len },
				   data, ARRAY_SIZE(data), &num, &d);
	if (err == -E2BIG)
		err = refuse_form(why, "the answer does not carry the keys of this profile");
	else if (err)
		mikey_refuse_diag(why, err, MIKEY_TICKET_A_MESSAGE, &d);
	err = err ?: sort_keys(ex, data, num, keys, why);
out:
	if (err)
		memzero_explicit(keys, sizeof(*keys));
	kfree_sensitive(plain);
	return err;
}
