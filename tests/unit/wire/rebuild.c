// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A parsed message written again from its fields.
 */
#include "rebuild.h"

static void put_kemac(struct mikey_builder *b, const struct mikey_kemac *k)
{
	if (k->present)
		mikey_put_kemac(b, k->encr_alg, k->encr_data);
}

static void put_v(struct mikey_builder *b, const struct mikey_v *v)
{
	u32 at;

	if (!v->present)
		return;
	at = mikey_put_v(b, v->auth_alg, v->mac.len);
	if (!b->overflow && v->mac.len)
		memcpy(b->buf + at, v->mac.p, v->mac.len);
}

static void put_idr(struct mikey_builder *b, enum mikey_id_role role,
		    const struct mikey_id *id)
{
	if (id->present)
		mikey_put_idr(b, role, id->type, id->data);
}

static void put_tr(struct mikey_builder *b, enum mikey_ts_role role,
		   const struct mikey_ts *ts)
{
	if (ts->present)
		mikey_put_tr(b, role, ts);
}

static void put_randr(struct mikey_builder *b, enum mikey_rand_role role,
		      const struct mikey_rand *rand)
{
	if (rand->present)
		mikey_put_randr(b, role, rand->data);
}

static void put_policy(struct mikey_builder *b, enum mikey_payload type,
		       const struct mikey_policy *p)
{
	static const enum mikey_id_role roles[] = { MIKEY_IDR_APP,
						    MIKEY_IDR_R };
	struct mikey_policy_iter it;
	struct mikey_frame f;
	struct mikey_id id;

	mikey_open_policy(b, &f, type, p);
	put_idr(b, MIKEY_IDR_KMS, &p->idr_kms);
	put_idr(b, MIKEY_IDR_I, &p->idr_i);
	put_tr(b, MIKEY_TR_START, &p->tr_s);
	put_tr(b, MIKEY_TR_END, &p->tr_e);
	put_tr(b, MIKEY_TR_REKEY, &p->tr_r);
	put_kemac(b, &p->kemac);
	for (u32 i = 0; i < ARRAY_SIZE(roles); i++) {
		mikey_policy_walk(&it, p, roles[i]);
		while (mikey_policy_next(&it, p, &id))
			put_idr(b, roles[i], &id);
	}
	mikey_close_policy(b, &f);
}

static bool put_ticket(struct mikey_builder *b,
		       const struct mikey_ticket_payload *t)
{
	struct mikey_initiator_data id;
	struct mikey_ticket_data td;
	struct mikey_frame f;
	struct mikey_diag d;

	if (mikey_ticket_data_parse(&td, t, &d))
		return false;
	put_policy(b, MIKEY_PL_TICKET, &t->policy);
	mikey_open_ticket_data(b, &f);
	mikey_put_thdr(b, td.thdr);
	mikey_put_t(b, &td.t);
	mikey_put_rand(b, td.rand.data);
	put_kemac(b, &td.kemac);
	put_idr(b, MIKEY_IDR_PSK, &td.idr_psk);
	put_v(b, &td.v);
	mikey_close_ticket_data(b, &f);
	if (!t->initiator_data.len) {
		mikey_put_opaque16(b, t->initiator_data);
		return true;
	}
	if (mikey_initiator_data_parse(&id, t->initiator_data, &d))
		return false;
	mikey_open_initiator_data(b, &f);
	put_v(b, &id.vi);
	put_v(b, &id.vr);
	mikey_close_initiator_data(b, &f);
	return true;
}

static bool kemac_can(const struct mikey_kemac *k)
{
	return k->mac_alg == MIKEY_AUTH_NULL;
}

bool can_rebuild(const struct mikey_msg *m)
{
	const struct mikey_hdr *h = &m->hdr;
	const struct mikey_cs *cs = &h->cs;
	struct mikey_ticket_data td;
	struct mikey_diag d;

	if (h->map_type == MIKEY_MAP_EMPTY ? h->num_cs != 0 :
	    h->num_cs != 1 || cs->s || cs->num_policies || cs->session_data.len)
		return false;
	if (m->ticket.present &&
	    (mikey_ticket_data_parse(&td, &m->ticket, &d) ||
	     !kemac_can(&td.kemac)))
		return false;
	return kemac_can(&m->kemac) && kemac_can(&m->tp.policy.kemac) &&
	       kemac_can(&m->ticket.policy.kemac);
}

/* The payloads stand in an order that fits all figures but RESOLVE_RESP's. */
bool rebuild(struct mikey_builder *b, const struct mikey_msg *m, bool copied)
{
	const struct mikey_hdr *h = &m->hdr;
	bool resolve_resp = h->data_type == MIKEY_DT_RESOLVE_RESP;

	if (h->map_type == MIKEY_MAP_EMPTY)
		mikey_put_hdr(b, h->data_type, h->v, h->prf, h->csb_id);
	else
		mikey_put_hdr_cs(b, h->data_type, h->v, h->prf, h->csb_id,
				 h->cs.cs_id, h->cs.prot_type, h->cs.spi);
	mikey_put_t(b, &m->t);
	put_randr(b, MIKEY_RANDR_I, &m->randr_i);
	put_randr(b, MIKEY_RANDR_R, &m->randr_r);
	put_idr(b, MIKEY_IDR_I, &m->idr_i);
	if (!resolve_resp)
		put_idr(b, MIKEY_IDR_R, &m->idr_r);
	put_idr(b, MIKEY_IDR_KMS, &m->idr_kms);
	if (m->tp.present)
		put_policy(b, MIKEY_PL_TP, &m->tp.policy);
	if (m->ticket.present && copied) {
		mikey_put_ticket(b, m->ticket.from_type);
		mikey_put_opaque16(b, m->ticket.initiator_data);
	} else if (m->ticket.present && !put_ticket(b, &m->ticket)) {
		return false;
	}
	put_kemac(b, &m->kemac);
	put_idr(b, MIKEY_IDR_PSK, &m->idr_psk);
	if (resolve_resp)
		put_idr(b, MIKEY_IDR_R, &m->idr_r);
	put_randr(b, MIKEY_RANDR_KMS, &m->randr_kms);
	if (m->err.present)
		mikey_put_err(b, m->err.error_no);
	if (m->ext.present)
		mikey_put_ext(b, m->ext.type, m->ext.data);
	put_v(b, &m->v);
	return true;
}
