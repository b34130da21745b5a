/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains of payloads against the order that a figure of RFC 6043 gives them,
 * internal to the codec. One walker serves messages, TP Data, Ticket Data and
 * Initiator Data; none of them calls another, so nothing recurses.
 */
#ifndef MIKEY_WIRE_CHAIN_H
#define MIKEY_WIRE_CHAIN_H

#include "payload.h"

/* Flags of a slot. */
#define MIKEY_SLOT_MANY 1	/* one or more in a row */
#define MIKEY_SLOT_END 2	/* nothing may follow */

/**
 * struct mikey_slot - one place of a figure
 * @payload: enum mikey_payload
 * @role: as in struct mikey_item; of MIKEY_PL_GENERAL_EXT the chain's
 *	ext_type is meant
 * @flags: MIKEY_SLOT_*
 * @store: offset of the field to fill in, MIKEY_NO_STORE for none
 * @missing: what to say if it is absent; NULL if it may be
 */
struct mikey_slot {
	u8 payload;
	u8 role;
	u8 flags;
	u16 store;
	const char *missing;
};

#define MIKEY_NO_STORE 0xffff

/**
 * struct mikey_chain - a walk in progress
 * @at: the first slot that the next payload may still take
 * @seen: a payload has taken that slot, which is a MANY one
 * @next: type of the payload at the cursor
 */
struct mikey_chain {
	struct mikey_cursor *c;
	const struct mikey_slot *slots;
	u32 num;
	u32 at;
	bool seen;
	u8 next;
	u8 ext_type;
};

/* @first: type of the payload at the cursor, as something before it said */
void mikey_chain_begin(struct mikey_chain *ch, struct mikey_cursor *c,
		       u8 first, const struct mikey_slot *slots, u32 num);

/**
 * mikey_chain_next() - go to the next payload that the figure has
 *
 * Skips payloads that it has not. Return: the slot it takes, with @item
 * filled in; NULL when the chain has ended or, as the cursor's err says,
 * failed: a payload out of its order or once too often, a missing one, bytes
 * behind the last one.
 */
const struct mikey_slot *mikey_chain_next(struct mikey_chain *ch,
					  struct mikey_item *item);

/* Copy an item's fields to where its slot stores them inside @base. */
void mikey_chain_store(const struct mikey_slot *slot,
		       const struct mikey_item *item, void *base);

#endif
