// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way of a TRANSFER_INIT from Alice to Bob.
 */
#include <unistd.h>

#include "way.h"

void way_plan(struct way *w)
{
	peer_ticket_plan_kind(&w->ticket, w->kind, TERM_KMS, ALICE, BOB);
	peer_transfer_plan(&w->x, &w->ticket, BOB);
}

void way_write(struct way *w)
{
	peer_ticket_write(&w->ticket);
	peer_transfer_write(&w->x, &w->transfer);
}

int way_open(struct way *w)
{
	return way_open_kind(w, (struct peer_kind){ 0, 0 });
}

int way_open_kind(struct way *w, struct peer_kind kind)
{
	int err;

	memset(w, 0, sizeof(*w));
	w->kind = kind;
	err = term_open_kind(&w->bob, BOB, kind);
	if (err)
		return err;
	way_plan(w);
	w->tickets = term_tickets(&w->bob);
	return 0;
}

void way_close(struct way *w)
{
	nlc_free(&w->r);
	term_close(&w->bob);
}

int way_plan_answer(struct way *w)
{
	return peer_resolve_plan(&w->a, &w->ticket, &w->bob.psk, w->ex.msg,
				 w->ex.len, true);
}

int way_ask(struct way *w)
{
	int err;

	way_write(w);
	err = term_resolve(&w->bob, &w->transfer, &w->ex, NULL);
	return err ? err : way_plan_answer(w);
}

void way_answer(struct way *w)
{
	peer_answer_write(&w->a, &w->msg);
	term_answer(&w->bob, MIKEY_TICKET_CMD_ADMIT, w->ex.id, &w->msg, &w->r);
}

void way_bend(struct way *w, const struct way_row *row)
{
	w->ticket.policy.head.flags |= row->flags_set;
	w->ticket.policy.head.flags &= ~row->flags_clear;
	if (row->bend)
		row->bend(w);
}

bool way_row_fits(const struct way *w, const struct way_row *row)
{
	return !row->profile || row->profile == w->ticket.profile->id;
}

bool way_refused(struct way *w, const struct way_row *row)
{
	bool ok = term_refused(row->what, &w->r, row->err, row->words,
			       MIKEY_TICKET_A_MESSAGE);

	nlc_free(&w->r);
	return ok;
}
