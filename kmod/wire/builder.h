/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing MIKEY messages into a buffer of fixed size.
 *
 * A builder remembers where the last "next payload" byte stands, so that
 * each payload links itself to the one before; the chain ends by itself,
 * since every payload starts with MIKEY_PL_LAST as its own next. After the
 * first thing that does not fit nothing more is written and every later call
 * is harmless: check once, at the end, with mikey_build_end().
 */
#ifndef MIKEY_WIRE_BUILDER_H
#define MIKEY_WIRE_BUILDER_H

#include "message.h"

struct mikey_builder {
	u8 *buf;
	u32 size;
	u32 len;
	u32 link;			/* offset of the byte to patch */
	bool overflow;
};

void mikey_build_begin(struct mikey_builder *b, u8 *buf, u32 size);

/**
 * mikey_build_end() - finish
 *
 * Return: the length in bytes, or -EMSGSIZE if something did not fit.
 */
int mikey_build_end(const struct mikey_builder *b);

/* HDR with the Empty map (RFC 4563), #CS 0. */
void mikey_put_hdr(struct mikey_builder *b, enum mikey_data_type type, bool v,
		   u8 prf, u32 csb_id);

/* HDR with one GENERIC-ID crypto session: S0, #P 0, no session data. */
void mikey_put_hdr_cs(struct mikey_builder *b, enum mikey_data_type type,
		      bool v, u8 prf, u32 csb_id, u8 cs_id, u8 prot_type,
		      struct mikey_blob spi);

void mikey_put_t(struct mikey_builder *b, const struct mikey_ts *ts);
void mikey_put_tr(struct mikey_builder *b, enum mikey_ts_role role,
		  const struct mikey_ts *ts);
void mikey_put_rand(struct mikey_builder *b, struct mikey_blob rand);
void mikey_put_randr(struct mikey_builder *b, enum mikey_rand_role role,
		     struct mikey_blob rand);
void mikey_put_idr(struct mikey_builder *b, enum mikey_id_role role,
		   enum mikey_id_type type, struct mikey_blob id);
void mikey_put_ext(struct mikey_builder *b, u8 type, struct mikey_blob data);
void mikey_put_err(struct mikey_builder *b, enum mikey_err_no no);
void mikey_put_thdr(struct mikey_builder *b, struct mikey_blob data);

/**
 * mikey_put_v() - V with room for its MAC
 * @mac_len: length of the algorithm's MAC in bytes, 0 for NULL
 *
 * The MAC is zeroed; write it at the returned offset once the rest of the
 * message stands. Return: the MAC's offset in the buffer.
 */
u32 mikey_put_v(struct mikey_builder *b, enum mikey_auth_alg alg, u32 mac_len);

/**
 * mikey_put_kemac() - KEMAC with MAC alg NULL around bytes to be encrypted
 * @plain: key data sub-payloads; copied as they are
 *
 * Encrypt in place at the returned offset before a MAC is computed.
 * Return: offset of Encr data in the buffer.
 */
u32 mikey_put_kemac(struct mikey_builder *b, enum mikey_encr_alg alg,
		    struct mikey_blob plain);

/**
 * mikey_put_key_data() - one key data sub-payload with KV = SPI and no salt
 *
 * In a builder of its own (the plain text of a KEMAC); the caller wipes it.
 */
void mikey_put_key_data(struct mikey_builder *b, enum mikey_key_type type,
			struct mikey_blob key, struct mikey_blob spi);

/*
 * Payloads that contain payloads: TP, TICKET, Ticket Data, Initiator Data.
 * Opening one starts a chain of its own; what is put until it is closed
 * becomes its content. A frame is plain state of the caller's.
 */
struct mikey_frame {
	u32 len_at;			/* 16-bit length to patch */
	u32 link;			/* link of the surrounding chain */
};

/* TP or TICKET (@type) up to and including the start of TP Data. */
void mikey_open_policy(struct mikey_builder *b, struct mikey_frame *f,
		       enum mikey_payload type, const struct mikey_policy *p);

/* End of TP Data: fixes its length, returns to the surrounding chain. */
void mikey_close_policy(struct mikey_builder *b, struct mikey_frame *f);

/*
 * Behind a closed policy of a TICKET: Ticket Data, then Initiator Data.
 * Ticket Data's first payload, THDR, has no number (RFC 6043 A.3), so there
 * is no first-payload byte; Initiator Data starts with one.
 */
void mikey_open_ticket_data(struct mikey_builder *b, struct mikey_frame *f);
void mikey_close_ticket_data(struct mikey_builder *b, struct mikey_frame *f);
void mikey_open_initiator_data(struct mikey_builder *b, struct mikey_frame *f);
void mikey_close_initiator_data(struct mikey_builder *b, struct mikey_frame *f);

/* Ticket Data or Initiator Data (2-byte length and bytes) as they are. */
void mikey_put_opaque16(struct mikey_builder *b, struct mikey_blob data);

/**
 * mikey_put_ticket() - a TICKET payload copied from another message
 * @from_type: Ticket Type to the end of Ticket Data, as parsed or stored
 *
 * Follow with the Initiator Data (mikey_open_initiator_data() or
 * mikey_put_opaque16(), empty where there is none).
 */
void mikey_put_ticket(struct mikey_builder *b, struct mikey_blob from_type);

#endif
