/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Alice and Bob inside a test, and what goes between them and the KMS.
 */
#ifndef MIKEY_TEST_PAIR_H
#define MIKEY_TEST_PAIR_H

#include "term.h"

/**
 * struct pair - two terminals and one exchange after the other
 * @ex, @a, @msg: the exchange, plan of the KMS's answer, that as written
 * @ticket, @x: plans of the ticket and the TRANSFER_INIT
 * @transfer: TRANSFER_INIT as written
 * @r: the last reply; pair_close() frees it
 */
struct pair {
	struct term alice;
	struct term bob;
	struct term_exchange ex;
	struct peer_answer a;
	struct peer_ticket ticket;
	struct peer_transfer x;
	struct peer_msg msg;
	struct peer_msg transfer;
	struct nlc_reply r;
};

/* In a session keyring of their own. Return: 0 or a negative errno. */
int pair_open(struct pair *p);
void pair_close(struct pair *p);

/*
 * An exchange of Alice's and a good answer to it, with a ticket for Bob. Return: 0 or
 * a negative errno.
 */
int pair_ask(struct pair *p);

#endif
