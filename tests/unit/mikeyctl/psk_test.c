// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * psk load, list and revoke on the kernel's keyrings, which need no module;
 * and that nothing of a key stays behind in the process.
 */
#include "tests/unit/mikeyctl/support.h"

#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define KEY_LEN 32
#define MAPPING_MAX (1ul << 30)		/* larger ones are the sanitizer's */

/* A keyring for this process alone, which the commands are told by number. */
static char ring[16];

static int make_ring(void **state)
{
	key_serial_t serial;

	(void)state;
	if (keyctl_join_session_keyring(NULL) < 0)
		return -1;
	serial = add_key("keyring", "mikeyctl-test", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	snprintf(ring, sizeof(ring), "%d", serial);
	return serial < 0 ? -1 : 0;
}

static void load_and_revoke(void **state)
{
	static const char hex[] =
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	struct outcome outcome;
	key_serial_t serial;
	char *text;

	(void)state;
	run(&outcome, &psk_load, input_of(hex, strlen(hex)), "--id", "alice@a.test",
	    "--keyring", ring, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_string_equal(outcome.err,
			    "mikeyctl: PSK logon:mikey:alice@a.test (32 bytes) is in the kernel\n");
	serial = atoi(outcome.out);
	assert_true(keyctl_describe_alloc(serial, &text) > 0);
	assert_memory_equal(text, "logon;", 6);
	assert_string_equal(strrchr(text, ';') + 1, "mikey:alice@a.test");
	free(text);
	assert_int_equal(keyctl_read_alloc(serial, (void **)&text), -1);
	assert_int_equal(errno, EACCES);
	/* nothing but the modules gets at it, and nobody changes that */
	assert_int_equal(keyctl_search(atoi(ring), "logon", "mikey:alice@a.test", 0), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(keyctl_setperm(serial, KEY_POS_ALL | KEY_USR_ALL), -1);
	assert_int_equal(errno, EACCES);

	run(&outcome, &psk_list, -1, "--keyring", ring, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_says(outcome.out, " logon      perm     mikey:alice@a.test\n");

	/* loaded again: the same key, another length */
	run(&outcome, &psk_load, input_of(hex, 48), "--id=alice@a.test", "--keyring", ring, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_int_equal(atoi(outcome.out), serial);
	assert_says(outcome.err, "warning: the key has 24 bytes");
	/* and once more, with a timeout: that takes another key */
	run(&outcome, &psk_load, input_of(hex, 48), "--id=alice@a.test", "--keyring", ring,
	    "--timeout=2h", NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_int_not_equal(atoi(outcome.out), serial);
	serial = atoi(outcome.out);
	assert_int_equal(keyctl_setperm(serial, KEY_POS_ALL | KEY_USR_ALL), -1);
	run(&outcome, &psk_list, -1, "--keyring", ring, NULL);
	assert_null(strstr(outcome.out, " perm "));
	assert_non_null(strstr(outcome.out, "mikey:alice@a.test\n"));

	/* and without: the timeout of before does not stay */
	run(&outcome, &psk_load, input_of(hex, strlen(hex)), "--id=alice@a.test", "--quiet",
	    "--keyring", ring, NULL);
	assert_string_equal(outcome.err, "");
	run(&outcome, &psk_list, -1, "--json", "--keyring", ring, NULL);
	assert_says(outcome.out, "\"timeout\": \"perm\"");

	run(&outcome, &psk_revoke, -1, "--keyring", ring, "alice@a.test", NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_int_equal(keyctl_describe_alloc(serial, &text), -1);
	assert_int_equal(errno, EKEYREVOKED);
	run(&outcome, &psk_list, -1, "--keyring", ring, NULL);
	assert_says(outcome.err, "no PSK here");
	run(&outcome, &psk_revoke, -1, "--keyring", ring, "alice@a.test", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "there is no such key");
}

static void other_keys(void **state)
{
	key_serial_t user = add_key("user", "mikey:bob", "x", 1, atoi(ring));
	key_serial_t other = add_key("logon", "other:bob", "x", 1, atoi(ring));
	struct outcome outcome;
	char serial[16];

	(void)state;
	assert_true(user > 0 && other > 0);
	run(&outcome, &psk_list, -1, "--keyring", ring, NULL);
	assert_null(strstr(outcome.out, "bob"));
	run(&outcome, &psk_list, -1, "--all", "--keyring", ring, NULL);
	assert_null(strstr(outcome.out, "mikey:bob"));
	assert_says(outcome.out, "other:bob");

	snprintf(serial, sizeof(serial), "%d", user);
	run(&outcome, &psk_revoke, -1, "--keyring", ring, serial, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "is of type \"user\"");
	run(&outcome, &ticket_revoke, -1, serial, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "is of type \"user\", not \"mikey_ticket\"");
	run(&outcome, &psk_list, -1, "--keyring", serial, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "is not a keyring");
	assert_true(keyctl_describe(user, NULL, 0) > 0);	/* nobody revoked it */
	keyctl_unlink(user, atoi(ring));
	keyctl_unlink(other, atoi(ring));
}

/* Keyrings in keyrings, and a key in two of them: listed once. */
static void nested(void **state)
{
	key_serial_t inner = add_key("keyring", "inner", NULL, 0, atoi(ring));
	key_serial_t key = add_key("logon", "mikey:deep", "0123456789abcdef", 16, inner);
	struct outcome outcome;
	char *first;

	(void)state;
	assert_true(key > 0);
	assert_int_equal(keyctl_link(key, atoi(ring)), 0);
	run(&outcome, &psk_list, -1, "--keyring", ring, NULL);
	first = strstr(outcome.out, "mikey:deep");
	assert_non_null(first);
	assert_null(strstr(first + 1, "mikey:deep"));
	keyctl_unlink(key, atoi(ring));
	keyctl_unlink(inner, atoi(ring));
}

/* What was on the command line is refused, told nowhere, and overwritten. */
static void key_as_argument(void **state)
{
	static const char * const forms[] = { "", "--key=", "--key" };

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char name[] = "psk load", id[] = "--id=a", option[80], key[] = "00c0ffee00c0ffee";
		char *argv[5] = { name, id, option, key, NULL };
		int argc = 4;
		struct outcome outcome;

		snprintf(option, sizeof(option), "%s%s", forms[i],
			 strchr(forms[i], '=') ? key : "");
		if (!forms[i][0]) {
			argv[2] = key;
			argv[3] = NULL;
			argc = 3;
		}
		run_vector(&outcome, &psk_load, -1, argc, argv);
		assert_int_equal(outcome.code, EXIT_USAGE);
		assert_says(outcome.err, "if this was the key, take another one");
		assert_null(strstr(outcome.err, "c0ffee"));
		assert_null(strstr(option, "c0ffee"));
		assert_null(strstr(key, "c0ffee"));
	}
}

/*
 * Does memory of this process hold these bytes? They are given XOR 0xff, not
 * to find themselves. Memory that was freed is looked at as well, which the
 * sanitizer would call a mistake.
 */
__attribute__((no_sanitize("address")))
static bool holds(const uint8_t *masked, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long begin, end;
	bool found = false;
	char line[512], mode[8], path[256];

	assert_non_null(maps);
	while (!found && fgets(line, sizeof(line), maps)) {
		path[0] = '\0';
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &begin, &end, mode, path) < 3 ||
		    mode[0] != 'r' || mode[1] != 'w' || end - begin > MAPPING_MAX ||
		    end - begin < len)
			continue;
		for (unsigned long from = begin; !found && from <= end - len; from++) {
			const volatile uint8_t *at = (void *)from;
			size_t same = 0;

			while (same < len && (at[same] ^ masked[same]) == 0xff)
				same++;
			found = same == len;
		}
	}
	fclose(maps);
	return found;
}

/*
 * A child draws a key and writes its text into a pipe; the parent gets the
 * masked key and text through another one, in bytes of its own.
 */
static int drawn(uint8_t masked[KEY_LEN], uint8_t masked_text[2 * KEY_LEN])
{
	int input[2], told[2];

	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	if (!fork()) {
		uint8_t key[KEY_LEN];
		char text[2 * KEY_LEN + 1];

		if (getrandom(key, sizeof(key), 0) != sizeof(key))
			_exit(1);
		for (size_t i = 0; i < KEY_LEN; i++)
			sprintf(text + 2 * i, "%02x", key[i]);
		dprintf(input[1], "%s\n", text);
		for (size_t i = 0; i < KEY_LEN; i++)
			dprintf(told[1], "%c", key[i] ^ 0xff);
		for (size_t i = 0; i < 2 * KEY_LEN; i++)
			dprintf(told[1], "%c", text[i] ^ 0xff);
		_exit(0);
	}
	close(input[1]);
	close(told[1]);
	for (size_t i = 0; i < KEY_LEN; i++)
		assert_int_equal(read(told[0], masked + i, 1), 1);
	for (size_t i = 0; i < 2 * KEY_LEN; i++)
		assert_int_equal(read(told[0], masked_text + i, 1), 1);
	close(told[0]);
	return input[0];
}

static void nothing_left(void **state)
{
	uint8_t planted[KEY_LEN], masked[KEY_LEN], masked_text[2 * KEY_LEN];
	struct outcome outcome;

	(void)state;
	run(&outcome, &psk_load, drawn(masked, masked_text), "--id=gone", "--keyring", ring, NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_false(holds(masked, sizeof(masked)));
	assert_false(holds(masked_text, sizeof(masked_text)));

	/* a refusal leaves nothing either: text that is no base64 */
	run(&outcome, &psk_load, drawn(masked, masked_text), "--id=gone", "--base64",
	    "--keyring", "2147483647", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_false(holds(masked_text, sizeof(masked_text)));

	/* and the search would have found it */
	for (size_t i = 0; i < KEY_LEN; i++)
		((volatile uint8_t *)planted)[i] = masked[i] ^ 0xff;
	assert_true(holds(masked, sizeof(masked)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_and_revoke),
		cmocka_unit_test(other_keys),
		cmocka_unit_test(nested),
		cmocka_unit_test(key_as_argument),
		cmocka_unit_test(nothing_left),
	};

	if (make_ring(NULL)) {
		/* a container that forbids add_key(2) */
		printf("1..0 # SKIP no keyrings here: %s\n", strerror(errno));
		return 0;
	}
	return cmocka_run_group_tests_name("mikeyctl psk", tests, NULL, NULL);
}
