// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * UIDs of SIP URIs, and back: what a header shows of a UID must be that UID to
 * whoever reads the header.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* after those it needs */
#include <cmocka.h>

#include "helper/lib/uid.h"

static void from_uri(void **state)
{
	static const struct {
		const char *uri, *uid;
		int err;
	} cases[] = {
		{ "sip:bob@b.test", "bob@b.test", 0 },
		{ "SIPS:Bob@B.Test:5061;transport=tcp?x=y", "Bob@b.test", 0 },
		{ "sip:bob:secret@b.test", "bob@b.test", 0 },
		{ "sip:b%6Fb@b.test", "bob@b.test", 0 },
		{ "sip:a%3Ab@b.test", "a:b@b.test", 0 },
		{ "sip:a?b@b.test", "a%3Fb@b.test", 0 },
		{ "sip:a%3fb@b.test", "a%3Fb@b.test", 0 },
		{ "sip:bob;x=y@b.test", "bob;x=y@b.test", 0 },
		{ "sip:bob@[2001:DB8::1]:5060", "bob@[2001:db8::1]", 0 },
		{ "tel:+1", NULL, -EPROTONOSUPPORT },
		{ "sip:b.test", NULL, -EDESTADDRREQ },
		{ "sip:@b.test", NULL, -EDESTADDRREQ },
		{ "sip::x@b.test", NULL, -EDESTADDRREQ },
		{ "sip:bob@", NULL, -EDESTADDRREQ },
		{ "sip:bob@b.test@c.test", NULL, -EINVAL },
		{ "sip:b%40b@b.test", NULL, -EINVAL },
		{ "sip:b%25b@b.test", NULL, -EINVAL },
		{ "sip:b%0ab@b.test", NULL, -EINVAL },
		{ "sip:b%4@b.test", NULL, -EINVAL },
		{ "sip:bob@b test", NULL, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uid uid;
		int err = uid_from_uri(&uid, cases[i].uri, strlen(cases[i].uri));

		if (err != cases[i].err || (!err && strcmp(uid.text, cases[i].uid)))
			fail_msg("%s: %d, %s", cases[i].uri, err, err ? "" : uid.text);
	}
}

static void there_and_back(void **state)
{
	static const char * const uids[] = {
		"bob@b.test", "a:b@b.test", "a;b@b.test", "a%3Fb@b.test", "a b@b.test",
		"a<b>\"c@b.test", "J\303\274rgen@b.test", "bob@[2001:db8::1]", "a/b&c=d@b.test",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
		char escaped[UID_ESCAPED_MAX], uri[UID_ESCAPED_MAX + 8];
		struct uid uid = { .len = strlen(uids[i]) }, back;

		strcpy(uid.text, uids[i]);
		uid_escape(escaped, &uid);
		assert_null(strpbrk(escaped, " <>\"\\;?"));
		snprintf(uri, sizeof(uri), "sip:%s", escaped);
		if (uid_from_uri(&back, uri, strlen(uri)) || !uid_equal(&uid, &back))
			fail_msg("%s became %s", uids[i], escaped);
	}
}

static void longest(void **state)
{
	char uri[400] = "sip:";
	struct uid uid;

	(void)state;
	memset(uri + 4, 'a', 248);
	strcpy(uri + 252, "@b.test");
	assert_int_equal(uid_from_uri(&uid, uri, strlen(uri)), 0);
	assert_int_equal(uid.len, UID_MAX);
	memmove(uri + 5, uri + 4, strlen(uri + 4) + 1);
	assert_int_equal(uid_from_uri(&uid, uri, strlen(uri)), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_uri),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(longest),
	};

	return cmocka_run_group_tests_name("UIDs", tests, NULL, NULL);
}
