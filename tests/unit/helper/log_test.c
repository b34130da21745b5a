// SPDX-License-Identifier: GPL-2.0-or-later
/* What is in a log line is what was said, and nobody else's words are more than a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "helper/lib/log.h"

static char told[8192];

static void capture(int begin)
{
	static FILE *file;
	static int before;
	size_t len;

	fflush(stderr);
	if (begin) {
		file = tmpfile();
		before = dup(2);
		assert_true(file && before >= 0 && dup2(fileno(file), 2) == 2);
		return;
	}
	dup2(before, 2);
	close(before);
	rewind(file);
	len = fread(told, 1, sizeof(told) - 1, file);
	told[len] = '\0';
	fclose(file);
}

static void says(struct log_field field, const char *expected)
{
	char line[LOG_LINE_MAX + 64];

	capture(1);
	log_event(INFO, "event", field);
	capture(0);
	snprintf(line, sizeof(line), "mikeyd: event key=%s\n", expected);
	assert_string_equal(told, line);
}

static int setup(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_setup("mikeyd", LOG_LEVEL_INFO);
	return 0;
}

static void values(void **state)
{
	(void)state;
	says(log_number("key", -7), "-7");
	says(log_text("key", "alice@example.test"), "alice@example.test");
	says(log_text("key", "sip:a;b=c"), "\"sip:a;b=c\"");
	says(log_text("key", "some words"), "\"some words\"");
	says(log_text("key", ""), "\"\"");
	says(log_text("key", NULL), "\"\"");
	says(log_bytes("key", "whole", 3), "who");
}

/* Line ends, marks, other alphabets, a terminal's commands, a zero byte */
static void nothing_gets_out_of_a_value(void **state)
{
	static const char zero[] = "a\0b";

	(void)state;
	says(log_text("key", "x\r\nmikeyd: error: all is lost"),
	     "\"x\\x0d\\x0amikeyd: error: all is lost\"");
	says(log_text("key", "x\" status=200 y=\""), "\"x\\\" status=200 y=\\\"\"");
	says(log_text("key", "x\\"), "\"x\\\\\"");
	says(log_text("key", "\xc3\xbc\xff"), "\"\\xc3\\xbc\\xff\"");
	says(log_text("key", "\x1b[2J\x7f"), "\"\\x1b[2J\\x7f\"");
	says(log_text("key", "$(id)`id`'"), "\"$(id)`id`'\"");
	says(log_bytes("key", zero, 3), "\"a\\x00b\"");
}

static void several_fields(void **state)
{
	(void)state;
	capture(1);
	log_event(WARNING, "two", log_text("one", "1"), log_none(),
		  log_text("other", "a b"));
	log_event(DEBUG, "more", log_text("than", "wanted"));
	assert_true(log_is_on(LOG_LEVEL_INFO));
	assert_false(log_is_on(LOG_LEVEL_DEBUG));
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_event(ERROR, "three", log_number("n", 3));
	capture(0);
	assert_string_equal(told, "mikeyd: warning: two one=1 other=\"a b\"\n<3>three n=3\n");
}

/* A long value is cut, and so is a long line, between fields: it stays one that can be read. */
static void length(void **state)
{
	char text[8192], expected[LOG_VALUE_MAX + 64];
	size_t len;

	(void)state;
	memset(text, 'x', sizeof(text));
	snprintf(expected, sizeof(expected), "\"%.*s...\"", LOG_VALUE_MAX, text);
	says(log_bytes("key", text, sizeof(text)), expected);
	snprintf(expected, sizeof(expected), "%.*s", LOG_VALUE_MAX, text);
	says(log_bytes("key", text, LOG_VALUE_MAX), expected);

	memset(text, '\n', sizeof(text));
	capture(1);
	log_event(INFO, "event", log_text("first", "1"), log_bytes("huge", text, sizeof(text)),
		  log_text("last", "2"));
	capture(0);
	assert_string_equal(told, "mikeyd: event first=1 last=2 cut=1\n");

	memset(text, 'x', sizeof(text));
	capture(1);
	log_event(INFO, "event", log_bytes("a", text, 500), log_bytes("b", text, 500),
		  log_bytes("c", text, 500), log_bytes("d", text, 500),
		  log_bytes("e", text, 500));
	capture(0);
	len = strlen(told);
	assert_in_range(len, 1500, LOG_LINE_MAX + 10);
	assert_ptr_equal(strchr(told, '\n'), told + len - 1);
	assert_string_equal(told + len - 7, " cut=1\n");
	assert_null(strstr(told, "e="));
}

/* Words stay words; they have no fields to get out of. */
static void words(void **state)
{
	(void)state;
	capture(1);
	log_info("%s", "a\r\nb\x1b[c");
	capture(0);
	assert_string_equal(told, "mikeyd: a??b?[c\n");
}

static void levels(void **state)
{
	(void)state;
	assert_int_equal(log_level_parse("error"), LOG_LEVEL_ERROR);
	assert_int_equal(log_level_parse("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("loud"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(values, setup),
		cmocka_unit_test_setup(nothing_gets_out_of_a_value, setup),
		cmocka_unit_test_setup(several_fields, setup),
		cmocka_unit_test_setup(length, setup),
		cmocka_unit_test_setup(words, setup),
		cmocka_unit_test_setup(levels, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
