// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clock and statistics.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

#define BATCHES_MAX 64

const char *const bench_op_names[BENCH_OPS] = {
	[BENCH_PROTECT] = "protect",
	[BENCH_UNPROTECT] = "unprotect",
};

u64 bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, u32 num)
{
	qsort(values, num, sizeof(*values), compare);
	return values[num / 2];
}

double bench_time(const struct bench *b, const struct contestant *c, void *worker,
		  enum bench_op op, u32 body)
{
	u32 num = b->batches < BATCHES_MAX ? b->batches : BATCHES_MAX, i, n;
	double values[BATCHES_MAX];

	/* one more, which warms caches up and does not count */
	for (n = 0; n <= num; n++) {
		u64 start;

		c->ready(worker, op, body, b->batch);
		start = bench_now();
		for (i = 0; i < b->batch; i++)
			c->run(worker, i);
		if (n)
			values[n - 1] = (double)(bench_now() - start) / b->batch;
	}
	return bench_median(values, num);
}

void bench_say(const char *format, ...)
{
	va_list args;

	fputs("# ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void bench_die(const char *format, ...)
{
	va_list args;

	fputs("mikey-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	fflush(NULL);
	_Exit(1);
}
