// SPDX-License-Identifier: GPL-2.0-or-later
/* Base64: both forms written, and strictly read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "helper/lib/base64.h"

static void rfc4648_section_10(void **state)
{
	static const char * const texts[] = {
		"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
	};
	struct bytes bytes;
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(base64_write(text, (const uint8_t *)"foobar", i, 0),
				 strlen(texts[i]));
		assert_string_equal(text, texts[i]);
		assert_int_equal(base64_size(i, 0), strlen(texts[i]));
		assert_int_equal(base64_read(&bytes, texts[i], strlen(texts[i])), 0);
		assert_int_equal(bytes.len, i);
		assert_memory_equal(bytes.data, "foobar", i);
		bytes_wipe(&bytes);
	}
}

static void mime_lines(void **state)
{
	uint8_t data[200];
	struct bytes bytes;
	char text[400];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i;
	for (size_t len = 0; len <= sizeof(data); len++) {
		size = base64_write(text, data, len, BASE64_MIME_LINE);
		assert_int_equal(size, base64_size(len, BASE64_MIME_LINE));
		for (char *line = text, *end; line < text + size; line = end + 2) {
			end = strstr(line, "\r\n");
			assert_non_null(end);
			assert_true(end - line <= 76);
		}
		assert_int_equal(base64_read(&bytes, text, size), 0);
		assert_int_equal(bytes.len, len);
		assert_memory_equal(bytes.data, data, len);
		bytes_wipe(&bytes);
	}
}

static void white_space_is_skipped(void **state)
{
	static const char text[] = " Z\tm\r\n9\nvYg\r\n= =\r\n\r\n";
	struct bytes bytes;

	(void)state;
	assert_int_equal(base64_read(&bytes, text, strlen(text)), 0);
	assert_int_equal(bytes.len, 4);
	assert_memory_equal(bytes.data, "foob", 4);
	bytes_wipe(&bytes);
}

static void refused(void **state)
{
	static const char * const texts[] = {
		"Z", "Zg", "Zg=", "Zg===", "Zm8", "Zm8==", "=", "====", "Z===",
		"Zg==Zg==", "Zm9v=", "Zm9v====", "Zm9v!", "Zm-v", "Zm_v", "Zm9v\x80",
		"Zh==", "Zm9=", "Zm9vZ", "-----BEGIN",
	};
	struct bytes bytes = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(base64_read(&bytes, texts[i], strlen(texts[i])), -EBADMSG);
		assert_null(bytes.data);
	}
	assert_int_equal(base64_read(&bytes, "Zg==\0", 5), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4648_section_10),
		cmocka_unit_test(mime_lines),
		cmocka_unit_test(white_space_is_skipped),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
