// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One thread's Alice and Bob.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* How often filling says how far it is */
#define STEP 2000

const char *stage_recipient(u32 i)
{
	static __thread char uid[32];

	if (!i)
		return BOB;
	snprintf(uid, sizeof(uid), "bob%06u@example.test", i);
	return uid;
}

void stage_open(struct stage *s)
{
	int err;

	memset(s, 0, sizeof(*s));
	err = lane_open(&s->lane);
	if (err)
		bench_die("no ticket from the modules: %s", strerror(-err));
	s->tickets = malloc(sizeof(*s->tickets));
	if (!s->tickets)
		bench_die("no memory");
	s->tickets[0] = s->lane.send;
	s->num = 1;
}

static key_serial_t mint(struct term *t, const char *recipient)
{
	const char *const responders[] = { recipient, NULL };
	key_serial_t serial;
	struct nlc_reply r;

	if (nlc_call(&t->nl, term_mint_msg(t, responders), &r))
		bench_die("MINT: %s: %s", strerror(-r.err), r.words);
	serial = nlc_s32(r.attr[MIKEY_TICKET_A_TICKET]);
	nlc_free(&r);
	return serial;
}

void stage_fill(struct stage *s, u32 num)
{
	s->tickets = realloc(s->tickets, (num > s->num ? num : s->num) * sizeof(*s->tickets));
	if (!s->tickets)
		bench_die("no memory");
	for (; s->num < num; s->num++) {
		s->tickets[s->num] = mint(&s->lane.alice, stage_recipient(s->num));
		if (s->num % STEP == STEP - 1)
			bench_say("%u tickets live", s->num + 1);
	}
}

void stage_close(struct stage *s)
{
	keyctl_clear(KEY_SPEC_SESSION_KEYRING);
	lane_close(&s->lane);
	free(s->tickets);
}
