// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two containers of a TICKET beside its policy: Ticket Data in the format
 * of the MIKEY base ticket (RFC 6043 Appendix A), and Initiator Data (6.10).
 */
#include "chain.h"

#define STORE(field) .store = offsetof(struct mikey_ticket_data, field)

/* THDR, T, RAND, KEMAC, [IDRpsk], V; THDR has no number and is read apart. */
static const struct mikey_slot ticket_slots[] = {
	{ .payload = MIKEY_PL_T, STORE(t),
	  .missing = "the timestamp (T) of the ticket data is missing" },
	{ .payload = MIKEY_PL_RAND, STORE(rand),
	  .missing = "the random value (RAND) of the ticket data is missing" },
	{ .payload = MIKEY_PL_KEMAC, STORE(kemac),
	  .missing = "the keys (KEMAC) of the ticket data are missing" },
	{ .payload = MIKEY_PL_IDR, .role = MIKEY_IDR_PSK, STORE(idr_psk) },
	{ .payload = MIKEY_PL_V, .flags = MIKEY_SLOT_END, STORE(v),
	  .missing = "the verification payload (V) of the ticket data is missing" },
};

/* Vi, Vr: two of a kind, told apart by their order */
static const struct mikey_slot initiator_slots[] = {
	{ .payload = MIKEY_PL_V,
	  .store = offsetof(struct mikey_initiator_data, vi),
	  .missing = "the initiator data has no Vi" },
	{ .payload = MIKEY_PL_V, .flags = MIKEY_SLOT_END,
	  .store = offsetof(struct mikey_initiator_data, vr),
	  .missing = "the initiator data has no Vr" },
};

int mikey_ticket_data_parse(struct mikey_ticket_data *td,
			    const struct mikey_ticket_payload *ticket,
			    struct mikey_diag *d)
{
	const struct mikey_slot *slot;
	struct mikey_cursor c;
	struct mikey_chain ch;
	struct mikey_item item;
	u8 first;

	memset(td, 0, sizeof(*td));
	mikey_cursor_begin(&c, ticket->from_type.p,
			   ticket->from_type.len - ticket->ticket_data.len,
			   ticket->from_type.len, d);
	first = mikey_get_u8(&c);
	td->thdr = mikey_get_blob(&c, mikey_get_be16(&c));
	mikey_chain_begin(&ch, &c, first, ticket_slots,
			  ARRAY_SIZE(ticket_slots));
	while ((slot = mikey_chain_next(&ch, &item)))
		mikey_chain_store(slot, &item, td);
	return c.err;
}

int mikey_initiator_data_parse(struct mikey_initiator_data *id,
			       struct mikey_blob data, struct mikey_diag *d)
{
	const struct mikey_slot *slot;
	struct mikey_cursor c;
	struct mikey_chain ch;
	struct mikey_item item;

	memset(id, 0, sizeof(*id));
	mikey_cursor_begin(&c, data.p, 0, data.len, d);
	mikey_chain_begin(&ch, &c, mikey_get_u8(&c), initiator_slots,
			  ARRAY_SIZE(initiator_slots));
	while ((slot = mikey_chain_next(&ch, &item)))
		mikey_chain_store(slot, &item, id);
	return c.err;
}
