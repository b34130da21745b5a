/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single payloads, internal to the codec: how long each is and what its
 * fields say. What a payload means where it stands is chain.h's business.
 */
#ifndef MIKEY_WIRE_PAYLOAD_H
#define MIKEY_WIRE_PAYLOAD_H

#include "cursor.h"
#include "message.h"

/**
 * struct mikey_item - one payload as read
 * @type: enum mikey_payload
 * @role: role of TR, IDR and RANDR, type of a general extension, else 0
 * @next: type of the payload behind it
 * @offset: where it starts, from the start of the cursor's buffer
 *
 * The union holds the fields of those payloads that some exchange expects.
 * TP stands in @ticket with the fields that it has.
 */
struct mikey_item {
	u8 type;
	u8 role;
	u8 next;
	u32 offset;
	union {
		struct mikey_ts ts;
		struct mikey_id id;
		struct mikey_rand rand;
		struct mikey_kemac kemac;
		struct mikey_v v;
		struct mikey_err err;
		struct mikey_ext ext;
		struct mikey_ticket_payload ticket;
	};
};

/**
 * mikey_item_read() - read or skip the payload at the cursor
 * @type: what the payload before it announced; not MIKEY_PL_LAST
 *
 * The contents of TP Data, Ticket Data and Initiator Data are not looked
 * into. Failure is the cursor's: -EPROTONOSUPPORT for a payload whose length
 * cannot be known, -EBADMSG for one that does not fit or cannot stand here.
 */
void mikey_item_read(struct mikey_cursor *c, u8 type, struct mikey_item *item);

/*
 * TICKET from Ticket Type to the end of Ticket Data, which is what a stored
 * ticket consists of; not Initiator Data.
 */
void mikey_ticket_head_read(struct mikey_cursor *c,
			    struct mikey_ticket_payload *ticket);

/* KV data of DH and key data (RFC 3830 6.14); empty unless @kv is SPI. */
struct mikey_blob mikey_kv_read(struct mikey_cursor *c, u8 kv);

#endif
