// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys in the process itself, for OpenSSL. Algorithms are fetched and contexts
 * made once, which is the fastest that its interface allows.
 */
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "bench.h"
#include "job.h"

struct openssl {
	EVP_MAC *hmac;
	EVP_MAC_CTX *once;
	EVP_CIPHER *gcm;
	EVP_CIPHER *wrap;
	EVP_CIPHER_CTX *gcm_ctx;
	EVP_CIPHER_CTX *wrap_ctx;
};

static void must(bool ok, const char *what)
{
	if (!ok)
		bench_die("OpenSSL: %s", what);
}

static EVP_MAC_CTX *new_key(struct openssl *o, const u8 *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(o->hmac);

	must(ctx && EVP_MAC_init(ctx, key, JOB_KEY_LEN, params) == 1, "EVP_MAC_init");
	return ctx;
}

static void *openssl_open(void)
{
	static const u8 zeros[JOB_KEY_LEN];
	struct openssl *o = calloc(1, sizeof(*o));

	must(o, "memory");
	o->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	o->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	o->wrap = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
	o->gcm_ctx = EVP_CIPHER_CTX_new();
	o->wrap_ctx = EVP_CIPHER_CTX_new();
	must(o->hmac && o->gcm && o->wrap && o->gcm_ctx && o->wrap_ctx, "fetching");
	EVP_CIPHER_CTX_set_flags(o->wrap_ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	o->once = new_key(o, zeros);
	return o;
}

static void openssl_close(void *ctx)
{
	struct openssl *o = ctx;

	EVP_MAC_CTX_free(o->once);
	EVP_CIPHER_CTX_free(o->gcm_ctx);
	EVP_CIPHER_CTX_free(o->wrap_ctx);
	EVP_CIPHER_free(o->gcm);
	EVP_CIPHER_free(o->wrap);
	EVP_MAC_free(o->hmac);
	free(o);
}

static void *openssl_key(void *ctx, const u8 *key)
{
	return new_key(ctx, key);
}

static void openssl_key_free(void *ctx, void *key)
{
	(void)ctx;
	EVP_MAC_CTX_free(key);
}

/* @key: NULL for the one that @mac has had before */
static void sum(EVP_MAC_CTX *mac_ctx, const u8 *key, const struct mikey_blob *seg, u32 num,
		u8 *mac)
{
	size_t len;
	u32 i;

	must(EVP_MAC_init(mac_ctx, key, key ? JOB_KEY_LEN : 0, NULL) == 1, "EVP_MAC_init");
	for (i = 0; i < num; i++)
		must(EVP_MAC_update(mac_ctx, seg[i].p, seg[i].len) == 1, "EVP_MAC_update");
	must(EVP_MAC_final(mac_ctx, mac, &len, 32) == 1, "EVP_MAC_final");
}

static void openssl_hmac(void *ctx, void *key, const struct mikey_blob *seg, u32 num, u8 *mac)
{
	(void)ctx;
	sum(key, NULL, seg, num, mac);
}

static void openssl_once(void *ctx, const u8 *key, const struct mikey_blob *seg, u32 num, u8 *mac)
{
	struct openssl *o = ctx;

	sum(o->once, key, seg, num, mac);
}

static bool wrap(struct openssl *o, const u8 *kek, const u8 *in, int len, u8 *out, int enc)
{
	int n;

	return EVP_CipherInit_ex(o->wrap_ctx, o->wrap, NULL, kek, NULL, enc) == 1 &&
	       EVP_CipherUpdate(o->wrap_ctx, out, &n, in, len) == 1;
}

static bool gcm(struct openssl *o, const struct job_content *c, const u8 *key, int enc)
{
	u8 none[16];
	int n;

	if (EVP_CipherInit_ex(o->gcm_ctx, o->gcm, NULL, key, c->nonce, enc) != 1 ||
	    EVP_CipherUpdate(o->gcm_ctx, c->data, &n, c->data, c->len) != 1)
		return false;
	if (!enc && EVP_CIPHER_CTX_ctrl(o->gcm_ctx, EVP_CTRL_AEAD_SET_TAG, JOB_ICV_LEN,
					c->icv) != 1)
		return false;
	if (EVP_CipherFinal_ex(o->gcm_ctx, none, &n) != 1)
		return false;
	return !enc || EVP_CIPHER_CTX_ctrl(o->gcm_ctx, EVP_CTRL_AEAD_GET_TAG, JOB_ICV_LEN,
					   c->icv) == 1;
}

static void openssl_seal(void *ctx, const struct job_content *c)
{
	u8 key[JOB_KEY_LEN];

	must(RAND_bytes(key, sizeof(key)) == 1 &&
	     wrap(ctx, c->kek, key, sizeof(key), c->wrapped, 1) && gcm(ctx, c, key, 1), "sealing");
}

static bool openssl_unseal(void *ctx, const struct job_content *c)
{
	u8 key[JOB_WRAPPED_LEN];

	return wrap(ctx, c->kek, c->wrapped, JOB_WRAPPED_LEN, key, 0) && gcm(ctx, c, key, 0);
}

const struct job_keyed keyed_openssl = {
	.name = "openssl",
	.open = openssl_open,
	.close = openssl_close,
	.key = openssl_key,
	.key_free = openssl_key_free,
	.hmac = openssl_hmac,
	.once = openssl_once,
	.seal = openssl_seal,
	.unseal = openssl_unseal,
};
