// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The builder at its limits: every size of buffer, every length of a field,
 * and what is read back of it.
 */
#include "support.h"

static u8 filler[70000];

static struct mikey_blob filled(u32 len)
{
	return (struct mikey_blob){ filler, len };
}

static struct mikey_ts ts(enum mikey_ts_type type, u64 value)
{
	return (struct mikey_ts){ .present = true, .type = type,
				  .value = value };
}

static const struct mikey_policy policy = {
	.ticket_type = MIKEY_TICKET_TYPE_3GPP_BASE,
	.subtype = MIKEY_TICKET_SUBTYPE,
	.version = MIKEY_TICKET_VERSION,
	.prf = 0x7f,
	.flags = MIKEY_FLAG_D | MIKEY_FLAG_H | MIKEY_FLAG_I | MIKEY_FLAG_O,
};

/* One of everything, as one message. */
static int put_all(u8 *buf, u32 size)
{
	struct mikey_ts now = ts(MIKEY_TS_NTP_UTC_32, 0xee000000ULL << 32);
	struct mikey_builder b;
	struct mikey_frame f;

	mikey_build_begin(&b, buf, size);
	mikey_put_hdr_cs(&b, MIKEY_DT_TRANSFER_INIT, true, 1, 0x01020304, 5,
			 242, filled(8));
	mikey_put_t(&b, &now);
	mikey_put_randr(&b, MIKEY_RANDR_I, filled(32));
	mikey_put_idr(&b, MIKEY_IDR_I, MIKEY_ID_NAI, str("a@x"));
	mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_NAI, str("b@x"));
	mikey_open_policy(&b, &f, MIKEY_PL_TICKET, &policy);
	mikey_put_tr(&b, MIKEY_TR_START, &now);
	mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_NAI, str("b@x"));
	mikey_close_policy(&b, &f);
	mikey_open_ticket_data(&b, &f);
	mikey_put_thdr(&b, filled(6));
	mikey_put_t(&b, &now);
	mikey_put_rand(&b, filled(32));
	mikey_put_kemac(&b, MIKEY_ENCR_AES_CM_256, filled(90));
	mikey_put_idr(&b, MIKEY_IDR_PSK, MIKEY_ID_BYTES, str("tpk"));
	mikey_put_v(&b, MIKEY_AUTH_HMAC_SHA_256_256, 32);
	mikey_close_ticket_data(&b, &f);
	mikey_open_initiator_data(&b, &f);
	mikey_put_v(&b, MIKEY_AUTH_HMAC_SHA_256_256, 32);
	mikey_put_v(&b, MIKEY_AUTH_HMAC_SHA_256_256, 32);
	mikey_close_initiator_data(&b, &f);
	mikey_put_err(&b, MIKEY_ERR_INVALID_TPPAR);
	mikey_put_ext(&b, EXT_TYPE, filled(32));
	mikey_put_v(&b, MIKEY_AUTH_HMAC_SHA_256_256, 32);
	return mikey_build_end(&b);
}

static void every_size_of_buffer(void **state)
{
	u8 buf[1024];
	int len;

	(void)state;
	len = put_all(buf, sizeof(buf));
	assert_true(len > 400);
	for (int size = 0; size < len; size++) {
		u8 *exact = malloc(size ? size : 1);

		assert_non_null(exact);
		assert_int_equal(put_all(exact, size), -EMSGSIZE);
		free(exact);
	}
	{
		u8 *exact = malloc(len);
		struct mikey_msg m;

		assert_non_null(exact);
		assert_int_equal(put_all(exact, len), len);
		assert_memory_equal(exact, buf, len);
		parse_good(&m, (struct mikey_blob){ exact, len });
		assert_true(m.hdr.v);
		assert_int_equal(m.ticket.policy.prf, 0x7f);
		assert_int_equal(m.ticket.policy.flags, policy.flags);
		assert_int_equal(m.ticket.policy.num_responders, 1);
		assert_int_equal(m.ext.data.len, 32);
		assert_int_equal(m.v.mac_offset, len - 32);
		free(exact);
	}
}

static void no_buffer(void **state)
{
	struct mikey_builder b;

	(void)state;
	mikey_build_begin(&b, NULL, 0);
	assert_int_equal(mikey_build_end(&b), 0);
	mikey_put_hdr(&b, MIKEY_DT_ERROR, false, 0, 0);
	assert_int_equal(mikey_put_v(&b, MIKEY_AUTH_NULL, 0), 0);
	assert_int_equal(mikey_put_kemac(&b, MIKEY_ENCR_NULL, NONE), 0);
	assert_int_equal(mikey_build_end(&b), -EMSGSIZE);
}

/* What fails once stays failed, though the next thing would fit. */
static void overflow_sticks(void **state)
{
	struct mikey_builder b;
	u8 buf[16];

	(void)state;
	memset(buf, 0xee, sizeof(buf));
	mikey_build_begin(&b, buf, sizeof(buf));
	mikey_put_hdr(&b, MIKEY_DT_ERROR, false, 0, 0);
	mikey_put_rand(&b, filled(5));
	mikey_put_rand(&b, NONE);
	assert_int_equal(mikey_build_end(&b), -EMSGSIZE);
	for (u32 i = 13; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0xee);
}

enum field { RAND_DATA, RANDR_DATA, SPI, IDR_DATA, EXT_DATA, THDR_DATA,
	     ENCR_DATA, KEY_DATA, KEY_SPI, OPAQUE, TP_CONTENT };

static int put_field(u8 *buf, u32 size, enum field field, u32 len)
{
	struct mikey_builder b;
	struct mikey_frame f;

	mikey_build_begin(&b, buf, size);
	switch (field) {
	case RAND_DATA:
		mikey_put_rand(&b, filled(len));
		break;
	case RANDR_DATA:
		mikey_put_randr(&b, MIKEY_RANDR_R, filled(len));
		break;
	case SPI:
		mikey_put_hdr_cs(&b, MIKEY_DT_TRANSFER_INIT, false, 0, 0, 0, 0,
				 filled(len));
		break;
	case IDR_DATA:
		mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_BYTES, filled(len));
		break;
	case EXT_DATA:
		mikey_put_ext(&b, 0, filled(len));
		break;
	case THDR_DATA:
		mikey_put_thdr(&b, filled(len));
		break;
	case ENCR_DATA:
		mikey_put_kemac(&b, MIKEY_ENCR_NULL, filled(len));
		break;
	case KEY_DATA:
		mikey_put_key_data(&b, MIKEY_KEY_TGK, filled(len), NONE);
		break;
	case KEY_SPI:
		mikey_put_key_data(&b, MIKEY_KEY_TGK, NONE, filled(len));
		break;
	case OPAQUE:
		mikey_put_opaque16(&b, filled(len));
		break;
	case TP_CONTENT:	/* 1 + 5 bytes before the identity */
		mikey_open_policy(&b, &f, MIKEY_PL_TP, &policy);
		mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_NAI, filled(len - 6));
		mikey_close_policy(&b, &f);
		break;
	}
	return mikey_build_end(&b);
}

/* Lengths that their field can just hold, and can just not. */
static void lengths_of_fields(void **state)
{
	static const struct {
		enum field field;
		u32 max;
		u32 head;
		u32 len_at;
	} cases[] = {
		{ RAND_DATA, 255, 2, 1 },
		{ RANDR_DATA, 255, 3, 2 },
		{ SPI, 255, 16, 15 },
		{ IDR_DATA, 65535, 5, 3 },
		{ EXT_DATA, 65535, 4, 2 },
		{ THDR_DATA, 65535, 3, 1 },
		{ ENCR_DATA, 65535, 5, 2 },
		{ KEY_DATA, 65535, 5, 2 },
		{ KEY_SPI, 255, 5, 4 },
		{ OPAQUE, 65535, 2, 0 },
		{ TP_CONTENT, 65535, 10, 8 },
	};
	static const u32 lens[] = { 6, 254, 255, 256, 257, 65534, 65535, 65536,
				    65537 };
	static u8 buf[70000];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		for (u32 k = 0; k < ARRAY_SIZE(lens); k++) {
			const u8 *at = buf + cases[i].len_at;
			u32 len = lens[k], said;
			int n = put_field(buf, sizeof(buf), cases[i].field,
					  len);

			if (len > cases[i].max) {
				assert_int_equal(n, -EMSGSIZE);
				continue;
			}
			assert_int_equal(n, cases[i].head + len);
			said = at[0];
			if (cases[i].max > 255)
				said = said << 8 | at[1];
			assert_int_equal(said, len);
		}
		if (cases[i].field == TP_CONTENT)
			continue;
		assert_int_equal(put_field(buf, sizeof(buf), cases[i].field, 0),
				 cases[i].head);
	}
}

/* A container's length counts nothing but its own content. */
static void frames_measure_their_content(void **state)
{
	static u8 buf[70000];
	struct mikey_builder b;
	struct mikey_frame f;

	(void)state;
	/* Ticket Data of 65535 bytes and of one more */
	for (u32 over = 0; over < 2; over++) {
		mikey_build_begin(&b, buf, sizeof(buf));
		mikey_open_policy(&b, &f, MIKEY_PL_TICKET, &policy);
		mikey_close_policy(&b, &f);
		mikey_open_ticket_data(&b, &f);
		mikey_put_thdr(&b, filled(65000));
		mikey_put_ext(&b, 0, filled(65535 - 65003 - 4 + over));
		mikey_close_ticket_data(&b, &f);
		mikey_open_initiator_data(&b, &f);
		mikey_close_initiator_data(&b, &f);
		assert_int_equal(mikey_build_end(&b),
				 over ? -EMSGSIZE : 11 + 2 + 65535 + 3);
		if (over)
			continue;
		assert_memory_equal(buf + 8, "\0\1\0", 3);
		assert_memory_equal(buf + 11, "\xff\xff", 2);
		assert_memory_equal(buf + 13 + 65535, "\0\1\0", 3);
	}
}

/* Containers start chains of their own and leave the outer one intact. */
static void chains_are_linked(void **state)
{
	struct mikey_ts t = ts(MIKEY_TS_COUNTER, 7);
	struct mikey_builder b;
	struct mikey_frame f;
	u8 buf[256];

	(void)state;
	mikey_build_begin(&b, buf, sizeof(buf));
	mikey_put_hdr(&b, MIKEY_DT_ERROR, false, 0, 0);
	mikey_put_t(&b, &t);				/* 10 */
	mikey_open_policy(&b, &f, MIKEY_PL_TICKET, &policy);	/* 16 */
	mikey_put_t(&b, &t);				/* 27 */
	mikey_put_rand(&b, NONE);			/* 33 */
	mikey_close_policy(&b, &f);
	mikey_open_ticket_data(&b, &f);			/* 35 */
	mikey_put_thdr(&b, NONE);			/* 37 */
	mikey_put_err(&b, MIKEY_ERR_AUTH_FAILURE);	/* 40 */
	mikey_close_ticket_data(&b, &f);
	mikey_put_opaque16(&b, NONE);			/* 44 */
	mikey_put_err(&b, MIKEY_ERR_INVALID_DT);	/* 46 */
	mikey_put_v(&b, MIKEY_AUTH_NULL, 0);		/* 50 */
	assert_int_equal(mikey_build_end(&b), 52);
	assert_int_equal(buf[2], MIKEY_PL_T);
	assert_int_equal(buf[10], MIKEY_PL_TICKET);
	assert_int_equal(buf[16], MIKEY_PL_ERR);
	assert_int_equal(buf[26], MIKEY_PL_T);
	assert_int_equal(buf[27], MIKEY_PL_RAND);
	assert_int_equal(buf[33], MIKEY_PL_LAST);
	assert_int_equal(buf[37], MIKEY_PL_ERR);
	assert_int_equal(buf[40], MIKEY_PL_LAST);
	assert_memory_equal(buf + 46, "\x9\xb\0\0", 4);	/* ERR */
	assert_int_equal(buf[50], MIKEY_PL_LAST);
}

static void timestamps(void **state)
{
	static const struct {
		enum mikey_ts_type type;
		u64 value;
		u32 len;
		u64 read;
	} cases[] = {
		{ MIKEY_TS_NTP_UTC, 0x0102030405060708ULL, 10,
		  0x0102030405060708ULL },
		{ MIKEY_TS_NTP, ~0ULL, 10, ~0ULL },
		{ MIKEY_TS_COUNTER, 0xfffffffeULL, 6, 0xfffffffeULL },
		{ MIKEY_TS_NTP_UTC_32, 0x0102030405060708ULL, 6,
		  0x0102030400000000ULL },
	};
	struct mikey_builder b;
	struct mikey_ts t;
	u8 buf[64];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mikey_msg m;

		t = ts(cases[i].type, cases[i].value);
		mikey_build_begin(&b, buf, sizeof(buf));
		mikey_put_hdr(&b, MIKEY_DT_ERROR, false, 0, 0);
		mikey_put_t(&b, &t);
		assert_int_equal(mikey_build_end(&b), 10 + cases[i].len);
		parse_good(&m, (struct mikey_blob){ buf, 10 + cases[i].len });
		assert_int_equal(m.t.type, cases[i].type);
		assert_int_equal(m.t.value, cases[i].read);
	}
	t = ts(4, 0);
	mikey_build_begin(&b, buf, sizeof(buf));
	mikey_put_t(&b, &t);
	assert_int_equal(mikey_build_end(&b), -EMSGSIZE);
}

/* The caller encrypts in place and writes MACs where it is told. */
static void offsets_for_the_caller(void **state)
{
	static const u8 zeros[20];
	struct mikey_builder b;
	u8 buf[64];
	u32 at;

	(void)state;
	memset(buf, 0xff, sizeof(buf));
	mikey_build_begin(&b, buf, sizeof(buf));
	at = mikey_put_kemac(&b, MIKEY_ENCR_AES_CM_128, str("abc"));
	assert_int_equal(at, 4);
	assert_memory_equal(buf, "\0\1\0\3abc\0", 8);
	at = mikey_put_v(&b, MIKEY_AUTH_HMAC_SHA_1_160, 20);
	assert_int_equal(at, 10);
	assert_memory_equal(buf + at, zeros, 20);
	assert_int_equal(mikey_build_end(&b), 30);
	assert_int_equal(buf[30], 0xff);
}

static void key_data_chain(void **state)
{
	struct mikey_key_data keys[2];
	struct mikey_builder b;
	struct mikey_diag d;
	u8 buf[64];
	u32 num;
	int len;

	(void)state;
	mikey_build_begin(&b, buf, sizeof(buf));
	mikey_put_key_data(&b, MIKEY_KEY_MPK, str("0123456789abcdef"),
			   str("\1\2\3\4\5\6\7\x8"));
	mikey_put_key_data(&b, MIKEY_KEY_GTGK, str("k"), NONE);
	len = mikey_build_end(&b);
	assert_int_equal(len, 1 + 1 + 2 + 16 + 1 + 8 + 1 + 1 + 2 + 1 + 1);
	assert_int_equal(buf[0], MIKEY_PL_KEY_DATA);
	assert_int_equal(mikey_key_data_parse((struct mikey_blob){ buf, len },
					      keys, 2, &num, &d), 0);
	assert_int_equal(num, 2);
	assert_int_equal(keys[0].type, MIKEY_KEY_MPK);
	assert_blob(keys[0].key, str("0123456789abcdef"));
	assert_blob(keys[0].spi, str("\1\2\3\4\5\6\7\x8"));
	assert_int_equal(keys[1].type, MIKEY_KEY_GTGK);
	assert_int_equal(keys[1].kv, MIKEY_KV_SPI);
	assert_blob(keys[1].key, str("k"));
	assert_int_equal(keys[1].spi.len, 0);
}

/* Bits that a field has no room for do not reach its neighbours. */
static void narrow_fields(void **state)
{
	struct mikey_policy wide = { .prf = 0xff, .flags = 0xf000 };
	struct mikey_builder b;
	struct mikey_frame f;
	u8 buf[64];

	(void)state;
	mikey_build_begin(&b, buf, sizeof(buf));
	mikey_put_hdr(&b, MIKEY_DT_ERROR, false, 0xff, 0);
	assert_int_equal(buf[3], 0x7f);
	mikey_open_policy(&b, &f, MIKEY_PL_TP, &wide);
	mikey_close_policy(&b, &f);
	assert_memory_equal(buf + 15, "\xfe\0\0", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_of_buffer),
		cmocka_unit_test(no_buffer),
		cmocka_unit_test(overflow_sticks),
		cmocka_unit_test(lengths_of_fields),
		cmocka_unit_test(frames_measure_their_content),
		cmocka_unit_test(chains_are_linked),
		cmocka_unit_test(timestamps),
		cmocka_unit_test(offsets_for_the_caller),
		cmocka_unit_test(key_data_chain),
		cmocka_unit_test(narrow_fields),
	};

	memset(filler, 'f', sizeof(filler));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
