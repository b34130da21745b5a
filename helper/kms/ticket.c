// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tickets in the format of the MIKEY base ticket; see ticket.h.
 */
#include <openssl/crypto.h>

#include "helper/kms/ticket.h"

#define TICKET_CSB_ID 0xFFFFFFFF	/* in Ticket Data's IV (RFC 6043 A.1) */
#define MPK_SPI ((const u8[MIKEY_SPI_LEN]) { 0 })
#define KEYS_MAX 2			/* MPK and one traffic key */

int kms_kemac_write(const struct kms_crypto *c, struct mikey_builder *b,
		    const struct mikey_suite *suite,
		    const struct kms_message_keys *keys, u32 csb_id, u64 t,
		    const struct kms_key_list *list)
{
	u32 at = mikey_put_kemac(b, suite->encr_alg,
				 kms_blob(list->buf, list->len));
	u8 iv[16];

	if (b->overflow)
		return -EIO;
	mikey_aes_cm_iv(iv, keys->salt, csb_id, t);
	return kms_aes_cm(c, suite->encr_alg, keys->encr, iv, b->buf + at,
			  list->len);
}

int kms_key_list_write(struct kms_key_list *list,
		       const struct mikey_suite *suite,
		       const struct mikey_profile *profile, const u8 *mpk_i,
		       const u8 *mpk_r, const struct kms_ticket_keys *keys)
{
	struct mikey_blob mpk_spi = kms_blob(MPK_SPI, MIKEY_SPI_LEN);
	struct mikey_builder b;
	int len;

	mikey_build_begin(&b, list->buf, sizeof(list->buf));
	mikey_put_key_data(&b, MIKEY_KEY_MPK, kms_blob(mpk_i, suite->key_len),
			   mpk_spi);
	if (mpk_r)
		mikey_put_key_data(&b, MIKEY_KEY_MPK,
				   kms_blob(mpk_r, suite->key_len), mpk_spi);
	mikey_put_key_data(&b, profile->traffic_key,
			   kms_blob(keys->traffic, suite->key_len),
			   kms_blob(keys->spi, sizeof(keys->spi)));
	len = mikey_build_end(&b);
	if (len < 0)
		return -EIO;
	list->len = len;
	return 0;
}

/* THDR, T, RAND, KEMAC, IDRpsk, V (RFC 6043 A.1). */
static int write_ticket_data(const struct kms_crypto *c,
			     struct mikey_builder *b,
			     const struct mikey_suite *suite,
			     const struct kms_grant *grant,
			     const struct kms_tpk *tpk, const u8 *kms_id,
			     const struct mikey_ts *t, struct mikey_blob rand,
			     const struct kms_ticket_keys *keys,
			     const struct kms_message_keys *tpk_keys,
			     u32 *mac_at)
{
	struct kms_key_list list;
	int ret;

	mikey_put_thdr(b, kms_blob(kms_id, KMS_ID_LEN));
	mikey_put_t(b, t);
	mikey_put_rand(b, rand);
	ret = kms_key_list_write(&list, suite, grant->profile, keys->mpk, NULL,
				 keys);
	if (!ret)
		ret = kms_kemac_write(c, b, suite, tpk_keys, TICKET_CSB_ID,
				      t->value, &list);
	OPENSSL_cleanse(&list, sizeof(list));
	if (ret)
		return ret;
	mikey_put_idr(b, MIKEY_IDR_PSK, MIKEY_ID_BYTES,
		      kms_blob(tpk->name, tpk->name_len));
	*mac_at = mikey_put_v(b, suite->auth_alg, suite->mac_len);
	return 0;
}

int kms_ticket_write(const struct kms_crypto *c, struct mikey_builder *b,
		     const struct mikey_suite *suite,
		     const struct kms_grant *grant, const struct kms_tpk *tpk,
		     const u8 *kms_id, const struct mikey_ts *t,
		     const u8 *rand, const struct kms_ticket_keys *keys)
{
	struct mikey_blob rand_blob = kms_blob(rand, suite->rand_len);
	struct kms_message_keys tpk_keys;
	struct mikey_frame frame;
	struct mikey_cover cover;
	u8 mac[MIKEY_MAC_MAX];
	u32 start, mac_at;
	int ret;

	/* The MAC starts behind the Next Payload field, at Ticket Type. */
	start = b->len + 1;
	mikey_open_policy(b, &frame, MIKEY_PL_TICKET, &grant->head);
	kms_grant_write(b, grant);
	mikey_close_policy(b, &frame);

	ret = kms_keys_of_ticket(c, suite, kms_blob(tpk->key, tpk->key_len),
				 rand_blob, &tpk_keys);
	if (ret)
		goto out;
	mikey_open_ticket_data(b, &frame);
	ret = write_ticket_data(c, b, suite, grant, tpk, kms_id, t, rand_blob,
				keys, &tpk_keys, &mac_at);
	if (ret)
		goto out;
	mikey_close_ticket_data(b, &frame);
	ret = -EIO;
	if (b->overflow)
		goto out;
	cover.num = 1;
	cover.seg[0] = kms_blob(b->buf + start, mac_at - start);
	if (kms_mac(c, suite->auth_alg, kms_blob(tpk_keys.auth, suite->mac_len),
		    &cover, mac) != suite->mac_len)
		goto out;
	memcpy(b->buf + mac_at, mac, suite->mac_len);
	mikey_put_opaque16(b, (struct mikey_blob) { 0 });
	ret = 0;
out:
	OPENSSL_cleanse(&tpk_keys, sizeof(tpk_keys));
	return ret;
}

/* MPK and one traffic key of the profile, lengths those of the suite. */
static int read_keys(struct mikey_blob plain, const struct mikey_suite *suite,
		     const struct mikey_profile *profile,
		     struct kms_ticket_keys *keys)
{
	struct mikey_key_data data[KEYS_MAX];
	struct mikey_diag diag;
	u32 num;

	if (mikey_key_data_parse(plain, data, KEYS_MAX, &num, &diag) ||
	    num != KEYS_MAX || data[0].type != MIKEY_KEY_MPK ||
	    data[0].key.len != suite->key_len ||
	    data[1].type != profile->traffic_key ||
	    data[1].key.len != suite->key_len ||
	    data[1].kv != MIKEY_KV_SPI || data[1].spi.len != MIKEY_SPI_LEN)
		return -EBADMSG;
	memcpy(keys->mpk, data[0].key.p, suite->key_len);
	memcpy(keys->traffic, data[1].key.p, suite->key_len);
	memcpy(keys->spi, data[1].spi.p, MIKEY_SPI_LEN);
	return 0;
}

int kms_ticket_open(const struct kms_crypto *c,
		    const struct mikey_ticket_payload *ticket,
		    const struct mikey_ticket_data *td,
		    const struct mikey_suite *suite,
		    const struct mikey_profile *profile,
		    const struct kms_tpk *tpk, struct kms_ticket_keys *keys)
{
	struct kms_message_keys tpk_keys;
	struct mikey_cover cover;
	struct kms_key_list plain = { 0 };
	u8 iv[16];
	int ret, mac_ret;

	memset(keys, 0, sizeof(*keys));
	ret = kms_keys_of_ticket(c, suite, kms_blob(tpk->key, tpk->key_len),
				 td->rand.data, &tpk_keys);
	if (ret)
		goto out;
	mikey_cover_ticket(&cover, ticket, td);
	mac_ret = kms_mac_verify(c, suite->auth_alg,
				 kms_blob(tpk_keys.auth, suite->mac_len),
				 &cover, td->v.mac);
	plain.len = td->kemac.encr_data.len;
	if (plain.len > sizeof(plain.buf))
		plain.len = sizeof(plain.buf);
	memcpy(plain.buf, td->kemac.encr_data.p, plain.len);
	mikey_aes_cm_iv(iv, tpk_keys.salt, TICKET_CSB_ID, td->t.value);
	ret = kms_aes_cm(c, suite->encr_alg, tpk_keys.encr, iv, plain.buf,
			 plain.len);
	if (ret)
		goto out;
	if (plain.len != td->kemac.encr_data.len)
		ret = -EBADMSG;
	else
		ret = read_keys(kms_blob(plain.buf, plain.len), suite, profile,
				keys);
	if (mac_ret)
		ret = mac_ret;
out:
	if (ret)
		OPENSSL_cleanse(keys, sizeof(*keys));
	OPENSSL_cleanse(&plain, sizeof(plain));
	OPENSSL_cleanse(&tpk_keys, sizeof(tpk_keys));
	return ret;
}

int kms_ticket_mpks(const struct kms_crypto *c, const struct mikey_suite *suite,
		    const struct kms_ticket_keys *keys, struct mikey_blob rand,
		    struct kms_mpks *mpks)
{
	struct mikey_blob mpk = kms_blob(keys->mpk, suite->key_len);
	struct mikey_label label;
	int ret;

	mikey_label_mpk(&label, MIKEY_LC_MPK_I, rand);
	ret = kms_prf(c, suite->prf, mpk, kms_blob(label.buf, label.len),
		      mpks->mpk_i, suite->key_len);
	if (ret)
		return -EIO;
	mikey_label_mpk(&label, MIKEY_LC_MPK_R, rand);
	ret = kms_prf(c, suite->prf, mpk, kms_blob(label.buf, label.len),
		      mpks->mpk_r, suite->key_len);
	return ret ? -EIO : 0;
}

int kms_ticket_vr(const struct kms_crypto *c, const struct mikey_suite *suite,
		  struct mikey_blob initiator_data, const struct kms_mpks *mpks)
{
	struct mikey_initiator_data id;
	struct mikey_label label;
	struct mikey_cover cover;
	struct mikey_diag diag;
	u8 auth[MIKEY_MAC_MAX];
	int ret;

	if (mikey_initiator_data_parse(&id, initiator_data, &diag) ||
	    id.vi.auth_alg != suite->auth_alg ||
	    id.vr.auth_alg != suite->auth_alg ||
	    id.vi.mac.len != suite->mac_len)
		return -EBADMSG;
	mikey_label_vr(&label);
	ret = kms_prf(c, suite->prf, kms_blob(mpks->mpk_r, suite->key_len),
		      kms_blob(label.buf, label.len), auth, suite->mac_len);
	if (ret)
		return -EIO;
	mikey_cover_vr(&cover, initiator_data, &id);
	ret = kms_mac_verify(c, suite->auth_alg, kms_blob(auth, suite->mac_len),
			     &cover, id.vr.mac);
	OPENSSL_cleanse(auth, sizeof(auth));
	return ret;
}
