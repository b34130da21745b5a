// SPDX-License-Identifier: GPL-2.0-or-later
/* The answer to a message that comes again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after those it needs */
#include <cmocka.h>

#include "helper/mikeyd/answers.h"

static struct answers answers;

static struct answer_key key_of(const char *transfer, const char *cms)
{
	struct bytes one = { (uint8_t *)transfer, strlen(transfer) };
	struct bytes two = { (uint8_t *)cms, strlen(cms) };
	struct answer_key key;

	answer_key(&key, &one, &two);
	return key;
}

/* Both parts count, and where one ends. */
static void keys(void **state)
{
	struct answer_key key = key_of("ab", "c"), other = key_of("a", "bc");

	(void)state;
	assert_memory_not_equal(&key, &other, sizeof(key));
	other = key_of("ab", "d");
	assert_memory_not_equal(&key, &other, sizeof(key));
	other = key_of("ab", "c");
	assert_memory_equal(&key, &other, sizeof(key));
}

static void who_took_it_counts(void **state)
{
	struct answer_key key = key_of("t", "c"), other = key_of("t", "d");

	(void)state;
	memset(&answers, 0, sizeof(answers));
	assert_int_equal(answers_find(&answers, &key), 0);
	answers_add(&answers, &other, 200);
	answers_add(&answers, &key, 480);
	assert_int_equal(answers_find(&answers, &key), 480);
	answers_add(&answers, &key, 202);
	answers_add(&answers, &key, 603);
	assert_int_equal(answers_find(&answers, &key), 202);
}

static void the_oldest_goes(void **state)
{
	struct answer_key first = key_of("t", "first"), more = key_of("t", "more");

	(void)state;
	memset(&answers, 0, sizeof(answers));
	answers_add(&answers, &first, 200);
	for (int i = 0; i < ANSWERS_MAX - 1; i++)
		answers_add(&answers, &more, 480);
	assert_int_equal(answers_find(&answers, &first), 200);
	answers_add(&answers, &more, 480);
	assert_int_equal(answers_find(&answers, &first), 0);
	assert_int_equal(answers_find(&answers, &more), 480);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys),
		cmocka_unit_test(who_took_it_counts),
		cmocka_unit_test(the_oldest_goes),
	};

	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
