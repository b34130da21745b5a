// SPDX-License-Identifier: GPL-2.0
/*
 * The derivations of MIKEY-TICKET. Each is one label of the wire code under
 * one PRF; this file says which inkey and which length go with it.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "derive.h"

static struct mikey_blob label_bytes(const struct mikey_label *l)
{
	return (struct mikey_blob){ l->buf, l->len };
}

static int derive_message(const struct mikey_derivation *d,
			  const struct mikey_hmac *inkey,
			  enum mikey_label_constant c, u8 *outkey, u32 len)
{
	struct mikey_label l;

	mikey_label_message(&l, c, d->csb_id, d->response, d->randr_i,
			    d->randr_r);
	return mikey_prf_expand(inkey, label_bytes(&l), outkey, len);
}

int mikey_derive_auth(const struct mikey_derivation *d,
		      const struct mikey_hmac *inkey, u8 auth[MIKEY_MAC_MAX])
{
	return derive_message(d, inkey, MIKEY_LC_AUTH, auth, d->suite->mac_len);
}

int mikey_derive_encr(const struct mikey_derivation *d,
		      const struct mikey_hmac *inkey,
		      struct mikey_encr_key *encr)
{
	int err;

	err = derive_message(d, inkey, MIKEY_LC_ENCR, encr->key,
			     d->suite->key_len);
	err = err ?: derive_message(d, inkey, MIKEY_LC_SALT, encr->salt,
				    sizeof(encr->salt));
	if (err)
		memzero_explicit(encr, sizeof(*encr));
	return err;
}

int mikey_derive_ticket(const struct mikey_suite *suite,
			const struct mikey_hmac *tpk, struct mikey_blob rand,
			u8 auth[MIKEY_MAC_MAX], struct mikey_encr_key *encr)
{
	const struct {
		enum mikey_label_constant c;
		u8 *key;
		u32 len;
	} keys[] = {
		{ MIKEY_LC_AUTH, auth, suite->mac_len },
		{ MIKEY_LC_ENCR, encr->key, suite->key_len },
		{ MIKEY_LC_SALT, encr->salt, sizeof(encr->salt) },
	};
	struct mikey_label l;
	int err = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(keys) && !err; i++) {
		mikey_label_ticket(&l, keys[i].c, rand);
		err = mikey_prf_expand(tpk, label_bytes(&l), keys[i].key,
				       keys[i].len);
	}
	if (err) {
		memzero_explicit(auth, MIKEY_MAC_MAX);
		memzero_explicit(encr, sizeof(*encr));
	}
	return err;
}

int mikey_derive_mpks(const struct mikey_suite *suite, const u8 *mpk,
		      struct mikey_blob rand, struct mikey_keys *keys)
{
	struct mikey_blob inkey = { mpk, suite->key_len };
	struct mikey_label l;
	int err;

	mikey_label_mpk(&l, MIKEY_LC_MPK_I, rand);
	err = mikey_prf(suite->prf, inkey, label_bytes(&l), keys->mpk_i,
			suite->key_len);
	mikey_label_mpk(&l, MIKEY_LC_MPK_R, rand);
	err = err ?: mikey_prf(suite->prf, inkey, label_bytes(&l), keys->mpk_r,
			       suite->key_len);
	if (err)
		memzero_explicit(keys, sizeof(*keys));
	return err;
}

int mikey_derive_vr(const struct mikey_suite *suite, const u8 *mpk_r,
		    struct mikey_hmac *vr)
{
	struct mikey_blob inkey = { mpk_r, suite->key_len };
	u8 auth[MIKEY_MAC_MAX];
	struct mikey_label l;
	int err;

	mikey_label_vr(&l);
	err = mikey_prf(suite->prf, inkey, label_bytes(&l), auth,
			suite->mac_len);
	err = err ?: mikey_hmac_prepare(vr, mikey_hash_of_auth(suite->auth_alg),
					auth, suite->mac_len);
	memzero_explicit(auth, sizeof(auth));
	return err;
}

int mikey_derive_keks(struct mikey_session *s, u32 which)
{
	struct mikey_blob randr_i = { s->randr_i, s->randr_i_len };
	const struct {
		enum mikey_kek which;
		enum mikey_label_constant c;
		u8 *kek;
	} keys[] = {
		{ MIKEY_KEK_TEK, MIKEY_LC_TEK, s->kek_tek },
		{ MIKEY_KEK_AUTH, MIKEY_LC_CS_AUTH, s->kek_auth },
		{ MIKEY_KEK_ENCR, MIKEY_LC_CS_ENCR, s->kek_encr },
	};
	struct mikey_label l;
	int err = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(keys) && !err; i++) {
		if (!(which & keys[i].which))
			continue;
		mikey_label_cs(&l, keys[i].c, s->cs_id, randr_i);
		err = mikey_prf_expand(&s->traffic, label_bytes(&l),
				       keys[i].kek, s->suite->key_len);
	}
	memzero_explicit(&s->traffic, sizeof(s->traffic));
	if (err)
		mikey_session_wipe(s);
	return err;
}

int mikey_derive_transfer(const struct mikey_secrets *secrets,
			  struct mikey_session *s)
{
	struct mikey_derivation d = {
		.suite = s->suite,
		.csb_id = s->csb_id,
		.randr_i = { s->randr_i, s->randr_i_len },
	};
	int err;

	s->vr = secrets->vr;
	s->traffic = secrets->traffic;
	err = mikey_derive_auth(&d, &secrets->mpk_i, s->auth);
	if (err)
		mikey_session_wipe(s);
	return err;
}
