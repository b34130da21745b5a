/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The labels of every key derivation (RFC 3830 4.1.3, 4.1.4; RFC 6043 5.1,
 * 6.10, A.2) and the bytes that each MAC covers (RFC 6043 5.5, A.1).
 */
#ifndef MIKEY_WIRE_LABEL_H
#define MIKEY_WIRE_LABEL_H

#include "message.h"

/* Constants: chunks of the decimal digits of e (RFC 3830 4.1.3). */
enum mikey_label_constant {
	MIKEY_LC_TEK = 0x2AD01C64,	/* from TGK or GTGK */
	MIKEY_LC_CS_AUTH = 0x1B5C7973,
	MIKEY_LC_CS_ENCR = 0x15798CEF,
	MIKEY_LC_CS_SALT = 0x39A2C14B,
	MIKEY_LC_ENCR = 0x150533E1,	/* from PSK, MPK or TPK */
	MIKEY_LC_AUTH = 0x2D22AC75,
	MIKEY_LC_SALT = 0x29B88916,
	MIKEY_LC_MPK_I = 0x220E99A2,	/* from MPK */
	MIKEY_LC_MPK_R = 0x1F4D675B,
	MIKEY_LC_FORK_MPK = 0x2B288856,	/* from MPKr */
	MIKEY_LC_FORK_TGK = 0x1512B54A,
};

/* constant, CS ID, CSB ID, the role byte, two RANDs or an ID and a RAND */
#define MIKEY_LABEL_MAX (4 + 1 + 4 + 1 + 2 + 65535 + 1 + 255)
/* what suffices where the identity is at most MIKEY_UID_MAX bytes */
#define MIKEY_LABEL_BUF (4 + 1 + 4 + 1 + 2 + MIKEY_UID_MAX + 1 + 255)

struct mikey_label {
	u32 len;
	u8 buf[MIKEY_LABEL_BUF];
};

/* PSK, envelope key or MPK: @response selects 0x02 over 0x01 (5.1.2). */
void mikey_label_message(struct mikey_label *l, enum mikey_label_constant c,
			 u32 csb_id, bool response, struct mikey_blob randr_i,
			 struct mikey_blob randr_r);

/* TGK or GTGK, no RANDRr (5.1.3). */
void mikey_label_cs(struct mikey_label *l, enum mikey_label_constant c,
		    u8 cs_id, struct mikey_blob randr_i);

/* The key of Vr from MPKr (6.10). */
void mikey_label_vr(struct mikey_label *l);

/* TPK (A.2.1). */
void mikey_label_ticket(struct mikey_label *l, enum mikey_label_constant c,
			struct mikey_blob rand);

/* MPKi or MPKr from MPK (A.2.2). */
void mikey_label_mpk(struct mikey_label *l, enum mikey_label_constant c,
		     struct mikey_blob rand);

/**
 * mikey_label_fork() - MPKr' from MPKr, TGK' from TGK (5.1.1)
 *
 * Return: 0, or -EMSGSIZE where @idr_r is longer than MIKEY_UID_MAX.
 */
int mikey_label_fork(struct mikey_label *l, enum mikey_label_constant c,
		     struct mikey_blob idr_r, struct mikey_blob randr_kms);

/* What a MAC is computed over, in order. */
#define MIKEY_COVER_MAX 5
struct mikey_cover {
	u32 num;
	struct mikey_blob seg[MIKEY_COVER_MAX];
};

/*
 * V of a message without its MAC field; the caller's @extra (identities or
 * the initial message, table 5.2) come behind. For TRANSFER_INIT the
 * Initiator Data's length and bytes are left out. @m must have been parsed
 * from the final bytes and have V.
 */
void mikey_cover_message(struct mikey_cover *c, const struct mikey_msg *m,
			 struct mikey_blob extra1, struct mikey_blob extra2);

/* Where in a message that is left out stands, and V's MAC field. */
struct mikey_marks {
	u32 initiator_at;		/* Initiator Data length */
	u32 initiator_end;		/* behind Initiator Data */
	u32 mac_at;
};

/* The same by who built the message and knows where all is. */
void mikey_cover_marked(struct mikey_cover *c, const u8 *msg,
			const struct mikey_marks *marks,
			struct mikey_blob extra1, struct mikey_blob extra2);

/* V of Ticket Data: from Ticket Type on without the MAC field (A.1). */
void mikey_cover_ticket(struct mikey_cover *c,
			const struct mikey_ticket_payload *ticket,
			const struct mikey_ticket_data *td);

/* Vr: Initiator Data without Vr's MAC field (6.10). */
void mikey_cover_vr(struct mikey_cover *c, struct mikey_blob initiator_data,
		    const struct mikey_initiator_data *id);

/* IV of AES-CM: (salt XOR (0x0000 || CSB ID || T)) || 0x0000 (RFC 3830 4.2.3) */
void mikey_aes_cm_iv(u8 iv[16], const u8 salt[MIKEY_SALT_LEN], u32 csb_id,
		     u64 t);

#endif
