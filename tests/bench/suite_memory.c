// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel memory of a ticket and of a pending exchange: how much all slab
 * caches grow when there are more of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#define TICKETS 2000
#define EXCHANGES 32		/* of one socket, which may have so many */

/* Bytes in use in all slab caches */
static double slab_bytes(void)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	double total = 0;
	char row[512];

	if (!f)
		bench_die("/proc/slabinfo: %m");
	while (fgets(row, sizeof(row), f)) {
		unsigned long active, num, size;

		if (sscanf(row, "%*s %lu %lu %lu", &active, &num, &size) == 3)
			total += (double)active * size;
	}
	fclose(f);
	return total;
}

static void line(const char *what, u32 num, double bytes)
{
	row_begin("memory");
	row_text("what", what);
	row_number("number", num);
	row_number("bytes", bytes / num);
	row_end();
}

static void tickets(struct stage *s)
{
	double before;

	stage_fill(s, 64);		/* keyrings grow in steps */
	before = slab_bytes();
	stage_fill(s, 64 + TICKETS);
	line("ticket", TICKETS, slab_bytes() - before);
}

static void exchanges(struct stage *s)
{
	struct term_exchange *ex = malloc(sizeof(*ex));
	double before = slab_bytes();

	if (!ex)
		bench_die("no memory");
	for (u32 i = 0; i < EXCHANGES; i++)
		if (term_request(&s->lane.alice, BOB, ex))
			bench_die("REQUEST");
	line("exchange", EXCHANGES, slab_bytes() - before);
	free(ex);
}

void suite_memory(const struct bench *b)
{
	struct stage stage;

	(void)b;
	bench_say("memory");
	stage_open(&stage);
	tickets(&stage);
	exchanges(&stage);
	stage_close(&stage);
}
