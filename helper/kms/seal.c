// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secrets at rest; see seal.h.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "helper/kms/keyfile.h"
#include "helper/kms/seal.h"
#include "helper/kms/token.h"

struct kms_seal {
	u8 key[KMS_SEAL_KEY_LEN];
	EVP_CIPHER *gcm;
};

struct kms_seal *kms_seal_new(const u8 key[KMS_SEAL_KEY_LEN])
{
	struct kms_seal *seal = calloc(1, sizeof(*seal));

	if (!seal)
		return NULL;
	/* Not into swap, where the limit for locked memory allows. */
	mlock(seal, sizeof(*seal));
	memcpy(seal->key, key, sizeof(seal->key));
	seal->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (!seal->gcm) {
		kms_seal_free(seal);
		return NULL;
	}
	return seal;
}

void kms_seal_free(struct kms_seal *seal)
{
	if (!seal)
		return;
	EVP_CIPHER_free(seal->gcm);
	OPENSSL_cleanse(seal, sizeof(*seal));
	munlock(seal, sizeof(*seal));
	free(seal);
}

void kms_aad_begin(struct kms_aad *aad, const char *what)
{
	aad->len = 0;
	kms_aad_bytes(aad, what, strlen(what));
}

/* What does not fit makes the data unusable rather than ambiguous. */
void kms_aad_bytes(struct kms_aad *aad, const void *p, size_t len)
{
	if (aad->len > sizeof(aad->buf) || len > UINT16_MAX ||
	    sizeof(aad->buf) - aad->len < len + 2) {
		aad->len = sizeof(aad->buf) + 1;
		return;
	}
	aad->buf[aad->len++] = len >> 8;
	aad->buf[aad->len++] = len;
	if (len)
		memcpy(aad->buf + aad->len, p, len);
	aad->len += len;
}

void kms_aad_number(struct kms_aad *aad, s64 number)
{
	u8 be[8];
	int i;

	for (i = 0; i < 8; i++)
		be[i] = (u64)number >> (56 - 8 * i);
	kms_aad_bytes(aad, be, sizeof(be));
}

int kms_seal_close(const struct kms_seal *seal, const struct kms_aad *aad,
		   const u8 *plain, size_t len, u8 *out)
{
	u8 *nonce = out, *text = out + KMS_SEAL_NONCE_LEN, *tag = text + len;
	EVP_CIPHER_CTX *ctx;
	int n;
	bool ok;

	if (aad->len > sizeof(aad->buf) ||
	    RAND_bytes(nonce, KMS_SEAL_NONCE_LEN) != 1)
		return -EIO;
	ctx = EVP_CIPHER_CTX_new();
	ok = ctx &&
	     EVP_EncryptInit_ex2(ctx, seal->gcm, seal->key, nonce, NULL) &&
	     EVP_EncryptUpdate(ctx, NULL, &n, aad->buf, aad->len) &&
	     (!len || EVP_EncryptUpdate(ctx, text, &n, plain, len)) &&
	     EVP_EncryptFinal_ex(ctx, tag, &n) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG,
				 KMS_SEAL_TAG_LEN, tag);
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int kms_seal_open(const struct kms_seal *seal, const struct kms_aad *aad,
		  const u8 *sealed, size_t len, u8 *plain)
{
	const u8 *nonce = sealed, *text = sealed + KMS_SEAL_NONCE_LEN;
	u8 tag[KMS_SEAL_TAG_LEN];
	EVP_CIPHER_CTX *ctx;
	u8 none[1];
	bool ready, ok;
	int n;

	if (aad->len > sizeof(aad->buf) || len < KMS_SEAL_OVERHEAD)
		return -EKEYREJECTED;
	len -= KMS_SEAL_OVERHEAD;
	memcpy(tag, text + len, sizeof(tag));
	ctx = EVP_CIPHER_CTX_new();
	ready = ctx &&
		EVP_DecryptInit_ex2(ctx, seal->gcm, seal->key, nonce, NULL) &&
		EVP_DecryptUpdate(ctx, NULL, &n, aad->buf, aad->len) &&
		(!len || EVP_DecryptUpdate(ctx, plain, &n, text, len)) &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag),
				    tag);
	ok = ready && EVP_DecryptFinal_ex(ctx, none, &n);
	EVP_CIPHER_CTX_free(ctx);
	if (!ok && len)
		OPENSSL_cleanse(plain, len);
	return ok ? 0 : ready ? -EKEYREJECTED : -EIO;
}

int kms_seal_key_create(const char *path, const char *token,
			struct problem *problem)
{
	u8 key[KMS_SEAL_KEY_LEN], wrapped[KMS_WRAPPED_MAX];
	int ret;

	if (RAND_priv_bytes(key, sizeof(key)) != 1)
		return problem_set(problem, -EIO, "no randomness for a store key");
	if (!token) {
		ret = kms_keyfile_write(path, key, sizeof(key), problem);
	} else {
		ret = kms_token_wrap(token, key, sizeof(key), wrapped, problem);
		if (ret > 0)
			ret = kms_keyfile_write_wrapped(path, token, wrapped, ret,
							problem);
	}
	OPENSSL_cleanse(key, sizeof(key));
	return ret;
}

/* credential:NAME is a file in the folder that systemd names. */
static const char *locate(const char *source, char *path, size_t size,
			  struct problem *problem)
{
	const char *name, *folder = getenv("CREDENTIALS_DIRECTORY");

	if (strncmp(source, "credential:", 11))
		return source;
	name = source + 11;
	if (!*name || strchr(name, '/')) {
		problem_set(problem, -EINVAL, "%s: a credential has a plain name", source);
		return NULL;
	}
	if (!folder) {
		problem_set(problem, -ENOENT,
			    "%s: systemd gave no credentials (LoadCredential=, LoadCredentialEncrypted=)",
			    source);
		return NULL;
	}
	if (snprintf(path, size, "%s/%s", folder, name) >= (int)size) {
		problem_set(problem, -ENAMETOOLONG, "%s: the name is too long", source);
		return NULL;
	}
	return path;
}

static int read_key(const char *path, u8 key[KMS_SEAL_KEY_LEN], struct problem *problem)
{
	u8 wrapped[KMS_WRAPPED_MAX];
	char uri[KMS_KEYFILE_URI_MAX];
	size_t len;
	int ret;

	ret = kms_keyfile_read_wrapped(path, uri, wrapped, sizeof(wrapped), &len, problem);
	if (!ret) {
		ret = kms_token_unwrap(uri, wrapped, len, key, KMS_SEAL_KEY_LEN, problem);
		OPENSSL_cleanse(uri, sizeof(uri));
		return ret ? problem_prefix(problem, "%s: ", path) : 0;
	}
	if (ret != -ENOMSG)
		return ret;
	ret = kms_keyfile_read(path, key, KMS_SEAL_KEY_LEN, &len, problem);
	if (!ret && len != KMS_SEAL_KEY_LEN)
		ret = problem_set(problem, -EINVAL,
				  "%s: a store key has 64 hexadecimal digits, this has %zu",
				  path, 2 * len);
	return ret;
}

struct kms_seal *kms_seal_from_file(const char *source, struct problem *problem)
{
	struct kms_seal *seal = NULL;
	u8 key[KMS_SEAL_KEY_LEN];
	char buf[512];
	const char *path = locate(source, buf, sizeof(buf), problem);

	if (path && !read_key(path, key, problem)) {
		seal = kms_seal_new(key);
		if (!seal)
			problem_set(problem, -EIO, "AES-256-GCM is not available");
	}
	OPENSSL_cleanse(key, sizeof(key));
	return seal;
}
