// SPDX-License-Identifier: GPL-2.0
/*
 * The time that messages carry.
 */
#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>

#include "clock.h"

static atomic64_t last_sent = ATOMIC64_INIT(0);

s64 mikey_clock_send(void)
{
	s64 now = ktime_get_real_seconds();
	s64 last = atomic64_read(&last_sent);

	do {
		if (now <= last)
			return last;
	} while (!atomic64_try_cmpxchg(&last_sent, &last, now));
	return now;
}
