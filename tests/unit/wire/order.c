// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which payloads may stand where: for each figure of RFC 6043 every payload
 * is left out, doubled and exchanged with its neighbour.
 */
#include "figure.h"

static void complete_and_minimal(void **state)
{
	struct part parts[PLACES_MAX + 1];

	(void)state;
	for (const struct figure *f = figures; f < figures + NUM_FIGURES; f++) {
		u32 num = own_parts(f, parts);
		u32 least = 0;

		expect(f, parts, num, 0, NULL);
		for (u32 i = 0; i < num; i++) {
			if (!(f->places[i].flags & OPTIONAL))
				parts[least++] = f->places[i].part;
		}
		expect(f, parts, least, 0, NULL);
	}
}

static void each_left_out(void **state)
{
	struct part parts[PLACES_MAX + 1];

	(void)state;
	for (const struct figure *f = figures; f < figures + NUM_FIGURES; f++) {
		u32 num = count(f);

		for (u32 i = 0; i < num; i++) {
			bool optional = f->places[i].flags & OPTIONAL;

			own_parts(f, parts);
			memmove(parts + i, parts + i + 1,
				(num - i - 1) * sizeof(*parts));
			if (f->container == INITIATOR_DATA)
				expect(f, parts, 1, -EBADMSG, "has no V");
			else if (f->container == TP_DATA && !optional)
				expect(f, parts, num - 1, -EBADMSG,
				       "names no responder");
			else
				expect(f, parts, num - 1,
				       optional ? 0 : -EBADMSG, "missing");
		}
	}
}

static void each_doubled(void **state)
{
	struct part parts[PLACES_MAX + 1];

	(void)state;
	for (const struct figure *f = figures; f < figures + NUM_FIGURES; f++) {
		u32 num = count(f);

		for (u32 i = 0; i < num; i++) {
			const struct place *p = &f->places[i];

			own_parts(f, parts);
			insert(parts, num, i, p->part);
			expect(f, parts, num + 1, p->flags & MANY ? 0 : -EBADMSG,
			       p->part.type == MIKEY_PL_V ? "follows" :
			       "out of order or twice");
		}
	}
}

static void each_doubled_later(void **state)
{
	struct part parts[PLACES_MAX + 1];

	(void)state;
	for (const struct figure *f = figures; f < figures + NUM_FIGURES; f++) {
		u32 num = count(f);

		for (u32 i = 0; i + 2 < num; i++) {
			own_parts(f, parts);
			insert(parts, num, i + 2, f->places[i].part);
			expect(f, parts, num + 1, -EBADMSG,
			       "out of order or twice");
		}
	}
}

static void each_exchanged(void **state)
{
	struct part parts[PLACES_MAX + 1], swap;

	(void)state;
	for (const struct figure *f = figures; f < figures + NUM_FIGURES; f++) {
		u32 num = count(f);

		if (f->container == INITIATOR_DATA)
			continue;
		for (u32 i = 0; i + 1 < num; i++) {
			own_parts(f, parts);
			swap = parts[i];
			parts[i] = parts[i + 1];
			parts[i + 1] = swap;
			expect(f, parts, num, -EBADMSG, "");
		}
	}
}

static void nothing_behind_v(void **state)
{
	struct part parts[PLACES_MAX + 1];

	(void)state;
	for (const struct figure *f = figures; f < figures + NUM_FIGURES; f++) {
		u32 num = own_parts(f, parts);

		if (!ends_with_v(f))
			continue;
		for (u32 o = 0; o < ARRAY_SIZE(others); o++) {
			parts[num] = others[o].part;
			expect(f, parts, num + 1, -EBADMSG,
			       "follows the verification payload");
		}
	}
}

static void first_error_number_counts(void **state)
{
	static const struct part parts[] = {
		{ MIKEY_PL_T, T_HEX },
		{ MIKEY_PL_ERR, "0e ffff" },
		{ MIKEY_PL_ERR, "0f 0000" },
	};
	struct mikey_msg m;
	struct bytes b;

	(void)state;
	assemble(&b, &figures[ERROR], parts, ARRAY_SIZE(parts));
	parse_good(&m, (struct mikey_blob){ b.buf, b.len });
	assert_true(m.err.present);
	assert_int_equal(m.err.error_no, MIKEY_ERR_INVALID_TICKET);
	assert_false(m.v.present);
}

/* A container without even its first-payload byte or THDR. */
static void empty_containers(void **state)
{
	struct mikey_initiator_data id;
	struct mikey_ticket_data td;
	struct mikey_diag d;
	struct mikey_msg m;
	struct bytes b = { 0 };

	(void)state;
	add_hex(&b, "01 0b 05 81 01020304 00 01 0f " T_HEX " 10 01 00 09 "
		POLICY_HEX "0000 00 00");
	parse_bad((struct mikey_blob){ b.buf, b.len }, -EBADMSG,
		  "runs past the end");

	/* Announcing no payload at all is well-formed and names nobody. */
	b.len = 0;
	add_hex(&b, "01 0b 05 81 01020304 00 01 0f " T_HEX " 10 01 00 09 "
		POLICY_HEX "0001 00 00 00");
	parse_bad((struct mikey_blob){ b.buf, b.len }, -EBADMSG,
		  "names no responder");

	b.len = 0;
	add_hex(&b, "01 0d 05 01 01020304 00 01 11 " T_HEX " 01 " POLICY_HEX
		TP_DATA_HEX "0000 0000 09" KEMAC_HEX "00 00");
	parse_good(&m, (struct mikey_blob){ b.buf, b.len });
	assert_int_equal(mikey_ticket_data_parse(&td, &m.ticket, &d), -EBADMSG);
	assert_int_equal(mikey_initiator_data_parse(&id,
						    m.ticket.initiator_data,
						    &d), -EBADMSG);
	assert_int_equal(mikey_initiator_data_parse(&id, NONE, &d), -EBADMSG);
}

static void extension_of_the_wanted_type(void **state)
{
	static const struct part parts[] = {
		{ MIKEY_PL_T, T_HEX },
		{ MIKEY_PL_GENERAL_EXT, "07 0001 aa" },
		{ MIKEY_PL_GENERAL_EXT, "08 0001 bb" },
		{ MIKEY_PL_GENERAL_EXT, "07 0001 cc" },
	};
	struct mikey_diag d;
	struct mikey_msg m;
	struct bytes b;

	(void)state;
	assemble(&b, &figures[ERROR], parts, ARRAY_SIZE(parts));
	assert_int_equal(mikey_msg_parse(&m, b.buf, b.len, 8, &d), 0);
	assert_true(m.ext.present);
	assert_int_equal(m.ext.type, 8);
	assert_int_equal(m.ext.data.p[0], 0xbb);
	assert_int_equal(mikey_msg_parse(&m, b.buf, b.len, 9, &d), 0);
	assert_false(m.ext.present);
	assert_int_equal(mikey_msg_parse(&m, b.buf, b.len, 7, &d), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete_and_minimal),
		cmocka_unit_test(each_left_out),
		cmocka_unit_test(each_doubled),
		cmocka_unit_test(each_doubled_later),
		cmocka_unit_test(each_exchanged),
		cmocka_unit_test(nothing_behind_v),
		cmocka_unit_test(extension_of_the_wanted_type),
		cmocka_unit_test(first_error_number_counts),
		cmocka_unit_test(empty_containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
