// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Payloads one by one: those that a figure does not have are put into every
 * place of it, then numbers that nobody knows; key data; the walk over the
 * identities of a Ticket Policy.
 */
#include "figure.h"

static bool has(const struct figure *f, const struct place *other)
{
	for (u32 i = 0; i < count(f); i++) {
		if (f->places[i].part.type == other->part.type &&
		    f->places[i].role == other->role)
			return true;
	}
	return false;
}

/* What a figure does not have is ignored and changes nothing. */
static void unexpected_ignored(void **state)
{
	struct part parts[PLACES_MAX + 1];
	u32 tried = 0;

	(void)state;
	for (const struct figure *f = figures; f < figures + NUM_FIGURES; f++) {
		u32 num = own_parts(f, parts);
		struct bytes b;
		char *good;

		assemble(&b, f, parts, num);
		good = describe(b.buf, b.len);
		assert_non_null(good);
		for (u32 o = 0; o < ARRAY_SIZE(others); o++) {
			if (has(f, &others[o]))
				continue;
			for (u32 at = 0; at < num + !ends_with_v(f); at++) {
				char *text;

				own_parts(f, parts);
				insert(parts, num, at, others[o].part);
				assemble(&b, f, parts, num + 1);
				text = describe(b.buf, b.len);
				if (!text)
					fail_msg("%s: payload %u at %u", f->name,
						 others[o].part.type, at);
				assert_string_equal(text, good);
				free(text);
				tried++;
			}
		}
		free(good);
	}
	assert_true(tried > 1000);
}

static void other_payloads_cut_short(void **state)
{
	struct part parts[PLACES_MAX + 1];
	struct mikey_diag d;
	struct bytes b;

	(void)state;
	for (u32 o = 0; o < ARRAY_SIZE(others); o++) {
		const struct figure *f = &figures[REQUEST_INIT];
		u32 num = own_parts(f, parts), full;

		assemble(&b, f, parts, num - 1);
		parts[num - 1] = others[o].part;
		full = b.len;
		assemble(&b, f, parts, num);
		for (u32 len = full; len < b.len; len++) {
			struct bytes cut = b;

			cut.len = len;
			assert_int_equal(judge(&cut, &d), -EBADMSG);
			assert_string_equal(d.why,
					    "a field runs past the end of its container");
		}
	}
}

/* Numbers behind which nobody knows what stands. */
static void unknown_numbers(void **state)
{
	static const struct {
		struct part part;
		const char *why;
	} unknown[] = {
		{ { 18, "" }, "a payload type" },
		{ { 19, "" }, "a payload type" },
		{ { 22, "" }, "a payload type" },
		{ { 127, "" }, "a payload type" },
		{ { 255, "" }, "a payload type" },
		{ { MIKEY_PL_T, "04 00000000" }, "type of a timestamp" },
		{ { MIKEY_PL_TR, "02 ff 00000000" }, "type of a timestamp" },
		{ { MIKEY_PL_KEMAC, "00 0000 03" }, "MAC algorithm" },
		{ { MIKEY_PL_V, "ff" }, "MAC algorithm" },
		{ { MIKEY_PL_DH, "03 00" }, "Diffie-Hellman group" },
		{ { MIKEY_PL_CHASH, "03 00" }, "hash function" },
		{ { MIKEY_PL_DH, "01 00*96 03" },
		  "key validity" },
	};
	struct part parts[PLACES_MAX + 1];

	(void)state;
	for (const struct figure *f = figures; f < figures + NUM_FIGURES; f++) {
		u32 num = count(f);

		for (u32 o = 0; o < ARRAY_SIZE(unknown); o++) {
			for (u32 at = 0; at < num; at++) {
				own_parts(f, parts);
				insert(parts, num, at, unknown[o].part);
				expect(f, parts, num + 1, -EPROTONOSUPPORT,
				       unknown[o].why);
			}
		}
	}
}

/*
 * Where a refusal points to: REQUEST_INIT has HDR at 0, T at 10, RANDRi at 16.
 */
static void refusals_say_where(void **state)
{
	static const struct part strange = { 99, "" };
	const struct figure *f = &figures[REQUEST_INIT];
	struct part parts[PLACES_MAX + 1];
	u32 num = count(f);
	struct mikey_diag d;
	struct bytes b, good;

#define WHERE(change, offset_wanted) \
	do { \
		b = good; \
		change; \
		judge(&b, &d); \
		if (d.offset != (offset_wanted)) \
			fail_msg("%s: %u", #change, d.offset); \
	} while (0)

	(void)state;
	own_parts(f, parts);
	assemble(&good, f, parts, num);
	WHERE(b.buf[0] = 2, 0);
	WHERE(b.buf[1] = 0, 1);
	WHERE(b.buf[8] = 1, 8);
	WHERE(b.buf[9] = MIKEY_MAP_SRTP_ID, 9);
	WHERE(b.buf[2] = 99, 10);
	WHERE(b.buf[2] = MIKEY_PL_SIGN, 10);
	WHERE(b.buf[11] = 4, 11);
	WHERE(b.buf[18] = 255, 19);
	WHERE(b.buf[b.len - 21] = 3, good.len - 21);	/* V's algorithm */
	WHERE(b.len = 13, 12);
	WHERE(b.len = 9, 9);
	WHERE(b.buf[b.len++] = 0, good.len);

	insert(parts, num, 1, strange);
	WHERE(assemble(&b, f, parts, num + 1), 16);
	insert(parts, num, 1, f->places[0].part);
	WHERE(assemble(&b, f, parts, num + 1), 16);
	own_parts(f, parts);
	WHERE(assemble(&b, f, parts, 1), 16);
	parts[1] = parts[2];
	WHERE(assemble(&b, f, parts, 2), 16);
	own_parts(f, parts);
	parts[num] = strange;
	WHERE(assemble(&b, f, parts, num + 1), good.len);
#undef WHERE
}

static void no_signatures_no_bare_keys(void **state)
{
	static const struct part wrong[] = {
		{ MIKEY_PL_SIGN, "01 aa" },
		{ MIKEY_PL_KEY_DATA, "00 0001 aa" },
	};
	struct part parts[PLACES_MAX + 1];

	(void)state;
	for (const struct figure *f = figures; f < figures + NUM_FIGURES; f++) {
		u32 num = count(f);

		for (u32 o = 0; o < ARRAY_SIZE(wrong); o++) {
			for (u32 at = 0; at < num; at++) {
				own_parts(f, parts);
				insert(parts, num, at, wrong[o]);
				expect(f, parts, num + 1, -EBADMSG,
				       "has no place here");
			}
		}
	}
}

static void key_data(void **state)
{
	static const struct {
		const char *hex;
		int err;
		u32 num;
		const char *why;
	} cases[] = {
		{ "00 00 0000", 0, 1, NULL },
		{ "00 60 0002 aabb", 0, 1, NULL },
		{ "00 41 0002 aabb 00", 0, 1, NULL },
		{ "14 61 0001 aa 01 bb 00 41 0001 cc 01 dd", 0, 2, NULL },
		{ "00 11 0001 aa 0002 ccdd 01 ee", 0, 1, NULL },
		{ "00 30 0001 aa 0000", 0, 1, NULL },
		{ "00 50 0001 aa 0001 bb", 0, 1, NULL },
		{ "00 22 0001 aa 01 bb 02 ccdd", 0, 1, NULL },
		{ "14 00 0000 14 00 0000 00 00 0000", 0, 3, NULL },
		{ "14 00 0000 14 00 0000 14 00 0000 00 00 0000", -E2BIG, 0,
		  "too many keys" },
		{ "", -EBADMSG, 0, "runs past" },
		{ "00", -EBADMSG, 0, "runs past" },
		{ "00 00 0001", -EBADMSG, 0, "runs past" },
		{ "00 00 ffff", -EBADMSG, 0, "runs past" },
		{ "00 01 0000", -EBADMSG, 0, "runs past" },
		{ "00 01 0000 02 aa", -EBADMSG, 0, "runs past" },
		{ "00 02 0000 01 aa 01", -EBADMSG, 0, "runs past" },
		{ "00 10 0000 0001", -EBADMSG, 0, "runs past" },
		{ "14 00 0000", -EBADMSG, 0, "runs past" },
		{ "00 00 0000 00", -EBADMSG, 0, "bytes follow the last key" },
		{ "05 00 0000", -EBADMSG, 0, "something else than key data" },
		{ "01 00 0000 00 0000 00", -EBADMSG, 0, "something else" },
		{ "00 03 0000", -EPROTONOSUPPORT, 0, "key validity" },
		{ "00 0f 0000", -EPROTONOSUPPORT, 0, "key validity" },
		{ "00 70 0000", -EPROTONOSUPPORT, 0, "type of a key" },
		{ "00 f0 0000", -EPROTONOSUPPORT, 0, "type of a key" },
	};
	struct mikey_key_data keys[3];
	struct mikey_diag d;
	u32 num;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes b = { 0 };
		u8 *copy;

		add_hex(&b, cases[i].hex);
		copy = malloc(b.len ? b.len : 1);
		assert_non_null(copy);
		memcpy(copy, b.buf, b.len);
		assert_int_equal(mikey_key_data_parse((struct mikey_blob){
							copy, b.len },
						      keys, 3, &num, &d),
				 cases[i].err);
		if (cases[i].err && !strstr(d.why, cases[i].why))
			fail_msg("%s: \"%s\"", cases[i].hex, d.why);
		if (!cases[i].err)
			assert_int_equal(num, cases[i].num);
		free(copy);
	}

	/* Each field of a salted key with an SPI. */
	{
		struct bytes b = { 0 };

		add_hex(&b, "00 51 0001 aa 0002 ccdd 03 eeff11");
		assert_int_equal(mikey_key_data_parse((struct mikey_blob){
							b.buf, b.len },
						      keys, 3, &num, &d), 0);
		assert_int_equal(keys[0].type, MIKEY_KEY_GTGK_SALT);
		assert_int_equal(keys[0].kv, MIKEY_KV_SPI);
		assert_blob(keys[0].key, (struct mikey_blob){ b.buf + 4, 1 });
		assert_blob(keys[0].salt, (struct mikey_blob){ b.buf + 7, 2 });
		assert_blob(keys[0].spi, (struct mikey_blob){ b.buf + 10, 3 });
	}
}

/* As many responders as a message can hold: all read, all walked. */
static void a_crowd_of_responders(void **state)
{
	struct mikey_policy_iter it;
	struct mikey_msg m;
	struct mikey_id id;
	struct bytes b = { 0 };
	u32 at, n = 0, seen = 0;

	(void)state;
	add_hex(&b, "01 0b 05 81 01020304 00 01 0f " T_HEX " 10 01 00 09 "
		POLICY_HEX);
	at = open16(&b);
	add_hex(&b, "0e");
	while (b.len + 7 + 2 <= MIKEY_MSG_MAX) {
		add_hex(&b, "0e 02 00 0002 0000");
		b.buf[b.len - 2] = n >> 8;
		b.buf[b.len - 1] = n;
		n++;
	}
	b.buf[b.len - 7] = MIKEY_PL_LAST;
	close16(&b, at);
	add_hex(&b, "00 00");
	parse_good(&m, (struct mikey_blob){ b.buf, b.len });
	assert_true(n > 9000);
	assert_int_equal(m.tp.policy.num_responders, n);
	mikey_policy_walk(&it, &m.tp.policy, MIKEY_IDR_R);
	while (mikey_policy_next(&it, &m.tp.policy, &id)) {
		assert_int_equal(id.data.len, 2);
		assert_int_equal(id.data.p[0] << 8 | id.data.p[1], seen);
		seen++;
	}
	assert_int_equal(seen, n);
	mikey_policy_walk(&it, &m.tp.policy, MIKEY_IDR_APP);
	assert_false(mikey_policy_next(&it, &m.tp.policy, &id));
}

/* The walk steps over payloads between the identities. */
static void a_walk_around_strangers(void **state)
{
	static const struct part parts[] = {
		{ MIKEY_PL_IDR, "05 02 0001 78" },
		{ MIKEY_PL_SP, "00 00 0001 aa" },
		{ MIKEY_PL_IDR, "05 02 0001 79" },
		{ MIKEY_PL_IDR, "07 00 0001 7a" },
		{ MIKEY_PL_IDR, "02 00 0001 61" },
		{ MIKEY_PL_RAND, "01 aa" },
		{ MIKEY_PL_IDR, "02 01 0001 62" },
		{ MIKEY_PL_RAND, "01 aa" },
	};
	static const struct figure tp = { .container = TP_DATA };
	struct mikey_policy_iter it;
	struct mikey_msg m;
	struct mikey_id id;
	struct bytes b;

	(void)state;
	assemble(&b, &tp, parts, ARRAY_SIZE(parts));
	parse_good(&m, (struct mikey_blob){ b.buf, b.len });
	assert_int_equal(m.tp.policy.num_app, 2);
	assert_int_equal(m.tp.policy.num_responders, 2);
	mikey_policy_walk(&it, &m.tp.policy, MIKEY_IDR_APP);
	assert_true(mikey_policy_next(&it, &m.tp.policy, &id));
	assert_blob(id.data, str("x"));
	assert_true(mikey_policy_next(&it, &m.tp.policy, &id));
	assert_blob(id.data, str("y"));
	assert_false(mikey_policy_next(&it, &m.tp.policy, &id));
	assert_false(mikey_policy_next(&it, &m.tp.policy, &id));
	mikey_policy_walk(&it, &m.tp.policy, MIKEY_IDR_R);
	assert_true(mikey_policy_next(&it, &m.tp.policy, &id));
	assert_blob(id.data, str("a"));
	assert_int_equal(id.type, MIKEY_ID_NAI);
	assert_true(mikey_policy_next(&it, &m.tp.policy, &id));
	assert_blob(id.data, str("b"));
	assert_int_equal(id.type, MIKEY_ID_URI);
	assert_false(mikey_policy_next(&it, &m.tp.policy, &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unexpected_ignored),
		cmocka_unit_test(other_payloads_cut_short),
		cmocka_unit_test(unknown_numbers),
		cmocka_unit_test(refusals_say_where),
		cmocka_unit_test(no_signatures_no_bare_keys),
		cmocka_unit_test(key_data),
		cmocka_unit_test(a_crowd_of_responders),
		cmocka_unit_test(a_walk_around_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
