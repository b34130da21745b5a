// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ways to a ticket: REQUEST and GRANT, RESOLVE and ADMIT, MINT. The KMS's
 * part, which the test does, is not in the times.
 */
#include <stdlib.h>

#include "bench.h"

struct room {
	struct stage stage;
	struct peer_ticket ticket;
	struct peer_answer answer;
	struct peer_msg msg;
	struct term_exchange ex;
	struct peer_transfer x;
	struct peer_msg transfer;
};

static u64 finish(struct term *t, int cmd, struct room *r)
{
	u64 start;

	peer_answer_write(&r->answer, &r->msg);
	start = bench_now();
	if (term_answer(t, cmd, r->ex.id, &r->msg, NULL))
		bench_die("the answer is refused");
	return bench_now() - start;
}

static double request_grant(struct room *r)
{
	struct term *t = &r->stage.lane.alice;
	u64 start = bench_now(), ns;

	if (term_request(t, BOB, &r->ex))
		bench_die("REQUEST");
	ns = bench_now() - start;
	if (peer_grant_plan(&r->answer, &r->ticket, &t->psk, r->ex.msg, r->ex.len))
		bench_die("REQUEST_INIT");
	return ns + finish(t, MIKEY_TICKET_CMD_GRANT, r);
}

static double resolve_admit(struct room *r)
{
	struct lane *l = &r->stage.lane;
	u64 start, ns;

	peer_transfer_plan(&r->x, &l->ticket, BOB);
	peer_transfer_write(&r->x, &r->transfer);
	start = bench_now();
	if (term_resolve(&l->bob, &r->transfer, &r->ex, NULL))
		bench_die("RESOLVE");
	ns = bench_now() - start;
	if (peer_resolve_plan(&r->answer, &l->ticket, &l->bob.psk, r->ex.msg, r->ex.len, true))
		bench_die("RESOLVE_INIT");
	return ns + finish(&l->bob, MIKEY_TICKET_CMD_ADMIT, r);
}

static double mint(struct room *r)
{
	u64 start = bench_now();

	stage_fill(&r->stage, r->stage.num + 1);
	return bench_now() - start;
}

static const struct {
	const char *name;
	double (*run)(struct room *r);
} ways[] = {
	{ "request+grant", request_grant },
	{ "resolve+admit", resolve_admit },
	{ "mint", mint },
};

void suite_exchanges(const struct bench *b)
{
	struct room *r = calloc(1, sizeof(*r));
	double *values = calloc(b->batch, sizeof(*values)), ns;

	if (!r || !values)
		bench_die("no memory");
	bench_say("exchanges");
	stage_open(&r->stage);
	for (u32 i = 0; i < ARRAY_SIZE(ways); i++) {
		for (u32 n = 0; n < b->batch; n++)
			values[n] = ways[i].run(r);
		ns = bench_median(values, b->batch);
		row_begin("exchanges");
		row_text("what", ways[i].name);
		row_number("ns", ns);
		row_number("per_second", 1e9 / ns);
		row_end();
	}
	stage_close(&r->stage);
	free(values);
	free(r);
}
