// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Damaged messages: cut short, continued, with a bit flipped. A cut or
 * continued one is always refused. A flipped bit is refused or changes
 * something that the parser tells its caller; the only bits without meaning
 * are the five reserved ones of a Ticket Policy (RFC 6043 6.10), which are
 * covered by every MAC all the same.
 */
#include "support.h"

#define RESERVED_BITS 5

static void every_truncation(void **state)
{
	struct vector_message vm;

	(void)state;
	for (u32 i = 0; vector_message(i, &vm); i++) {
		for (u32 len = 0; len < vm.bytes.len; len++)
			parse_bad((struct mikey_blob){ vm.bytes.p, len },
				  -EBADMSG, "runs past the end");
	}
}

static void nothing_at_all(void **state)
{
	struct mikey_diag d = { 0 };
	struct mikey_msg m;

	(void)state;
	assert_int_equal(mikey_msg_parse(&m, NULL, 0, EXT_TYPE, &d), -EBADMSG);
	assert_non_null(d.why);
}

static void every_continuation(void **state)
{
	struct vector_message vm;
	struct mikey_blob longer;
	struct bytes b;

	(void)state;
	for (u32 i = 0; vector_message(i, &vm); i++) {
		for (u32 more = 1; more < 40; more++) {
			memset(b.buf, 0, sizeof(b.buf));
			memcpy(b.buf, vm.bytes.p, vm.bytes.len);
			longer.p = b.buf;
			longer.len = vm.bytes.len + more;
			parse_bad(longer, -EBADMSG, "bytes follow");
		}
	}
}

static void too_long(void **state)
{
	struct vector_message vm;
	struct bytes b;
	struct mikey_diag d;
	struct mikey_msg m;

	(void)state;
	assert_true(vector_message(0, &vm));
	memset(b.buf, 0, sizeof(b.buf));
	memcpy(b.buf, vm.bytes.p, vm.bytes.len);
	parse_bad((struct mikey_blob){ b.buf, MIKEY_MSG_MAX }, -EBADMSG,
		  "bytes follow");
	parse_bad((struct mikey_blob){ b.buf, MIKEY_MSG_MAX + 1 }, -EMSGSIZE,
		  "too long");
	/* A length that 32 bits cannot hold is not cut to them. */
	assert_int_equal(mikey_msg_parse(&m, b.buf,
					 0x100000000ULL + vm.bytes.len,
					 EXT_TYPE, &d), -EMSGSIZE);
}

/* Does this bit belong to the reserved ones of the message's policy? */
static bool is_reserved(const struct mikey_msg *m, u32 bit)
{
	const struct mikey_policy *p = m->ticket.present ? &m->ticket.policy :
							   &m->tp.policy;
	u32 at = p->tp_data.p - m->raw.p - 3;	/* before the length */

	return (m->ticket.present || m->tp.present) && bit / 8 == at &&
	       bit % 8 < RESERVED_BITS;
}

static void every_flipped_bit(void **state)
{
	struct vector_message vm;

	(void)state;
	for (u32 i = 0; vector_message(i, &vm); i++) {
		u32 refused = 0, harmless = 0, bits = 8 * vm.bytes.len;
		char *good = describe(vm.bytes.p, vm.bytes.len);
		u8 *copy = malloc(vm.bytes.len);
		struct mikey_msg m;

		assert_non_null(good);
		assert_non_null(copy);
		memcpy(copy, vm.bytes.p, vm.bytes.len);
		parse_good(&m, vm.bytes);
		for (u32 bit = 0; bit < bits; bit++) {
			char *text;

			copy[bit / 8] ^= 1 << bit % 8;
			text = describe(copy, vm.bytes.len);
			copy[bit / 8] ^= 1 << bit % 8;
			if (!text) {
				refused++;
			} else if (!strcmp(text, good)) {
				harmless++;
				if (!is_reserved(&m, bit))
					fail_msg("%s %s: bit %u of byte %u",
						 vm.e->name, vm.name, bit % 8,
						 bit / 8);
			}
			free(text);
		}
		assert_int_equal(harmless,
				 m.tp.present || m.ticket.present ?
				 RESERVED_BITS : 0);
		assert_true(refused > 100);
		assert_memory_equal(copy, vm.bytes.p, vm.bytes.len);
		free(copy);
		free(good);
	}
}

/* Two random bytes at once reach lengths that one bit does not. */
static void many_damaged_bytes(void **state)
{
	struct vector_message vm;
	u32 lcg = 1;

	(void)state;
	for (u32 i = 0; vector_message(i, &vm); i++) {
		u8 *copy = malloc(vm.bytes.len);

		assert_non_null(copy);
		for (u32 round = 0; round < 20000; round++) {
			memcpy(copy, vm.bytes.p, vm.bytes.len);
			for (u32 k = 0; k < 1 + round % 4; k++) {
				lcg = lcg * 1664525 + 1013904223;
				copy[(lcg >> 8) % vm.bytes.len] = lcg >> 24;
			}
			free(describe(copy, vm.bytes.len));
		}
		free(copy);
	}
}

static void every_ticket_truncation(void **state)
{
	struct vector_message vm;

	(void)state;
	for (u32 i = 0; vector_message(i, &vm); i++) {
		struct mikey_ticket_payload t;
		struct mikey_diag d = { 0 };
		struct mikey_msg m;
		struct bytes b = { 0 };

		parse_good(&m, vm.bytes);
		if (!m.ticket.present)
			continue;
		for (u32 len = 0; len < m.ticket.from_type.len; len++) {
			u8 *copy = malloc(len ? len : 1);

			assert_non_null(copy);
			memcpy(copy, m.ticket.from_type.p, len);
			assert_int_equal(mikey_ticket_parse(&t,
							    (struct mikey_blob){
								copy, len },
							    &d), -EBADMSG);
			free(copy);
		}
		memcpy(b.buf, m.ticket.from_type.p, m.ticket.from_type.len);
		assert_int_equal(mikey_ticket_parse(&t, (struct mikey_blob){
				b.buf, m.ticket.from_type.len + 1 }, &d),
				 -EBADMSG);
		assert_string_equal(d.why, "bytes follow the ticket");
		assert_int_equal(mikey_ticket_parse(&t, (struct mikey_blob){
				b.buf, MIKEY_MSG_MAX + 1 }, &d), -EMSGSIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(every_continuation),
		cmocka_unit_test(too_long),
		cmocka_unit_test(every_flipped_bit),
		cmocka_unit_test(many_damaged_bytes),
		cmocka_unit_test(every_ticket_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
