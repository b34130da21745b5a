// SPDX-License-Identifier: GPL-2.0-or-later
/* Timers, when somebody sets the time of day. */
#include "tests/unit/helper/loop.h"

#include <sys/time.h>
#include <time.h>

static time_t set_by;

/* The one that libre would ask: the linker takes the program's own. */
int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	tv->tv_sec = now.tv_sec + set_by;
	tv->tv_usec = now.tv_nsec / 1000;
	return 0;
}

static void ignore(void *arg)
{
	(void)arg;
}

static void clock_is_set(void **state)
{
	struct tmr timer;

	(void)state;
	tmr_init(&timer);
	for (int hours = -1; hours <= 1; hours += 2) {
		set_by = 0;
		tmr_start(&timer, 60000, ignore, NULL);
		set_by = hours * 3600;
		assert_in_range(tmr_get_expire(&timer), 50000, 60000);
		tmr_cancel(&timer);
	}
	set_by = 0;
}

static void ends_in_time(void **state)
{
	uint64_t begin = tmr_jiffies();

	(void)state;
	loop_for(30);
	assert_in_range(tmr_jiffies() - begin, 30, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_is_set),
		cmocka_unit_test(ends_in_time),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
