// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The figures of RFC 6043 as the tests see them.
 */
#include "figure.h"

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

const struct figure figures[NUM_FIGURES] = {
	[REQUEST_INIT] = {
		"REQUEST_INIT", MESSAGE, MIKEY_DT_REQUEST_INIT_PSK,
		{ T, RANDR(1, 0), IDR(1, OPTIONAL), IDR(3, OPTIONAL), TP,
		  IDR(4, OPTIONAL), EXT, V(0) }
	},
	[REQUEST_RESP] = {
		"REQUEST_RESP", MESSAGE, MIKEY_DT_REQUEST_RESP,
		{ T, IDR(3, OPTIONAL), TICKET, KEMAC(0), EXT, V(0) }
	},
	[TRANSFER_INIT] = {
		"TRANSFER_INIT", MESSAGE, MIKEY_DT_TRANSFER_INIT,
		{ T, RANDR(1, 0), IDR(1, OPTIONAL), IDR(2, OPTIONAL), SP, TICKET,
		  KEMAC(OPTIONAL), EXT, V(0) }
	},
	[RESOLVE_INIT] = {
		"RESOLVE_INIT", MESSAGE, MIKEY_DT_RESOLVE_INIT_PSK,
		{ T, RANDR(2, 0), IDR(2, OPTIONAL), IDR(3, OPTIONAL), TICKET,
		  IDR(4, OPTIONAL), EXT, V(0) }
	},
	[RESOLVE_RESP] = {
		"RESOLVE_RESP", MESSAGE, MIKEY_DT_RESOLVE_RESP,
		{ T, IDR(3, OPTIONAL), KEMAC(0), IDR(2, OPTIONAL),
		  RANDR(3, OPTIONAL), EXT, V(0) }
	},
	[ERROR] = {
		"Error", MESSAGE, MIKEY_DT_ERROR,
		{ T, ERR, SP, EXT, V(OPTIONAL) }
	},
	[TICKET_POLICY] = {
		"TP Data", TP_DATA, 0,
		{ IDR(3, OPTIONAL), IDR(1, OPTIONAL), TR(2), TR(3), TR(4),
		  KEMAC(OPTIONAL), IDR(5, OPTIONAL | MANY), IDR(2, MANY) }
	},
	[BASE_TICKET] = {
		"Ticket Data", TICKET_DATA, 0,
		{ T, RAND, KEMAC(0), IDR(4, OPTIONAL), V(0) }
	},
	[INITIATOR] = {
		"Initiator Data", INITIATOR_DATA, 0, { V(0), V(0) }
	},
};

/* KEMAC and V with each MAC, DH with each kind of KV, and so on. */
const struct place others[NUM_OTHERS] = {
	{ { MIKEY_PL_KEMAC, "03 0004 01020304 02 00*32" }, 0, 0 },
	{ { MIKEY_PL_PKE, "0003 aabbcc" }, 0, 0 },
	{ { MIKEY_PL_PKE, "8001 aa" }, 0, 0 },		/* C is no length */
	{ { MIKEY_PL_DH, "01 00*96 00" }, 0, 0 },
	{ { MIKEY_PL_DH, "01 00*96 f1 02 aabb" }, 0, 0 },
	{ { MIKEY_PL_DH, "01 00*96 02 01 aa 02 bbcc" }, 0, 0 },
	{ { MIKEY_PL_T, "00 ee00000000000000" }, 0, 0 },
	{ { MIKEY_PL_T, "01 ee00000000000000" }, 0, 0 },
	{ { MIKEY_PL_T, "02 00000001" }, 0, 0 },
	{ { MIKEY_PL_ID, "00 0002 6162" }, 0, 0 },
	{ { MIKEY_PL_CERT, "03 0003 010203" }, 0, 0 },
	{ { MIKEY_PL_CHASH, "00 00*20" }, 0, 0 },
	{ { MIKEY_PL_CHASH, "01 00*16" }, 0, 0 },
	{ { MIKEY_PL_CHASH, "02 00*32" }, 0, 0 },
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
	{ { MIKEY_PL_TICKET, "ffff ff ff ffffff 0001 ff 0002 ffff 0003 ffffff" }, 0, 0 },
	EXT,
	{ { MIKEY_PL_GENERAL_EXT, "00 0000" }, 0, 0 },
	{ { MIKEY_PL_GENERAL_EXT, "03 0002 0304" }, 3, 0 },
	{ { MIKEY_PL_V, "00" }, 0, 0 },
};

u32 count(const struct figure *f)
{
	u32 n = 0;

	while (n < PLACES_MAX && f->places[n].part.hex)
		n++;
	return n;
}

u32 open16(struct bytes *b)
{
	add_hex(b, "0000");
	return b->len;
}

void close16(struct bytes *b, u32 at)
{
	b->buf[at - 2] = (b->len - at) >> 8;
	b->buf[at - 1] = b->len - at;
}

void assemble(struct bytes *b, const struct figure *f,
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

int judge(const struct bytes *b, struct mikey_diag *d)
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

void expect(const struct figure *f, const struct part *parts, u32 num,
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

u32 own_parts(const struct figure *f, struct part *parts)
{
	u32 n = count(f);

	for (u32 i = 0; i < n; i++)
		parts[i] = f->places[i].part;
	return n;
}

void insert(struct part *parts, u32 num, u32 at, struct part part)
{
	memmove(parts + at + 1, parts + at, (num - at) * sizeof(*parts));
	parts[at] = part;
}

bool ends_with_v(const struct figure *f)
{
	return f->places[count(f) - 1].part.type == MIKEY_PL_V;
}
