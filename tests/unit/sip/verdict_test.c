// SPDX-License-Identifier: GPL-2.0-or-later
/* docs/sip.md shows what each error becomes: is that what it becomes? */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "helper/mikeyd/verdict.h"

#define ERRNO_MAX 134

struct shown {
	int error;
	int kms;		/* number of an Error message, or -1 */
	unsigned int outgoing, incoming, list;
};

static struct shown table[64];
static unsigned int n_shown;

static int error_of(const char *name)
{
	for (int i = 1; i < ERRNO_MAX; i++)
		if (strerrorname_np(i) && !strcmp(strerrorname_np(i), name))
			return -i;
	return 0;
}

/* Lines as "| `EIO` | words | 503 | 503 | 503 |", with a number behind EREMOTEIO. */
static int read_table(void **state)
{
	FILE *file = fopen("docs/sip.md", "r");
	char line[512], name[32];

	(void)state;
	while (file && fgets(line, sizeof(line), file)) {
		struct shown *row = &table[n_shown];

		row->kms = -1;
		if (sscanf(line, "| `%31[A-Z]` %d |%*[^|]| %u |%u |%u |", name, &row->kms,
			   &row->outgoing, &row->incoming, &row->list) != 5 &&
		    sscanf(line, "| `%31[A-Z]` |%*[^|]| %u |%u |%u |", name, &row->outgoing,
			   &row->incoming, &row->list) != 4)
			continue;
		row->error = error_of(name);
		if (!row->error)
			return -1;
		n_shown++;
	}
	if (file)
		fclose(file);
	return n_shown ? 0 : -1;
}

static void shown_is_true(void **state)
{
	struct problem problem;

	(void)state;
	for (unsigned int i = 0; i < n_shown; i++) {
		problem_set(&problem, table[i].error, table[i].kms < 0 ? "words" :
			    "the KMS's ticket: KMS error %d: words", table[i].kms);
		assert_int_equal(verdict_outgoing(&problem).code, table[i].outgoing);
		assert_int_equal(verdict_incoming(&problem).code, table[i].incoming);
		assert_int_equal(verdict_list(&problem).code, table[i].list);
	}
}

static bool is_shown(int error)
{
	for (unsigned int i = 0; i < n_shown; i++)
		if (table[i].error == error)
			return true;
	return false;
}

static void true_is_shown(void **state)
{
	struct problem problem;

	(void)state;
	for (int i = 1; i < ERRNO_MAX; i++) {
		problem_set(&problem, -i, "words");
		if (is_shown(-i))
			continue;
		assert_int_equal(verdict_outgoing(&problem).code, 500);
		assert_int_equal(verdict_incoming(&problem).code, 500);
		assert_int_equal(verdict_list(&problem).code, 500);
	}
}

/* Only a number where the kernel puts one counts (uapi/mikey_ticket.h). */
static void numbers_in_words(void **state)
{
	static const char * const none[] = {
		"KMS error", "KMS error without a known number", "KMS error 12",
		"KMS error 1x: y", "KMS error -1: x", "KMS error 99999999999999999999: x",
		"KMS error 3: KMS error 1: x",
	};
	struct problem problem;

	(void)state;
	problem_set(&problem, -EREMOTEIO, "KMS error 1: invalid timestamp");
	assert_int_equal(verdict_incoming(&problem).code, 503);
	assert_true(verdict_incoming(&problem).retry);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		problem_set(&problem, -EREMOTEIO, "%s", none[i]);
		assert_int_equal(verdict_outgoing(&problem).code, 403);
		assert_int_equal(verdict_incoming(&problem).code, 493);
	}
}

/* Who is to come again comes when the KMS says so; who is not to, is not told when. */
static void as_long_as_told(void **state)
{
	struct problem problem;

	(void)state;
	problem_set(&problem, -EHOSTUNREACH, "words");
	assert_int_equal(verdict_outgoing(&problem).retry, 1);
	problem.retry_after = 70;
	assert_int_equal(verdict_outgoing(&problem).retry, 70);
	assert_int_equal(verdict_incoming(&problem).retry, 70);
	assert_int_equal(verdict_list(&problem).retry, 70);
	problem.error = -EACCES;
	assert_int_equal(verdict_outgoing(&problem).retry, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown_is_true),
		cmocka_unit_test(true_is_shown),
		cmocka_unit_test(numbers_in_words),
		cmocka_unit_test(as_long_as_told),
	};

	return cmocka_run_group_tests(tests, read_table, NULL);
}
