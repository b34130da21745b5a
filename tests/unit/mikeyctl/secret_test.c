// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading a key: forms, files that others can read, and wiping. */
#include "tests/unit/mikeyctl/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/mikeyctl/secret.h"

/* What the memory held that was given back last. */
static uint8_t last_page[65536];
static size_t last_size;

int __real_munmap(void *address, size_t len);
int __wrap_munmap(void *address, size_t len);

int __wrap_munmap(void *address, size_t len)
{
	last_size = len < sizeof(last_page) ? len : sizeof(last_page);
	memcpy(last_page, address, last_size);
	return __real_munmap(address, len);
}

static void put(struct secret *secret, const char *text)
{
	struct problem problem;

	assert_int_equal(secret_open(secret, &problem), 0);
	secret->len = strlen(text);
	memcpy(secret->data, text, secret->len);
}

static const uint8_t sixteen[16] = {
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
	0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};

#define HEX "00112233445566778899aabbccddeeff"
#define BASE64 "ABEiM0RVZneImaq7zN3u/w=="

static void good_forms(void **state)
{
	static const struct {
		const char *text;
		enum secret_form form;
	} cases[] = {
		{ HEX, SECRET_HEX },
		{ HEX "\n", SECRET_HEX },
		{ "00112233 44556677\r\n8899AABB\tCCDDEEFF\n", SECRET_HEX },
		{ BASE64, SECRET_BASE64 },
		{ "ABEiM0RV\nZneImaq7zN3u/w==\n", SECRET_BASE64 },
	};
	struct problem problem;
	struct secret secret;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(&secret, cases[i].text);
		assert_int_equal(secret_decode(&secret, cases[i].form, &problem), 0);
		assert_int_equal(secret.len, sizeof(sixteen));
		assert_memory_equal(secret.data, sixteen, sizeof(sixteen));
		secret_close(&secret);
	}
	put(&secret, "0123456789abcdef\n");
	assert_int_equal(secret_decode(&secret, SECRET_RAW, &problem), 0);
	assert_int_equal(secret.len, 17);
	secret_close(&secret);
}

static void bad_forms(void **state)
{
	static const struct {
		const char *text;
		enum secret_form form;
		const char *says;
	} cases[] = {
		{ "", SECRET_HEX, "0 bytes" },
		{ "", SECRET_BASE64, "0 bytes" },
		{ "", SECRET_RAW, "0 bytes" },
		{ HEX "0", SECRET_HEX, "half a byte" },
		{ "0x" HEX, SECRET_HEX, "character 2 " },
		{ "00:11", SECRET_HEX, "character 3 " },
		{ "00 1g", SECRET_HEX, "character 4 " },
		{ "00112233445566778899aabbccddee", SECRET_HEX, "15 bytes: 16 to 64" },
		{ HEX HEX HEX HEX "00", SECRET_HEX, "65 bytes: 16 to 64" },
		{ "ABEiM0RVZneImaq7zN3u/w=", SECRET_BASE64, "no multiple of 4" },
		{ "ABEiM0RVZneImaq7zN3u/w", SECRET_BASE64, "no multiple of 4" },
		{ "ABEiM0RVZneImaq7zN3u/x==", SECRET_BASE64, "bits after its end" },
		{ "ABEiM0RVZneImaq7zN3u/1A=", SECRET_BASE64, NULL },
		{ "ABEi=0RVZneImaq7zN3u/w==", SECRET_BASE64, "character 5 " },
		{ "ABEiM0RVZneImaq7zN3u_w==", SECRET_BASE64, "character 21 " },
		{ "ABEiM0RVZneImaq7zN3u====", SECRET_BASE64, "character 21 " },
		{ "0123456789abcde", SECRET_RAW, "15 bytes: 16 to 64" },
	};
	struct problem problem;
	struct secret secret;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err;

		put(&secret, cases[i].text);
		err = secret_decode(&secret, cases[i].form, &problem);
		secret_close(&secret);
		if (!cases[i].says) {		/* 17 bytes, so all is well */
			assert_int_equal(err, 0);
			continue;
		}
		if (err != -EINVAL || !strstr(problem.words, cases[i].says))
			fail_msg("case %zu: %d, \"%s\"", i, err, problem.words);
	}
}

/* A refusal tells where, and no part of the key. */
static void words_without_key(void **state)
{
	static const char key[] = "c0ffee5ecre7c0ffee5ecre7c0ffee5ecre7";
	struct problem problem;
	struct secret secret;

	(void)state;
	for (int form = SECRET_HEX; form <= SECRET_BASE64; form++) {
		put(&secret, key);
		if (form == SECRET_BASE64)
			secret.data[7] = '!';
		assert_int_equal(secret_decode(&secret, form, &problem), -EINVAL);
		for (size_t i = 0; i + 4 < sizeof(key); i++) {
			char part[5];

			snprintf(part, sizeof(part), "%.4s", key + i);
			assert_null(strstr(problem.words, part));
		}
		secret_close(&secret);
	}
}

static void longest(void **state)
{
	char text[1026];
	struct problem problem;
	struct secret secret;
	int fd;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, HEX, strlen(HEX));
	assert_int_equal(secret_open(&secret, &problem), 0);
	fd = input_of(text, 1024);
	assert_int_equal(secret_read(&secret, fd, &problem), 0);
	close(fd);
	assert_int_equal(secret.len, 1024);
	assert_int_equal(secret_decode(&secret, SECRET_HEX, &problem), 0);
	assert_memory_equal(secret.data, sixteen, sizeof(sixteen));

	fd = input_of(text, 1025);
	assert_int_equal(secret_read(&secret, fd, &problem), -EFBIG);
	close(fd);
	secret_close(&secret);

	/* the longest text of base64 does not leave the page */
	put(&secret, "");
	memset(secret.data, 'A', 1024);
	secret.len = 1024;
	assert_int_equal(secret_decode(&secret, SECRET_BASE64, &problem), -EINVAL);
	assert_says(problem.words, "768 bytes");
	secret_close(&secret);
}

static void wiped(void **state)
{
	struct problem problem;
	struct secret secret;

	(void)state;
	put(&secret, BASE64);
	assert_int_equal(secret_decode(&secret, SECRET_BASE64, &problem), 0);
	last_size = 0;
	secret_close(&secret);
	assert_int_equal(last_size, sysconf(_SC_PAGESIZE));
	for (size_t i = 0; i < last_size; i++)
		assert_int_equal(last_page[i], 0);
	assert_null(secret.data);
	secret_close(&secret);		/* once more is harmless */
}

/*
 * In /proc/self/smaps: in no core dump, in no child. That it is locked shows
 * only without the sanitizer, which takes mlock(2) away (mikeyctl_test).
 */
static void hidden(void **state)
{
	char line[256], begin[32];
	struct secret secret;
	bool inside = false;
	bool flags = false;
	FILE *file;

	(void)state;
	put(&secret, HEX);
	snprintf(begin, sizeof(begin), "%lx-", (unsigned long)secret.data);
	file = fopen("/proc/self/smaps", "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, begin, strlen(begin)))
			inside = true;
		if (inside && !strncmp(line, "VmFlags:", 8)) {
			flags = strstr(line, " dd") && strstr(line, " wf");
			break;
		}
	}
	fclose(file);
	secret_close(&secret);
	assert_true(flags);
}

static void private_files(void **state)
{
	static const mode_t refused[] = { 0644, 0640, 0604, 0620, 0602, 0601, 0610 };
	char name[] = "/tmp/mikeyctl-secret-test.XXXXXX";
	struct problem problem;
	int fd = mkstemp(name), got;

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(fchmod(fd, refused[i]), 0);
		assert_int_equal(secret_source(name, false, &problem), -EPERM);
		assert_says(problem.words, "chmod 600");
		got = secret_source(name, true, &problem);
		assert_true(got >= 0);
		close(got);
	}
	assert_int_equal(fchmod(fd, 0600), 0);
	got = secret_source(name, false, &problem);
	assert_true(got >= 0);
	assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
	close(got);
	if (!geteuid()) {
		assert_int_equal(fchown(fd, 4242, 4242), 0);
		assert_int_equal(secret_source(name, false, &problem), -EPERM);
		assert_says(problem.words, "4242");
	}
	unlink(name);
	close(fd);
	assert_int_equal(secret_source(name, false, &problem), -ENOENT);
	assert_null(strstr(problem.words, name));	/* it could be the key */
	assert_int_equal(secret_source("/tmp", false, &problem), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_forms),
		cmocka_unit_test(bad_forms),
		cmocka_unit_test(words_without_key),
		cmocka_unit_test(longest),
		cmocka_unit_test(wiped),
		cmocka_unit_test(hidden),
		cmocka_unit_test(private_files),
	};

	return cmocka_run_group_tests_name("mikeyctl secret", tests, NULL, NULL);
}
