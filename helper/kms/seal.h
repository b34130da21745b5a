/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Secrets at rest: AES-256-GCM under a key from a file, with everything that
 * says what a secret is (table, row, owner) as associated data, so that a row
 * copied over another one is refused like one that was changed.
 */
#ifndef HELPER_KMS_SEAL_H
#define HELPER_KMS_SEAL_H

#include "helper/lib/problem.h"
#include "kmod/wire/wire.h"

#define KMS_SEAL_KEY_LEN 32
#define KMS_SEAL_NONCE_LEN 12
#define KMS_SEAL_TAG_LEN 16
#define KMS_SEAL_OVERHEAD (KMS_SEAL_NONCE_LEN + KMS_SEAL_TAG_LEN)

struct kms_seal;

/* NULL without memory or cryptography. @key is copied. */
struct kms_seal *kms_seal_new(const u8 key[KMS_SEAL_KEY_LEN]);
void kms_seal_free(struct kms_seal *seal);

/* Associated data: fields, each with its length in front. */
struct kms_aad {
	size_t len;
	u8 buf[1024];
};

/* @what: which kind of secret, so that no two kinds can be exchanged. */
void kms_aad_begin(struct kms_aad *aad, const char *what);
void kms_aad_bytes(struct kms_aad *aad, const void *p, size_t len);
void kms_aad_number(struct kms_aad *aad, s64 number);

/**
 * kms_seal_close() - encrypt
 * @out: room for @len + KMS_SEAL_OVERHEAD bytes; @plain may be NULL for a
 *	bare seal over @aad
 *
 * Return: 0 or -EIO.
 */
int kms_seal_close(const struct kms_seal *seal, const struct kms_aad *aad,
		   const u8 *plain, size_t len, u8 *out);

/**
 * kms_seal_open() - verify and decrypt
 * @plain: room for @len - KMS_SEAL_OVERHEAD bytes, zeroed after an error
 *
 * Return: 0, -EKEYREJECTED, or -EIO.
 */
int kms_seal_open(const struct kms_seal *seal, const struct kms_aad *aad,
		  const u8 *sealed, size_t len, u8 *plain);

/**
 * kms_seal_key_create() - make a key file, 64 hexadecimal digits, mode 0600
 * @token: URI of the key on a token that it is wrapped with (token.h), or NULL
 *
 * Never overwrites. Return: 0 or a negative errno with words.
 */
int kms_seal_key_create(const char *path, const char *token,
			struct problem *problem);

/**
 * kms_seal_from_file() - the seal of a key file
 * @path: or "credential:NAME", a credential of systemd's
 *
 * A file that others than owner and group can read is refused. A key that is
 * wrapped is unwrapped by its token. NULL with words after an error.
 */
struct kms_seal *kms_seal_from_file(const char *path, struct problem *problem);

#endif
