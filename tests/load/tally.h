/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the threads of a generator measure, and how it is told: as JSON.
 */
#ifndef TESTS_LOAD_TALLY_H
#define TESTS_LOAD_TALLY_H

#include <stddef.h>
#include <stdint.h>

/* Times of one kind of exchange, in microseconds. */
struct tally {
	uint32_t *us;
	size_t num, room;
};

/* Microseconds of the monotonic clock. */
uint64_t tally_clock(void);

/* One more. Ends the program without memory. */
void tally_add(struct tally *t, uint32_t us);

/* Take over what @from has, which is empty then. */
void tally_merge(struct tally *to, struct tally *from);

/* A member of a JSON object: how many, percentiles and the longest; sorts. */
void tally_print(const char *name, struct tally *t);

void tally_free(struct tally *t);

/* Processor seconds of this process so far. */
double tally_cpu(void);

#endif
