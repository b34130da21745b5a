// SPDX-License-Identifier: GPL-2.0-or-later
/* UIDs of SIP URIs: what they are, and what is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/lib/uid.h"

static void good_uris(void **state)
{
	static const struct {
		const char *uri, *uid;
	} cases[] = {
		{ "sip:alice@example.test", "alice@example.test" },
		{ "sips:alice@EXAMPLE.Test", "alice@example.test" },
		{ "SIP:Alice@example.test", "Alice@example.test" },
		{ "sip:alice@example.test:5061", "alice@example.test" },
		{ "sip:alice:secret@example.test:5061", "alice@example.test" },
		{ "sip:alice@example.test;transport=tcp", "alice@example.test" },
		{ "sip:alice@example.test?Subject=x@y", "alice@example.test" },
		{ "sip:al%69ce@example.test", "alice@example.test" },
		{ "sip:a%20b@example.test", "a b@example.test" },
		{ "sip:gr%C3%BC%c3%9fe@example.test", "gr\303\274\303\237e@example.test" },
		{ "sip:+49-30;isub=1@example.test", "+49-30;isub=1@example.test" },
		{ "sip:a?b@example.test", "a%3Fb@example.test" },
		{ "sip:a%3fb@example.test", "a%3Fb@example.test" },
		{ "sip:alice@[2001:DB8::1]:5060", "alice@[2001:db8::1]" },
		{ "sip:alice@192.0.2.1:5060;lr", "alice@192.0.2.1" },
	};
	struct uid uid;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(uid_from_uri(&uid, cases[i].uri, strlen(cases[i].uri)), 0);
		assert_string_equal(uid.text, cases[i].uid);
		assert_int_equal(uid.len, strlen(cases[i].uid));
	}
}

static void bad_uris(void **state)
{
	static const struct {
		const char *uri;
		int error;
	} cases[] = {
		{ "", -EPROTONOSUPPORT },
		{ "tel:+4930", -EPROTONOSUPPORT },
		{ "alice@example.test", -EPROTONOSUPPORT },
		{ "sip:", -EPROTONOSUPPORT },
		{ "sip:example.test", -EDESTADDRREQ },
		{ "sip:@example.test", -EDESTADDRREQ },
		{ "sip::secret@example.test", -EDESTADDRREQ },
		{ "sip:alice@", -EDESTADDRREQ },
		{ "sip:alice@;lr", -EDESTADDRREQ },
		{ "sip:alice@:5060", -EDESTADDRREQ },
		{ "sip:al%6@example.test", -EINVAL },
		{ "sip:al%6", -EDESTADDRREQ },
		{ "sip:al%zzce@example.test", -EINVAL },
		{ "sip:al%00ce@example.test", -EINVAL },
		{ "sip:al%0d%0ace@example.test", -EINVAL },
		{ "sip:al%7fce@example.test", -EINVAL },
		/* two users must not share a UID */
		{ "sip:a%253Fb@example.test", -EINVAL },
		{ "sip:a%40example.org@example.test", -EINVAL },
		{ "sip:alice@example.test@example.org", -EINVAL },
		{ "sip:alice@exa mple.test", -EINVAL },
		{ "sip:alice@example.test>", -EINVAL },
	};
	struct uid uid;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(uid_from_uri(&uid, cases[i].uri, strlen(cases[i].uri)),
				 cases[i].error);
}

static void length_of_id_data(void **state)
{
	char uri[300] = "sip:";
	struct uid uid;

	(void)state;
	memset(uri + 4, 'a', 253);
	strcpy(uri + 4 + 253, "@b");
	assert_int_equal(uid_from_uri(&uid, uri, strlen(uri)), 0);
	assert_int_equal(uid.len, UID_MAX);
	memset(uri + 4, 'a', 254);
	strcpy(uri + 4 + 254, "@b");
	assert_int_equal(uid_from_uri(&uid, uri, strlen(uri)), -ENAMETOOLONG);
}

static void texts_of_a_configuration(void **state)
{
	struct uid uid;

	(void)state;
	assert_int_equal(uid_from_text(&uid, "alice@Example.test"), 0);
	assert_string_equal(uid.text, "alice@example.test");
	assert_int_equal(uid_from_text(&uid, "sips:alice@example.test:1"), 0);
	assert_string_equal(uid.text, "alice@example.test");
	assert_int_equal(uid_from_text(&uid, "alice"), -EDESTADDRREQ);
}

static void wildcards_are_nobodys_own(void **state)
{
	struct uid wild = { .len = 14, .text = "?@example.test" }, uid;

	(void)state;
	assert_false(uid_is_own(&wild));
	assert_int_equal(uid_from_text(&uid, "a?b@example.test"), 0);
	assert_true(uid_is_own(&uid));
}

static void escaped_for_a_header(void **state)
{
	struct uid uid = { .len = 12, .text = "a>\r\n\"<\0;%%3F" };
	char out[UID_ESCAPED_MAX];

	(void)state;
	uid_escape(out, &uid);
	assert_string_equal(out, "a%3E%0D%0A%22%3C%00%3B%25%3F");
	assert_int_equal(uid_from_text(&uid, "alice+1@example.test"), 0);
	uid_escape(out, &uid);
	assert_string_equal(out, "alice+1@example.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_uris),
		cmocka_unit_test(bad_uris),
		cmocka_unit_test(length_of_id_data),
		cmocka_unit_test(texts_of_a_configuration),
		cmocka_unit_test(wildcards_are_nobodys_own),
		cmocka_unit_test(escaped_for_a_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
