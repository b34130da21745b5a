// SPDX-License-Identifier: GPL-2.0-or-later
/* Text that others chose must not steer a terminal nor break JSON. */
#include "tests/unit/mikeyctl/support.h"

#include <stdlib.h>

#include "helper/mikeyctl/output.h"

static char *text;
static size_t size;

static FILE *begin(void)
{
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	return file;
}

static void end(FILE *file, const char *expected)
{
	fclose(file);
	assert_string_equal(text, expected);
	free(text);
}

#define T(bytes, shown) { bytes, sizeof(bytes) - 1, shown }

static void plain_text(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *shown;
	} cases[] = {
		T("bob@example.test", "bob@example.test"),
		T("J\303\274rgen \342\202\254 \360\237\230\200",
		  "J\303\274rgen \342\202\254 \360\237\230\200"),
		T("a\033[31mb\007\n\0c", "a?[31mb???c"),
		T("\177", "?"),
		T("\302\233", "?"),			/* C1: CSI */
		T("a\342\200\256b", "a?b"),		/* right-to-left override */
		T("\342\201\246", "?"),			/* isolate */
		T("\200", "?"),
		T("\303", "?"),				/* cut off */
		T("\303(", "?("),
		T("\300\257", "??"),			/* '/' by a detour */
		T("\340\200\257", "???"),
		T("\355\240\200", "???"),		/* surrogate */
		T("\364\220\200\200", "????"),		/* over U+10FFFF */
		T("\370\210\200\200\200", "?????"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *file = begin();

		output_text(file, cases[i].bytes, cases[i].len);
		end(file, cases[i].shown);
	}
}

static void durations(void **state)
{
	static const struct {
		int64_t seconds;
		const char *shown;
	} cases[] = {
		{ 0, "-             " }, { -5, "-             " }, { 59, "00:59         " },
		{ 3599, "59:59         " }, { 3600, "01:00:00      " },
		{ 86399, "23:59:59      " }, { 86400, "1d 00:00:00   " },
		{ INT64_MAX, "106751991167300d 15:30:07" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *file = begin();

		output_duration(file, cases[i].seconds);
		end(file, cases[i].shown);
	}
}

static void times(void **state)
{
	FILE *file = begin();

	(void)state;
	output_time(file, 1709210096);
	fputc(' ', file);
	output_time(file, INT64_MAX);	/* a year that no struct tm holds */
	end(file, "2024-02-29T12:34:56Z 9223372036854775807");
}

static void nested_json(void **state)
{
	FILE *file = begin();
	struct json json = { .file = file };

	(void)state;
	json_object(&json, NULL);
	json_string(&json, "name", "a\"b\\c\n\033");
	json_text(&json, "bad", "\377x\342\200\256", 5);
	json_string(&json, "none", NULL);
	json_array(&json, "empty");
	json_array_end(&json);
	json_array(&json, "list");
	json_number(&json, NULL, INT64_MIN);
	json_count(&json, NULL, UINT64_MAX);
	json_array_end(&json);
	json_bool(&json, "yes", true);
	json_object_end(&json);
	end(file,
	    "{\n"
	    "  \"name\": \"a\\\"b\\\\c\\u000a\\u001b\",\n"
	    "  \"bad\": \"\\ufffdx\\u202e\",\n"
	    "  \"none\": null,\n"
	    "  \"empty\": [],\n"
	    "  \"list\": [\n"
	    "    -9223372036854775808,\n"
	    "    18446744073709551615\n"
	    "  ],\n"
	    "  \"yes\": true\n"
	    "}\n");
}

static void json_in_a_line(void **state)
{
	FILE *file = begin();
	struct json json = { .file = file, .line = true };

	(void)state;
	json_object(&json, NULL);
	json_number(&json, "a", 1);
	json_number(&json, "b", 2);
	json_object_end(&json);
	end(file, "{\"a\": 1, \"b\": 2}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text),
		cmocka_unit_test(durations),
		cmocka_unit_test(times),
		cmocka_unit_test(nested_json),
		cmocka_unit_test(json_in_a_line),
	};

	return cmocka_run_group_tests_name("mikeyctl output", tests, NULL, NULL);
}
