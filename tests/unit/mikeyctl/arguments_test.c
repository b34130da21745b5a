// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers and names on the command line, and what every command refuses. */
#include "tests/unit/mikeyctl/support.h"

#include <keyutils.h>

#include "helper/mikeyctl/keys.h"

static void seconds(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;	/* 0: refused */
	} cases[] = {
		{ "1", 1 }, { "90", 90 }, { "90s", 90 }, { "30m", 1800 }, { "12h", 43200 },
		{ "7d", 604800 }, { "4294967295", 4294967295 }, { "49710d", 4294944000 },
		{ "0", 0 }, { "0h", 0 }, { "", 0 }, { "-1", 0 }, { "+1", 0 }, { " 1", 0 },
		{ "1 ", 0 }, { "1x", 0 }, { "1hh", 0 }, { "h", 0 }, { "1.5h", 0 }, { "0x10", 0 },
		{ "4294967296", 0 }, { "49711d", 0 }, { "99999999999999999999", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t got = -1;
		bool known = command_read_seconds(cases[i].text, &got);

		if (known != !!cases[i].seconds || (known && got != cases[i].seconds))
			fail_msg("\"%s\": %d, %lld", cases[i].text, known, (long long)got);
	}
}

static void serials(void **state)
{
	static const char * const wrong[] = {
		"", "0", "-3", "+7", " 7", "7 ", "0x10", "1e3", "2147483648", "user",
		"99999999999999999999999",
	};
	int32_t serial = -1;

	(void)state;
	assert_true(keys_serial("2147483647", &serial));
	assert_int_equal(serial, 2147483647);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (keys_serial(wrong[i], &serial))
			fail_msg("\"%s\" was taken for %d", wrong[i], serial);
}

static void rings(void **state)
{
	int32_t ring;

	(void)state;
	assert_true(keys_ring("user", &ring));
	assert_int_equal(ring, KEY_SPEC_USER_KEYRING);
	assert_true(keys_ring("session", &ring));
	assert_int_equal(ring, KEY_SPEC_SESSION_KEYRING);
	assert_true(keys_ring("12345", &ring));
	assert_int_equal(ring, 12345);
	assert_false(keys_ring("@u", &ring));
	assert_false(keys_ring("-4", &ring));
	assert_false(keys_ring("", &ring));
}

static const struct command * const all[] = {
	&psk_load, &psk_list, &psk_revoke, &psk_seal, &psk_unseal, &ticket_list, &ticket_show,
	&ticket_revoke, &ticket_invalidate, &policy_show, &stats_show, &watch_refusals,
	&send_message,
};

static void help_and_unknown_options(void **state)
{
	struct outcome outcome;
	char usage[64];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		snprintf(usage, sizeof(usage), "usage: mikeyctl %s", all[i]->words);
		run(&outcome, all[i], -1, "--help", NULL);
		assert_int_equal(outcome.code, EXIT_DONE);
		assert_says(outcome.out, usage);
		assert_string_equal(outcome.err, "");

		run(&outcome, all[i], -1, "--bogus", NULL);
		assert_int_equal(outcome.code, EXIT_USAGE);
		assert_says(outcome.err, "--bogus");
		assert_says(outcome.err, "--help tells more");
		assert_string_equal(outcome.out, "");
	}
}

static void too_many_and_too_few(void **state)
{
	static const struct {
		const struct command *command;
		const char *words[3];
		const char *says;
	} cases[] = {
		{ &psk_load, { NULL }, "--id is missing" },
		{ &psk_load, { "--id", "" }, "--id is missing" },
		{ &psk_load, { "--id", "a b" }, "no spaces" },
		{ &psk_load, { "--desc", "alice" }, "PREFIX:NAME" },
		{ &psk_load, { "--desc", ":alice" }, "PREFIX:NAME" },
		{ &psk_load, { "--id=a", "--hex", "--raw" }, "exclude each other" },
		{ &psk_load, { "--id=a", "--timeout=x" }, "--timeout is a number" },
		{ &psk_load, { "--id=a", "--keyring=x" }, "--keyring is user" },
		{ &psk_list, { "x" }, "takes no arguments" },
		{ &psk_revoke, { NULL }, "name one key" },
		{ &psk_revoke, { "1", "2" }, "name one key" },
		{ &ticket_list, { "1" }, "takes no arguments" },
		{ &ticket_show, { NULL }, "name one ticket" },
		{ &ticket_show, { "x" }, "name one ticket" },
		{ &ticket_revoke, { "1", "2" }, "name one ticket" },
		{ &ticket_invalidate, { "-1" }, "invalid option" },
		{ &policy_show, { "x" }, "takes no arguments" },
		{ &stats_show, { "x" }, "takes no arguments" },
		{ &watch_refusals, { "x" }, "takes no arguments" },
		{ &watch_refusals, { "--count", "0" }, "--count is a number" },
		{ &send_message, { NULL }, "--to is missing" },
		{ &send_message, { "--to", "bob" }, "--to is not a SIP address" },
		{ &send_message, { "--to", "mailto:bob@b.test" }, "--to is not a SIP address" },
		{ &send_message, { "--to", "sip:bob@b.test\r\nX: y" },
		  "--to is not a SIP address" },
		{ &send_message, { "--to", "sip:bob@b.test;a=<b>" }, "--to is not a SIP address" },
		{ &send_message, { "--to=bob@b.test", "--from=x y@a.test" }, "--from is not" },
		{ &send_message, { "--to=bob@b.test", "--content-type=text" }, "TYPE/SUBTYPE" },
		{ &send_message, { "--to=bob@b.test", "--content-type=a/b\r\nX: y" },
		  "TYPE/SUBTYPE" },
		{ &send_message, { "--to=bob@b.test", "--file=/dev/null", "text" }, "not both" },
		{ &send_message, { "--to=bob@b.test", "--timeout=33" }, "32 at most" },
	};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(&outcome, cases[i].command, -1, cases[i].words[0], cases[i].words[1],
		    cases[i].words[2], NULL);
		if (outcome.code != EXIT_USAGE || !strstr(outcome.err, cases[i].says) ||
		    *outcome.out)
			fail_msg("%s, case %zu: %d, \"%s\"", cases[i].command->words, i,
				 outcome.code, outcome.err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds),
		cmocka_unit_test(serials),
		cmocka_unit_test(rings),
		cmocka_unit_test(help_and_unknown_options),
		cmocka_unit_test(too_many_and_too_few),
	};

	return cmocka_run_group_tests_name("mikeyctl arguments", tests, NULL, NULL);
}
