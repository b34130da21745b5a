// SPDX-License-Identifier: GPL-2.0
/*
 * AuthenticatedData (RFC 5652 section 9) of id-data: the body in the clear
 * under an HMAC, its key wrapped under the authentication key of the crypto
 * session.
 *
 * There are always authenticated attributes. Without them the MAC would cover
 * the content itself, and an outsider could turn the attributes of a genuine
 * object into the content of one without, under the same MAC.
 */
#include <crypto/algapi.h>
#include <linux/string.h>

#include "form.h"
#include "keywrap.h"
#include "mac.h"

static_assert(MIKEY_KEY_MAX >= CMS_MAC_LEN);

static const u8 *auth_key(const struct mikey_session *s)
{
	return s->kek_auth;
}

static int seal(const struct cms_layout *l, const u8 *kek,
		const struct mime_fresh *fresh)
{
	const struct mikey_blob content = { l->content, l->content_len };
	int err;

	err = mime_key_wrap(kek, l->kek_len, fresh->key, CMS_MAC_LEN, l->wrapped);
	if (!err)
		err = mime_sha256(content, l->digest);
	return err ?: mime_attrs_mac(fresh->key, l->attrs, l->mac);
}

/* MAC, digest, attributes, in this order (RFC 5652 9.3) */
static int verify(const struct cms_message *m, const u8 *key)
{
	u8 mac[CMS_MAC_LEN], digest[CMS_DIGEST_LEN];
	int err;

	err = mime_attrs_mac(key, m->attrs, mac);
	if (!err && crypto_memneq(mac, m->mac.p, sizeof(mac)))
		err = -EBADMSG;
	if (!err)
		err = mime_sha256(m->content, digest);
	if (!err && crypto_memneq(digest, m->digest.p, sizeof(digest)))
		err = -EBADMSG;
	if (!err && !mikey_blob_eq(m->content_type, m->e_content_type))
		err = -EBADMSG;
	memzero_explicit(mac, sizeof(mac));
	return err;
}

static int open(const struct cms_message *m, const u8 *kek)
{
	u8 key[CMS_MAC_LEN];
	int err;

	err = mime_key_unwrap(kek, m->kek_len, m->wrapped.p, m->wrapped.len, key);
	if (!err)
		err = verify(m, key);
	memzero_explicit(key, sizeof(key));
	return err;
}

const struct mime_form mime_authenticated = {
	.form = MIKEY_FORM_AUTHENTICATED,
	.kek = auth_key,
	.seal = seal,
	.open = open,
};
