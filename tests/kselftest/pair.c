// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Alice and Bob inside a test.
 */
#include "pair.h"

int pair_open(struct pair *p)
{
	int err;

	term_session();
	err = term_open(&p->alice, ALICE);
	return err ? err : term_open(&p->bob, BOB);
}

/* A test may have closed a terminal's socket, or not have got so far. */
void pair_close(struct pair *p)
{
	nlc_free(&p->r);
	if (p->alice.nl.sock)
		term_close(&p->alice);
	if (p->bob.nl.sock)
		term_close(&p->bob);
}

int pair_ask(struct pair *p)
{
	int err = term_request(&p->alice, BOB, &p->ex);

	if (!err)
		err = peer_grant_plan(&p->a, &p->ticket, &p->alice.psk, p->ex.msg, p->ex.len);
	if (!err)
		peer_answer_write(&p->a, &p->msg);
	return err;
}
