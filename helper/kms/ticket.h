/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tickets in the format of the MIKEY base ticket (RFC 6043 Appendix A): what
 * only the KMS writes and reads.
 */
#ifndef HELPER_KMS_TICKET_H
#define HELPER_KMS_TICKET_H

#include "helper/kms/policy.h"

/* The keys inside Ticket Data. Wipe with OPENSSL_cleanse(). */
struct kms_ticket_keys {
	u8 mpk[MIKEY_KEY_MAX];
	u8 traffic[MIKEY_KEY_MAX];
	u8 spi[MIKEY_SPI_LEN];
};

/* MPKi and MPKr, derived from MPK with the ticket's RAND (A.2.2). */
struct kms_mpks {
	u8 mpk_i[MIKEY_KEY_MAX];
	u8 mpk_r[MIKEY_KEY_MAX];
};

/**
 * kms_ticket_write() - a TICKET payload with empty Initiator Data
 * @b: at the place for it
 * @t: time of issue
 * @rand: the ticket's RAND, as long as the suite says
 *
 * Return: 0 or -EIO.
 */
int kms_ticket_write(const struct kms_crypto *c, struct mikey_builder *b,
		     const struct mikey_suite *suite,
		     const struct kms_grant *grant, const struct kms_tpk *tpk,
		     const u8 *kms_id, const struct mikey_ts *t,
		     const u8 *rand, const struct kms_ticket_keys *keys);

/**
 * kms_ticket_open() - verify Ticket Data and decrypt its keys
 * @keys: filled in, with zeros where the MAC or the contents are wrong
 *
 * The same work is done whether the MAC verifies or not.
 * Return: 0, -EKEYREJECTED, -EBADMSG (MAC right, keys not those of the
 * profile) or -EIO.
 */
int kms_ticket_open(const struct kms_crypto *c,
		    const struct mikey_ticket_payload *ticket,
		    const struct mikey_ticket_data *td,
		    const struct mikey_suite *suite,
		    const struct mikey_profile *profile,
		    const struct kms_tpk *tpk, struct kms_ticket_keys *keys);

/* MPK to MPKi and MPKr. Return: 0 or -EIO. */
int kms_ticket_mpks(const struct kms_crypto *c, const struct mikey_suite *suite,
		    const struct kms_ticket_keys *keys, struct mikey_blob rand,
		    struct kms_mpks *mpks);

/**
 * kms_ticket_vr() - verify Vr of the Initiator Data (RFC 6043 6.10)
 *
 * Proves that who asked for the ticket also sent the TRANSFER_INIT that Vi
 * repeats the MAC of. Return: 0, -EKEYREJECTED, -EBADMSG or -EIO.
 */
int kms_ticket_vr(const struct kms_crypto *c, const struct mikey_suite *suite,
		  struct mikey_blob initiator_data, const struct kms_mpks *mpks);

/**
 * struct kms_key_list - the plain text of a KEMAC
 *
 * MPKi, [MPKr or MPKr'], traffic key, all with their SPI. Wipe it.
 */
struct kms_key_list {
	u8 buf[3 * (4 + MIKEY_KEY_MAX + 1 + MIKEY_SPI_LEN)];
	u32 len;
};

/* @mpk_r: NULL where keys are not forked. */
int kms_key_list_write(struct kms_key_list *list,
		       const struct mikey_suite *suite,
		       const struct mikey_profile *profile, const u8 *mpk_i,
		       const u8 *mpk_r, const struct kms_ticket_keys *keys);

/**
 * kms_kemac_write() - put and encrypt a KEMAC
 * @csb_id, @t: of the message it stands in (the IV)
 *
 * Return: 0 or -EIO.
 */
int kms_kemac_write(const struct kms_crypto *c, struct mikey_builder *b,
		    const struct mikey_suite *suite,
		    const struct kms_message_keys *keys, u32 csb_id, u64 t,
		    const struct kms_key_list *list);

#endif
