/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which key comes from which under which label (RFC 6043 5.1).
 */
#ifndef MIKEY_TICKET_DERIVE_H
#define MIKEY_TICKET_DERIVE_H

#include "../wire/label.h"
#include "../wire/profile.h"
#include "prf.h"
#include "ticket.h"
#include "transfer.h"

/* encr_key and salt_key of one message's KEMAC */
struct mikey_encr_key {
	u8 key[MIKEY_KEY_MAX];
	u8 salt[MIKEY_SALT_LEN];
};

/**
 * struct mikey_derivation - one message's part in the labels of 5.1.2
 * @response: the other direction's keys
 * @randr_i: len 0 where the exchange has none, as for @randr_r
 */
struct mikey_derivation {
	const struct mikey_suite *suite;
	u32 csb_id;
	bool response;
	struct mikey_blob randr_i;
	struct mikey_blob randr_r;
};

/*
 * auth_key (@suite->mac_len bytes), and encr_key with salt_key, from a PSK or
 * MPKi that mikey_prf_prepare() has prepared. Both zero the result when they
 * fail.
 */
int mikey_derive_auth(const struct mikey_derivation *d,
		      const struct mikey_hmac *inkey, u8 auth[MIKEY_MAC_MAX]);
int mikey_derive_encr(const struct mikey_derivation *d,
		      const struct mikey_hmac *inkey,
		      struct mikey_encr_key *encr);

/* auth_key, encr_key and salt_key of Ticket Data from its TPK (A.2.1). */
int mikey_derive_ticket(const struct mikey_suite *suite,
			const struct mikey_hmac *tpk, struct mikey_blob rand,
			u8 auth[MIKEY_MAC_MAX], struct mikey_encr_key *encr);

/* MPKi and, as yet unforked, MPKr from the MPK in Ticket Data (A.2.2). */
int mikey_derive_mpks(const struct mikey_suite *suite, const u8 *mpk,
		      struct mikey_blob rand, struct mikey_keys *keys);

/* The key of Vr (6.10), ready for use, from the unforked MPKr. */
int mikey_derive_vr(const struct mikey_suite *suite, const u8 *mpk_r,
		    struct mikey_hmac *vr);

/*
 * KEKs of @s, a mask of enum mikey_kek, from its traffic key (5.1.3), which is
 * wiped; suite, cs_id and randr_i are set. Wipes @s when it fails.
 */
int mikey_derive_keks(struct mikey_session *s, u32 which);

/*
 * All that TRANSFER_INIT needs and the traffic key, from an initiator's ticket;
 * @s as above, and csb_id. Wipes @s when it fails.
 */
int mikey_derive_transfer(const struct mikey_secrets *secrets,
			  struct mikey_session *s);

#endif
