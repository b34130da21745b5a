/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CMS objects of the other side. AuthEnvelopedData with GCM and EnvelopedData
 * are OpenSSL's work; of what OpenSSL does not know (CCM, AuthenticatedData)
 * a test vector is the template, into which keys, content, digest and MAC of
 * a message are put.
 */
#ifndef MIKEY_TEST_CMS_PEER_H
#define MIKEY_TEST_CMS_PEER_H

#include "../peer.h"
#include "tests/unit/mime/edit.h"

/**
 * struct cms_keys - the KEKs of a crypto session
 * @keks: the three of them
 * @len: length of each, 16 or 32
 * @id: their keyIdentifier
 */
struct cms_keys {
	const struct peer_keks *keks;
	u32 len;
	struct mikey_blob id;
};

/**
 * struct cms_plan - an object, honest or with one thing wrong
 * @form: enum mikey_mime_form
 * @alg: enum mikey_mime_content_alg; 0 for the form's default
 * @nonce_len, @icv_len: with CCM only; 0 for what is usual
 * @padding: with CBC only: instead of the right one; makes whole blocks
 * @swapped: each KEK in the place of another one of the session
 * @bend: of the object before its MAC, which so covers what it changes, but
 *	with an AEAD after it
 */
struct cms_plan {
	u32 form;
	u32 alg;
	u32 nonce_len;
	u32 icv_len;
	const struct mikey_blob *padding;
	bool swapped;
	void (*bend)(struct edit_buf *object);
};

void cms_make(struct edit_buf *out, const struct cms_plan *plan, const struct cms_keys *keys,
	      struct mikey_blob entity);

/* Is @der an object of this form and algorithm, with @entity in it? */
bool cms_opens(struct mikey_blob der, u32 form, u32 alg, const struct cms_keys *keys,
	       struct mikey_blob entity);

/* In place, as edit(). */
void cms_bend(struct edit_buf *object, const char *path, enum edit_op op,
	      const char *hex);

#endif
