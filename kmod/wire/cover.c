// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the MACs cover (RFC 6043 5.5, 6.10, A.1). Every V is the last payload
 * of what it closes, so nothing stands behind a MAC field.
 */
#include "label.h"

static void add(struct mikey_cover *c, const u8 *p, u32 len)
{
	if (!len)
		return;
	c->seg[c->num].p = p;
	c->seg[c->num].len = len;
	c->num++;
}

void mikey_cover_message(struct mikey_cover *c, const struct mikey_msg *m,
			 struct mikey_blob extra1, struct mikey_blob extra2)
{
	const struct mikey_ticket_payload *ticket = &m->ticket;
	const u8 *p = m->raw.p;
	u32 from = 0;

	c->num = 0;
	if (m->hdr.data_type == MIKEY_DT_TRANSFER_INIT && ticket->present) {
		add(c, p, ticket->initiator_len_offset);
		from = ticket->initiator_len_offset + 2 +
		       ticket->initiator_data.len;
	}
	add(c, p + from, m->v.mac_offset - from);
	add(c, extra1.p, extra1.len);
	add(c, extra2.p, extra2.len);
}

void mikey_cover_ticket(struct mikey_cover *c,
			const struct mikey_ticket_payload *ticket,
			const struct mikey_ticket_data *td)
{
	c->num = 0;
	add(c, ticket->from_type.p, td->v.mac_offset);
}

void mikey_cover_vr(struct mikey_cover *c, struct mikey_blob initiator_data,
		    const struct mikey_initiator_data *id)
{
	c->num = 0;
	add(c, initiator_data.p, id->vr.mac_offset);
}
