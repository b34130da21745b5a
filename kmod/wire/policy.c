// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Ticket Policy's TP Data (RFC 6043 6.10), which TP and TICKET share, and
 * the walk over its applications and responders. They may be thousands, so
 * they are not copied: the parser checks and counts them, the walk reads them
 * again.
 */
#include "policy.h"
#include "chain.h"

#define TR(r, field) \
	{ .payload = MIKEY_PL_TR, .role = (r), \
	  .store = offsetof(struct mikey_policy, field) }
#define IDR(r, field) \
	{ .payload = MIKEY_PL_IDR, .role = (r), \
	  .store = offsetof(struct mikey_policy, field) }

/* [IDRkms], [IDRi], [TRs], [TRe], [TRr], [KEMAC], {IDRapp}, (IDRr) */
static const struct mikey_slot slots[] = {
	IDR(MIKEY_IDR_KMS, idr_kms),
	IDR(MIKEY_IDR_I, idr_i),
	TR(MIKEY_TR_START, tr_s),
	TR(MIKEY_TR_END, tr_e),
	TR(MIKEY_TR_REKEY, tr_r),
	{ .payload = MIKEY_PL_KEMAC,
	  .store = offsetof(struct mikey_policy, kemac) },
	{ .payload = MIKEY_PL_IDR, .role = MIKEY_IDR_APP,
	  .flags = MIKEY_SLOT_MANY, .store = MIKEY_NO_STORE },
	{ .payload = MIKEY_PL_IDR, .role = MIKEY_IDR_R,
	  .flags = MIKEY_SLOT_MANY, .store = MIKEY_NO_STORE,
	  .missing = "the ticket policy names no responder (IDRr)" },
};

int mikey_policy_parse(struct mikey_policy *p, const u8 *base,
		       struct mikey_diag *d)
{
	const struct mikey_slot *slot;
	struct mikey_cursor c;
	struct mikey_chain ch;
	struct mikey_item item;
	u32 start;

	start = p->tp_data.p - base;
	mikey_cursor_begin(&c, base, start, start + p->tp_data.len, d);
	mikey_chain_begin(&ch, &c, mikey_get_u8(&c), slots, ARRAY_SIZE(slots));
	while ((slot = mikey_chain_next(&ch, &item))) {
		if (slot->store != MIKEY_NO_STORE)
			mikey_chain_store(slot, &item, p);
		else if (slot->role == MIKEY_IDR_APP && !p->num_app++)
			p->first_app = item.offset - start;
		else if (slot->role == MIKEY_IDR_R && !p->num_responders++)
			p->first_responder = item.offset - start;
	}
	return c.err;
}

int mikey_ticket_parse(struct mikey_ticket_payload *ticket,
		       struct mikey_blob from_type, struct mikey_diag *d)
{
	struct mikey_cursor c;

	if (from_type.len > MIKEY_MSG_MAX) {
		d->why = "the ticket is too long";
		d->offset = MIKEY_MSG_MAX;
		return -EMSGSIZE;
	}
	mikey_cursor_begin(&c, from_type.p, 0, from_type.len, d);
	mikey_ticket_head_read(&c, ticket);
	if (c.pos != c.end)
		mikey_cursor_refuse(&c, -EBADMSG, "bytes follow the ticket",
				    c.pos);
	if (c.err)
		return c.err;
	return mikey_policy_parse(&ticket->policy, from_type.p, d);
}

void mikey_policy_walk(struct mikey_policy_iter *it,
		       const struct mikey_policy *p, enum mikey_id_role role)
{
	bool app = role == MIKEY_IDR_APP;

	it->offset = app ? p->first_app : p->first_responder;
	it->left = app ? p->num_app : p->num_responders;
	it->type = MIKEY_PL_IDR;
	it->role = role;
}

bool mikey_policy_next(struct mikey_policy_iter *it,
		       const struct mikey_policy *p, struct mikey_id *id)
{
	struct mikey_diag d;
	struct mikey_cursor c;
	struct mikey_item item;

	mikey_cursor_begin(&c, p->tp_data.p, it->offset, p->tp_data.len, &d);
	while (it->left && !c.err) {
		mikey_item_read(&c, it->type, &item);
		it->type = item.next;
		it->offset = c.pos;
		if (c.err || item.type != MIKEY_PL_IDR || item.role != it->role)
			continue;
		it->left--;
		*id = item.id;
		return true;
	}
	return false;
}
