// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CMS objects of the other side, by OpenSSL and the test vectors.
 */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "cms_peer.h"
#include "vectors.h"

#define KEY_LEN 32

/* Of an AuthenticatedData's template */
#define PATH_KEK_ID "0.1.0.1.0.1.0"
#define PATH_WRAPPED "0.1.0.1.0.3"
#define PATH_CONTENT "0.1.0.4.1.0"
#define PATH_ATTRS "0.1.0.5"
#define PATH_DIGEST "0.1.0.5.2.1.0"
#define PATH_MAC "0.1.0.6"

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "cms_peer: %s failed\n", what);
	abort();
}

u32 cms_openssl_seal(u8 **der, const struct cms_kek *kek, struct mikey_blob entity)
{
	CMS_ContentInfo *cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
	BIO *in = BIO_new_mem_buf(entity.p, entity.len);
	u8 *openssls = NULL;
	int len;

	must(cms && in, "CMS_AuthEnvelopedData_create");
	must(CMS_add0_recipient_key(cms, NID_undef, OPENSSL_memdup(kek->key, KEY_LEN), KEY_LEN,
				    OPENSSL_memdup(kek->id.p, kek->id.len), kek->id.len,
				    NULL, NULL, NULL), "CMS_add0_recipient_key");
	must(CMS_set_detached(cms, 0) == 1, "CMS_set_detached");
	must(CMS_final(cms, in, NULL, CMS_BINARY) == 1, "CMS_final");
	len = i2d_CMS_ContentInfo(cms, &openssls);
	must(len > 0, "i2d_CMS_ContentInfo");
	*der = malloc(len);
	must(*der, "malloc");
	memcpy(*der, openssls, len);
	OPENSSL_free(openssls);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return len;
}

bool cms_openssl_opens(struct mikey_blob der, const struct cms_kek *kek,
		       struct mikey_blob entity)
{
	const u8 *p = der.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, der.len);
	BIO *out = BIO_new(BIO_s_mem());
	bool ok = false;
	char *got;

	if (cms && p == der.p + der.len &&
	    CMS_decrypt_set1_key(cms, (u8 *)kek->key, KEY_LEN, (u8 *)kek->id.p,
				 kek->id.len) == 1 &&
	    CMS_decrypt(cms, NULL, NULL, NULL, out, CMS_BINARY) == 1)
		ok = BIO_get_mem_data(out, &got) == entity.len &&
		     !memcmp(got, entity.p, entity.len);
	CMS_ContentInfo_free(cms);
	BIO_free(out);
	return ok;
}

static bool wrap(const struct cms_kek *kek, const u8 *in, int len, u8 *out, int enc)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok;
	int n;

	must(ctx, "EVP_CIPHER_CTX_new");
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_CipherInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek->key, NULL, enc) == 1 &&
	     EVP_CipherUpdate(ctx, out, &n, in, len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static void attrs_mac(struct mikey_blob object, const u8 *key, u8 *mac)
{
	struct mikey_blob attrs = edit_find(object, PATH_ATTRS);
	u8 *set = malloc(attrs.len);

	must(set, "malloc");
	memcpy(set, attrs.p, attrs.len);
	set[0] = 0x31;
	must(HMAC(EVP_sha256(), key, KEY_LEN, set, attrs.len, mac, NULL), "HMAC");
	free(set);
}

static void replace(struct edit_buf *object, const char *path, const void *p, u32 len)
{
	static struct edit_buf out;

	edit(&out, (struct mikey_blob){ object->p, object->len }, path, EDIT_VALUE,
	     (struct mikey_blob){ p, len });
	*object = out;
}

void cms_bend(struct edit_buf *object, const char *path, enum edit_op op, const char *hex)
{
	static struct edit_buf out;

	edit(&out, (struct mikey_blob){ object->p, object->len }, path, op, edit_hex(hex));
	*object = out;
}

void cms_authenticated(struct edit_buf *out, const struct cms_kek *kek,
		       struct mikey_blob entity,
		       void (*bend)(struct edit_buf *object))
{
	const struct vector_bytes template = vector_exchange_immediate_256->cms.authenticated;
	u8 key[KEY_LEN], wrapped[KEY_LEN + 8], digest[32], mac[32];

	memcpy(out->p, template.p, template.len);
	out->len = template.len;
	must(RAND_bytes(key, sizeof(key)) == 1, "RAND_bytes");
	must(wrap(kek, key, sizeof(key), wrapped, 1), "key wrap");
	SHA256(entity.p, entity.len, digest);

	replace(out, PATH_KEK_ID, kek->id.p, kek->id.len);
	replace(out, PATH_WRAPPED, wrapped, sizeof(wrapped));
	replace(out, PATH_CONTENT, entity.p, entity.len);
	replace(out, PATH_DIGEST, digest, sizeof(digest));
	if (bend)
		bend(out);
	attrs_mac((struct mikey_blob){ out->p, out->len }, key, mac);
	replace(out, PATH_MAC, mac, sizeof(mac));
}

/* The contents octets of the element at @path, its length in up to 3 octets */
static struct mikey_blob value(struct mikey_blob object, const char *path)
{
	struct mikey_blob e = edit_find(object, path);
	u32 head = 2 + (e.p[1] & 0x80 ? e.p[1] & 0x7f : 0);

	return (struct mikey_blob){ e.p + head, e.len - head };
}

bool cms_authenticates(struct mikey_blob der, const struct cms_kek *kek,
		       struct mikey_blob entity)
{
	struct mikey_blob wrapped = value(der, PATH_WRAPPED);
	struct mikey_blob digest = value(der, PATH_DIGEST);
	struct mikey_blob theirs = value(der, PATH_MAC);
	u8 key[KEY_LEN], mac[32], hash[32];

	if (wrapped.len != KEY_LEN + 8 || !wrap(kek, wrapped.p, wrapped.len, key, 0))
		return false;
	attrs_mac(der, key, mac);
	SHA256(entity.p, entity.len, hash);
	return mikey_blob_eq(theirs, (struct mikey_blob){ mac, sizeof(mac) }) &&
	       mikey_blob_eq(digest, (struct mikey_blob){ hash, sizeof(hash) }) &&
	       mikey_blob_eq(value(der, PATH_CONTENT), entity) &&
	       mikey_blob_eq(value(der, PATH_KEK_ID), kek->id);
}
