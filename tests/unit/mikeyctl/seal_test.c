// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * psk seal and psk unseal without a TPM: what they refuse, and that the kernel
 * opens what it sealed itself. tests/secrets/sealed has a TPM.
 */
#include "tests/unit/mikeyctl/support.h"

#include <errno.h>
#include <keyutils.h>
#include <stdlib.h>
#include <unistd.h>

static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static char ring[16];

static int make_ring(void)
{
	key_serial_t serial;

	if (keyctl_join_session_keyring(NULL) < 0)
		return -1;
	serial = add_key("keyring", "mikeyctl-seal", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	snprintf(ring, sizeof(ring), "%d", serial);
	return serial < 0 ? -1 : 0;
}

static void seal_arguments(void **state)
{
	char argument[sizeof(hex)];	/* to be wiped */
	struct outcome outcome;

	(void)state;
	run(&outcome, &psk_seal, -1, "--master=trusted:kmk", NULL);
	assert_int_equal(outcome.code, EXIT_USAGE);
	assert_says(outcome.err, "--to is missing");
	run(&outcome, &psk_seal, -1, "--to=x", NULL);
	assert_int_equal(outcome.code, EXIT_USAGE);
	assert_says(outcome.err, "--master is trusted:NAME");
	/* its owner could read it, and with it what it seals */
	run(&outcome, &psk_seal, -1, "--to=x", "--master=user:kmk", NULL);
	assert_int_equal(outcome.code, EXIT_USAGE);
	run(&outcome, &psk_seal, -1, "--to=x", "--master=trusted:a b", NULL);
	assert_int_equal(outcome.code, EXIT_USAGE);
	run(&outcome, &psk_seal, -1, "--to=x", "--master=trusted:kmk",
	    strcpy(argument, hex), NULL);
	assert_int_equal(outcome.code, EXIT_USAGE);
	assert_says(outcome.err, "can be read by every user");
	assert_string_equal(argument, "");
}

static void seal_without_master(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, &psk_seal, input_of(hex, 38), "--to=/tmp/never",
	    "--master=trusted:none", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "the key has 19 bytes: the kernel seals none under 20");
	run(&outcome, &psk_seal, input_of(hex, strlen(hex)), "--to=/tmp/never",
	    "--master=trusted:none", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_int_equal(access("/tmp/never", F_OK), -1);
}

static void unseal_arguments(void **state)
{
	static const char * const handles[] = {
		"81000001", "0x", "0x1234567890", "0x81 keyhandle=1",
	};
	struct outcome outcome;

	(void)state;
	run(&outcome, &psk_unseal, -1, NULL);
	assert_int_equal(outcome.code, EXIT_USAGE);
	assert_says(outcome.err, "--id is missing");
	run(&outcome, &psk_unseal, -1, "--id=a b", NULL);
	assert_int_equal(outcome.code, EXIT_USAGE);
	/* it goes into the kernel's order: nothing else may come with it */
	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
		run(&outcome, &psk_unseal, -1, "--id=a", "--parent", handles[i], NULL);
		assert_int_equal(outcome.code, EXIT_USAGE);
		assert_says(outcome.err, "--parent is a handle");
	}
}

static void unseal_garbage(void **state)
{
	static char many[5000];
	struct outcome outcome;

	(void)state;
	run(&outcome, &psk_unseal, -1, "--id=a", "--from=/nonexistent", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "/nonexistent: No such file");
	run(&outcome, &psk_unseal, input_of("", 0), "--id=a", "--keyring", ring, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "this is no sealed key");
	memset(many, 'a', sizeof(many));
	run(&outcome, &psk_unseal, input_of(many, sizeof(many)), "--id=a", "--keyring", ring, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "this is no sealed key");
	/* for a TPM, which is not here or does not know it */
	run(&outcome, &psk_unseal, input_of("\1\2\3", 3), "--id=a", "--keyring", ring, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	run(&outcome, &psk_unseal, input_of("default trusted:none 32 00", 26), "--id=a",
	    "--keyring", ring, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
}

/* With a master key of type "user", which `psk seal` would not take. */
static void open_what_was_sealed(void **state)
{
	static const char master[] = "0123456789abcdef0123456789abcdef";
	char *blob, *again, *damaged;
	struct outcome outcome;
	key_serial_t serial;

	(void)state;
	if (add_key("user", "mikeyctl-kmk", master, 32, KEY_SPEC_SESSION_KEYRING) < 0)
		skip();
	serial = add_key("encrypted", "made", "new user:mikeyctl-kmk 32", 24, atoi(ring));
	if (serial < 0)
		skip();		/* a kernel without them */
	assert_true(keyctl_read_alloc(serial, (void **)&blob) > 0);

	run(&outcome, &psk_unseal, input_of(blob, strlen(blob)), "--id=alice", "--keyring", ring,
	    NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_says(outcome.err, "encrypted:mikey:alice is in the kernel");
	/* of a PSK not even that; a master key has to be found */
	assert_int_equal(keyctl_read_alloc(atoi(outcome.out), (void **)&again), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(keyctl_search(atoi(ring), "encrypted", "mikey:alice", 0), -1);
	run(&outcome, &psk_unseal, input_of(blob, strlen(blob)), "--desc=kmk", "--keyring", ring,
	    NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_int_equal(keyctl_search(atoi(ring), "encrypted", "kmk", 0), atoi(outcome.out));
	assert_true(keyctl_read_alloc(atoi(outcome.out), (void **)&again) > 0);
	assert_string_equal(again, blob);
	run(&outcome, &psk_list, -1, "--keyring", ring, NULL);
	assert_says(outcome.out, " encrypted ");

	damaged = strdup(blob);
	damaged[strlen(damaged) - 1] ^= 1;
	run(&outcome, &psk_unseal, input_of(damaged, strlen(damaged)), "--id=bob", "--keyring",
	    ring, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "it is damaged, or was sealed with another master key");
	free(damaged);
	free(again);
	free(blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seal_arguments),
		cmocka_unit_test(seal_without_master),
		cmocka_unit_test(unseal_arguments),
		cmocka_unit_test(unseal_garbage),
		cmocka_unit_test(open_what_was_sealed),
	};

	if (make_ring()) {
		/* a container that forbids add_key(2) */
		printf("1..0 # SKIP no keyrings here: %s\n", strerror(errno));
		return 0;
	}
	return cmocka_run_group_tests_name("mikeyctl seal", tests, NULL, NULL);
}
