// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All contestants over all lengths of bodies, with one ticket; and an empty
 * round trip.
 */
#include "bench.h"

static const struct contestant *const contestants[] = {
	&contestant_floor,
	&contestant_product,
	&contestant_openssl,
	&contestant_softhsm,
	&contestant_afalg,
};

static void line(const char *name, const char *op, u32 body, double ns)
{
	row_begin("sizes");
	row_text("contestant", name);
	row_text("op", op);
	row_number("bytes", body);
	row_number("ns", ns);
	row_end();
}

static void one(const struct bench *b, const struct contestant *c, struct stage *stage)
{
	void *worker = c->open(c, stage);
	enum bench_op op;
	const u32 *body;

	bench_say("sizes: %s", c->name);
	for (body = b->bodies; *body; body++)
		for (op = 0; op < BENCH_OPS; op++)
			line(c->name, bench_op_names[op], *body,
			     bench_time(b, c, worker, op, *body));
	if (c == &contestant_floor)
		line("floor", "nothing", 0, bench_time(b, c, worker, BENCH_PROTECT, 0));
	c->close(worker);
}

void suite_sizes(const struct bench *b)
{
	struct stage stage;

	stage_open(&stage);
	for (u32 i = 0; i < ARRAY_SIZE(contestants); i++) {
		if (!b->only || !strcmp(b->only, contestants[i]->name))
			one(b, contestants[i], &stage);
	}
	stage_close(&stage);
}
