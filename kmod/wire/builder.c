// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing payloads (RFC 3830 section 6, RFC 6043 section 6).
 */
#include "builder.h"

/* No payload stands before the next one, or it does not name its follower. */
#define NO_LINK 0xffffffffu

void mikey_build_begin(struct mikey_builder *b, u8 *buf, u32 size)
{
	b->buf = buf;
	b->size = size;
	b->len = 0;
	b->link = NO_LINK;
	b->overflow = false;
}

int mikey_build_end(const struct mikey_builder *b)
{
	if (b->overflow || b->len > 0x7fffffff)
		return -EMSGSIZE;
	return b->len;
}

/* Room for @len bytes, or NULL and an overflow. */
static u8 *reserve(struct mikey_builder *b, u32 len)
{
	u8 *p;

	if (b->overflow || len > b->size - b->len) {
		b->overflow = true;
		return NULL;
	}
	p = b->buf + b->len;
	b->len += len;
	return p;
}

static void put_be(struct mikey_builder *b, u64 v, u32 len)
{
	u8 *p = reserve(b, len);

	if (!p)
		return;
	while (len--) {
		p[len] = v;
		v >>= 8;
	}
}

static void put_bytes(struct mikey_builder *b, struct mikey_blob data)
{
	u8 *p = reserve(b, data.len);

	if (p && data.len)
		memcpy(p, data.p, data.len);
}

/* A length field of one or two bytes and what it measures. */
static void put_counted(struct mikey_builder *b, struct mikey_blob data,
			u32 len_size)
{
	if (data.len >> (8 * len_size))
		b->overflow = true;
	put_be(b, data.len, len_size);
	put_bytes(b, data);
}

/* A next-payload byte that the next payload will write its type into. */
static void put_link(struct mikey_builder *b)
{
	u32 at = b->len;

	put_be(b, MIKEY_PL_LAST, 1);
	if (!b->overflow)
		b->link = at;
}

/* Announce a payload in the one before it; it starts with its own link. */
static void put_start(struct mikey_builder *b, u8 type)
{
	if (b->overflow)
		return;
	if (b->link != NO_LINK)
		b->buf[b->link] = type;
	put_link(b);
}

static void put_hdr_start(struct mikey_builder *b, enum mikey_data_type type,
			  bool v, u8 prf, u32 csb_id)
{
	put_be(b, MIKEY_VERSION, 1);
	put_be(b, type, 1);
	put_link(b);
	put_be(b, (v ? 0x80 : 0) | (prf & 0x7f), 1);
	put_be(b, csb_id, 4);
}

void mikey_put_hdr(struct mikey_builder *b, enum mikey_data_type type, bool v,
		   u8 prf, u32 csb_id)
{
	put_hdr_start(b, type, v, prf, csb_id);
	put_be(b, 0, 1);				/* #CS */
	put_be(b, MIKEY_MAP_EMPTY, 1);
}

void mikey_put_hdr_cs(struct mikey_builder *b, enum mikey_data_type type,
		      bool v, u8 prf, u32 csb_id, u8 cs_id, u8 prot_type,
		      struct mikey_blob spi)
{
	put_hdr_start(b, type, v, prf, csb_id);
	put_be(b, 1, 1);				/* #CS */
	put_be(b, MIKEY_MAP_GENERIC_ID, 1);
	put_be(b, cs_id, 1);
	put_be(b, prot_type, 1);
	put_be(b, 0, 1);				/* S, #P */
	put_be(b, 0, 2);				/* Session Data Length */
	put_counted(b, spi, 1);
}

static void put_ts(struct mikey_builder *b, const struct mikey_ts *ts)
{
	put_be(b, ts->type, 1);
	switch (ts->type) {
	case MIKEY_TS_NTP_UTC:
	case MIKEY_TS_NTP:
		put_be(b, ts->value, 8);
		break;
	case MIKEY_TS_COUNTER:
		put_be(b, ts->value, 4);
		break;
	case MIKEY_TS_NTP_UTC_32:
		put_be(b, ts->value >> 32, 4);
		break;
	default:
		b->overflow = true;
	}
}

void mikey_put_t(struct mikey_builder *b, const struct mikey_ts *ts)
{
	put_start(b, MIKEY_PL_T);
	put_ts(b, ts);
}

void mikey_put_tr(struct mikey_builder *b, enum mikey_ts_role role,
		  const struct mikey_ts *ts)
{
	put_start(b, MIKEY_PL_TR);
	put_be(b, role, 1);
	put_ts(b, ts);
}

void mikey_put_rand(struct mikey_builder *b, struct mikey_blob rand)
{
	put_start(b, MIKEY_PL_RAND);
	put_counted(b, rand, 1);
}

void mikey_put_randr(struct mikey_builder *b, enum mikey_rand_role role,
		     struct mikey_blob rand)
{
	put_start(b, MIKEY_PL_RANDR);
	put_be(b, role, 1);
	put_counted(b, rand, 1);
}

void mikey_put_idr(struct mikey_builder *b, enum mikey_id_role role,
		   enum mikey_id_type type, struct mikey_blob id)
{
	put_start(b, MIKEY_PL_IDR);
	put_be(b, role, 1);
	put_be(b, type, 1);
	put_counted(b, id, 2);
}

void mikey_put_ext(struct mikey_builder *b, u8 type, struct mikey_blob data)
{
	put_start(b, MIKEY_PL_GENERAL_EXT);
	put_be(b, type, 1);
	put_counted(b, data, 2);
}

void mikey_put_err(struct mikey_builder *b, enum mikey_err_no no)
{
	put_start(b, MIKEY_PL_ERR);
	put_be(b, no, 1);
	put_be(b, 0, 2);				/* reserved */
}

void mikey_put_thdr(struct mikey_builder *b, struct mikey_blob data)
{
	put_link(b);
	put_counted(b, data, 2);
}

u32 mikey_put_v(struct mikey_builder *b, enum mikey_auth_alg alg, u32 mac_len)
{
	u32 at;
	u8 *p;

	put_start(b, MIKEY_PL_V);
	put_be(b, alg, 1);
	at = b->len;
	p = reserve(b, mac_len);
	if (!p)
		return 0;
	memset(p, 0, mac_len);
	return at;
}

u32 mikey_put_kemac(struct mikey_builder *b, enum mikey_encr_alg alg,
		    struct mikey_blob plain)
{
	u32 at;

	put_start(b, MIKEY_PL_KEMAC);
	put_be(b, alg, 1);
	at = b->len + 2;
	put_counted(b, plain, 2);
	put_be(b, MIKEY_AUTH_NULL, 1);
	return b->overflow ? 0 : at;
}

void mikey_put_key_data(struct mikey_builder *b, enum mikey_key_type type,
			struct mikey_blob key, struct mikey_blob spi)
{
	put_start(b, MIKEY_PL_KEY_DATA);
	put_be(b, type << 4 | MIKEY_KV_SPI, 1);
	put_counted(b, key, 2);
	put_counted(b, spi, 1);
}

/* A two-byte length to be known later. */
static void open_frame(struct mikey_builder *b, struct mikey_frame *f)
{
	f->link = b->link;
	f->len_at = b->len;
	put_be(b, 0, 2);
	b->link = NO_LINK;
}

static void close_frame(struct mikey_builder *b, struct mikey_frame *f)
{
	u32 len;

	b->link = f->link;
	if (b->overflow)
		return;
	len = b->len - f->len_at - 2;
	if (len > 0xffff) {
		b->overflow = true;
		return;
	}
	b->buf[f->len_at] = len >> 8;
	b->buf[f->len_at + 1] = len;
}

void mikey_open_policy(struct mikey_builder *b, struct mikey_frame *f,
		       enum mikey_payload type, const struct mikey_policy *p)
{
	put_start(b, type);
	put_be(b, p->ticket_type, 2);
	put_be(b, p->subtype, 1);
	put_be(b, p->version, 1);
	/* PRF 7, flags 12, reserved 5 bits */
	put_be(b, (u32)(p->prf & 0x7f) << 17 | (p->flags & 0xfff) << 5, 3);
	open_frame(b, f);
	put_link(b);
}

void mikey_close_policy(struct mikey_builder *b, struct mikey_frame *f)
{
	close_frame(b, f);
}

void mikey_open_ticket_data(struct mikey_builder *b, struct mikey_frame *f)
{
	open_frame(b, f);
}

void mikey_close_ticket_data(struct mikey_builder *b, struct mikey_frame *f)
{
	close_frame(b, f);
}

void mikey_open_initiator_data(struct mikey_builder *b, struct mikey_frame *f)
{
	open_frame(b, f);
	put_link(b);
}

void mikey_close_initiator_data(struct mikey_builder *b, struct mikey_frame *f)
{
	close_frame(b, f);
}

void mikey_put_opaque16(struct mikey_builder *b, struct mikey_blob data)
{
	put_counted(b, data, 2);
}

void mikey_put_ticket(struct mikey_builder *b, struct mikey_blob from_type)
{
	put_start(b, MIKEY_PL_TICKET);
	put_bytes(b, from_type);
}
