// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The padding of EnvelopedData (RFC 5652 6.3): what is written is read, and of
 * everything else that a last block can end with nothing is taken for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above */
#include <cmocka.h>

#include "kmod/mime/padding.h"

static void written(void **state)
{
	u8 buf[3 * CMS_BLOCK_LEN];

	(void)state;
	for (u32 len = 0; len <= 2 * CMS_BLOCK_LEN; len++) {
		u32 pad = CMS_BLOCK_LEN - len % CMS_BLOCK_LEN;

		memset(buf, 0xee, sizeof(buf));
		cms_padding_put(buf, len);
		for (u32 i = 0; i < sizeof(buf); i++)
			assert_int_equal(buf[i], i >= len && i < len + pad ? pad : 0xee);
		assert_int_equal(cms_padding_len(buf, len + pad), pad);
	}
}

/* Each last octet, with each number of octets like it in front of it */
static void every_ending(void **state)
{
	u8 buf[2 * CMS_BLOCK_LEN];

	(void)state;
	for (u32 last = 0; last < 256; last++) {
		for (u32 same = 1; same <= CMS_BLOCK_LEN; same++) {
			bool good = last >= 1 && last <= CMS_BLOCK_LEN && same >= last;

			memset(buf, ~last, sizeof(buf));
			memset(buf + sizeof(buf) - same, last, same);
			assert_int_equal(cms_padding_len(buf, sizeof(buf)), good ? last : 0);
		}
	}
}

/* One bit of one octet of a padding is wrong, or of what is in front of it. */
static void one_bit(void **state)
{
	u8 buf[CMS_BLOCK_LEN];

	(void)state;
	for (u32 pad = 1; pad <= CMS_BLOCK_LEN; pad++) {
		for (u32 bit = 0; bit < 8 * (CMS_BLOCK_LEN - 1); bit++) {
			bool inside = bit / 8 >= CMS_BLOCK_LEN - pad;

			memset(buf, pad, sizeof(buf));
			buf[bit / 8] ^= 1 << bit % 8;
			assert_int_equal(cms_padding_len(buf, sizeof(buf)), inside ? 0 : pad);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written),
		cmocka_unit_test(every_ending),
		cmocka_unit_test(one_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
