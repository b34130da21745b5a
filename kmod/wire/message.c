// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole messages: the common header and, for each data type, the figure of
 * RFC 6043 (4.2.1, 4.2.2, 4.2.3, 5.4) as a table.
 */
#include "chain.h"
#include "policy.h"

#define STORE(field) .store = offsetof(struct mikey_msg, field)

#define T \
	{ .payload = MIKEY_PL_T, STORE(t), \
	  .missing = "the timestamp (T) is missing" }
#define RANDR_I \
	{ .payload = MIKEY_PL_RANDR, .role = MIKEY_RANDR_I, STORE(randr_i), \
	  .missing = "the initiator's random value (RANDRi) is missing" }
#define RANDR_R \
	{ .payload = MIKEY_PL_RANDR, .role = MIKEY_RANDR_R, STORE(randr_r), \
	  .missing = "the responder's random value (RANDRr) is missing" }
#define RANDR_KMS \
	{ .payload = MIKEY_PL_RANDR, .role = MIKEY_RANDR_KMS, STORE(randr_kms) }
#define IDR(r, field) \
	{ .payload = MIKEY_PL_IDR, .role = (r), STORE(field) }
#define TP \
	{ .payload = MIKEY_PL_TP, STORE(tp), \
	  .missing = "the ticket policy (TP) is missing" }
#define TICKET \
	{ .payload = MIKEY_PL_TICKET, STORE(ticket), \
	  .missing = "the ticket (TICKET) is missing" }
#define KEMAC \
	{ .payload = MIKEY_PL_KEMAC, STORE(kemac), \
	  .missing = "the key transport payload (KEMAC) is missing" }
#define KEMAC_OPTIONAL \
	{ .payload = MIKEY_PL_KEMAC, STORE(kemac) }
#define SP \
	{ .payload = MIKEY_PL_SP, .flags = MIKEY_SLOT_MANY, \
	  .store = MIKEY_NO_STORE }
#define ERR \
	{ .payload = MIKEY_PL_ERR, .flags = MIKEY_SLOT_MANY, STORE(err) }
#define EXT \
	{ .payload = MIKEY_PL_GENERAL_EXT, STORE(ext) }
#define V \
	{ .payload = MIKEY_PL_V, .flags = MIKEY_SLOT_END, STORE(v), \
	  .missing = "the verification payload (V) is missing" }
#define V_OPTIONAL \
	{ .payload = MIKEY_PL_V, .flags = MIKEY_SLOT_END, STORE(v) }

static const struct mikey_slot request_init[] = {
	T, RANDR_I, IDR(MIKEY_IDR_I, idr_i), IDR(MIKEY_IDR_KMS, idr_kms), TP,
	IDR(MIKEY_IDR_PSK, idr_psk), EXT, V,
};

static const struct mikey_slot request_resp[] = {
	T, IDR(MIKEY_IDR_KMS, idr_kms), TICKET, KEMAC, EXT, V,
};

static const struct mikey_slot transfer_init[] = {
	T, RANDR_I, IDR(MIKEY_IDR_I, idr_i), IDR(MIKEY_IDR_R, idr_r), SP,
	TICKET, KEMAC_OPTIONAL, EXT, V,
};

static const struct mikey_slot resolve_init[] = {
	T, RANDR_R, IDR(MIKEY_IDR_R, idr_r), IDR(MIKEY_IDR_KMS, idr_kms),
	TICKET, IDR(MIKEY_IDR_PSK, idr_psk), EXT, V,
};

static const struct mikey_slot resolve_resp[] = {
	T, IDR(MIKEY_IDR_KMS, idr_kms), KEMAC, IDR(MIKEY_IDR_R, idr_r),
	RANDR_KMS, EXT, V,
};

static const struct mikey_slot error[] = {
	T, ERR, SP, EXT, V_OPTIONAL,
};

/* Which CS ID map types HDR may have. */
#define MAP_EMPTY 1		/* with #CS 0 */
#define MAP_GENERIC 2

static const struct figure {
	u8 data_type;
	u8 maps;
	u8 num;
	const struct mikey_slot *slots;
} figures[] = {
	{ MIKEY_DT_ERROR, MAP_EMPTY | MAP_GENERIC, ARRAY_SIZE(error), error },
	{ MIKEY_DT_REQUEST_INIT_PSK, MAP_EMPTY, ARRAY_SIZE(request_init),
	  request_init },
	{ MIKEY_DT_REQUEST_RESP, MAP_EMPTY, ARRAY_SIZE(request_resp),
	  request_resp },
	{ MIKEY_DT_TRANSFER_INIT, MAP_GENERIC, ARRAY_SIZE(transfer_init),
	  transfer_init },
	{ MIKEY_DT_RESOLVE_INIT_PSK, MAP_EMPTY, ARRAY_SIZE(resolve_init),
	  resolve_init },
	{ MIKEY_DT_RESOLVE_RESP, MAP_EMPTY, ARRAY_SIZE(resolve_resp),
	  resolve_resp },
};

static const struct figure *figure_of(u8 data_type)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(figures); i++) {
		if (figures[i].data_type == data_type)
			return &figures[i];
	}
	return NULL;
}

/* One crypto session of a GENERIC-ID map (RFC 6043 6.1.1). */
static void cs_read(struct mikey_cursor *c, struct mikey_cs *cs)
{
	u8 b;

	cs->cs_id = mikey_get_u8(c);
	cs->prot_type = mikey_get_u8(c);
	b = mikey_get_u8(c);
	cs->s = b >> 7;
	cs->num_policies = b & 0x7f;
	cs->policies = mikey_get_blob(c, cs->num_policies);
	cs->session_data = mikey_get_blob(c, mikey_get_be16(c));
	cs->spi = mikey_get_blob(c, mikey_get_u8(c));
}

static void map_read(struct mikey_cursor *c, struct mikey_hdr *h, u8 allowed)
{
	struct mikey_cs cs;
	u32 i;

	if (h->map_type == MIKEY_MAP_EMPTY && allowed & MAP_EMPTY) {
		if (h->num_cs && !(allowed & MAP_GENERIC))
			mikey_cursor_refuse(c, -EBADMSG,
					    "crypto sessions have no place in this exchange",
					    c->pos - 2);
		return;
	}
	if (h->map_type != MIKEY_MAP_GENERIC_ID || !(allowed & MAP_GENERIC)) {
		mikey_cursor_refuse(c, -EPROTONOSUPPORT,
				    "the map type is not that of the exchange",
				    c->pos - 1);
		return;
	}
	for (i = 0; i < h->num_cs; i++)
		cs_read(c, i ? &cs : &h->cs);
}

/* Return: the figure of the message, or NULL after a failure. */
static const struct figure *hdr_read(struct mikey_cursor *c,
				     struct mikey_hdr *h, u8 *first)
{
	const struct figure *figure;
	u8 b;

	if (mikey_get_u8(c) != MIKEY_VERSION) {
		mikey_cursor_refuse(c, -EPROTONOSUPPORT,
				    "the MIKEY version is not 1", 0);
		return NULL;
	}
	h->data_type = mikey_get_u8(c);
	figure = figure_of(h->data_type);
	if (!figure) {
		mikey_cursor_refuse(c, -EPROTONOSUPPORT,
				    "the data type is not known", 1);
		return NULL;
	}
	*first = mikey_get_u8(c);
	b = mikey_get_u8(c);
	h->v = b >> 7;
	h->prf = b & 0x7f;
	h->csb_id = mikey_get_be32(c);
	h->num_cs = mikey_get_u8(c);
	h->map_type = mikey_get_u8(c);
	if (!c->err)
		map_read(c, h, figure->maps);
	return c->err ? NULL : figure;
}

int mikey_msg_parse(struct mikey_msg *m, const u8 *buf, size_t len,
		    u8 ext_type, struct mikey_diag *d)
{
	const struct mikey_slot *slot;
	const struct figure *figure;
	struct mikey_cursor c;
	struct mikey_chain ch;
	struct mikey_item item;
	u8 first;

	memset(m, 0, sizeof(*m));
	if (len > MIKEY_MSG_MAX) {
		d->why = "the message is too long";
		d->offset = MIKEY_MSG_MAX;
		return -EMSGSIZE;
	}
	m->raw.p = buf;
	m->raw.len = len;
	mikey_cursor_begin(&c, buf, 0, len, d);
	figure = hdr_read(&c, &m->hdr, &first);
	if (!figure)
		return c.err;

	mikey_chain_begin(&ch, &c, first, figure->slots, figure->num);
	ch.ext_type = ext_type;
	while ((slot = mikey_chain_next(&ch, &item)))
		mikey_chain_store(slot, &item, m);
	if (c.err)
		return c.err;
	if (m->tp.present)
		return mikey_policy_parse(&m->tp.policy, buf, d);
	if (m->ticket.present)
		return mikey_policy_parse(&m->ticket.policy, buf, d);
	return 0;
}
