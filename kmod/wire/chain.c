// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Walking a chain of payloads. Each payload is read once and compared with
 * at most all slots of a short constant table, so a walk is linear in the
 * bytes whatever they say.
 */
#include "chain.h"

void mikey_chain_begin(struct mikey_chain *ch, struct mikey_cursor *c,
		       u8 first, const struct mikey_slot *slots, u32 num)
{
	memset(ch, 0, sizeof(*ch));
	ch->c = c;
	ch->next = first;
	ch->slots = slots;
	ch->num = num;
}

static bool takes(const struct mikey_chain *ch, u32 i,
		  const struct mikey_item *item)
{
	const struct mikey_slot *slot = &ch->slots[i];

	if (slot->payload != item->type)
		return false;
	if (slot->payload == MIKEY_PL_GENERAL_EXT)
		return item->role == ch->ext_type;
	return item->role == slot->role;
}

/* Leave the slots below @to: those that must be taken have been. */
static bool advance(struct mikey_chain *ch, u32 to, u32 offset)
{
	for (; ch->at < to; ch->at++, ch->seen = false) {
		if (ch->slots[ch->at].missing && !ch->seen) {
			mikey_cursor_refuse(ch->c, -EBADMSG,
					    ch->slots[ch->at].missing, offset);
			return false;
		}
	}
	return true;
}

static const struct mikey_slot *place(struct mikey_chain *ch,
				      const struct mikey_item *item)
{
	const struct mikey_slot *slot;
	u32 i;

	for (i = ch->at; i < ch->num && !takes(ch, i, item); i++)
		;
	if (i == ch->num) {
		/* Not expected at all, or expected only further up. */
		for (i = 0; i < ch->at; i++) {
			if (!takes(ch, i, item))
				continue;
			mikey_cursor_refuse(ch->c, -EBADMSG,
					    "a payload stands out of order or twice",
					    item->offset);
			break;
		}
		return NULL;
	}
	if (!advance(ch, i, item->offset))
		return NULL;
	slot = &ch->slots[i];
	if (slot->flags & MIKEY_SLOT_MANY)
		ch->seen = true;
	else
		ch->at = i + 1;
	if (slot->flags & MIKEY_SLOT_END && item->next != MIKEY_PL_LAST) {
		mikey_cursor_refuse(ch->c, -EBADMSG,
				    "a payload follows the verification payload (V)",
				    ch->c->pos);
		return NULL;
	}
	return slot;
}

const struct mikey_slot *mikey_chain_next(struct mikey_chain *ch,
					  struct mikey_item *item)
{
	const struct mikey_slot *slot;

	while (!ch->c->err && ch->next != MIKEY_PL_LAST) {
		mikey_item_read(ch->c, ch->next, item);
		if (ch->c->err)
			return NULL;
		ch->next = item->next;
		slot = place(ch, item);
		if (slot)
			return slot;
	}
	if (ch->c->pos != ch->c->end)
		mikey_cursor_refuse(ch->c, -EBADMSG,
				    "bytes follow the last payload",
				    ch->c->pos);
	advance(ch, ch->num, ch->c->pos);
	return NULL;
}

void mikey_chain_store(const struct mikey_slot *slot,
		       const struct mikey_item *item, void *base)
{
	void *to = (u8 *)base + slot->store;

	if (slot->store == MIKEY_NO_STORE)
		return;
	switch (item->type) {
	case MIKEY_PL_T:
	case MIKEY_PL_TR:
		*(struct mikey_ts *)to = item->ts;
		break;
	case MIKEY_PL_IDR:
		*(struct mikey_id *)to = item->id;
		break;
	case MIKEY_PL_RAND:
	case MIKEY_PL_RANDR:
		*(struct mikey_rand *)to = item->rand;
		break;
	case MIKEY_PL_KEMAC:
		*(struct mikey_kemac *)to = item->kemac;
		break;
	case MIKEY_PL_V:
		*(struct mikey_v *)to = item->v;
		break;
	case MIKEY_PL_ERR:		/* of many the first */
		if (!((struct mikey_err *)to)->present)
			*(struct mikey_err *)to = item->err;
		break;
	case MIKEY_PL_GENERAL_EXT:
		*(struct mikey_ext *)to = item->ext;
		break;
	case MIKEY_PL_TP:
		((struct mikey_tp_payload *)to)->present = true;
		((struct mikey_tp_payload *)to)->policy = item->ticket.policy;
		break;
	case MIKEY_PL_TICKET:
		*(struct mikey_ticket_payload *)to = item->ticket;
		break;
	}
}
