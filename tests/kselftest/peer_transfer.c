// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TRANSFER_INIT (RFC 6043 4.2.2): made as an initiator, opened as its
 * responder and KMS together.
 */
#include <stdlib.h>

#include <openssl/crypto.h>

#include "peer_crypto.h"

static const struct mikey_blob nothing;

void peer_transfer_plan(struct peer_transfer *x, const struct peer_ticket *t,
			const char *recipient)
{
	memset(x, 0, sizeof(*x));
	x->suite = t->suite;
	x->ticket = t;
	x->prf = t->suite->prf;
	peer_random(&x->csb_id, sizeof(x->csb_id));
	x->cs_id = 1;
	x->prot_type = MIKEY_PROT_PSK_MIME_DEFAULT;
	x->spi = (struct mikey_blob){ t->traffic.spi, t->traffic.spi_len };
	x->t = peer_now();
	x->randr_i_len = t->suite->rand_len;
	peer_random(x->randr_i, x->randr_i_len);
	x->idr_i = t->policy.head.idr_i;
	x->idr_r = peer_nai(recipient);
	x->auth_alg = t->suite->auth_alg;
	x->vi_alg = x->auth_alg;
	x->vr_alg = x->auth_alg;
	memcpy(x->mpk_i, t->mpk_i, sizeof(x->mpk_i));
	memcpy(x->mpk_r, t->mpk_r, sizeof(x->mpk_r));
}

/* The message up to V; Initiator Data is empty. Notes where it belongs. */
static void write_bare(struct peer_transfer *x, struct peer_msg *out)
{
	struct mikey_blob ticket = { x->ticket->body.p, x->ticket->body.len };
	struct mikey_builder b;
	int len;

	mikey_build_begin(&b, out->p, sizeof(out->p));
	mikey_put_hdr_cs(&b, MIKEY_DT_TRANSFER_INIT, x->v, x->prf, x->csb_id,
			 x->cs_id, x->prot_type, x->spi);
	mikey_put_t(&b, &x->t);
	if (x->randr_i_len)
		mikey_put_randr(&b, MIKEY_RANDR_I,
				(struct mikey_blob){ x->randr_i,
						     x->randr_i_len });
	if (x->idr_i.present)
		mikey_put_idr(&b, MIKEY_IDR_I, x->idr_i.type, x->idr_i.data);
	if (x->idr_r.present)
		mikey_put_idr(&b, MIKEY_IDR_R, x->idr_r.type, x->idr_r.data);
	mikey_put_ticket(&b, ticket);
	out->cut_at = b.len;
	out->cut_len = 2;
	mikey_put_opaque16(&b, nothing);
	if (x->kemac.present)
		mikey_put_kemac(&b, x->kemac.encr_alg, x->kemac.encr_data);
	if (x->proof.present)
		mikey_put_ext(&b, x->proof.type, x->proof.data);
	mikey_put_v(&b, x->auth_alg, peer_mac_len(x->auth_alg));
	len = mikey_build_end(&b);
	if (len < 0)
		abort();
	out->len = len;
}

/* MAC of V over all but the Initiator Data, then the two identities. */
static void sum(u8 alg, const u8 *auth, u32 auth_len, const struct peer_msg *m,
		struct mikey_blob id_i, struct mikey_blob id_r, u8 *mac)
{
	struct peer_msg covered = *m;

	covered.cut_len = 0;
	peer_splice(&covered, m->cut_at, m->cut_len, NULL, 0);
	covered.len -= peer_mac_len(alg);
	peer_mac(alg, auth, auth_len,
		 (struct mikey_blob){ covered.p, covered.len }, id_i, id_r, mac);
}

static u32 initiator_data(const struct peer_transfer *x, u8 *to)
{
	u32 vi_len = peer_mac_len(x->vi_alg), vr_len = peer_mac_len(x->vr_alg);
	u8 auth[MIKEY_MAC_MAX], *p = to;

	*p++ = MIKEY_PL_V;
	*p++ = MIKEY_PL_V;
	*p++ = x->vi_alg;
	memcpy(p, x->vmac, vi_len);
	if (x->wrong_vi)
		p[vi_len - 1] ^= 1;
	p += vi_len;
	*p++ = MIKEY_PL_LAST;
	*p++ = x->vr_alg;
	peer_derive_vr(x->suite, x->mpk_r, auth);
	peer_mac(x->vr_alg, auth, x->suite->mac_len,
		 (struct mikey_blob){ to, p - to }, nothing, nothing, p);
	if (x->wrong_vr)
		p[vr_len - 1] ^= 1;
	return p + vr_len - to;
}

void peer_transfer_write(struct peer_transfer *x, struct peer_msg *out)
{
	struct mikey_blob rand = { x->randr_i, x->randr_i_len };
	u32 mac_len = peer_mac_len(x->auth_alg), len;
	struct peer_message_keys mk;
	struct mikey_blob data;
	u8 both[256], size[2];

	peer_derive_keks(x->suite, x->ticket->traffic.key,
			 x->ticket->traffic.key_len, x->cs_id, rand, &x->keks);
	peer_derive_message(x->suite, x->prf, x->mpk_i, x->suite->key_len,
			    x->csb_id, false, rand, nothing, &mk);
	write_bare(x, out);
	if (x->bend)
		x->bend(out, x->arg);
	sum(x->auth_alg, mk.auth, x->suite->mac_len, out, x->idr_i.data,
	    x->idr_r.data, x->vmac);
	if (x->wrong_v && mac_len)
		x->vmac[mac_len - 1] ^= 1;
	memcpy(out->p + out->len - mac_len, x->vmac, mac_len);

	len = x->ticket->profile->forked ? initiator_data(x, both) : 0;
	data = x->initiator_data ? *x->initiator_data :
				   (struct mikey_blob){ both, len };
	size[0] = data.len >> 8;
	size[1] = data.len;
	peer_splice(out, out->cut_at, out->cut_len, size, 2);
	peer_splice(out, out->cut_at + 2, 0, data.p, data.len);
	out->cut_len = 2 + data.len;
}

/* Vi is V, and Vr verifies (6.10). */
static bool proofs_good(const struct peer_ticket *t,
			const struct mikey_ticket_payload *ticket,
			const struct mikey_initiator_data *id,
			const struct mikey_v *v)
{
	const struct mikey_suite *s = t->suite;
	u8 auth[MIKEY_MAC_MAX], mac[MIKEY_MAC_MAX];

	if (id->vi.auth_alg != s->auth_alg || id->vr.auth_alg != s->auth_alg ||
	    !mikey_blob_eq(id->vi.mac, v->mac))
		return false;
	peer_derive_vr(s, t->mpk_r, auth);
	peer_mac(s->auth_alg, auth, s->mac_len,
		 (struct mikey_blob){ ticket->initiator_data.p,
				      ticket->initiator_data.len - s->mac_len },
		 nothing, nothing, mac);
	return !CRYPTO_memcmp(mac, id->vr.mac.p, s->mac_len);
}

int peer_transfer_open(struct peer_opened *o, const struct peer_ticket *t,
		       const u8 *msg, u32 len)
{
	const struct mikey_suite *s = t->suite;
	const struct mikey_ticket_payload *ticket;
	struct mikey_initiator_data id;
	struct peer_message_keys mk;
	u8 mac[MIKEY_MAC_MAX];
	struct mikey_diag d;
	struct peer_msg m;
	int err;

	err = mikey_msg_parse(&o->msg, msg, len,
			      MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &d);
	if (err)
		return err;
	ticket = &o->msg.ticket;
	if (o->msg.hdr.data_type != MIKEY_DT_TRANSFER_INIT || o->msg.hdr.v ||
	    o->msg.hdr.prf != s->prf || o->msg.hdr.num_cs != 1 ||
	    o->msg.hdr.cs.cs_id != 1 || o->msg.hdr.cs.s ||
	    o->msg.hdr.cs.num_policies || o->msg.hdr.cs.session_data.len ||
	    o->msg.hdr.cs.prot_type != MIKEY_PROT_PSK_MIME_DEFAULT ||
	    !mikey_blob_eq(o->msg.hdr.cs.spi,
			   (struct mikey_blob){ t->traffic.spi,
						t->traffic.spi_len }) ||
	    o->msg.t.type != MIKEY_TS_NTP_UTC_32 ||
	    o->msg.randr_i.data.len != s->rand_len ||
	    o->msg.v.auth_alg != s->auth_alg || o->msg.kemac.present ||
	    !mikey_blob_eq(ticket->from_type,
			   (struct mikey_blob){ t->body.p, t->body.len }) ||
	    !mikey_blob_eq(o->msg.idr_i.data, t->policy.head.idr_i.data))
		return -EINVAL;
	if (t->profile->forked)
		err = mikey_initiator_data_parse(&id, ticket->initiator_data,
						 &d);
	else if (ticket->initiator_data.len)
		err = -EINVAL;
	if (err)
		return err;

	peer_derive_message(s, s->prf, t->mpk_i, s->key_len,
			    o->msg.hdr.csb_id, false, o->msg.randr_i.data,
			    nothing, &mk);
	m.len = len;
	m.cut_at = ticket->initiator_len_offset;
	m.cut_len = 2 + ticket->initiator_data.len;
	memcpy(m.p, msg, len);
	sum(s->auth_alg, mk.auth, s->mac_len, &m, o->msg.idr_i.data,
	    o->msg.idr_r.data, mac);
	if (CRYPTO_memcmp(mac, o->msg.v.mac.p, s->mac_len))
		return -EKEYREJECTED;
	if (t->profile->forked && !proofs_good(t, ticket, &id, &o->msg.v))
		return -EKEYREJECTED;
	peer_derive_keks(s, t->traffic.key, t->traffic.key_len, 1,
			 o->msg.randr_i.data, &o->keks);
	return 0;
}
