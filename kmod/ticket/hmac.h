/* SPDX-License-Identifier: GPL-2.0 */
/*
 * HMAC (RFC 2104) with SHA-1 and SHA-256 from prepared keys.
 */
#ifndef MIKEY_TICKET_HMAC_H
#define MIKEY_TICKET_HMAC_H

#include "../wire/label.h"
#include "../wire/numbers.h"

struct mikey_hash;

/*
 * A key ready for use: the chaining values of the hash behind the inner and the
 * outer pad, which is all that its state has behind a whole block. As secret as
 * the key itself. Wipe with memzero_explicit(). All in bytes: tickets keep three
 * of these each.
 */
struct mikey_hmac {
	u8 inner[MIKEY_MAC_MAX];
	u8 outer[MIKEY_MAC_MAX];
	u8 hash;			/* of which; for hmac.c alone */
};

int mikey_hmac_init(void);
void mikey_hmac_exit(void);

/* NULL for a number that is not known here, and for NULL authentication. */
const struct mikey_hash *mikey_hash_of_prf(u8 prf);
const struct mikey_hash *mikey_hash_of_auth(u8 auth_alg);

/* Bytes of the MACs that a prepared key makes. */
u32 mikey_hmac_len(const struct mikey_hmac *h);

/**
 * mikey_hmac_prepare() - key an HMAC
 * @h: filled in; holds nothing after an error
 * @key: at most one block (64 bytes), as every key of this project is
 *
 * Return: 0, -EINVAL for a longer key, or an error of the hash.
 */
int mikey_hmac_prepare(struct mikey_hmac *h, const struct mikey_hash *hash,
		       const u8 *key, u32 len);

/**
 * mikey_hmac_sum() - MAC over pieces in order
 * @mac: mikey_hmac_len() bytes
 */
int mikey_hmac_sum(const struct mikey_hmac *h, const struct mikey_blob *seg,
		   u32 num, u8 *mac);

/**
 * mikey_mac_sum() - MAC over what a V payload covers, with a bare key
 * @mac: @mac_len bytes of the algorithm
 */
int mikey_mac_sum(u8 auth_alg, const u8 *key, u32 key_len,
		  const struct mikey_cover *c, u8 *mac);

/**
 * mikey_mac_check() - compare in constant time
 *
 * Return: 0, -EKEYREJECTED when it differs, or an error of the hash.
 */
int mikey_mac_check(u8 auth_alg, const u8 *key, u32 key_len,
		    const struct mikey_cover *c, struct mikey_blob mac);

/* SHA-256 over pieces in order. */
int mikey_sha256(const struct mikey_blob *seg, u32 num, u8 digest[32]);

#endif
