// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values for plans, and tickets: the KMS's part of RFC 6043 6.10 and
 * Appendix A.
 */
#include <stdlib.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "peer_crypto.h"

static struct mikey_id identity(enum mikey_id_type type, const char *text)
{
	return (struct mikey_id){
		.present = true,
		.type = type,
		.data = { (const u8 *)text, strlen(text) },
	};
}

struct mikey_id peer_nai(const char *uid)
{
	return identity(MIKEY_ID_NAI, uid);
}

struct mikey_id peer_uri(const char *uri)
{
	return identity(MIKEY_ID_URI, uri);
}

struct mikey_id peer_bytes(const char *bytes)
{
	return identity(MIKEY_ID_BYTES, bytes);
}

struct mikey_ts peer_time(s64 unix_seconds)
{
	struct mikey_ts ts = {
		.present = true,
		.type = MIKEY_TS_NTP_UTC_32,
		.value = (u64)(u32)(unix_seconds + 2208988800) << 32,
	};

	return ts;
}

struct mikey_ts peer_now(void)
{
	return peer_time(time(NULL));
}

void peer_random(void *p, u32 len)
{
	if (RAND_bytes(p, len) != 1)
		abort();
}

void peer_splice(struct peer_msg *m, u32 at, u32 del, const void *add, u32 len)
{
	if (at + del > m->len || m->len - del + len > sizeof(m->p))
		abort();
	memmove(m->p + at + len, m->p + at + del, m->len - at - del);
	if (len)
		memcpy(m->p + at, add, len);
	m->len += len - del;
	if (m->cut_len && at <= m->cut_at)
		m->cut_at += len - del;
}

static struct peer_key random_key(u8 type, u32 len)
{
	struct peer_key k = { .type = type, .key_len = len, .spi_len = 8 };

	peer_random(k.key, len);
	if (type != MIKEY_KEY_MPK)
		peer_random(k.spi, k.spi_len);
	return k;
}

void peer_ticket_derive(struct peer_ticket *t)
{
	struct mikey_blob rand = { t->rand, t->rand_len };

	peer_derive_mpk(t->suite, t->mpk.key, t->mpk.key_len, rand, t->mpk_i,
			t->mpk_r);
}

static const struct mikey_profile *profile_of(struct peer_kind kind)
{
	return mikey_profile_by_id(kind.profile ? kind.profile :
				   MIKEY_PROFILE_ID_IMMEDIATE);
}

static const struct mikey_suite *suite_of(struct peer_kind kind)
{
	return mikey_suite_by_id(kind.suite ? kind.suite : MIKEY_SUITE_ID_256);
}

void peer_ticket_plan(struct peer_ticket *t, const char *kms,
		      const char *initiator, const char *responder)
{
	peer_ticket_plan_kind(t, (struct peer_kind){ 0, 0 }, kms, initiator,
			      responder);
}

void peer_ticket_plan_kind(struct peer_ticket *t, struct peer_kind kind,
			   const char *kms, const char *initiator,
			   const char *responder)
{
	const struct mikey_profile *profile = profile_of(kind);
	struct mikey_policy *p = &t->policy.head;
	s64 now = time(NULL);

	memset(t, 0, sizeof(*t));
	t->suite = suite_of(kind);
	t->profile = profile;
	p->ticket_type = MIKEY_TICKET_TYPE_3GPP_BASE;
	p->subtype = MIKEY_TICKET_SUBTYPE;
	p->version = MIKEY_TICKET_VERSION;
	p->prf = t->suite->prf;
	p->flags = mikey_profile_flags(profile, MIKEY_MODE_KMS) |
		   MIKEY_FLAG_E | MIKEY_FLAG_J;
	p->idr_kms = peer_uri(kms);
	p->idr_i = peer_nai(initiator);
	p->tr_s = peer_time(now - 3600);
	p->tr_e = peer_time(now + 86400);
	t->policy.app[0] = peer_bytes(MIKEY_APP_PSK_MIME);
	t->policy.num_apps = 1;
	t->policy.responder[0] = peer_nai(responder);
	t->policy.num_responders = 1;

	t->tpk_id = peer_bytes("tpk-1");
	peer_random(t->tpk, sizeof(t->tpk));
	t->thdr = peer_bytes("KMS001").data;
	t->issued = peer_now();
	t->rand_len = t->suite->rand_len;
	peer_random(t->rand, t->rand_len);
	t->mpk = random_key(MIKEY_KEY_MPK, t->suite->key_len);
	t->traffic = random_key(profile->traffic_key, t->suite->key_len);
	peer_ticket_derive(t);
}

static void put_policy(struct mikey_builder *b, const struct peer_policy *p)
{
	u32 i;

	if (p->head.idr_kms.present)
		mikey_put_idr(b, MIKEY_IDR_KMS, p->head.idr_kms.type,
			      p->head.idr_kms.data);
	if (p->head.idr_i.present)
		mikey_put_idr(b, MIKEY_IDR_I, p->head.idr_i.type,
			      p->head.idr_i.data);
	if (p->head.tr_s.present)
		mikey_put_tr(b, MIKEY_TR_START, &p->head.tr_s);
	if (p->head.tr_e.present)
		mikey_put_tr(b, MIKEY_TR_END, &p->head.tr_e);
	if (p->head.tr_r.present)
		mikey_put_tr(b, MIKEY_TR_REKEY, &p->head.tr_r);
	if (p->head.kemac.present)
		mikey_put_kemac(b, p->head.kemac.encr_alg,
				p->head.kemac.encr_data);
	for (i = 0; i < p->num_apps; i++)
		mikey_put_idr(b, MIKEY_IDR_APP, p->app[i].type,
			      p->app[i].data);
	for (i = 0; i < p->num_responders; i++)
		mikey_put_idr(b, MIKEY_IDR_R, p->responder[i].type,
			      p->responder[i].data);
}

/* Where a TICKET payload's Ticket Type stands: behind "next payload". */
#define TICKET_HEAD 1

void peer_ticket_write(struct peer_ticket *t)
{
	struct mikey_blob rand = { t->rand, t->rand_len };
	u32 mac_len = t->suite->mac_len, kemac, num;
	struct peer_key *keys[] = { &t->mpk, &t->traffic };
	struct peer_message_keys mk;
	struct mikey_builder b;
	struct mikey_frame f;
	u8 plain[1024];
	int len;

	mikey_build_begin(&b, plain, sizeof(plain));
	for (num = 0; num < 2; num++)
		mikey_put_key_data(&b, keys[num]->type,
				   (struct mikey_blob){ keys[num]->key,
							keys[num]->key_len },
				   (struct mikey_blob){ keys[num]->spi,
							keys[num]->spi_len });
	len = mikey_build_end(&b);
	if (len < 0)
		abort();

	peer_derive_ticket(t->suite, t->tpk, rand, &mk);
	mikey_build_begin(&b, t->body.p, sizeof(t->body.p));
	mikey_open_policy(&b, &f, MIKEY_PL_TICKET, &t->policy.head);
	put_policy(&b, &t->policy);
	mikey_close_policy(&b, &f);
	mikey_open_ticket_data(&b, &f);
	mikey_put_thdr(&b, t->thdr);
	mikey_put_t(&b, &t->issued);
	mikey_put_rand(&b, rand);
	kemac = mikey_put_kemac(&b, t->suite->encr_alg,
				(struct mikey_blob){ plain, len });
	if (!b.overflow)
		peer_aes_cm(t->suite->key_len, &mk, 0xffffffff,
			    t->issued.value, t->body.p + kemac, len);
	mikey_put_idr(&b, MIKEY_IDR_PSK, t->tpk_id.type, t->tpk_id.data);
	mikey_put_v(&b, t->suite->auth_alg, mac_len);
	mikey_close_ticket_data(&b, &f);
	len = mikey_build_end(&b);
	if (len < 0)
		abort();

	memmove(t->body.p, t->body.p + TICKET_HEAD, len - TICKET_HEAD);
	t->body.len = len - TICKET_HEAD;
	t->body.cut_len = 0;
	if (t->bend)
		t->bend(&t->body, t->arg);
	peer_mac(t->suite->auth_alg, mk.auth, mac_len,
		 (struct mikey_blob){ t->body.p, t->body.len - mac_len },
		 (struct mikey_blob){ 0 }, (struct mikey_blob){ 0 },
		 t->body.p + t->body.len - mac_len);
}

void peer_ticket_mint(struct peer_ticket *t, const struct peer_psk *psk)
{
	struct mikey_policy *p = &t->policy.head;

	p->flags &= ~MIKEY_FLAG_D;
	p->flags |= MIKEY_FLAG_L;
	t->tpk_id = psk->id;
	memcpy(t->tpk, psk->key, sizeof(t->tpk));
}

/* MPK and traffic key out of Ticket Data's KEMAC; SPI of the MPK is zeros. */
static int take_keys(struct peer_ticket *t, const u8 *plain, u32 len)
{
	static const u8 zeros[MIKEY_SPI_LEN];
	struct mikey_key_data data[2];
	struct mikey_diag d;
	u32 num;

	if (mikey_key_data_parse((struct mikey_blob){ plain, len }, data, 2,
				 &num, &d) || num != 2)
		return -EINVAL;
	if (data[0].type != MIKEY_KEY_MPK ||
	    data[1].type != t->profile->traffic_key ||
	    data[0].key.len != t->suite->key_len ||
	    data[1].key.len != t->suite->key_len || data[0].salt.len ||
	    data[1].salt.len || data[0].kv != MIKEY_KV_SPI ||
	    data[1].kv != MIKEY_KV_SPI || data[1].spi.len != MIKEY_SPI_LEN ||
	    !mikey_blob_eq(data[0].spi,
			   (struct mikey_blob){ zeros, sizeof(zeros) }) ||
	    mikey_blob_eq(data[0].key, data[1].key))
		return -EINVAL;
	memcpy(t->mpk.key, data[0].key.p, data[0].key.len);
	memcpy(t->traffic.key, data[1].key.p, data[1].key.len);
	memcpy(t->traffic.spi, data[1].spi.p, data[1].spi.len);
	peer_ticket_derive(t);
	return 0;
}

int peer_ticket_open(struct peer_ticket *t, struct peer_kind kind,
		     const struct peer_psk *psk,
		     const struct mikey_ticket_payload *ticket)
{
	struct mikey_blob body = ticket->from_type;
	u8 plain[1024], mac[MIKEY_MAC_MAX];
	struct peer_message_keys mk;
	struct mikey_ticket_data td;
	struct mikey_diag d;
	u32 mac_len;
	int err;

	peer_ticket_plan_kind(t, kind, "", "", "");
	mac_len = t->suite->mac_len;
	err = mikey_ticket_data_parse(&td, ticket, &d);
	if (!err)
		err = mikey_policy_check(&ticket->policy, t->profile, t->suite,
					 false, &d);
	if (err)
		return err;
	if (mikey_mode_of(ticket->policy.flags) != MIKEY_MODE_INITIATOR ||
	    ticket->policy.ticket_type != MIKEY_TICKET_TYPE_3GPP_BASE ||
	    td.t.type != MIKEY_TS_NTP_UTC_32 || td.thdr.len < 6 ||
	    td.rand.data.len != t->suite->rand_len ||
	    td.kemac.encr_alg != t->suite->encr_alg ||
	    td.kemac.mac_alg != MIKEY_AUTH_NULL ||
	    td.kemac.encr_data.len > sizeof(plain) ||
	    td.idr_psk.type != MIKEY_ID_BYTES ||
	    !mikey_blob_eq(td.idr_psk.data, psk->id.data) ||
	    td.v.auth_alg != t->suite->auth_alg)
		return -EINVAL;
	peer_derive_ticket(t->suite, psk->key, td.rand.data, &mk);
	peer_mac(t->suite->auth_alg, mk.auth, mac_len,
		 (struct mikey_blob){ body.p, body.len - mac_len },
		 (struct mikey_blob){ 0 }, (struct mikey_blob){ 0 }, mac);
	if (CRYPTO_memcmp(mac, td.v.mac.p, mac_len))
		return -EKEYREJECTED;

	t->policy.head = ticket->policy;
	t->thdr = td.thdr;
	t->issued = td.t;
	t->rand_len = td.rand.data.len;
	memcpy(t->rand, td.rand.data.p, t->rand_len);
	memcpy(t->body.p, body.p, body.len);
	t->body.len = body.len;
	memcpy(plain, td.kemac.encr_data.p, td.kemac.encr_data.len);
	peer_aes_cm(t->suite->key_len, &mk, 0xffffffff, td.t.value, plain,
		    td.kemac.encr_data.len);
	return take_keys(t, plain, td.kemac.encr_data.len);
}
