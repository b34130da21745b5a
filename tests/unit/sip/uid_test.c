// SPDX-License-Identifier: GPL-2.0-or-later
/* What a header shows of a UID must be that UID to whoever reads the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* after those it needs */
#include <cmocka.h>

#include "helper/lib/uid.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
	};

	return cmocka_run_group_tests_name("UIDs in headers", tests, NULL, NULL);
}
