// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The KMS's answers: REQUEST_RESP, RESOLVE_RESP and Error (RFC 6043 4.2.1,
 * 4.2.3, 5.4).
 */
#include <stdlib.h>

#include <openssl/crypto.h>

#include "peer_crypto.h"

static const struct mikey_blob nothing;

/* The suite of a message under a PSK of @key_len bytes, or NULL. */
static const struct mikey_suite *suite_of(const struct mikey_msg *m,
					  u32 key_len)
{
	const struct mikey_suite *s;
	u32 id;

	for (id = 1; (s = mikey_suite_by_id(id)); id++)
		if (s->prf == m->hdr.prf && s->auth_alg == m->v.auth_alg &&
		    s->key_len == key_len)
			return s;
	return NULL;
}

/* Parse an initial message and check its MAC; start the plan of the answer. */
static int begin(struct peer_answer *a, struct mikey_msg *m,
		 const struct peer_psk *psk, const u8 *init, u32 len,
		 enum mikey_data_type type)
{
	const struct mikey_suite *s;
	bool request = type == MIKEY_DT_REQUEST_INIT_PSK;
	struct peer_message_keys mk;
	const struct mikey_id *id;
	u8 mac[MIKEY_MAC_MAX];
	struct mikey_diag d;
	int err;

	err = mikey_msg_parse(m, init, len, 0, &d);
	if (err)
		return err;
	id = request ? &m->idr_i : &m->idr_r;
	s = suite_of(m, psk->len);
	if (!s || m->hdr.data_type != type || !m->hdr.v || !id->present ||
	    id->type != MIKEY_ID_NAI || !m->idr_kms.present ||
	    m->idr_kms.type != MIKEY_ID_URI || !m->idr_psk.present ||
	    m->idr_psk.type != MIKEY_ID_BYTES ||
	    m->t.type != MIKEY_TS_NTP_UTC_32 ||
	    !mikey_blob_eq(m->idr_psk.data, psk->id.data))
		return -EINVAL;
	if ((request ? m->randr_i : m->randr_r).data.len != s->rand_len)
		return -EINVAL;
	peer_derive_message(s, s->prf, psk->key, psk->len, m->hdr.csb_id,
			    false, m->randr_i.data, m->randr_r.data, &mk);
	peer_mac(s->auth_alg, mk.auth, s->mac_len,
		 (struct mikey_blob){ init, len - s->mac_len }, id->data,
		 m->idr_kms.data, mac);
	if (CRYPTO_memcmp(mac, init + len - s->mac_len, s->mac_len))
		return -EKEYREJECTED;

	memset(a, 0, sizeof(*a));
	a->suite = s;
	a->type = request ? MIKEY_DT_REQUEST_RESP : MIKEY_DT_RESOLVE_RESP;
	a->prf = s->prf;
	a->csb_id = m->hdr.csb_id;
	a->t = peer_now();
	a->idr_kms = m->idr_kms;
	a->kemac = true;
	a->encr_alg = s->encr_alg;
	a->mac = true;
	a->auth_alg = s->auth_alg;
	memcpy(a->behind, init, len);
	a->behind_len = len;
	a->mk_initial = mk;
	peer_derive_message(s, s->prf, psk->key, psk->len, m->hdr.csb_id, true,
			    m->randr_i.data, m->randr_r.data, &a->mk);
	return 0;
}

static void plan_mpk(struct peer_answer *a, const u8 *mpk)
{
	struct peer_key *k = &a->keys[a->num_keys++];

	k->type = MIKEY_KEY_MPK;
	k->key_len = a->suite->key_len;
	memcpy(k->key, mpk, k->key_len);
	k->spi_len = MIKEY_SPI_LEN;
}

/* The policy that TP asks for, without its KEMAC. */
static int copy_policy(struct peer_policy *to, const struct mikey_policy *from)
{
	struct mikey_policy_iter it;
	struct mikey_id id;

	if (from->num_app > PEER_APPS_MAX ||
	    from->num_responders > PEER_RESPONDERS_MAX)
		return -EINVAL;
	to->head = *from;
	to->head.kemac = (struct mikey_kemac){ 0 };
	to->num_apps = 0;
	to->num_responders = 0;
	mikey_policy_walk(&it, from, MIKEY_IDR_APP);
	while (mikey_policy_next(&it, from, &id))
		to->app[to->num_apps++] = id;
	mikey_policy_walk(&it, from, MIKEY_IDR_R);
	while (mikey_policy_next(&it, from, &id))
		to->responder[to->num_responders++] = id;
	return 0;
}

int peer_grant_plan(struct peer_answer *a, struct peer_ticket *t,
		    const struct peer_psk *psk, const u8 *init, u32 len)
{
	const struct mikey_profile *profile;
	struct mikey_diag d;
	struct mikey_msg m;
	int err;

	err = begin(a, &m, psk, init, len, MIKEY_DT_REQUEST_INIT_PSK);
	if (err)
		return err;
	profile = mikey_profile_of(m.tp.policy.flags);
	if (!profile || mikey_policy_check(&m.tp.policy, profile, a->suite,
					   true, &d))
		return -EINVAL;
	if (!mikey_blob_eq(m.tp.policy.idr_i.data, m.idr_i.data) ||
	    !mikey_blob_eq(m.tp.policy.idr_kms.data, m.idr_kms.data) ||
	    m.tp.policy.ticket_type != MIKEY_TICKET_TYPE_3GPP_BASE ||
	    m.tp.policy.num_app != 1)
		return -EINVAL;
	peer_ticket_plan_kind(t, (struct peer_kind){ profile->id, a->suite->id },
			      "", "", "");
	/* the policy's identities must not point into the caller's buffer */
	err = mikey_msg_parse(&m, a->behind, len, 0, &d);
	if (!err)
		err = copy_policy(&t->policy, &m.tp.policy);
	if (err)
		return err;
	a->idr_kms = m.idr_kms;
	a->ticket = t;
	plan_mpk(a, t->mpk_i);
	if (profile->forked)
		plan_mpk(a, t->mpk_r);
	a->keys[a->num_keys++] = t->traffic;
	return 0;
}

/* Vr over Initiator Data (6.10). */
static bool vr_good(const struct peer_ticket *t, struct mikey_blob data)
{
	u8 auth[MIKEY_MAC_MAX], mac[MIKEY_MAC_MAX];
	struct mikey_initiator_data id;
	struct mikey_diag d;

	if (mikey_initiator_data_parse(&id, data, &d) ||
	    id.vr.auth_alg != t->suite->auth_alg)
		return false;
	peer_derive_vr(t->suite, t->mpk_r, auth);
	peer_mac(id.vr.auth_alg, auth, t->suite->mac_len,
		 (struct mikey_blob){ data.p, data.len - t->suite->mac_len },
		 nothing, nothing, mac);
	return !CRYPTO_memcmp(mac, id.vr.mac.p, t->suite->mac_len);
}

int peer_resolve_plan(struct peer_answer *a, struct peer_ticket *t,
		      const struct peer_psk *psk, const u8 *init, u32 len,
		      bool lenient)
{
	struct mikey_diag d;
	struct mikey_msg m;
	int err;

	err = begin(a, &m, psk, init, len, MIKEY_DT_RESOLVE_INIT_PSK);
	if (err)
		return err;
	if (!lenient &&
	    !mikey_blob_eq(m.ticket.from_type,
			   (struct mikey_blob){ t->body.p, t->body.len }))
		return -EBADMSG;
	if (!lenient && t->profile->forked &&
	    !vr_good(t, m.ticket.initiator_data))
		return -EKEYREJECTED;
	if (!lenient && !t->profile->forked && m.ticket.initiator_data.len)
		return -EINVAL;
	err = mikey_msg_parse(&m, a->behind, len, 0, &d);
	if (err)
		return err;
	a->idr_kms = m.idr_kms;
	plan_mpk(a, t->mpk_i);
	if (t->profile->forked) {
		a->idr_r = m.idr_r;
		a->randr_kms_len = a->suite->rand_len;
		peer_random(a->randr_kms, a->randr_kms_len);
		plan_mpk(a, t->mpk_r);
		a->fork_from = t->mpk_r;
	}
	a->keys[a->num_keys++] = t->traffic;
	return 0;
}

void peer_error_plan(struct peer_answer *a, enum mikey_err_no no)
{
	a->type = MIKEY_DT_ERROR;
	a->mk = a->mk_initial;
	a->err = (struct mikey_err){ .present = true, .error_no = no };
}

static void put_id(struct mikey_builder *b, enum mikey_id_role role,
		   const struct mikey_id *id)
{
	if (id->present)
		mikey_put_idr(b, role, id->type, id->data);
}

static void put_kemac(struct mikey_builder *b, const struct peer_answer *a)
{
	struct peer_msg plain = { .len = 0 };
	struct mikey_builder k;
	u32 i, at;
	int len;

	mikey_build_begin(&k, plain.p, sizeof(plain.p));
	for (i = 0; i < a->num_keys; i++)
		mikey_put_key_data(&k, a->keys[i].type,
				   (struct mikey_blob){ a->keys[i].key,
							a->keys[i].key_len },
				   (struct mikey_blob){ a->keys[i].spi,
							a->keys[i].spi_len });
	len = mikey_build_end(&k);
	if (len < 0)
		abort();
	plain.len = len;
	if (a->bend_plain)
		a->bend_plain(&plain, a->arg);
	at = mikey_put_kemac(b, a->encr_alg,
			     (struct mikey_blob){ plain.p, plain.len });
	if (!b->overflow)
		peer_aes_cm(a->suite->key_len, &a->mk, a->csb_id, a->t.value,
			    b->buf + at, plain.len);
}

void peer_answer_write(struct peer_answer *a, struct peer_msg *out)
{
	bool error = a->type == MIKEY_DT_ERROR;
	u32 mac_len = peer_mac_len(a->auth_alg);
	struct mikey_builder b;
	int len;

	if (a->fork_from)
		peer_derive_fork(a->suite, a->fork_from, a->idr_r.data,
				 (struct mikey_blob){ a->randr_kms,
						      a->randr_kms_len },
				 a->keys[1].key);
	mikey_build_begin(&b, out->p, sizeof(out->p));
	mikey_put_hdr(&b, a->type, a->v, a->prf, a->csb_id);
	mikey_put_t(&b, &a->t);
	if (a->err.present)
		mikey_put_err(&b, a->err.error_no);
	if (!error) {
		put_id(&b, MIKEY_IDR_KMS, &a->idr_kms);
		if (a->ticket) {
			peer_ticket_write(a->ticket);
			mikey_put_ticket(&b, (struct mikey_blob){
					a->ticket->body.p, a->ticket->body.len });
			mikey_put_opaque16(&b, a->initiator_data);
		}
		if (a->kemac)
			put_kemac(&b, a);
		put_id(&b, MIKEY_IDR_R, &a->idr_r);
		if (a->randr_kms_len)
			mikey_put_randr(&b, MIKEY_RANDR_KMS,
					(struct mikey_blob){ a->randr_kms,
							     a->randr_kms_len });
	}
	if (a->ext.present)
		mikey_put_ext(&b, a->ext.type, a->ext.data);
	if (a->mac)
		mikey_put_v(&b, a->auth_alg, mac_len);
	len = mikey_build_end(&b);
	if (len < 0)
		abort();
	out->len = len;
	out->cut_len = 0;
	if (a->bend)
		a->bend(out, a->arg);
	if (a->mac && mac_len)
		peer_mac(a->auth_alg, a->mk.auth, a->suite->mac_len,
			 (struct mikey_blob){ out->p, out->len - mac_len },
			 error ? nothing : (struct mikey_blob){ a->behind,
								a->behind_len },
			 nothing, out->p + out->len - mac_len);
}
