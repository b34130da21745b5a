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
	struct mikey_marks marks = { .mac_at = m->v.mac_offset };

	if (m->hdr.data_type == MIKEY_DT_TRANSFER_INIT && ticket->present) {
		marks.initiator_at = ticket->initiator_len_offset;
		marks.initiator_end = ticket->initiator_len_offset + 2 +
				      ticket->initiator_data.len;
	}
	mikey_cover_marked(c, m->raw.p, &marks, extra1, extra2);
}

void mikey_cover_marked(struct mikey_cover *c, const u8 *msg,
			const struct mikey_marks *marks,
			struct mikey_blob extra1, struct mikey_blob extra2)
{
	c->num = 0;
	add(c, msg, marks->initiator_at);
	add(c, msg + marks->initiator_end, marks->mac_at - marks->initiator_end);
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
