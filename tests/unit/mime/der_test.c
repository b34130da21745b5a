// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DER in both directions: what the writer writes the reader reads, at every
 * length where an octet more is needed, and every other encoding of it is
 * refused in words that say why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above */
#include <cmocka.h>

#include "edit.h"
#include "kmod/mime/der.h"

#define WHY "it is not there"

static void assert_get(struct mikey_blob in, u8 tag, int err, const char *words)
{
	struct mikey_diag d = { 0 };
	struct der_reader r;
	struct der_cursor c = der_read(&r, in, &d);

	der_get(&c, tag, WHY);
	assert_int_equal(r.err, err);
	if (!err)
		return;
	assert_non_null(d.why);
	if (!strstr(d.why, words))
		fail_msg("\"%s\" does not say \"%s\"", d.why, words);
}

static void lengths(void **state)
{
	static const u32 lens[] = {
		0, 1, 127, 128, 129, 255, 256, 257, 65535, 65536, 16777215, 16777216,
	};
	static const u32 heads[] = { 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		u32 size = lens[i] + 10;
		u8 *buf = calloc(1, size);
		struct mikey_diag d = { 0 };
		struct mikey_blob got;
		struct der_writer w;
		struct der_reader r;
		struct der_cursor c;
		u8 *room;

		assert_non_null(buf);
		der_write(&w, buf, size);
		room = der_put_room(&w, lens[i]);
		der_put_header(&w, DER_OCTET_STRING, size);
		assert_false(w.overflow);
		assert_int_equal(w.start, size - lens[i] - heads[i]);

		c = der_read(&r, (struct mikey_blob){ buf + w.start, size - w.start }, &d);
		got = der_get(&c, DER_OCTET_STRING, WHY);
		der_leave(&c, WHY);
		assert_int_equal(r.err, 0);
		assert_ptr_equal(got.p, room);
		assert_int_equal(got.len, lens[i]);
		free(buf);
	}
}

static void not_der(void **state)
{
	(void)state;
	assert_get(edit_hex("04 01 aa"), DER_OCTET_STRING, 0, "");
	assert_get(edit_hex(""), DER_OCTET_STRING, -EBADMSG, WHY);
	assert_get(edit_hex("05 00"), DER_OCTET_STRING, -EBADMSG, WHY);
	assert_get(edit_hex("04"), DER_OCTET_STRING, -EBADMSG, "ends before");
	assert_get(edit_hex("04 80 aa 00 00"), DER_OCTET_STRING, -EBADMSG, "indefinite");
	assert_get(edit_hex("30 80 00 00"), DER_SEQUENCE, -EBADMSG, "indefinite");
	assert_get(edit_hex("24 03 04 01 aa"), DER_OCTET_STRING, -EBADMSG, "in pieces");
	assert_get(edit_hex("04 81 01 aa"), DER_OCTET_STRING, -EBADMSG, "not the shortest");
	assert_get(edit_hex("04 81 7f"), DER_OCTET_STRING, -EBADMSG, "not the shortest");
	assert_get(edit_hex("04 82 00 ff"), DER_OCTET_STRING, -EBADMSG, "not the shortest");
	assert_get(edit_hex("04 84 00 ff ff ff"), DER_OCTET_STRING, -EBADMSG, "not the shortest");
	assert_get(edit_hex("04 85 01 00 00 00 00"), DER_OCTET_STRING, -EBADMSG, "four octets");
	assert_get(edit_hex("04 ff"), DER_OCTET_STRING, -EBADMSG, "four octets");
	assert_get(edit_hex("04 82 01"), DER_OCTET_STRING, -EBADMSG, "inside an element's length");
	assert_get(edit_hex("04 02 aa"), DER_OCTET_STRING, -EBADMSG, "what surrounds it");
	assert_get(edit_hex("04 84 ff ff ff ff"), DER_OCTET_STRING, -EBADMSG, "what surrounds it");
}

/* An inner element cannot reach beyond the outer one. */
static void nesting(void **state)
{
	struct mikey_diag d = { 0 };
	struct der_cursor c, in;
	struct der_reader r;

	(void)state;
	c = der_read(&r, edit_hex("30 03 04 02 aa 04 01 bb"), &d);
	in = der_enter(&c, DER_SEQUENCE, WHY);
	assert_true(der_at(&in, DER_OCTET_STRING));
	der_get(&in, DER_OCTET_STRING, WHY);
	assert_int_equal(r.err, -EBADMSG);
	assert_non_null(strstr(d.why, "what surrounds it"));
	assert_int_equal(d.offset, 2);

	/* after an error everything is harmless and the first words stay */
	assert_int_equal(der_get(&c, DER_OCTET_STRING, WHY).len, 0);
	assert_int_equal(der_get_small(&c, WHY), 0);
	assert_false(der_more(&c));
	in = der_enter(&c, DER_SEQUENCE, WHY);
	assert_false(der_more(&in));
	der_leave(&in, WHY);
	assert_non_null(strstr(d.why, "what surrounds it"));
}

static void leftovers(void **state)
{
	struct mikey_diag d = { 0 };
	struct der_reader r;
	struct der_cursor c = der_read(&r, edit_hex("05 00 00"), &d);

	(void)state;
	der_get(&c, DER_NULL, WHY);
	assert_int_equal(r.err, 0);
	der_leave(&c, "left over");
	assert_int_equal(r.err, -EBADMSG);
	assert_string_equal(d.why, "left over");
}

static void small_integers(void **state)
{
	static const struct {
		const char *hex;
		int err;
		u32 value;
	} rows[] = {
		{ "02 01 00", 0, 0 },
		{ "02 01 7f", 0, 127 },
		{ "02 01 80", -EBADMSG, 0 },	/* negative */
		{ "02 00", -EBADMSG, 0 },
		{ "02 02 00 04", -EBADMSG, 0 },
		{ "03 01 00", -EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mikey_diag d = { 0 };
		struct der_reader r;
		struct der_cursor c = der_read(&r, edit_hex(rows[i].hex), &d);

		assert_int_equal(der_get_small(&c, WHY), rows[i].value);
		assert_int_equal(r.err, rows[i].err);
	}
}

/* What does not fit is noticed once and nothing is written in front. */
static void overflow(void **state)
{
	u8 buf[8];
	struct der_writer w;

	(void)state;
	memset(buf, 0xee, sizeof(buf));
	der_write(&w, buf + 4, 4);
	der_put(&w, edit_hex("01 02 03"));
	assert_false(w.overflow);
	der_put_header(&w, DER_OCTET_STRING, 4);
	assert_true(w.overflow);
	assert_null(der_put_room(&w, 0));
	der_put_small(&w, 1);
	assert_memory_equal(buf, "\xee\xee\xee\xee", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),
		cmocka_unit_test(not_der),
		cmocka_unit_test(nesting),
		cmocka_unit_test(leftovers),
		cmocka_unit_test(small_integers),
		cmocka_unit_test(overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
