// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cryptography of MIKEY on OpenSSL; see crypto.h.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "helper/kms/crypto.h"

struct kms_crypto {
	EVP_MAC *hmac;
	EVP_CIPHER *aes_128_ctr;
	EVP_CIPHER *aes_256_ctr;
};

struct kms_crypto *kms_crypto_new(void)
{
	struct kms_crypto *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	c->aes_128_ctr = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
	c->aes_256_ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
	if (!c->hmac || !c->aes_128_ctr || !c->aes_256_ctr) {
		kms_crypto_free(c);
		return NULL;
	}
	return c;
}

void kms_crypto_free(struct kms_crypto *c)
{
	if (!c)
		return;
	EVP_MAC_free(c->hmac);
	EVP_CIPHER_free(c->aes_128_ctr);
	EVP_CIPHER_free(c->aes_256_ctr);
	free(c);
}

static EVP_MAC_CTX *hmac_new(const struct kms_crypto *c, const char *digest,
			     struct mikey_blob key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
						 (char *)digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(c->hmac);

	if (ctx && !EVP_MAC_init(ctx, key.p, key.len, params)) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

/* One HMAC under the key that @ctx already has: over @a || @b. */
static bool hmac_again(EVP_MAC_CTX *ctx, struct mikey_blob a,
		       struct mikey_blob b, u8 *out)
{
	size_t len;

	return EVP_MAC_init(ctx, NULL, 0, NULL) &&
	       EVP_MAC_update(ctx, a.p, a.len) &&
	       EVP_MAC_update(ctx, b.p, b.len) &&
	       EVP_MAC_final(ctx, out, &len, MIKEY_MAC_MAX);
}

/*
 * RFC 3830 4.1.2: P(s, label, m) = HMAC(s, A_1 || label) || HMAC(s, A_2 ||
 * label) || ..., with A_0 = label and A_i = HMAC(s, A_(i-1)); XORed into @out.
 */
static bool prf_block(EVP_MAC_CTX *ctx, size_t hash_len,
		      struct mikey_blob label, u8 *out, size_t out_len)
{
	struct mikey_blob none = { 0 };
	struct mikey_blob prev = label;
	u8 a[MIKEY_MAC_MAX], p[MIKEY_MAC_MAX];
	size_t done, i;
	bool ok = true;

	for (done = 0; ok && done < out_len; done += hash_len) {
		ok = hmac_again(ctx, prev, none, a);
		prev = kms_blob(a, hash_len);
		ok = ok && hmac_again(ctx, prev, label, p);
		for (i = 0; ok && i < hash_len && done + i < out_len; i++)
			out[done + i] ^= p[i];
	}
	OPENSSL_cleanse(a, sizeof(a));
	OPENSSL_cleanse(p, sizeof(p));
	return ok;
}

int kms_prf(const struct kms_crypto *c, enum mikey_prf prf,
	    struct mikey_blob key, struct mikey_blob label, u8 *out,
	    size_t out_len)
{
	static const struct {
		const char *digest;
		size_t len;
	} hash[] = {
		[MIKEY_PRF_MIKEY_1] = { "SHA1", 20 },
		[MIKEY_PRF_HMAC_SHA_256] = { "SHA256", 32 },
	};
	const u32 block = 32;	/* inkey is split in 256-bit blocks, always */
	EVP_MAC_CTX *ctx;
	u32 at, n;
	bool ok;

	if (prf >= ARRAY_SIZE(hash) || !key.len)
		return -EINVAL;
	memset(out, 0, out_len);
	for (at = 0; at < key.len; at += n) {
		n = key.len - at < block ? key.len - at : block;
		ctx = hmac_new(c, hash[prf].digest, kms_blob(key.p + at, n));
		ok = ctx && prf_block(ctx, hash[prf].len, label, out, out_len);
		EVP_MAC_CTX_free(ctx);
		if (!ok) {
			OPENSSL_cleanse(out, out_len);
			return -EIO;
		}
	}
	return 0;
}

int kms_mac(const struct kms_crypto *c, enum mikey_auth_alg alg,
	    struct mikey_blob key, const struct mikey_cover *cover, u8 *mac)
{
	EVP_MAC_CTX *ctx = NULL;
	size_t len = 0;
	bool ok;
	u32 i;

	if (alg == MIKEY_AUTH_HMAC_SHA_1_160)
		ctx = hmac_new(c, "SHA1", key);
	else if (alg == MIKEY_AUTH_HMAC_SHA_256_256)
		ctx = hmac_new(c, "SHA256", key);
	ok = ctx;
	for (i = 0; ok && i < cover->num; i++)
		ok = EVP_MAC_update(ctx, cover->seg[i].p, cover->seg[i].len);
	ok = ok && EVP_MAC_final(ctx, mac, &len, MIKEY_MAC_MAX);
	EVP_MAC_CTX_free(ctx);
	return ok ? (int)len : -EIO;
}

int kms_mac_verify(const struct kms_crypto *c, enum mikey_auth_alg alg,
		   struct mikey_blob key, const struct mikey_cover *cover,
		   struct mikey_blob mac)
{
	u8 want[MIKEY_MAC_MAX];
	int len = kms_mac(c, alg, key, cover, want);
	int ret = 0;

	if (len < 0)
		ret = len;
	else if (mac.len != (u32)len || CRYPTO_memcmp(want, mac.p, len))
		ret = -EKEYREJECTED;
	OPENSSL_cleanse(want, sizeof(want));
	return ret;
}

int kms_aes_cm(const struct kms_crypto *c, enum mikey_encr_alg alg,
	       const u8 *key, const u8 iv[16], u8 *data, size_t len)
{
	const EVP_CIPHER *cipher = NULL;
	EVP_CIPHER_CTX *ctx;
	int done;
	bool ok;

	if (alg == MIKEY_ENCR_AES_CM_128)
		cipher = c->aes_128_ctr;
	else if (alg == MIKEY_ENCR_AES_CM_256)
		cipher = c->aes_256_ctr;
	ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
	ok = ctx && EVP_EncryptInit_ex2(ctx, cipher, key, iv, NULL) &&
	     EVP_EncryptUpdate(ctx, data, &done, data, len) &&
	     (size_t)done == len;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

static int derive(const struct kms_crypto *c, const struct mikey_suite *suite,
		  struct mikey_blob key, struct mikey_label *label, u8 *out,
		  size_t out_len)
{
	return kms_prf(c, suite->prf, key, kms_blob(label->buf, label->len),
		       out, out_len);
}

int kms_keys_of_message(const struct kms_crypto *c,
			const struct mikey_suite *suite, struct mikey_blob psk,
			const struct mikey_msg *m, bool response,
			struct kms_message_keys *keys)
{
	struct mikey_label label;
	int ret;

	mikey_label_message(&label, MIKEY_LC_AUTH, m->hdr.csb_id, response,
			    m->randr_i.data, m->randr_r.data);
	ret = derive(c, suite, psk, &label, keys->auth, suite->mac_len);
	if (ret || !response)
		return ret;
	mikey_label_message(&label, MIKEY_LC_ENCR, m->hdr.csb_id, response,
			    m->randr_i.data, m->randr_r.data);
	ret = derive(c, suite, psk, &label, keys->encr, suite->key_len);
	if (ret)
		return ret;
	mikey_label_message(&label, MIKEY_LC_SALT, m->hdr.csb_id, response,
			    m->randr_i.data, m->randr_r.data);
	return derive(c, suite, psk, &label, keys->salt, sizeof(keys->salt));
}

int kms_keys_of_ticket(const struct kms_crypto *c,
		       const struct mikey_suite *suite, struct mikey_blob tpk,
		       struct mikey_blob rand, struct kms_message_keys *keys)
{
	struct mikey_label label;
	int ret;

	mikey_label_ticket(&label, MIKEY_LC_AUTH, rand);
	ret = derive(c, suite, tpk, &label, keys->auth, suite->mac_len);
	if (ret)
		return ret;
	mikey_label_ticket(&label, MIKEY_LC_ENCR, rand);
	ret = derive(c, suite, tpk, &label, keys->encr, suite->key_len);
	if (ret)
		return ret;
	mikey_label_ticket(&label, MIKEY_LC_SALT, rand);
	return derive(c, suite, tpk, &label, keys->salt, sizeof(keys->salt));
}
