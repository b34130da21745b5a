// SPDX-License-Identifier: GPL-2.0
/*
 * AuthenticatedData over EnvelopedData (RFC 5652 sections 9 and 6): the body
 * encrypted with AES-CBC under a key of its own, and all of that under an
 * HMAC. Each key is wrapped under another one of the crypto session.
 *
 * The MAC comes first on the way in. Nobody without the keys can make this
 * decrypt anything, so what it says of the padding helps nobody.
 */
#include <linux/string.h>

#include "authenticate.h"
#include "cbc.h"
#include "form.h"
#include "keywrap.h"
#include "padding.h"

static int seal(const struct cms_layout *l, const struct mikey_session *s,
		const struct mime_fresh *fresh)
{
	const struct mime_cbc cbc = {
		.key = fresh->inner_key,
		.key_len = l->cipher->key_len,
		.iv = l->nonce.p,
		.data = l->content,
		.len = l->content_room,
	};
	int err;

	cms_padding_put(l->content, l->content_len);
	err = mime_cbc_encrypt(&cbc);
	if (!err)
		err = mime_key_wrap(s->kek_encr, l->kek_len, fresh->inner_key,
				    l->cipher->key_len, l->inner_wrapped);
	return err ?: mime_authenticate(l, s->kek_auth, fresh->key);
}

/* A key that does not unwrap is one of zeros; what that decrypts is wiped. */
static int open_inner(struct cms_message *m, const u8 *kek)
{
	const struct cms_recipient *rcpt = &m->inner;
	u8 key[MIKEY_KEY_MAX];
	const struct mime_cbc cbc = {
		.key = key,
		.key_len = m->cipher->key_len,
		.iv = m->nonce.p,
		.data = (u8 *)m->content.p,
		.len = m->content.len,
	};
	bool fits;
	u32 pad;
	int err;

	err = mime_key_unwrap(kek, rcpt->kek_len, rcpt->wrapped.p, rcpt->wrapped.len, key);
	if (err && err != -EBADMSG)
		return err;
	fits = !err;
	err = mime_cbc_decrypt(&cbc);
	memzero_explicit(key, sizeof(key));
	if (err)
		return err;
	pad = cms_padding_len(m->content.p, m->content.len);
	fits &= pad && pad < m->content.len;
	if (!fits)
		return -EBADMSG;
	m->content.len -= pad;
	return 0;
}

static int open(struct cms_message *m, const struct mikey_session *s)
{
	int err = mime_authenticates(m, s->kek_auth);

	return err ?: open_inner(m, s->kek_encr);
}

const struct mime_form mime_authenticated_enveloped = {
	.form = MIKEY_FORM_AUTHENTICATED_ENVELOPED,
	.keks = MIKEY_KEK_AUTH | MIKEY_KEK_ENCR,
	.default_alg = MIKEY_CONTENT_AES_CBC,
	.fresh = sizeof(struct mime_fresh),
	.seal = seal,
	.open = open,
};
