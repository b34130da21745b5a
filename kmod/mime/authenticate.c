// SPDX-License-Identifier: GPL-2.0
/*
 * What AuthenticatedData (RFC 5652 section 9) does, whatever its content: an
 * HMAC over attributes, one of which is the content's digest.
 *
 * There are always authenticated attributes. Without them the MAC would cover
 * the content itself, and an outsider could turn the attributes of a genuine
 * object into the content of one without, under the same MAC.
 */
#include <crypto/algapi.h>
#include <linux/string.h>

#include "authenticate.h"
#include "keywrap.h"
#include "mac.h"

int mime_authenticate(const struct cms_layout *l, const u8 *kek, const u8 *key)
{
	int err;

	err = mime_key_wrap(kek, l->kek_len, key, CMS_MAC_LEN, l->wrapped);
	if (!err)
		err = mime_sha256(l->e_content, l->digest);
	return err ?: mime_attrs_mac(key, l->attrs, l->mac);
}

/* A key that does not unwrap is one of zeros here, whose MAC cannot count. */
int mime_authenticates(const struct cms_message *m, const u8 *kek)
{
	u8 key[CMS_MAC_LEN], mac[CMS_MAC_LEN], digest[CMS_DIGEST_LEN];
	const struct cms_recipient *rcpt = &m->recipient;
	bool fits;
	int err;

	err = mime_key_unwrap(kek, rcpt->kek_len, rcpt->wrapped.p, rcpt->wrapped.len, key);
	if (err && err != -EBADMSG)
		return err;
	fits = !err;
	err = mime_attrs_mac(key, m->attrs, mac);
	if (!err)
		err = mime_sha256(m->e_content, digest);
	if (err)
		goto out;
	fits &= !crypto_memneq(mac, m->mac.p, sizeof(mac));
	fits &= !crypto_memneq(digest, m->digest.p, sizeof(digest));
	fits &= mikey_blob_eq(m->content_type, m->e_content_type);
	if (!fits)
		err = -EBADMSG;
out:
	memzero_explicit(key, sizeof(key));
	memzero_explicit(mac, sizeof(mac));
	return err;
}
