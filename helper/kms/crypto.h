/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cryptography of MIKEY on OpenSSL: the PRF of RFC 3830 4.1.2 (with
 * SHA-256 as RFC 6043 6.1), the MACs of table 6.6 and AES in counter mode
 * (RFC 3830 4.2.3, RFC 6043 6.2).
 */
#ifndef HELPER_KMS_CRYPTO_H
#define HELPER_KMS_CRYPTO_H

#include "kmod/wire/label.h"
#include "kmod/wire/message.h"
#include "kmod/wire/profile.h"

struct kms_crypto;

/* Algorithms fetched once: in OpenSSL 3 that costs more than using them. */
struct kms_crypto *kms_crypto_new(void);
void kms_crypto_free(struct kms_crypto *c);

/**
 * kms_prf() - derive @out_len bytes
 *
 * Return: 0, or -EIO. -EINVAL for an unknown PRF or an empty @key.
 */
int kms_prf(const struct kms_crypto *c, enum mikey_prf prf,
	    struct mikey_blob key, struct mikey_blob label, u8 *out,
	    size_t out_len);

/**
 * kms_mac() - the MAC of a V payload over what @cover lists
 * @mac: MIKEY_MAC_MAX bytes of room
 *
 * Return: the MAC's length, or -EIO.
 */
int kms_mac(const struct kms_crypto *c, enum mikey_auth_alg alg,
	    struct mikey_blob key, const struct mikey_cover *cover, u8 *mac);

/* 0 if @mac is the MAC, else -EKEYREJECTED or -EIO; in constant time. */
int kms_mac_verify(const struct kms_crypto *c, enum mikey_auth_alg alg,
		   struct mikey_blob key, const struct mikey_cover *cover,
		   struct mikey_blob mac);

/* AES-CM in place: encryption and decryption are the same. 0 or -EIO. */
int kms_aes_cm(const struct kms_crypto *c, enum mikey_encr_alg alg,
	       const u8 *key, const u8 iv[16], u8 *data, size_t len);

/* Keys that protect one message, or one Ticket Data. */
struct kms_message_keys {
	u8 encr[MIKEY_KEY_MAX];
	u8 salt[MIKEY_SALT_LEN];
	u8 auth[MIKEY_MAC_MAX];
};

/**
 * kms_keys_of_message() - auth_key, and for a response encr_key and salt
 * @response: of a response; an initial message needs no more than auth
 *
 * Labels 0x01 and 0x02 of RFC 6043 5.1.2. Return: 0 or -EIO.
 */
int kms_keys_of_message(const struct kms_crypto *c,
			const struct mikey_suite *suite, struct mikey_blob psk,
			const struct mikey_msg *m, bool response,
			struct kms_message_keys *keys);

/* All three keys of a ticket from its TPK (RFC 6043 A.2.1). 0 or -EIO. */
int kms_keys_of_ticket(const struct kms_crypto *c,
		       const struct mikey_suite *suite, struct mikey_blob tpk,
		       struct mikey_blob rand, struct kms_message_keys *keys);

static inline struct mikey_blob kms_blob(const void *p, size_t len)
{
	return (struct mikey_blob) { .p = p, .len = len };
}

#endif
