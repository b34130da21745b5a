/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The peer's own key derivation, MACs and cipher, internal to it.
 */
#ifndef MIKEY_TEST_PEER_CRYPTO_H
#define MIKEY_TEST_PEER_CRYPTO_H

#include "peer.h"

/* PRF of RFC 3830 4.1.2. @prf: enum mikey_prf */
void peer_prf(u8 prf, const u8 *inkey, u32 inkey_len, const u8 *label,
	      u32 label_len, u8 *out, u32 len);

/* encr, auth and salt of an initial message or (@response) of its answer. */
void peer_derive_message(const struct mikey_suite *s, u8 prf, const u8 *key,
			 u32 key_len, u32 csb_id, bool response,
			 struct mikey_blob randr_i, struct mikey_blob randr_r,
			 struct peer_message_keys *mk);
void peer_derive_ticket(const struct mikey_suite *s, const u8 *tpk,
			struct mikey_blob rand, struct peer_message_keys *mk);
void peer_derive_mpk(const struct mikey_suite *s, const u8 *mpk, u32 len,
		     struct mikey_blob rand, u8 *mpk_i, u8 *mpk_r);
void peer_derive_fork(const struct mikey_suite *s, const u8 *mpk_r,
		      struct mikey_blob idr_r, struct mikey_blob randr_kms,
		      u8 *out);
void peer_derive_vr(const struct mikey_suite *s, const u8 *mpk_r, u8 *auth);
void peer_derive_keks(const struct mikey_suite *s, const u8 *traffic, u32 len,
		      u8 cs_id, struct mikey_blob randr_i,
		      struct peer_keks *keks);

/* AES-CM of a KEMAC, in place. */
void peer_aes_cm(u32 key_len, const struct peer_message_keys *mk, u32 csb_id,
		 u64 t, u8 *data, u32 len);

/* HMAC of a V's algorithm over three pieces. Return: its length, 0 for NULL. */
u32 peer_mac(u8 auth_alg, const u8 *key, u32 key_len, struct mikey_blob a,
	     struct mikey_blob b, struct mikey_blob c, u8 *mac);

#endif
