/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of what was granted, so that it can be asked for again after the KMS
 * was killed or lost its power: the tickets, and the requests that got them.
 */
#ifndef TESTS_LOAD_KEPT_H
#define TESTS_LOAD_KEPT_H

#include "tests/load/kms_asker.h"

/* Append what @a was just granted; any number of threads at once. */
void kept_append(int fd, u32 from, u32 to, const struct asker *a);

/* What came of all of a file. */
struct kept_result {
	unsigned long tickets;
	unsigned long resolved;		/* to the keys that were granted */
	unsigned long refused_again;	/* the request itself, as one seen before */
	unsigned long late;		/* it is outside the window by now */
};

/* Ask for all of it; each question until it is answered, a minute at most. */
void kept_check(int fd, const struct ports *ports, struct kept_result *result);

#endif
