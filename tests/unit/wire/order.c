// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which payloads may stand where: for each figure of RFC 6043 every payload
 * is left out, doubled and exchanged with its neighbour, and every payload
 * that the figure does not have is put into every place.
 */
#include "support.h"

/* Payloads in their shortest honest form. */
#define T_HEX "03 ee000000"
#define KEMAC_HEX "00 0000 00"
#define V_HEX "01 000102030405060708090a0b0c0d0e0f10111213"
#define POLICY_HEX "0002 01 01 039c60 "
#define TP_DATA_HEX "0007 0e 00 02 00 0001 62 "	/* IDRr "b" */
#define TICKET_DATA_HEX "0012 05 0000 0b " T_HEX " 01 00 09 " KEMAC_HEX " 00 00 "
#define TICKET_HEX POLICY_HEX TP_DATA_HEX TICKET_DATA_HEX "0000"
#define TP_HEX POLICY_HEX TP_DATA_HEX

#define OPTIONAL 1
#define MANY 2

struct place {
	struct part part;
	u8 role;
	u8 flags;
};

#define T { { MIKEY_PL_T, T_HEX }, 0, 0 }
#define TR(role) { { MIKEY_PL_TR, "0" #role T_HEX }, role, OPTIONAL }
#define RANDR(role, flags) \
	{ { MIKEY_PL_RANDR, "0" #role " 02 aabb" }, role, flags }
#define IDR(role, flags) \
	{ { MIKEY_PL_IDR, "0" #role " 00 0001 61" }, role, flags }
#define TP { { MIKEY_PL_TP, TP_HEX }, 0, 0 }
#define TICKET { { MIKEY_PL_TICKET, TICKET_HEX }, 0, 0 }
#define KEMAC(flags) { { MIKEY_PL_KEMAC, KEMAC_HEX }, 0, flags }
#define RAND { { MIKEY_PL_RAND, "03 010203" }, 0, 0 }
#define SP { { MIKEY_PL_SP, "01 00 0002 0000" }, 0, OPTIONAL | MANY }
#define ERR { { MIKEY_PL_ERR, "0c 0000" }, 0, OPTIONAL | MANY }
#define EXT { { MIKEY_PL_GENERAL_EXT, "f1 0001 ee" }, EXT_TYPE, OPTIONAL }
#define V(flags) { { MIKEY_PL_V, V_HEX }, 0, flags }

enum container { MESSAGE, TP_DATA, TICKET_DATA, INITIATOR_DATA };

#define PLACES_MAX 10
static const struct figure {
	const char *name;
	enum container container;
	u8 data_type;
	struct place places[PLACES_MAX];
} figures[] = {
	{ "REQUEST_INIT", MESSAGE, MIKEY_DT_REQUEST_INIT_PSK,
	  { T, RANDR(1, 0), IDR(1, OPTIONAL), IDR(3, OPTIONAL), TP,
	    IDR(4, OPTIONAL), EXT, V(0) } },
	{ "REQUEST_RESP", MESSAGE, MIKEY_DT_REQUEST_RESP,
	  { T, IDR(3, OPTIONAL), TICKET, KEMAC(0), EXT, V(0) } },
	{ "TRANSFER_INIT", MESSAGE, MIKEY_DT_TRANSFER_INIT,
	  { T, RANDR(1, 0), IDR(1, OPTIONAL), IDR(2, OPTIONAL), SP, TICKET,
	    KEMAC(OPTIONAL), EXT, V(0) } },
	{ "RESOLVE_INIT", MESSAGE, MIKEY_DT_RESOLVE_INIT_PSK,
	  { T, RANDR(2, 0), IDR(2, OPTIONAL), IDR(3, OPTIONAL), TICKET,
	    IDR(4, OPTIONAL), EXT, V(0) } },
	{ "RESOLVE_RESP", MESSAGE, MIKEY_DT_RESOLVE_RESP,
	  { T, IDR(3, OPTIONAL), KEMAC(0), IDR(2, OPTIONAL),
	    RANDR(3, OPTIONAL), EXT, V(0) } },
	{ "Error", MESSAGE, MIKEY_DT_ERROR,
	  { T, ERR, SP, EXT, V(OPTIONAL) } },
	{ "TP Data", TP_DATA, 0,
	  { IDR(3, OPTIONAL), IDR(1, OPTIONAL), TR(2), TR(3), TR(4),
	    KEMAC(OPTIONAL), IDR(5, OPTIONAL | MANY), IDR(2, MANY) } },
	{ "Ticket Data", TICKET_DATA, 0,
	  { T, RAND, KEMAC(0), IDR(4, OPTIONAL), V(0) } },
	{ "Initiator Data", INITIATOR_DATA, 0, { V(0), V(0) } },
};

/* All that has a length, in more than one form where that depends. */
static const struct place others[] = {
	{ { MIKEY_PL_KEMAC, "03 0004 01020304 02"
	    "0000000000000000000000000000000000000000000000000000000000000000" },
	  0, 0 },
	{ { MIKEY_PL_PKE, "0003 aabbcc" }, 0, 0 },
	{ { MIKEY_PL_PKE, "8001 aa" }, 0, 0 },		/* C is no length */
	{ { MIKEY_PL_DH, "01"
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000 00" }, 0, 0 },
	{ { MIKEY_PL_DH, "01"
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000 f1 02 aabb" },
	  0, 0 },
	{ { MIKEY_PL_DH, "01"
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000 02 01 aa 02 bbcc" },
	  0, 0 },
	{ { MIKEY_PL_T, "00 ee00000000000000" }, 0, 0 },
	{ { MIKEY_PL_T, "01 ee00000000000000" }, 0, 0 },
	{ { MIKEY_PL_T, "02 00000001" }, 0, 0 },
	{ { MIKEY_PL_ID, "00 0002 6162" }, 0, 0 },
	{ { MIKEY_PL_CERT, "03 0003 010203" }, 0, 0 },
	{ { MIKEY_PL_CHASH, "00 0000000000000000000000000000000000000000" },
	  0, 0 },
	{ { MIKEY_PL_CHASH, "01 00000000000000000000000000000000" }, 0, 0 },
	{ { MIKEY_PL_CHASH, "02"
	    "0000000000000000000000000000000000000000000000000000000000000000" },
	  0, 0 },
	SP,
	RAND,
	{ { MIKEY_PL_ERR, "00 0000" }, 0, 0 },
	{ { MIKEY_PL_TR, "01" T_HEX }, 1, 0 },		/* TRi */
	TR(2), TR(3), TR(4),
	{ { MIKEY_PL_TR, "ff 02 00000001" }, 0xff, 0 },
	IDR(1, 0), IDR(2, 0), IDR(3, 0), IDR(4, 0), IDR(5, 0),
	{ { MIKEY_PL_IDR, "00 00 0000" }, 0, 0 },
	{ { MIKEY_PL_IDR, "ff ff 0001 61" }, 0xff, 0 },
	RANDR(1, 0), RANDR(2, 0), RANDR(3, 0),
	{ { MIKEY_PL_RANDR, "04 00" }, 4, 0 },
	TP,
	{ { MIKEY_PL_TP, "ffff ff ff ffffff 0000" }, 0, 0 },
	TICKET,
	{ { MIKEY_PL_TICKET, "ffff ff ff ffffff 0001 ff 0002 ffff 0003 ffffff" },
	  0, 0 },
	EXT,
	{ { MIKEY_PL_GENERAL_EXT, "00 0000" }, 0, 0 },
	{ { MIKEY_PL_GENERAL_EXT, "03 0002 0304" }, 3, 0 },
	{ { MIKEY_PL_V, "00" }, 0, 0 },
};

static u32 count(const struct figure *f)
{
	u32 n = 0;

	while (n < PLACES_MAX && f->places[n].part.hex)
		n++;
	return n;
}

/* Open a two-byte length; what follows until close16() is measured. */
static u32 open16(struct bytes *b)
{
	add_hex(b, "0000");
	return b->len;
}

static void close16(struct bytes *b, u32 at)
{
	b->buf[at - 2] = (b->len - at) >> 8;
	b->buf[at - 1] = b->len - at;
}

/* A message around the container that the parts are put into. */
static void assemble(struct bytes *b, const struct figure *f,
		     const struct part *parts, u32 num)
{
	u32 at;

	b->len = 0;
	switch (f->container) {
	case MESSAGE:
		add_hex(b, f->data_type == MIKEY_DT_TRANSFER_INIT ?
			"01 00 00 01 01020304 01 02 01 f2 00 0000 01 aa" :
			"01 00 00 01 01020304 00 01");
		b->buf[1] = f->data_type;
		add_parts(b, 2, parts, num);
		break;
	case TP_DATA:
		add_hex(b, "01 0b 05 81 01020304 00 01 0f " T_HEX
			" 10 01 00 09 " POLICY_HEX);
		at = open16(b);
		add_hex(b, "00");
		add_parts(b, b->len - 1, parts, num);
		close16(b, at);
		add_hex(b, "00 00");
		break;
	case TICKET_DATA:
		add_hex(b, "01 0d 05 01 01020304 00 01 11 " T_HEX
			" 01 " POLICY_HEX TP_DATA_HEX);
		at = open16(b);
		add_hex(b, "00 0001 aa");		/* THDR */
		add_parts(b, b->len - 4, parts, num);
		close16(b, at);
		add_hex(b, "0000 09" KEMAC_HEX "00 00");
		break;
	case INITIATOR_DATA:
		add_hex(b, "01 0e 05 01 01020304 00 02 0f " T_HEX
			" 11 01 00 09 " POLICY_HEX TP_DATA_HEX
			TICKET_DATA_HEX);
		at = open16(b);
		add_hex(b, "00");
		add_parts(b, b->len - 1, parts, num);
		close16(b, at);
		add_hex(b, "00 00");
		break;
	}
}

/* All parsers over a copy of the message's exact length. */
static int judge(const struct bytes *b, struct mikey_diag *d)
{
	struct mikey_initiator_data id;
	struct mikey_ticket_data td;
	struct mikey_msg m;
	u8 *copy = malloc(b->len);
	int err;

	assert_non_null(copy);
	memcpy(copy, b->buf, b->len);
	d->why = NULL;
	err = mikey_msg_parse(&m, copy, b->len, EXT_TYPE, d);
	if (!err && m.ticket.present)
		err = mikey_ticket_data_parse(&td, &m.ticket, d);
	if (!err && m.ticket.present && m.ticket.initiator_data.len)
		err = mikey_initiator_data_parse(&id, m.ticket.initiator_data,
						 d);
	free(copy);
	if (err)
		assert_non_null(d->why);
	return err;
}

static void expect(const struct figure *f, const struct part *parts, u32 num,
		   int want, const char *why)
{
	struct mikey_diag d;
	struct bytes b;
	int err;

	assemble(&b, f, parts, num);
	err = judge(&b, &d);
	if (err != want)
		fail_msg("%s: %d (%s), not %d", f->name, err, err ? d.why : "",
			 want);
	if (err && !strstr(d.why, why))
		fail_msg("%s: \"%s\", not \"%s\"", f->name, d.why, why);
}

/* The figure's own parts, with room for one more. */
static u32 own_parts(const struct figure *f, struct part *parts)
{
	u32 n = count(f);

	for (u32 i = 0; i < n; i++)
		parts[i] = f->places[i].part;
	return n;
}

static void insert(struct part *parts, u32 num, u32 at, struct part part)
{
	memmove(parts + at + 1, parts + at, (num - at) * sizeof(*parts));
	parts[at] = part;
}

#define FOR_EACH_FIGURE(f) \
	for (const struct figure *f = figures; \
	     f < figures + ARRAY_SIZE(figures); f++)

static void complete_and_minimal(void **state)
{
	struct part parts[PLACES_MAX + 1];

	(void)state;
	FOR_EACH_FIGURE(f) {
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
	FOR_EACH_FIGURE(f) {
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
	FOR_EACH_FIGURE(f) {
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
	FOR_EACH_FIGURE(f) {
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
	FOR_EACH_FIGURE(f) {
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

static bool has(const struct figure *f, const struct place *other)
{
	for (u32 i = 0; i < count(f); i++) {
		if (f->places[i].part.type == other->part.type &&
		    f->places[i].role == other->role)
			return true;
	}
	return false;
}

static bool ends_with_v(const struct figure *f)
{
	return f->places[count(f) - 1].part.type == MIKEY_PL_V;
}

/* What a figure does not have is ignored and changes nothing. */
static void unexpected_ignored(void **state)
{
	struct part parts[PLACES_MAX + 1];
	u32 tried = 0;

	(void)state;
	FOR_EACH_FIGURE(f) {
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

static void nothing_behind_v(void **state)
{
	struct part parts[PLACES_MAX + 1];

	(void)state;
	FOR_EACH_FIGURE(f) {
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

static void other_payloads_cut_short(void **state)
{
	struct part parts[PLACES_MAX + 1];
	struct mikey_diag d;
	struct bytes b;

	(void)state;
	for (u32 o = 0; o < ARRAY_SIZE(others); o++) {
		const struct figure *f = &figures[0];
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
		{ { MIKEY_PL_DH, "01"
		    "000000000000000000000000000000000000000000000000"
		    "000000000000000000000000000000000000000000000000"
		    "000000000000000000000000000000000000000000000000"
		    "000000000000000000000000000000000000000000000000 03" },
		  "key validity" },
	};
	struct part parts[PLACES_MAX + 1];

	(void)state;
	FOR_EACH_FIGURE(f) {
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

static void no_signatures_no_bare_keys(void **state)
{
	static const struct part wrong[] = {
		{ MIKEY_PL_SIGN, "01 aa" },
		{ MIKEY_PL_KEY_DATA, "00 0001 aa" },
	};
	struct part parts[PLACES_MAX + 1];

	(void)state;
	FOR_EACH_FIGURE(f) {
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
	assemble(&b, &figures[5], parts, ARRAY_SIZE(parts));
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

static void header_versions_and_types(void **state)
{
	struct part parts[PLACES_MAX + 1];
	struct bytes b;
	u32 num;

	(void)state;
	num = own_parts(&figures[0], parts);
	for (u32 v = 0; v < 256; v++) {
		assemble(&b, &figures[0], parts, num);
		b.buf[0] = v;
		if (v != MIKEY_VERSION)
			parse_bad((struct mikey_blob){ b.buf, b.len },
				  -EPROTONOSUPPORT, "version");
	}
	for (u32 type = 0; type < 256; type++) {
		assemble(&b, &figures[0], parts, num);
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
	FOR_EACH_FIGURE(f) {
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
	assemble(&b, &figures[5], parts, ARRAY_SIZE(parts));
	assert_int_equal(mikey_msg_parse(&m, b.buf, b.len, 8, &d), 0);
	assert_true(m.ext.present);
	assert_int_equal(m.ext.type, 8);
	assert_int_equal(m.ext.data.p[0], 0xbb);
	assert_int_equal(mikey_msg_parse(&m, b.buf, b.len, 9, &d), 0);
	assert_false(m.ext.present);
	assert_int_equal(mikey_msg_parse(&m, b.buf, b.len, 7, &d), -EBADMSG);
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
		cmocka_unit_test(complete_and_minimal),
		cmocka_unit_test(each_left_out),
		cmocka_unit_test(each_doubled),
		cmocka_unit_test(each_doubled_later),
		cmocka_unit_test(each_exchanged),
		cmocka_unit_test(unexpected_ignored),
		cmocka_unit_test(nothing_behind_v),
		cmocka_unit_test(other_payloads_cut_short),
		cmocka_unit_test(unknown_numbers),
		cmocka_unit_test(no_signatures_no_bare_keys),
		cmocka_unit_test(first_error_number_counts),
		cmocka_unit_test(empty_containers),
		cmocka_unit_test(header_versions_and_types),
		cmocka_unit_test(header_maps),
		cmocka_unit_test(header_crypto_sessions),
		cmocka_unit_test(extension_of_the_wanted_type),
		cmocka_unit_test(key_data),
		cmocka_unit_test(a_crowd_of_responders),
		cmocka_unit_test(a_walk_around_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
