// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading single payloads (RFC 3830 section 6, RFC 6043 section 6). Those
 * that no exchange of MIKEY-TICKET expects are measured, so that they can be
 * ignored as RFC 6043 section 4 asks.
 */
#include "payload.h"

/* Lengths in bytes that are implied by a number beside the field. */
static const u8 dh_value_len[] = { 192, 96, 128 };	/* RFC 3830 6.4 */
static const u8 cert_hash_len[] = { 20, 16, 32 };	/* RFC 6043 6.7 */
static const u8 mac_len[] = {				/* RFC 6043 6.2 */
	[MIKEY_AUTH_NULL] = 0,
	[MIKEY_AUTH_HMAC_SHA_1_160] = 20,
	[MIKEY_AUTH_HMAC_SHA_256_256] = 32,
};

#define MIKEY_KV_MASK 0x0f		/* RFC 3830 6.4, 6.13 */
#define MIKEY_PKE_LEN_MASK 0x3fff	/* RFC 3830 6.3: below two bits of C */

static struct mikey_blob implied(struct mikey_cursor *c, const u8 *table,
				 size_t num, u8 which, const char *unknown)
{
	if (which >= num) {
		mikey_cursor_refuse(c, -EPROTONOSUPPORT, unknown, c->pos - 1);
		return (struct mikey_blob){ 0 };
	}
	return mikey_get_blob(c, table[which]);
}

static struct mikey_blob mac_read(struct mikey_cursor *c, u8 alg)
{
	return implied(c, mac_len, ARRAY_SIZE(mac_len), alg,
		       "the MAC algorithm is not known");
}

struct mikey_blob mikey_kv_read(struct mikey_cursor *c, u8 kv)
{
	struct mikey_blob spi = { 0 };

	switch (kv) {
	case MIKEY_KV_NULL:
		break;
	case MIKEY_KV_SPI:
		spi = mikey_get_blob(c, mikey_get_u8(c));
		break;
	case MIKEY_KV_INTERVAL:
		mikey_get_blob(c, mikey_get_u8(c));	/* Valid From */
		mikey_get_blob(c, mikey_get_u8(c));	/* Valid To */
		break;
	default:
		mikey_cursor_refuse(c, -EPROTONOSUPPORT,
				    "the kind of key validity is not known",
				    c->pos);
	}
	return spi;
}

static void kemac_read(struct mikey_cursor *c, struct mikey_kemac *k)
{
	k->present = true;
	k->encr_alg = mikey_get_u8(c);
	k->encr_data = mikey_get_blob(c, mikey_get_be16(c));
	k->mac_alg = mikey_get_u8(c);
	k->mac = mac_read(c, k->mac_alg);
}

static void ts_read(struct mikey_cursor *c, struct mikey_ts *ts)
{
	ts->present = true;
	ts->type = mikey_get_u8(c);
	switch (ts->type) {
	case MIKEY_TS_NTP_UTC:
	case MIKEY_TS_NTP:
		ts->value = mikey_get_be64(c);
		break;
	case MIKEY_TS_COUNTER:
		ts->value = mikey_get_be32(c);
		break;
	case MIKEY_TS_NTP_UTC_32:
		ts->value = (u64)mikey_get_be32(c) << 32;
		break;
	default:
		mikey_cursor_refuse(c, -EPROTONOSUPPORT,
				    "the type of a timestamp is not known",
				    c->pos - 1);
	}
}

static void id_read(struct mikey_cursor *c, struct mikey_id *id)
{
	id->present = true;
	id->type = mikey_get_u8(c);
	id->data = mikey_get_blob(c, mikey_get_be16(c));
}

static void rand_read(struct mikey_cursor *c, struct mikey_rand *rand)
{
	rand->present = true;
	rand->data = mikey_get_blob(c, mikey_get_u8(c));
}

static void v_read(struct mikey_cursor *c, struct mikey_v *v)
{
	v->present = true;
	v->auth_alg = mikey_get_u8(c);
	v->mac_offset = c->pos;
	v->mac = mac_read(c, v->auth_alg);
}

static void policy_head_read(struct mikey_cursor *c, struct mikey_policy *p)
{
	u32 word;

	memset(p, 0, sizeof(*p));
	p->ticket_type = mikey_get_be16(c);
	p->subtype = mikey_get_u8(c);
	p->version = mikey_get_u8(c);
	word = mikey_get_be24(c);	/* PRF 7, flags 12, reserved 5 bits */
	p->prf = word >> 17;
	p->flags = word >> 5 & 0xfff;
	p->tp_data = mikey_get_blob(c, mikey_get_be16(c));
}

void mikey_ticket_head_read(struct mikey_cursor *c,
			    struct mikey_ticket_payload *ticket)
{
	u32 from = c->pos;

	ticket->present = true;
	policy_head_read(c, &ticket->policy);
	ticket->ticket_data = mikey_get_blob(c, mikey_get_be16(c));
	ticket->from_type.p = c->buf + from;
	ticket->from_type.len = c->pos - from;
	ticket->initiator_len_offset = c->pos;
	ticket->initiator_data = (struct mikey_blob){ 0 };
}

void mikey_item_read(struct mikey_cursor *c, u8 type, struct mikey_item *item)
{
	u8 which;

	item->type = type;
	item->role = 0;
	item->offset = c->pos;
	if (type == MIKEY_PL_SIGN || type == MIKEY_PL_KEY_DATA) {
		mikey_cursor_refuse(c, -EBADMSG,
				    "a signature or bare key data has no place here",
				    c->pos);
		return;
	}
	item->next = mikey_get_u8(c);
	switch (type) {
	case MIKEY_PL_KEMAC:
		kemac_read(c, &item->kemac);
		break;
	case MIKEY_PL_PKE:
		mikey_get_blob(c, mikey_get_be16(c) & MIKEY_PKE_LEN_MASK);
		break;
	case MIKEY_PL_DH:
		which = mikey_get_u8(c);
		implied(c, dh_value_len, ARRAY_SIZE(dh_value_len), which,
			"the Diffie-Hellman group is not known");
		mikey_kv_read(c, mikey_get_u8(c) & MIKEY_KV_MASK);
		break;
	case MIKEY_PL_T:
		ts_read(c, &item->ts);
		break;
	case MIKEY_PL_ID:
	case MIKEY_PL_CERT:
		mikey_get_u8(c);		/* type */
		mikey_get_blob(c, mikey_get_be16(c));
		break;
	case MIKEY_PL_CHASH:
		which = mikey_get_u8(c);
		implied(c, cert_hash_len, ARRAY_SIZE(cert_hash_len), which,
			"the hash function of a certificate hash is not known");
		break;
	case MIKEY_PL_V:
		v_read(c, &item->v);
		break;
	case MIKEY_PL_SP:
		mikey_get_be16(c);		/* policy no, Prot type */
		mikey_get_blob(c, mikey_get_be16(c));
		break;
	case MIKEY_PL_RAND:
		rand_read(c, &item->rand);
		break;
	case MIKEY_PL_ERR:
		item->err.present = true;
		item->err.error_no = mikey_get_u8(c);
		mikey_get_be16(c);		/* reserved */
		break;
	case MIKEY_PL_TR:
		item->role = mikey_get_u8(c);
		ts_read(c, &item->ts);
		break;
	case MIKEY_PL_IDR:
		item->role = mikey_get_u8(c);
		id_read(c, &item->id);
		break;
	case MIKEY_PL_RANDR:
		item->role = mikey_get_u8(c);
		rand_read(c, &item->rand);
		break;
	case MIKEY_PL_TP:
		policy_head_read(c, &item->ticket.policy);
		break;
	case MIKEY_PL_TICKET:
		mikey_ticket_head_read(c, &item->ticket);
		item->ticket.initiator_data =
			mikey_get_blob(c, mikey_get_be16(c));
		break;
	case MIKEY_PL_GENERAL_EXT:
		item->role = mikey_get_u8(c);
		item->ext.present = true;
		item->ext.type = item->role;
		item->ext.data = mikey_get_blob(c, mikey_get_be16(c));
		break;
	default:
		mikey_cursor_refuse(c, -EPROTONOSUPPORT,
				    "a payload type is not known",
				    item->offset);
	}
}
