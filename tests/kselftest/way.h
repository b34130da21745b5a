/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a TRANSFER_INIT from Alice to Bob in plans, and rows of tables
 * that bend one step of it.
 */
#ifndef MIKEY_TEST_WAY_H
#define MIKEY_TEST_WAY_H

#include "term.h"

/**
 * struct way - all of it
 * @kind: profile and suite of all of it
 * @ticket, @x: plans of the ticket and the TRANSFER_INIT
 * @transfer: TRANSFER_INIT as written
 * @ex, @a, @msg: Bob's exchange, plan of the KMS's answer, that as written
 * @r: the last reply; free it
 * @tickets: how many there were before
 */
struct way {
	struct peer_kind kind;
	struct term bob;
	struct peer_ticket ticket;
	struct peer_transfer x;
	struct peer_msg transfer;
	struct term_exchange ex;
	struct peer_answer a;
	struct peer_msg msg;
	struct nlc_reply r;
	u64 tickets;
};

/* Bob's terminal and a good plan. Return: 0 or a negative errno. */
int way_open(struct way *w);
int way_open_kind(struct way *w, struct peer_kind kind);
void way_close(struct way *w);

/* A good ticket and TRANSFER_INIT again; write both. */
void way_plan(struct way *w);
void way_write(struct way *w);

/*
 * Write, RESOLVE, and plan a good answer of a KMS that looks at nothing.
 * Return: 0 or a negative errno.
 */
int way_ask(struct way *w);
/* A good answer again to the same RESOLVE_INIT. Return: 0 or an errno. */
int way_plan_answer(struct way *w);
/* Write the answer and ADMIT it; the outcome is in @w->r. */
void way_answer(struct way *w);

/* Nothing but one step of a plan. */
#define BEND(name, change) static void name(struct way *w) { change; }

/**
 * struct way_row - one way to be wrong
 * @bend: what is changed in a good plan
 * @flags_set, @flags_clear: the same, for the ticket's flags
 * @err: the error it must get
 * @words: part of what must be said
 * @profile: the only one that it is about, 0 for both
 */
struct way_row {
	const char *what;
	void (*bend)(struct way *w);
	u16 flags_set;
	u16 flags_clear;
	int err;
	const char *words;
	u32 profile;
};

/* Is the row about this way? */
bool way_row_fits(const struct way *w, const struct way_row *row);

/* Bend the ticket's plan, or whatever there is a plan of. */
void way_bend(struct way *w, const struct way_row *row);

/*
 * Was the last call refused as the row says, with MESSAGE at fault? Says so if
 * it was not; frees the reply.
 */
bool way_refused(struct way *w, const struct way_row *row);

#endif
