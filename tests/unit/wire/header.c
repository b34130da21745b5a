// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The common header: versions, data types, map types, crypto sessions.
 */
#include "figure.h"

static void header_versions_and_types(void **state)
{
	struct part parts[PLACES_MAX + 1];
	struct bytes b;
	u32 num;

	(void)state;
	num = own_parts(&figures[REQUEST_INIT], parts);
	for (u32 v = 0; v < 256; v++) {
		assemble(&b, &figures[REQUEST_INIT], parts, num);
		b.buf[0] = v;
		if (v != MIKEY_VERSION)
			parse_bad((struct mikey_blob){ b.buf, b.len },
				  -EPROTONOSUPPORT, "version");
	}
	for (u32 type = 0; type < 256; type++) {
		assemble(&b, &figures[REQUEST_INIT], parts, num);
		b.buf[1] = type;
		switch (type) {
		case MIKEY_DT_ERROR:
		case MIKEY_DT_REQUEST_INIT_PSK:
		case MIKEY_DT_REQUEST_RESP:
		case MIKEY_DT_TRANSFER_INIT:
		case MIKEY_DT_RESOLVE_INIT_PSK:
		case MIKEY_DT_RESOLVE_RESP:
			break;
		default:
			parse_bad((struct mikey_blob){ b.buf, b.len },
				  -EPROTONOSUPPORT, "data type");
		}
	}
}

/* Map types: which exchange has which, and what #CS may be. */
static void header_maps(void **state)
{
	struct part parts[PLACES_MAX + 1];
	struct bytes b;

	(void)state;
	for (const struct figure *f = figures; f < figures + NUM_FIGURES; f++) {
		u32 num = own_parts(f, parts);
		bool transfer = f->data_type == MIKEY_DT_TRANSFER_INIT;
		bool error = f->data_type == MIKEY_DT_ERROR;

		if (f->container != MESSAGE)
			continue;
		for (u32 map = 0; map < 256; map++) {
			struct mikey_blob bytes = { b.buf, 0 };

			assemble(&b, f, parts, num);
			bytes.len = b.len;
			b.buf[9] = map;
			if (map == (transfer ? MIKEY_MAP_GENERIC_ID :
				    MIKEY_MAP_EMPTY))
				continue;
			if (map == MIKEY_MAP_GENERIC_ID && error)
				continue;
			parse_bad(bytes, -EPROTONOSUPPORT, "map type");
		}
		if (transfer)
			continue;
		assemble(&b, f, parts, num);
		b.buf[8] = 1;
		if (error)
			continue;
		parse_bad((struct mikey_blob){ b.buf, b.len }, -EBADMSG,
			  "crypto sessions");
	}
}

/* HDR of TRANSFER_INIT with @num crypto sessions, the first one in full. */
static void put_sessions(struct bytes *b, u32 num)
{
	static const struct part parts[] = {
		{ MIKEY_PL_T, T_HEX },
		{ MIKEY_PL_RANDR, "01 00" },
		{ MIKEY_PL_TICKET, TICKET_HEX },
		{ MIKEY_PL_V, "00" },
	};

	b->len = 0;
	add_hex(b, "01 0e 00 01 01020304 00 02");
	b->buf[8] = num;
	for (u32 i = 0; i < num; i++)
		add_hex(b, i ? "02 00 00 0000 00" :
			"09 f2 82 5152 0003 a1a2a3 04 b1b2b3b4");
	add_parts(b, 2, parts, ARRAY_SIZE(parts));
}

static void header_crypto_sessions(void **state)
{
	static const u32 nums[] = { 0, 1, 2, 255 };
	struct mikey_msg m;
	struct bytes b;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(nums); i++) {
		put_sessions(&b, nums[i]);
		parse_good(&m, (struct mikey_blob){ b.buf, b.len });
		assert_int_equal(m.hdr.num_cs, nums[i]);
		if (!nums[i])
			continue;
		assert_int_equal(m.hdr.cs.cs_id, 9);
		assert_int_equal(m.hdr.cs.prot_type, 0xf2);
		assert_true(m.hdr.cs.s);
		assert_int_equal(m.hdr.cs.num_policies, 2);
		assert_blob(m.hdr.cs.policies,
			    (struct mikey_blob){ (const u8 *)"\x51\x52", 2 });
		assert_blob(m.hdr.cs.session_data,
			    (struct mikey_blob){ (const u8 *)"\xa1\xa2\xa3",
						 3 });
		assert_blob(m.hdr.cs.spi,
			    (struct mikey_blob){
				    (const u8 *)"\xb1\xb2\xb3\xb4", 4 });
	}
	for (u32 len = 0; len < b.len; len++)
		parse_bad((struct mikey_blob){ b.buf, len }, -EBADMSG, "");
	/* One more is announced than there is. */
	put_sessions(&b, 1);
	b.buf[8] = 2;
	parse_bad((struct mikey_blob){ b.buf, b.len }, -EBADMSG, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_versions_and_types),
		cmocka_unit_test(header_maps),
		cmocka_unit_test(header_crypto_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
