/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CMS objects of the other side. AuthEnvelopedData is OpenSSL's work; of
 * AuthenticatedData, which OpenSSL does not know, the test vector is the
 * template, into which keys, content, digest and MAC of a message are put.
 */
#ifndef MIKEY_TEST_CMS_PEER_H
#define MIKEY_TEST_CMS_PEER_H

#include "tests/unit/mime/edit.h"

/* A KEK of 32 bytes and its keyIdentifier */
struct cms_kek {
	const u8 *key;
	struct mikey_blob id;
};

/*
 * AuthEnvelopedData with AES-256-GCM, made by OpenSSL. Return: its length in
 * *@der, to be freed with free().
 */
u32 cms_openssl_seal(u8 **der, const struct cms_kek *kek, struct mikey_blob entity);

/* Does OpenSSL open @der with this KEK, and is @entity in it? */
bool cms_openssl_opens(struct mikey_blob der, const struct cms_kek *kek,
		       struct mikey_blob entity);

/*
 * An insider's AuthenticatedData: everything that the MAC covers may be bent,
 * and the MAC fits all the same. @bend may be NULL.
 */
void cms_authenticated(struct edit_buf *out, const struct cms_kek *kek,
		       struct mikey_blob entity,
		       void (*bend)(struct edit_buf *object));

/* Is @der an AuthenticatedData of @entity under this KEK? */
bool cms_authenticates(struct mikey_blob der, const struct cms_kek *kek,
		       struct mikey_blob entity);

/* In place, as edit(). */
void cms_bend(struct edit_buf *object, const char *path, enum edit_op op,
	      const char *hex);

#endif
