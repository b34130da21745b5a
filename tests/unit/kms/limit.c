// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Token buckets, at times that the test chooses; and what an exchange has to do
 * with them.
 */
#include <arpa/inet.h>

#include "helper/kms/limit.h"
#include "tests/unit/kms/support.h"

#define SECOND 1000000000LL

static void bucket(void **state)
{
	struct kms_limit *limit = kms_limit_new(2, 3);
	s64 now = 5 * SECOND;
	int i;

	(void)state;
	assert_non_null(limit);
	for (i = 0; i < 3; i++) {
		assert_int_equal(kms_limit_ask(limit, str("a"), now), 0);
		assert_int_equal(kms_limit_take(limit, str("a"), now), 0);
	}
	/* the next one in half a second */
	assert_int_equal(kms_limit_ask(limit, str("a"), now), 1);
	assert_int_equal(kms_limit_take(limit, str("a"), now), 1);
	assert_int_equal(kms_limit_take(limit, str("a"), now + SECOND / 2 - 1), 1);
	/* what was refused has not put it off */
	assert_int_equal(kms_limit_take(limit, str("a"), now + SECOND / 2), 0);
	assert_int_equal(kms_limit_take(limit, str("a"), now + SECOND / 2), 1);
	/* others are others */
	assert_int_equal(kms_limit_take(limit, str("b"), now), 0);
	/* after an hour there are no more than three */
	now += 3600 * SECOND;
	for (i = 0; i < 3; i++)
		assert_int_equal(kms_limit_take(limit, str("a"), now), 0);
	assert_int_equal(kms_limit_take(limit, str("a"), now), 1);
	kms_limit_free(limit);
	assert_int_equal(kms_limit_take(NULL, str("a"), now), 0);
}

static void retry_after(void **state)
{
	struct kms_limit *limit = kms_limit_new(1, 1);
	s64 now = SECOND;

	(void)state;
	assert_int_equal(kms_limit_take(limit, str("a"), now), 0);
	assert_int_equal(kms_limit_take(limit, str("a"), now), 1);
	assert_int_equal(kms_limit_take(limit, str("a"), now + SECOND - 1), 1);
	assert_int_equal(kms_limit_take(limit, str("a"), now + SECOND), 0);
	kms_limit_free(limit);
}

/*
 * A thousand that have used up theirs share buckets of a row with one in 32 of
 * the others, and those of both rows with one in about a thousand. That more
 * than three of a hundred are hit happens once in some 100000 runs.
 */
static void crowd(void **state)
{
	struct kms_limit *limit = kms_limit_new(1, 2);
	unsigned int refused = 0;
	char name[24];
	int i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "noisy%d", i % 1000);
		kms_limit_take(limit, str(name), SECOND);
	}
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "quiet%d", i);
		refused += !!kms_limit_take(limit, str(name), SECOND);
	}
	assert_in_range(refused, 0, 3);
	/* and the crowd has got no more for being one */
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "noisy%d", i);
		assert_int_not_equal(kms_limit_take(limit, str(name), SECOND), 0);
	}
	kms_limit_free(limit);
}

static struct mikey_blob source(const char *text, u8 name[KMS_LIMIT_SOURCE_MAX])
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = 7 };
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = 9 };

	if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		return kms_limit_source((struct sockaddr *)&in6, name);
	assert_int_equal(inet_pton(AF_INET, text, &in4.sin_addr), 1);
	return kms_limit_source((struct sockaddr *)&in4, name);
}

static void sources(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
		{ "2001:db8::1", "2001:db8::ffff:1", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "192.0.2.1", "c000:201::", false },
	};
	u8 a[KMS_LIMIT_SOURCE_MAX], b[KMS_LIMIT_SOURCE_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_int_equal(mikey_blob_eq(source(pairs[i].a, a), source(pairs[i].b, b)),
				 pairs[i].same);
	assert_int_equal(kms_limit_source(NULL, a).len, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bucket),
		cmocka_unit_test(retry_after),
		cmocka_unit_test(crowd),
		cmocka_unit_test(sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
