// SPDX-License-Identifier: GPL-2.0
/*
 * AuthEnvelopedData (RFC 5083) of id-data without attributes: one AEAD over
 * the body, its key wrapped under the TEK of the crypto session.
 */
#include <linux/string.h>

#include "aead.h"
#include "form.h"
#include "keywrap.h"

static int seal(const struct cms_layout *l, const struct mikey_session *s,
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

	err = mime_key_wrap(s->kek_tek, l->kek_len, fresh->key, l->cipher->key_len,
			    l->wrapped);
	return err ?: mime_aead_encrypt(&aead);
}

static int open(struct cms_message *m, const struct mikey_session *s)
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

	err = mime_key_unwrap(s->kek_tek, m->recipient.kek_len, m->recipient.wrapped.p,
			      m->recipient.wrapped.len, key);
	if (!err)
		err = mime_aead_decrypt(&aead);
	memzero_explicit(key, sizeof(key));
	return err;
}

const struct mime_form mime_auth_enveloped = {
	.form = MIKEY_FORM_AUTH_ENVELOPED,
	.keks = MIKEY_KEK_TEK,
	.default_alg = MIKEY_CONTENT_AES_GCM,
	.fresh = offsetof(struct mime_fresh, inner_key),
	.seal = seal,
	.open = open,
};
