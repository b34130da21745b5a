// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clock of libre's timers. Its own one is the time of day: when that is set back
 * by an hour, no timer ends for an hour, and when it is set ahead, all end at once.
 * libre calls it as programs do, through the linker, so that this one takes its place.
 */
#include "helper/lib/libre.h"

#include <time.h>

/* In milliseconds; while the machine sleeps it stands still, as whoever waits does. */
uint64_t tmr_jiffies(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}
