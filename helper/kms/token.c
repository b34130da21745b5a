// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The store's key under a key on a token; see token.h.
 */
/* Debian 12 has no provider for PKCS#11, and engines are deprecated. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "helper/kms/crypto.h"
#include "helper/kms/token.h"

bool kms_token_is_uri(const char *text)
{
	return !strncmp(text, "pkcs11:", 7);
}

/* The value of module-path in the URI, or false. */
static bool module_path(const char *uri, char *path, size_t size)
{
	const char *at = strstr(uri, "module-path=");
	size_t len;

	if (!at)
		return false;
	at += strlen("module-path=");
	len = strcspn(at, "&;");
	if (len >= size)
		return false;
	memcpy(path, at, len);
	path[len] = '\0';
	return true;
}

static ENGINE *engine_of(const char *uri, struct problem *problem)
{
	char path[256];
	ENGINE *engine;

	engine = ENGINE_by_id("pkcs11");
	if (!engine) {
		problem_set(problem, -ENOENT,
			    "OpenSSL has no engine \"pkcs11\" (libengine-pkcs11-openssl)");
		return NULL;
	}
	/* Else it writes the URI, with a PIN that is in it, to standard error. */
	if (!ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0) ||
	    (module_path(uri, path, sizeof(path)) &&
	     !ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", path, 0)) ||
	    !ENGINE_init(engine)) {
		problem_set(problem, -EIO, "the PKCS#11 module cannot be loaded");
		ENGINE_free(engine);
		return NULL;
	}
	return engine;
}

/* SHA-1 is what tokens know; nothing here depends on its collisions. */
static int crypt_oaep(EVP_PKEY *key, bool encrypt, struct mikey_blob in, u8 *out,
		      size_t *out_len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool ok;

	ok = ctx && EVP_PKEY_base_id(key) == EVP_PKEY_RSA &&
	     (size_t)EVP_PKEY_size(key) <= *out_len &&
	     (encrypt ? EVP_PKEY_encrypt_init(ctx) : EVP_PKEY_decrypt_init(ctx)) > 0 &&
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
	     EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha1()) > 0 &&
	     EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha1()) > 0 &&
	     (encrypt ? EVP_PKEY_encrypt(ctx, out, out_len, in.p, in.len) :
			EVP_PKEY_decrypt(ctx, out, out_len, in.p, in.len)) > 0;
	EVP_PKEY_CTX_free(ctx);
	return ok ? 0 : -EKEYREJECTED;
}

int kms_token_wrap(const char *uri, const u8 *key, size_t len, u8 *wrapped,
		   struct problem *problem)
{
	ENGINE *engine = engine_of(uri, problem);
	size_t wrapped_len = KMS_WRAPPED_MAX;
	EVP_PKEY *public;
	int ret;

	if (!engine)
		return problem->error;
	public = ENGINE_load_public_key(engine, uri, NULL, NULL);
	if (!public)
		ret = problem_set(problem, -ENOENT, "the token has no such public key");
	else if (crypt_oaep(public, true, kms_blob(key, len), wrapped, &wrapped_len))
		ret = problem_set(problem, -EIO, "the token's key cannot wrap: is it an RSA key?");
	else
		ret = wrapped_len;
	EVP_PKEY_free(public);
	ENGINE_finish(engine);
	ENGINE_free(engine);
	return ret;
}

int kms_token_unwrap(const char *uri, const u8 *wrapped, size_t wrapped_len,
		     u8 *key, size_t len, struct problem *problem)
{
	ENGINE *engine = engine_of(uri, problem);
	u8 plain[KMS_WRAPPED_MAX];
	size_t plain_len = sizeof(plain);
	EVP_PKEY *private;
	int ret = 0;

	if (!engine)
		return problem->error;
	private = ENGINE_load_private_key(engine, uri, NULL, NULL);
	if (!private)
		ret = problem_set(problem, -ENOENT,
				  "the token has no such private key, or its PIN is wrong");
	else if (crypt_oaep(private, false, kms_blob(wrapped, wrapped_len), plain,
			    &plain_len) || plain_len != len)
		ret = problem_set(problem, -EKEYREJECTED,
				  "the token's key does not open the store's key");
	else
		memcpy(key, plain, len);
	OPENSSL_cleanse(plain, sizeof(plain));
	EVP_PKEY_free(private);
	ENGINE_finish(engine);
	ENGINE_free(engine);
	return ret;
}
