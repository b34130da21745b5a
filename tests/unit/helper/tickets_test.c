// SPDX-License-Identifier: GPL-2.0-or-later
/* Which of the keyring's tickets are used again. */
#include "tests/unit/helper/stage.h"

#include <time.h>

#include "helper/mikeyd/tickets.h"

#define I MIKEY_ROLE_INITIATOR
#define R MIKEY_ROLE_RESPONDER
#define A "alice@example.test"
#define B "bob@example.test"

#define KEY(serial_, role_, reusable_, remaining_, initiator_, responder_, ...) \
	{ .serial = serial_, .role = role_, .reusable = reusable_, .remaining = remaining_, \
	  .initiator = initiator_, .responder = responder_, __VA_ARGS__ }

static const struct kernel_ticket keyring[] = {
	KEY(1, I, true, 3600, A, B),
	KEY(2, R, true, 3600, A, B),
	KEY(3, I, false, 3600, A, "carol@example.test"),
	KEY(4, I, true, 20, A, "dave@example.test"),
	KEY(5, I, true, 3600, B, "erin@example.test"),
	KEY(6, I, true, 3600, A, "?@example.test"),
	KEY(7, I, true, 7200, A, B),
	KEY(8, I, true, 7200, A, "gina@example.test", .minted = true),
	KEY(9, I, true, 7200, A, "hugo@example.test", .rekey = 600, .age = 601),
	KEY(10, I, true, 7200, A, "ivan@example.test", .rekey = 600, .age = 500),
	KEY(11, I, true, 7200, A, "jane@example.test", .profile = MIKEY_PROFILE_ANNEX_I),
	KEY(12, I, true, 7200, A, "kate@example.test", .suite = MIKEY_SUITE_128),
	KEY(13, I, true, 0, A, "lena@example.test"),
	KEY(14, I, true, 7200, A, "mike@example.test", .psk = 4711),
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

static int open_minting(void **state)
{
	(void)state;
	kernel_reset();
	kernel_tickets = keyring;
	n_kernel_tickets = ARRAY_SIZE(keyring);
	stage_open("policy = { ticket = \"self\"; };\n");
	return 0;
}

static int32_t find(const char *from, const char *to)
{
	struct uid initiator, recipient;

	assert_int_equal(uid_from_text(&initiator, from), 0);
	assert_int_equal(uid_from_text(&recipient, to), 0);
	return tickets_find(stage.user->tickets, stage.user->config, &initiator, &recipient, 1);
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
	assert_int_equal(find(A, "mike@example.test"), 0);	/* whose PSK was that? */
}

/* Only what a fresh ticket would be stands for one. */
static void other_policies(void **state)
{
	(void)state;
	assert_int_equal(find(A, "gina@example.test"), 0);	/* made by ourselves */
	assert_int_equal(find(A, "jane@example.test"), 0);	/* another profile */
	assert_int_equal(find(A, "kate@example.test"), 0);	/* another suite */
	/* RFC 6043 6.10: TRr says how often there has to be a new one */
	assert_int_equal(find(A, "hugo@example.test"), 0);
	assert_int_equal(find(A, "ivan@example.test"), 10);
}

static void minted_ones_are_found_again(void **state)
{
	(void)state;
	assert_int_equal(find(A, "gina@example.test"), 8);
	assert_int_equal(find(A, B), 0);			/* the KMS made it */
}

static void dropped_from_both(void **state)
{
	(void)state;
	tickets_drop(stage.user->tickets, 7);
	assert_int_equal(kernel.dropped[1], 7);
	assert_int_equal(find(A, B), 1);
	assert_true(tickets_drop_oldest(stage.user->tickets));
	assert_int_equal(kernel.dropped[2], 1);
	assert_int_equal(find(A, B), 0);
	for (int i = 0; i < 7; i++)
		assert_true(tickets_drop_oldest(stage.user->tickets));
	assert_false(tickets_drop_oldest(stage.user->tickets));
}

static bool dropped_14(void *arg)
{
	(void)arg;
	return kernel.dropped[1] == 14;
}

/* Unlinked, or what their links count stays in the user's quota of bytes. */
static void expired_are_dropped(void **state)
{
	struct ticket_policy short_lived = { .reusable = true };

	(void)state;
	assert_int_equal(kernel.n_dropped, 1);
	assert_int_equal(kernel.dropped[0], 13);
	short_lived.valid_until = time(NULL) + 2;
	tickets_add(stage.user->tickets, 14, I, &short_lived);
	assert_true(loop_until(dropped_14, NULL, 10000));
	assert_int_equal(kernel.n_dropped, 2);
	assert_true(time(NULL) >= short_lived.valid_until);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_stage, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(found_after_a_restart),
		EACH(other_policies),
		cmocka_unit_test_setup_teardown(minted_ones_are_found_again, open_minting,
						stage_teardown),
		EACH(dropped_from_both),
		EACH(expired_are_dropped),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
