// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The time of day.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"

void clock_jump(long seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += seconds;
	if (clock_settime(CLOCK_REALTIME, &now)) {
		perror("clock_settime");
		abort();
	}
}
