/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading MIKEY messages (RFC 3830 section 6, RFC 6043 section 6).
 *
 * One pass over the bytes with a bounded cursor. The result borrows from the
 * buffer. Expected payloads must stand in the order of RFC 6043's exchange
 * figures (a general extension right before V) and at most once where the
 * figure has one of them; payloads that the exchange does not expect but
 * whose length is known are skipped; an unknown payload type, anything after
 * the last payload and every length that does not fit is an error.
 */
#ifndef MIKEY_WIRE_MESSAGE_H
#define MIKEY_WIRE_MESSAGE_H

#include "numbers.h"
#include "wire.h"

/* One crypto session of a GENERIC-ID map (RFC 6043 6.1.1). */
struct mikey_cs {
	u8 cs_id;
	u8 prot_type;
	bool s;
	u8 num_policies;
	struct mikey_blob policies;
	struct mikey_blob session_data;
	struct mikey_blob spi;
};

/* HDR. @cs is the first crypto session; the profile allows only one. */
struct mikey_hdr {
	u8 data_type;
	bool v;
	u8 prf;
	u32 csb_id;
	u8 num_cs;
	u8 map_type;
	struct mikey_cs cs;
};

/*
 * A timestamp as its 64-bit value: NTP and NTP-UTC as sent, NTP-UTC-32 in
 * the high half with zero fraction (RFC 6043 6.3), COUNTER in the low half
 * (RFC 3830 6.6).
 */
struct mikey_ts {
	bool present;
	u8 type;			/* enum mikey_ts_type */
	u64 value;
};

struct mikey_id {
	bool present;
	u8 type;			/* enum mikey_id_type */
	struct mikey_blob data;		/* ID Data */
};

/* RAND and RANDR; a present one may be empty, which no profile accepts. */
struct mikey_rand {
	bool present;
	struct mikey_blob data;
};

struct mikey_kemac {
	bool present;
	u8 encr_alg;
	struct mikey_blob encr_data;
	u8 mac_alg;
	struct mikey_blob mac;
};

/* V. @mac_offset counts from the start of the buffer that was parsed. */
struct mikey_v {
	bool present;
	u8 auth_alg;
	struct mikey_blob mac;
	u32 mac_offset;
};

/*
 * The Ticket Policy that TP and TICKET share (RFC 6043 6.10). IDRapp and
 * IDRr may be many: walk them with mikey_policy_next().
 */
struct mikey_policy {
	u16 ticket_type;
	u8 subtype;
	u8 version;
	u8 prf;
	u16 flags;			/* enum mikey_ticket_flag */
	struct mikey_blob tp_data;
	struct mikey_id idr_kms;
	struct mikey_id idr_i;
	struct mikey_ts tr_s;
	struct mikey_ts tr_e;
	struct mikey_ts tr_r;
	struct mikey_kemac kemac;
	u32 num_app;
	u32 num_responders;
	u32 first_app;			/* offsets of IDR inside tp_data */
	u32 first_responder;
};

/*
 * TICKET. The three blobs lie in the parsed buffer: @from_type is what the
 * Ticket Data's MAC covers but for that MAC itself (RFC 6043 A.1), from
 * Ticket Type to the end of Ticket Data. @initiator_len_offset is where the
 * Initiator Data length starts, which TRANSFER_INIT's MAC leaves out
 * together with the data (RFC 6043 5.5).
 */
struct mikey_ticket_payload {
	bool present;
	struct mikey_policy policy;
	struct mikey_blob from_type;
	struct mikey_blob ticket_data;
	struct mikey_blob initiator_data;
	u32 initiator_len_offset;
};

struct mikey_tp_payload {
	bool present;
	struct mikey_policy policy;
};

struct mikey_err {
	bool present;
	u8 error_no;
};

struct mikey_ext {
	bool present;
	u8 type;
	struct mikey_blob data;
};

/* A whole message; @raw is the buffer it was read from. */
struct mikey_msg {
	struct mikey_blob raw;
	struct mikey_hdr hdr;
	struct mikey_ts t;
	struct mikey_rand randr_i;
	struct mikey_rand randr_r;
	struct mikey_rand randr_kms;
	struct mikey_id idr_i;
	struct mikey_id idr_r;
	struct mikey_id idr_kms;
	struct mikey_id idr_psk;
	struct mikey_tp_payload tp;
	struct mikey_ticket_payload ticket;
	struct mikey_kemac kemac;
	struct mikey_err err;
	struct mikey_ext ext;		/* the one whose type was asked for */
	struct mikey_v v;
};

/**
 * mikey_msg_parse() - read one message of a known data type
 * @m: filled in; contents undefined after an error
 * @buf: the message, @len bytes, kept by the caller while @m is used
 * @len: at most MIKEY_MSG_MAX
 * @ext_type: the general extension to pick out; others are skipped
 * @d: why not, after an error
 *
 * Accepts the data types of enum mikey_data_type but for the PK ones and
 * TRANSFER_RESP. Checks form only: presence of the mandatory payloads of the
 * exchange (HDR, T, the RANDR the figure demands, V last; Error needs none
 * but HDR and T) and HDR's map (GENERIC-ID in TRANSFER_INIT, Empty with #CS 0
 * in requests, resolves and their responses, any of the two in Error), not
 * values. Whether Initiator Data may be there (I1, from TRANSFER_INIT on) is
 * for the caller to check: it lies outside TRANSFER_INIT's MAC.
 *
 * Return: 0; -EBADMSG for anything malformed, truncated, out of order or
 * followed by more bytes; -EPROTONOSUPPORT for a version, data type, map
 * type, payload type or other number that decides about a length and is not
 * known here; -EMSGSIZE when too long.
 */
int mikey_msg_parse(struct mikey_msg *m, const u8 *buf, size_t len,
		    u8 ext_type, struct mikey_diag *d);

/**
 * mikey_ticket_parse() - read a stored TICKET
 * @ticket: filled in, without Initiator Data
 * @from_type: Ticket Type to the end of Ticket Data, as mikey_put_ticket()
 *	takes it
 *
 * Return: as mikey_msg_parse().
 */
int mikey_ticket_parse(struct mikey_ticket_payload *ticket,
		       struct mikey_blob from_type, struct mikey_diag *d);

/**
 * struct mikey_policy_iter - a walk over IDRapp or IDRr of a Ticket Policy
 * @offset: of the next payload inside tp_data
 * @type: what that payload is
 * @role: what the walk is about
 * @left: identities still to come
 */
struct mikey_policy_iter {
	u32 offset;
	u8 type;
	u8 role;
	u32 left;
};

/**
 * mikey_policy_walk() - start a walk
 * @it: the walk
 * @p: a policy that a parser of this file filled in
 * @role: MIKEY_IDR_APP or MIKEY_IDR_R
 */
void mikey_policy_walk(struct mikey_policy_iter *it,
		       const struct mikey_policy *p, enum mikey_id_role role);

/**
 * mikey_policy_next() - the next identity of a walk
 *
 * Return: true and @id set, or false at the end. Cannot fail: the policy
 * was checked when it was parsed. A whole walk costs one pass.
 */
bool mikey_policy_next(struct mikey_policy_iter *it,
		       const struct mikey_policy *p, struct mikey_id *id);

/* Ticket Data in the MIKEY base ticket's format (RFC 6043 Appendix A). */
struct mikey_ticket_data {
	struct mikey_blob thdr;
	struct mikey_ts t;
	struct mikey_rand rand;
	struct mikey_kemac kemac;
	struct mikey_id idr_psk;
	struct mikey_v v;		/* mac_offset from ticket's from_type */
};

/**
 * mikey_ticket_data_parse() - read the Ticket Data of a TICKET payload
 *
 * THDR first, then T, RAND, KEMAC, [IDRpsk], V. Offsets, @d's too, count from
 * the ticket's from_type. Return: as mikey_msg_parse().
 */
int mikey_ticket_data_parse(struct mikey_ticket_data *td,
			    const struct mikey_ticket_payload *ticket,
			    struct mikey_diag *d);

/* Initiator Data = first payload, Vi, Vr (RFC 6043 6.10). */
struct mikey_initiator_data {
	struct mikey_v vi;
	struct mikey_v vr;		/* mac_offset from the data's start */
};

/* Return: as mikey_msg_parse(); empty @data, as where I0, is malformed. */
int mikey_initiator_data_parse(struct mikey_initiator_data *id,
			       struct mikey_blob data, struct mikey_diag *d);

/* One key of a decrypted KEMAC (RFC 3830 6.13). */
struct mikey_key_data {
	u8 type;			/* enum mikey_key_type */
	u8 kv;				/* enum mikey_kv_type */
	struct mikey_blob key;
	struct mikey_blob salt;
	struct mikey_blob spi;		/* kv == MIKEY_KV_SPI */
};

/**
 * mikey_key_data_parse() - read the key data sub-payloads of a KEMAC
 * @data: decrypted Encr data
 * @keys: @max entries, filled in order
 * @num: how many there were
 *
 * Return: as mikey_msg_parse(); -E2BIG when there are more than @max.
 */
int mikey_key_data_parse(struct mikey_blob data, struct mikey_key_data *keys,
			 u32 max, u32 *num, struct mikey_diag *d);

#endif
