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
#include "uapi/mikey_mime.h"
#include "vectors.h"

#define MAC_KEY_LEN 32
#define BLOCK 16

/* Of every object */
#define PATH_KEK_ID "0.1.0.1.0.1.0"
#define PATH_WRAPPED "0.1.0.1.0.3"
/* Of an AuthEnvelopedData */
#define PATH_NONCE "0.1.0.2.1.1.0"
#define PATH_ICV_LEN "0.1.0.2.1.1.1"
#define PATH_ENCRYPTED "0.1.0.2.2"
#define PATH_ICV "0.1.0.3"
/* Of an AuthenticatedData */
#define PATH_CONTENT "0.1.0.4.1.0"
#define PATH_ATTRS "0.1.0.5"
#define PATH_DIGEST "0.1.0.5.2.1.0"
#define PATH_MAC "0.1.0.6"
/* Of the EnvelopedData in it */
#define PATH_INNER_KEK_ID "0.1.0.4.1.0.0.1.0.1.0"
#define PATH_INNER_WRAPPED "0.1.0.4.1.0.0.1.0.3"
#define PATH_IV "0.1.0.4.1.0.0.2.1.1"
#define PATH_INNER_ENCRYPTED "0.1.0.4.1.0.0.2.2"

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "cms_peer: %s failed\n", what);
	abort();
}

static struct mikey_blob whole(const struct edit_buf *b)
{
	return (struct mikey_blob){ b->p, b->len };
}

static void replace(struct edit_buf *object, const char *path, const void *p, u32 len)
{
	static struct edit_buf out;

	edit(&out, whole(object), path, EDIT_VALUE, (struct mikey_blob){ p, len });
	*object = out;
}

void cms_bend(struct edit_buf *object, const char *path, enum edit_op op, const char *hex)
{
	static struct edit_buf out;

	edit(&out, whole(object), path, op, edit_hex(hex));
	*object = out;
}

/* The contents octets of the element at @path */
static struct mikey_blob value(struct mikey_blob object, const char *path)
{
	struct mikey_blob e = edit_find(object, path);
	u32 head = 2 + (e.p[1] & 0x80 ? e.p[1] & 0x7f : 0);

	return (struct mikey_blob){ e.p + head, e.len - head };
}

/* RFC 3394 both ways */
static bool wrap(const u8 *kek, u32 kek_len, const u8 *in, int len, u8 *out, int enc)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok;
	int n;

	must(ctx, "EVP_CIPHER_CTX_new");
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_CipherInit_ex(ctx, kek_len == 32 ? EVP_aes_256_wrap() : EVP_aes_128_wrap(),
			       NULL, kek, NULL, enc) == 1 &&
	     EVP_CipherUpdate(ctx, out, &n, in, len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* A fresh key of @len bytes, and wrapped into the element at @path */
static void put_key(struct edit_buf *object, const char *path, const u8 *kek, u32 kek_len,
		    u8 *key, u32 len)
{
	u8 wrapped[MIKEY_KEY_MAX + 8];

	must(RAND_bytes(key, len) == 1, "RAND_bytes");
	must(wrap(kek, kek_len, key, len, wrapped, 1), "key wrap");
	replace(object, path, wrapped, len + 8);
}

static const EVP_CIPHER *cipher_of(u32 alg, u32 key_len)
{
	switch (alg) {
	case MIKEY_CONTENT_AES_GCM:
		return key_len == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
	case MIKEY_CONTENT_AES_CCM:
		return key_len == 32 ? EVP_aes_256_ccm() : EVP_aes_128_ccm();
	default:
		return key_len == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
	}
}

static struct vector_bytes template(u32 form, u32 alg, u32 key_len)
{
	const struct vector_exchange *e = key_len == 32 ? vector_exchange_immediate_256 :
							  vector_exchange_annex_i_128;

	if (form == MIKEY_FORM_AUTHENTICATED)
		return e->cms.authenticated;
	if (form == MIKEY_FORM_AUTHENTICATED_ENVELOPED)
		return e->cms.authenticated_enveloped;
	return alg == MIKEY_CONTENT_AES_CCM ? e->cms.auth_enveloped_ccm :
					      e->cms.auth_enveloped_gcm;
}

/* OpenSSL's object, of either type of content */
static void openssl_seal(struct edit_buf *out, CMS_ContentInfo *cms, const u8 *kek,
			 const struct cms_keys *keys, struct mikey_blob entity)
{
	BIO *in = BIO_new_mem_buf(entity.p, entity.len);
	u8 *der = NULL;
	int len;

	must(cms && in, "CMS create");
	must(CMS_add0_recipient_key(cms, NID_undef, OPENSSL_memdup(kek, keys->len), keys->len,
				    OPENSSL_memdup(keys->id.p, keys->id.len), keys->id.len,
				    NULL, NULL, NULL), "CMS_add0_recipient_key");
	must(CMS_set_detached(cms, 0) == 1, "CMS_set_detached");
	must(CMS_final(cms, in, NULL, CMS_BINARY) == 1, "CMS_final");
	len = i2d_CMS_ContentInfo(cms, &der);
	must(len > 0 && len <= (int)sizeof(out->p), "i2d_CMS_ContentInfo");
	memcpy(out->p, der, len);
	out->len = len;
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
}

static bool openssl_opens(struct mikey_blob der, const u8 *kek, const struct cms_keys *keys,
			  struct mikey_blob entity)
{
	const u8 *p = der.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, der.len);
	BIO *out = BIO_new(BIO_s_mem());
	bool ok = false;
	char *got;

	if (cms && p == der.p + der.len &&
	    CMS_decrypt_set1_key(cms, (u8 *)kek, keys->len, (u8 *)keys->id.p,
				 keys->id.len) == 1 &&
	    CMS_decrypt(cms, NULL, NULL, NULL, out, CMS_BINARY) == 1)
		ok = BIO_get_mem_data(out, &got) == entity.len &&
		     !memcmp(got, entity.p, entity.len);
	CMS_ContentInfo_free(cms);
	BIO_free(out);
	return ok;
}

/* CCM wants to know all lengths before it begins. */
static bool ccm(u32 key_len, const u8 *key, struct mikey_blob nonce, struct mikey_blob in,
		u8 *out, u8 *icv, u32 icv_len, int enc)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok;
	int n;

	must(ctx, "EVP_CIPHER_CTX_new");
	ok = EVP_CipherInit_ex(ctx, cipher_of(MIKEY_CONTENT_AES_CCM, key_len), NULL, NULL, NULL,
			       enc) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, nonce.len, NULL) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, icv_len, enc ? NULL : icv) == 1 &&
	     EVP_CipherInit_ex(ctx, NULL, NULL, key, nonce.p, enc) == 1 &&
	     EVP_CipherUpdate(ctx, NULL, &n, NULL, in.len) == 1 &&
	     EVP_CipherUpdate(ctx, out, &n, in.p, in.len) == 1 && n == (int)in.len &&
	     (!enc || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, icv_len, icv) == 1);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static void make_ccm(struct edit_buf *out, const struct cms_plan *plan, const u8 *kek,
		     const struct cms_keys *keys, struct mikey_blob entity)
{
	u8 key[MIKEY_KEY_MAX], nonce[16], icv[16], len = plan->icv_len ? plan->icv_len : 16;
	u32 nonce_len = plan->nonce_len ? plan->nonce_len : 12;
	u8 *sealed = malloc(entity.len);

	must(sealed && RAND_bytes(nonce, sizeof(nonce)) == 1, "RAND_bytes");
	put_key(out, PATH_WRAPPED, kek, keys->len, key, keys->len);
	must(ccm(keys->len, key, (struct mikey_blob){ nonce, nonce_len }, entity, sealed, icv, len,
		 1), "CCM");
	replace(out, PATH_KEK_ID, keys->id.p, keys->id.len);
	replace(out, PATH_ICV, icv, len);
	replace(out, PATH_ENCRYPTED, sealed, entity.len);
	replace(out, PATH_ICV_LEN, &len, 1);
	replace(out, PATH_NONCE, nonce, nonce_len);
	if (len == 12)		/* the DEFAULT */
		cms_bend(out, PATH_ICV_LEN, EDIT_REMOVE, "");
	free(sealed);
}

static void attrs_mac(struct mikey_blob object, const u8 *key, u8 *mac)
{
	struct mikey_blob attrs = edit_find(object, PATH_ATTRS);
	u8 *set = malloc(attrs.len);

	must(set, "malloc");
	memcpy(set, attrs.p, attrs.len);
	set[0] = 0x31;
	must(HMAC(EVP_sha256(), key, MAC_KEY_LEN, set, attrs.len, mac, NULL), "HMAC");
	free(set);
}

/* Contents of any padding, without the help of CMS */
static void encrypt_inner(struct edit_buf *out, const u8 *kek, const struct cms_keys *keys,
			  struct mikey_blob entity, struct mikey_blob padding)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	u8 key[MIKEY_KEY_MAX], iv[BLOCK], text[4096];
	u32 len = entity.len + padding.len;
	int n;

	must(ctx && len <= sizeof(text) && len % BLOCK == 0, "padding");
	must(RAND_bytes(iv, sizeof(iv)) == 1, "RAND_bytes");
	memcpy(text, entity.p, entity.len);
	memcpy(text + entity.len, padding.p, padding.len);
	put_key(out, PATH_INNER_WRAPPED, kek, keys->len, key, keys->len);
	must(EVP_EncryptInit_ex(ctx, cipher_of(MIKEY_CONTENT_AES_CBC, keys->len), NULL, key,
				iv) == 1 &&
	     EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	     EVP_EncryptUpdate(ctx, text, &n, text, len) == 1 && n == (int)len, "CBC");
	EVP_CIPHER_CTX_free(ctx);
	replace(out, PATH_INNER_KEK_ID, keys->id.p, keys->id.len);
	replace(out, PATH_IV, iv, sizeof(iv));
	replace(out, PATH_INNER_ENCRYPTED, text, len);
}

static void make_inner(struct edit_buf *out, const struct cms_plan *plan, const u8 *kek,
		       const struct cms_keys *keys, struct mikey_blob entity)
{
	static struct edit_buf inner;
	struct mikey_blob data;

	if (plan->padding) {
		encrypt_inner(out, kek, keys, entity, *plan->padding);
		return;
	}
	openssl_seal(&inner, CMS_EnvelopedData_create(cipher_of(MIKEY_CONTENT_AES_CBC, keys->len)),
		     kek, keys, entity);
	data = edit_find(whole(&inner), "0.1.0");
	replace(out, PATH_CONTENT, data.p, data.len);
}

/*
 * Whatever @bend changes, the MAC fits. The digest is that of the content,
 * unless @bend gives another one.
 */
static void make_authenticated(struct edit_buf *out, const struct cms_plan *plan,
			       const struct cms_keys *keys, struct mikey_blob entity)
{
	const u8 *outer = plan->swapped ? keys->keks->encr : keys->keks->auth;
	const u8 *inner = plan->swapped ? keys->keks->auth : keys->keks->encr;
	u8 key[MAC_KEY_LEN], digest[32], mac[32];
	struct mikey_blob content;

	if (plan->form == MIKEY_FORM_AUTHENTICATED)
		replace(out, PATH_CONTENT, entity.p, entity.len);
	else
		make_inner(out, plan, inner, keys, entity);
	content = value(whole(out), PATH_CONTENT);
	SHA256(content.p, content.len, digest);
	put_key(out, PATH_WRAPPED, outer, keys->len, key, sizeof(key));
	replace(out, PATH_KEK_ID, keys->id.p, keys->id.len);
	replace(out, PATH_DIGEST, digest, sizeof(digest));
	if (plan->bend)
		plan->bend(out);
	attrs_mac(whole(out), key, mac);
	replace(out, PATH_MAC, mac, sizeof(mac));
}

void cms_make(struct edit_buf *out, const struct cms_plan *plan, const struct cms_keys *keys,
	      struct mikey_blob entity)
{
	const struct vector_bytes t = template(plan->form, plan->alg, keys->len);
	const u8 *kek = plan->swapped ? keys->keks->encr : keys->keks->tek;

	memcpy(out->p, t.p, t.len);
	out->len = t.len;
	if (plan->form != MIKEY_FORM_AUTH_ENVELOPED) {
		make_authenticated(out, plan, keys, entity);
		return;
	}
	if (plan->alg == MIKEY_CONTENT_AES_CCM)
		make_ccm(out, plan, kek, keys, entity);
	else
		openssl_seal(out, CMS_AuthEnvelopedData_create(cipher_of(MIKEY_CONTENT_AES_GCM,
									 keys->len)),
			     kek, keys, entity);
	if (plan->bend)
		plan->bend(out);
}

static bool ccm_opens(struct mikey_blob der, const struct cms_keys *keys, struct mikey_blob entity)
{
	struct mikey_blob wrapped = value(der, PATH_WRAPPED), icv = value(der, PATH_ICV);
	struct mikey_blob sealed = value(der, PATH_ENCRYPTED), nonce = value(der, PATH_NONCE);
	u8 key[MIKEY_KEY_MAX], *got = malloc(sealed.len);
	bool ok;

	must(got, "malloc");
	/* what is always sent: RFC 5084 3.1 allows more */
	ok = wrapped.len == keys->len + 8 && nonce.len == 12 && icv.len == 16 &&
	     mikey_blob_eq(value(der, PATH_KEK_ID), keys->id) &&
	     wrap(keys->keks->tek, keys->len, wrapped.p, wrapped.len, key, 0) &&
	     ccm(keys->len, key, nonce, sealed, got, (u8 *)icv.p, icv.len, 0) &&
	     mikey_blob_eq((struct mikey_blob){ got, sealed.len }, entity);
	free(got);
	return ok;
}

static bool authenticates(struct mikey_blob der, const struct cms_keys *keys)
{
	struct mikey_blob wrapped = value(der, PATH_WRAPPED), content = value(der, PATH_CONTENT);
	u8 key[MAC_KEY_LEN], mac[32], hash[32];

	if (wrapped.len != sizeof(key) + 8 ||
	    !wrap(keys->keks->auth, keys->len, wrapped.p, wrapped.len, key, 0))
		return false;
	attrs_mac(der, key, mac);
	SHA256(content.p, content.len, hash);
	return mikey_blob_eq(value(der, PATH_MAC), (struct mikey_blob){ mac, sizeof(mac) }) &&
	       mikey_blob_eq(value(der, PATH_DIGEST), (struct mikey_blob){ hash, sizeof(hash) }) &&
	       mikey_blob_eq(value(der, PATH_KEK_ID), keys->id);
}

static u32 put_header(u8 *p, u8 tag, u32 len)
{
	p[0] = tag;
	p[1] = 0x83;
	p[2] = len >> 16;
	p[3] = len >> 8;
	p[4] = len;
	return 5;
}

/* OpenSSL wants a ContentInfo, and takes lengths that are not the shortest. */
static bool inner_opens(struct mikey_blob der, const struct cms_keys *keys,
			struct mikey_blob entity)
{
	static const u8 oid[] = { 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3 };
	struct mikey_blob data = value(der, PATH_CONTENT);
	u8 *buf = malloc(data.len + 64);
	u32 len;
	bool ok;

	must(buf, "malloc");
	len = put_header(buf, 0x30, data.len + sizeof(oid) + 5);
	memcpy(buf + len, oid, sizeof(oid));
	len += sizeof(oid);
	len += put_header(buf + len, 0xa0, data.len);
	memcpy(buf + len, data.p, data.len);
	len += data.len;
	ok = openssl_opens((struct mikey_blob){ buf, len }, keys->keks->encr, keys, entity);
	free(buf);
	return ok;
}

bool cms_opens(struct mikey_blob der, u32 form, u32 alg, const struct cms_keys *keys,
	       struct mikey_blob entity)
{
	switch (form) {
	case MIKEY_FORM_AUTHENTICATED:
		return authenticates(der, keys) &&
		       mikey_blob_eq(value(der, PATH_CONTENT), entity);
	case MIKEY_FORM_AUTHENTICATED_ENVELOPED:
		return authenticates(der, keys) && inner_opens(der, keys, entity);
	default:
		return alg == MIKEY_CONTENT_AES_CCM ?
		       ccm_opens(der, keys, entity) :
		       openssl_opens(der, keys->keks->tek, keys, entity);
	}
}
