/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measuring: contestants do the same operations, suites say which of them in
 * what order, and every figure is one line of JSON on standard output.
 */
#ifndef MIKEY_BENCH_BENCH_H
#define MIKEY_BENCH_BENCH_H

#include "stage.h"

enum bench_op {
	BENCH_PROTECT,
	BENCH_UNPROTECT,
	BENCH_OPS,
};

extern const char *const bench_op_names[BENCH_OPS];

/**
 * struct contestant - one way to do the job
 * @open: a worker of its own for one thread, which may use @stage as long as
 *	it lives; what the job cannot be done without ends the program
 * @ready: make all that @num operations on bodies of @body bytes need and that
 *	is not theirs to make: requests, messages to open, tickets
 * @run: the @i-th of them, which is what the clock is looked at around
 * @close: give back what @open and @ready made
 * @data: the contestant's own
 */
struct contestant {
	const char *name;
	void *(*open)(const struct contestant *c, struct stage *stage);
	void (*ready)(void *worker, enum bench_op op, u32 body, u32 num);
	void (*run)(void *worker, u32 i);
	void (*close)(void *worker);
	const void *data;
};

extern const struct contestant contestant_product;	/* the two modules */
extern const struct contestant contestant_floor;	/* (a) */
extern const struct contestant contestant_openssl;	/* (b) */
extern const struct contestant contestant_softhsm;	/* (c) */
extern const struct contestant contestant_afalg;	/* (d) */

/**
 * struct bench - what the command line asks for
 * @bodies: lengths, the last one 0
 * @only: the one contestant of suite sizes, NULL for all
 * @counts: numbers of live tickets, the last one 0
 * @batch: operations between two looks at the clock
 * @batches: of which the middle one counts
 * @seconds: how long two processors are looked at
 */
struct bench {
	u32 bodies[32];
	const char *only;
	u32 counts[16];
	u32 batch;
	u32 batches;
	u32 seconds;
};

/* Nanoseconds of the monotonic clock. */
u64 bench_now(void);

/* Nanoseconds of one operation: the middle one of all batches. */
double bench_time(const struct bench *b, const struct contestant *c, void *worker,
		  enum bench_op op, u32 body);

/* The middle one of @num values, which are put in order. */
double bench_median(double *values, u32 num);

/* One line of JSON: begin, members in order, end. Numbers are rounded. */
void row_begin(const char *suite);
void row_text(const char *name, const char *value);
void row_number(const char *name, double value);
void row_end(void);

/* Print "# ..." on standard error, which is progress. */
__attribute__((format(printf, 1, 2)))
void bench_say(const char *format, ...);

/* End the program. */
__attribute__((format(printf, 1, 2), noreturn))
void bench_die(const char *format, ...);

/* The suites, each of which prints its lines. */
void suite_sizes(const struct bench *b);
void suite_tickets(const struct bench *b);
void suite_scale(const struct bench *b);
void suite_memory(const struct bench *b);
void suite_exchanges(const struct bench *b);

#endif
