// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The product's cost while more and more tickets live.
 */
#include "bench.h"

#define BODY 1024

void suite_tickets(const struct bench *b)
{
	const struct contestant *c = &contestant_product;
	struct stage stage;
	enum bench_op op;
	const u32 *count;
	void *worker;

	stage_open(&stage);
	worker = c->open(c, &stage);
	for (count = b->counts; *count; count++) {
		bench_say("tickets: %u", *count);
		stage_fill(&stage, *count);
		for (op = 0; op < BENCH_OPS; op++) {
			row_begin("tickets");
			row_number("tickets", *count);
			row_text("op", bench_op_names[op]);
			row_number("bytes", BODY);
			row_number("ns", bench_time(b, c, worker, op, BODY));
			row_end();
		}
	}
	c->close(worker);
	stage_close(&stage);
}
