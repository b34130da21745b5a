// SPDX-License-Identifier: GPL-2.0-or-later
/* Which of the keyring's tickets are used again. */
#include "tests/unit/helper/stage.h"

#include "helper/mikeyd/tickets.h"

#define I MIKEY_ROLE_INITIATOR
#define R MIKEY_ROLE_RESPONDER
#define A "alice@example.test"
#define B "bob@example.test"

static const struct kernel_ticket keyring[] = {
	{ 1, I, true, 3600, A, B },
	{ 2, R, true, 3600, A, B },
	{ 3, I, false, 3600, A, "carol@example.test" },
	{ 4, I, true, 20, A, "dave@example.test" },
	{ 5, I, true, 3600, B, "erin@example.test" },
	{ 6, I, true, 3600, A, "?@example.test" },
	{ 7, I, true, 7200, A, B },
};

static int open_stage(void **state)
{
	(void)state;
	kernel_reset();
	kernel_tickets = keyring;
	n_kernel_tickets = ARRAY_SIZE(keyring);
	stage_open("");
	return 0;
}

static int close_stage(void **state)
{
	(void)state;
	stage_close();
	return 0;
}

static int32_t find(const char *from, const char *to)
{
	struct uid initiator, recipient;

	assert_int_equal(uid_from_text(&initiator, from), 0);
	assert_int_equal(uid_from_text(&recipient, to), 0);
	return tickets_find(stage.mikeyd.tickets, &initiator, &recipient, 1);
}

static void found_after_a_restart(void **state)
{
	(void)state;
	assert_int_equal(find(A, B), 7);			/* the newest */
	assert_int_equal(find(A, "carol@example.test"), 0);	/* not reusable */
	assert_int_equal(find(A, "dave@example.test"), 0);	/* about to end */
	assert_int_equal(find(A, "erin@example.test"), 0);	/* somebody else's */
	assert_int_equal(find(B, "erin@example.test"), 5);
	assert_int_equal(find(A, "frank@example.test"), 0);	/* a wider one is no substitute */
}

static void dropped_from_both(void **state)
{
	(void)state;
	tickets_drop(stage.mikeyd.tickets, 7);
	assert_int_equal(kernel.dropped[0], 7);
	assert_int_equal(find(A, B), 1);
	assert_true(tickets_drop_oldest(stage.mikeyd.tickets));
	assert_int_equal(kernel.dropped[1], 1);
	assert_int_equal(find(A, B), 0);
	assert_true(tickets_drop_oldest(stage.mikeyd.tickets));
	assert_true(tickets_drop_oldest(stage.mikeyd.tickets));
	assert_false(tickets_drop_oldest(stage.mikeyd.tickets));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		EACH(found_after_a_restart),
		EACH(dropped_from_both),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
