// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tickets that were granted, in a file; see kept.h.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "tests/load/kept.h"

/* Written whole, in one write. */
struct kept {
	u32 from, to;
	s64 when;
	u32 asked_len, ticket_len;
	u8 mpk_i[MIKEY_KEY_MAX], mpk_r[MIKEY_KEY_MAX], traffic[MIKEY_KEY_MAX];
	u8 asked[1024];
	u8 ticket[1024];
};

#define SKEW 60		/* the default of mikey-kms */

void kept_append(int fd, u32 from, u32 to, const struct asker *a)
{
	struct mikey_blob ticket = a->granted.m.ticket.from_type;
	struct kept k = {
		.from = from, .to = to, .when = a->house->world.now,
		.asked_len = a->asked.len, .ticket_len = ticket.len,
	};

	assert_in_range(a->asked.len, 1, sizeof(k.asked));
	assert_in_range(ticket.len, 1, sizeof(k.ticket));
	memcpy(k.asked, a->asked.buf, a->asked.len);
	memcpy(k.ticket, ticket.p, ticket.len);
	memcpy(k.mpk_i, a->granted.keys.mpk, sizeof(k.mpk_i));
	memcpy(k.mpk_r, a->granted.mpk_r, sizeof(k.mpk_r));
	memcpy(k.traffic, a->granted.keys.traffic, sizeof(k.traffic));
	if (write(fd, &k, sizeof(k)) != sizeof(k)) {
		fprintf(stderr, "what was granted cannot be kept: %s\n", strerror(errno));
		exit(1);
	}
}

static void move_in(struct asker *a, const struct kept *k)
{
	struct granted *g = &a->granted;

	asker_play(a, k->from, k->to);
	memcpy(g->msg.buf, k->ticket, k->ticket_len);
	g->m.ticket.from_type = kms_blob(g->msg.buf, k->ticket_len);
	g->num_keys = 3;
	memcpy(g->keys.mpk, k->mpk_i, sizeof(k->mpk_i));
	memcpy(g->mpk_r, k->mpk_r, sizeof(k->mpk_r));
	memcpy(g->keys.traffic, k->traffic, sizeof(k->traffic));
	a->asked.len = k->asked_len;
	memcpy(a->asked.buf, k->asked, k->asked_len);
}

static enum outcome_of ask_again(struct asker *a, u32 *us)
{
	return asker_post(a, REQUEST_PATH, &a->asked, us);
}

/* Until there is an answer of some kind: a KMS that starts may be busy. */
static enum outcome_of insist(struct asker *a,
			      enum outcome_of (*ask)(struct asker *a, u32 *us))
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	time_t end = time(NULL) + 60;
	enum outcome_of outcome;
	u32 us;

	for (;;) {
		outcome = ask(a, &us);
		if (outcome == GOOD || outcome == REFUSED || time(NULL) > end)
			return outcome;
		nanosleep(&pause, NULL);
	}
}

void kept_check(int fd, const struct ports *ports, struct kept_result *result)
{
	struct asker *a = asker_new(ports, 0);
	struct kept k;

	memset(result, 0, sizeof(*result));
	assert_non_null(a);
	while (read(fd, &k, sizeof(k)) == sizeof(k)) {
		result->tickets++;
		move_in(a, &k);
		if (insist(a, ask_again) == REFUSED &&
		    a->answer.error_no == MIKEY_ERR_INVALID_TS)
			result->refused_again++;
		result->late += time(NULL) > k.when + SKEW;
		result->resolved += insist(a, asker_resolve) == GOOD;
	}
	asker_free(a);
}
