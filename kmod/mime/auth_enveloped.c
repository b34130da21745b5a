// SPDX-License-Identifier: GPL-2.0
/*
 * AuthEnvelopedData (RFC 5083) of id-data without attributes: one AEAD over
 * the body, its key wrapped under the TEK of the crypto session.
 */
#include <linux/string.h>

#include "aead.h"
#include "form.h"
#include "keywrap.h"

static const u8 *tek(const struct mikey_session *s)
{
	return s->kek_tek;
}

static int seal(const struct cms_layout *l, const u8 *kek,
		const struct mime_fresh *fresh)
{
	const struct mime_aead aead = {
		.cipher = l->cipher,
		.key = fresh->key,
		.nonce = l->nonce,
		.data = l->content,
		.len = l->content_len,
		.icv = l->mac,
		.icv_len = l->mac_len,
	};
	int err;

	err = mime_key_wrap(kek, l->kek_len, fresh->key, l->cipher->key_len,
			    l->wrapped);
	return err ?: mime_aead_encrypt(&aead);
}

static int open(const struct cms_message *m, const u8 *kek)
{
	u8 key[MIKEY_KEY_MAX];
	const struct mime_aead aead = {
		.cipher = m->cipher,
		.key = key,
		.nonce = m->nonce,
		.data = (u8 *)m->content.p,
		.len = m->content.len,
		.icv = (u8 *)m->mac.p,
		.icv_len = m->mac.len,
	};
	int err;

	err = mime_key_unwrap(kek, m->kek_len, m->wrapped.p, m->wrapped.len, key);
	if (!err)
		err = mime_aead_decrypt(&aead);
	memzero_explicit(key, sizeof(key));
	return err;
}

const struct mime_form mime_auth_enveloped = {
	.form = MIKEY_FORM_AUTH_ENVELOPED,
	.default_alg = MIKEY_CONTENT_AES_GCM,
	.kek = tek,
	.seal = seal,
	.open = open,
};
