// SPDX-License-Identifier: GPL-2.0-or-later
/* Deadlines: called once and in order, whoever starts, cancels and frees what. */
#include "helper/mikeyd/deadline.h"

#include "tests/unit/helper/loop.h"

#define MANY 20000

static struct deadlines *deadlines;
static struct deadline one, two;
static char called[64];

static int open_deadlines(void **state)
{
	(void)state;
	memset(called, 0, sizeof(called));
	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	return deadlines_alloc(&deadlines);
}

static int close_deadlines(void **state)
{
	(void)state;
	deadlines = mem_deref(deadlines);
	return 0;
}

static void call(void *arg)
{
	strncat(called, arg, sizeof(called) - strlen(called) - 1);
}

static bool has_called(void *arg)
{
	return strlen(called) >= strlen(arg);
}

static void calls(char *all)
{
	loop_until(has_called, all, 10000);
	loop_for(20);
	assert_string_equal(called, all);
}

static void in_order(void **state)
{
	struct deadline shorter = { 0 };

	(void)state;
	deadline_start(deadlines, &one, 60, call, "1");
	deadline_start(deadlines, &two, 60, call, "2");
	deadline_start(deadlines, &shorter, 20, call, "s");
	calls("s12");
}

static void not_before(void **state)
{
	uint64_t begin = tmr_jiffies();

	(void)state;
	deadline_start(deadlines, &one, 80, call, "1");
	deadline_start(deadlines, &two, 80, call, "2");
	/* the list is looked at when what was its first would have been */
	loop_for(30);
	deadline_start(deadlines, &one, 80, call, "1");
	deadline_cancel(&two);
	calls("1");
	assert_true(tmr_jiffies() - begin >= 110);
}

static void cancelled(void **state)
{
	(void)state;
	deadline_cancel(&one);
	deadline_start(deadlines, &one, 20, call, "1");
	deadline_start(deadlines, &two, 20, call, "2");
	deadline_cancel(&one);
	deadline_cancel(&one);
	calls("2");
}

static void again(void *arg)
{
	call(arg);
	if (strlen(called) < 3)
		deadline_start(deadlines, &one, 5, again, arg);
}

static void started_anew_by_its_handler(void **state)
{
	(void)state;
	deadline_start(deadlines, &one, 5, again, "1");
	calls("111");
}

static void cancel_two(void *arg)
{
	call(arg);
	deadline_cancel(&two);
}

static void one_cancels_the_next(void **state)
{
	(void)state;
	deadline_start(deadlines, &one, 5, cancel_two, "1");
	deadline_start(deadlines, &two, 5, call, "2");
	calls("1");
}

static void end_all(void *arg)
{
	call(arg);
	deadlines = mem_deref(deadlines);
}

static void ended_by_a_handler(void **state)
{
	struct deadline later = { 0 };

	(void)state;
	deadline_start(deadlines, &one, 5, end_all, "1");
	deadline_start(deadlines, &later, 50, call, "l");
	calls("1");
	loop_for(80);
	assert_string_equal(called, "1");
	/* its memory may go after the deadlines went */
	deadline_cancel(&later);
}

/* More lengths than have lists of their own: the rest are in order all the same. */
static void many_lengths(void **state)
{
	static const char letters[] = "zyxwvutsrqponmlkjihgfedcba";
	struct deadline each[sizeof(letters) - 1] = { 0 };
	char text[sizeof(letters) - 1][2] = { 0 };
	const int n = sizeof(letters) - 1;

	(void)state;
	assert_true(n > DEADLINE_LENGTHS + 5);
	for (int i = 0; i < n; i++) {
		text[i][0] = letters[i];
		deadline_start(deadlines, &each[i], 5 * (n - i), call, text[i]);
	}
	calls("abcdefghijklmnopqrstuvwxyz");
}

static void one_timer_for_all_of_a_length(void **state)
{
	struct deadline *each = mem_zalloc(MANY * sizeof(*each), NULL);
	int before = loop_timers();

	(void)state;
	assert_non_null(each);
	for (int i = 0; i < MANY; i++)
		deadline_start(deadlines, &each[i], i % 2 ? 32000 : 64000, call, "x");
	assert_int_equal(loop_timers() - before, 2);
	for (int i = 0; i < MANY; i++)
		deadline_cancel(&each[i]);
	mem_deref(each);
	loop_for(20);
	assert_string_equal(called, "");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_deadlines, close_deadlines)
	const struct CMUnitTest tests[] = {
		EACH(in_order),
		EACH(not_before),
		EACH(cancelled),
		EACH(started_anew_by_its_handler),
		EACH(one_cancels_the_next),
		EACH(ended_by_a_handler),
		EACH(many_lengths),
		EACH(one_timer_for_all_of_a_length),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
