// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clock of libre's timers, in the place of mikeyd's own one. It goes as that does
 * while the loop runs, and all but stands still while this process waits for a
 * processor, or for a disk: else a busy machine has requests sent again, and patience
 * lost, before a test could do what it is to do.
 */
#include "tests/unit/helper/clock.h"

#include <time.h>

#include "helper/lib/libre.h"

/* What one turn of the loop takes, when nobody is in its way; see POLL_MS in loop.c. */
#define TURN_MS 10

uint64_t clock_ahead;

uint64_t tmr_jiffies(void)
{
	static uint64_t before, shown;
	struct timespec now = { 0 };
	uint64_t ms, passed;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
	if (!before) {
		before = ms;
		shown = ms;
	}
	passed = ms - before;
	before = ms;
	shown += passed < TURN_MS ? passed : TURN_MS;
	return shown + clock_ahead;
}
