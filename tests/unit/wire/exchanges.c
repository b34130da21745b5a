// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every exchange of the vectors, of both modes and with everything a ticket may
 * have: what each message says is what went into it, its keys come out of the
 * labels, its MACs verify, its KEMAC holds the keys, and it is written again
 * from its fields.
 */
#include "rebuild.h"
#include "support.h"

static const u8 zero_spi[MIKEY_SPI_LEN];

static const struct vector_exchange *exchange(u32 i)
{
	if (i < VECTOR_EXCHANGE_NUM)
		return &vector_exchange[i];
	i -= VECTOR_EXCHANGE_NUM;
	return i < VECTOR_VARIANT_NUM ? &vector_variant[i] : NULL;
}

/* What distinguishes one message of an exchange from another. */
struct kind {
	enum mikey_data_type type;
	bool initial;			/* V is set */
	u8 csb;
	struct vector_bytes bytes;
	struct vector_bytes initial_bytes;
	const struct vector_time *t;
	const struct vector_message_keys *keys;
};

#define KINDS 9
static void kinds(const struct vector_exchange *e, struct kind k[KINDS])
{
	const struct vector_bytes none = { 0 };
	const struct vector_bytes transfers[] = {
		e->messages.transfer_init,
		e->messages.transfer_init_proof,
		e->messages.transfer_init_proof_ccm,
		e->messages.transfer_init_proof_authenticated,
		e->messages.transfer_init_proof_authenticated_enveloped,
	};

	k[0] = (struct kind){ MIKEY_DT_REQUEST_INIT_PSK, true, 0,
			      e->messages.request_init, none,
			      &e->times.request_init, &e->derived.request_init };
	k[1] = (struct kind){ MIKEY_DT_REQUEST_RESP, false, 0,
			      e->messages.request_resp,
			      e->messages.request_init,
			      &e->times.request_resp, &e->derived.request_resp };
	k[2] = (struct kind){ MIKEY_DT_RESOLVE_INIT_PSK, true, 2,
			      e->messages.resolve_init, none,
			      &e->times.resolve_init, &e->derived.resolve_init };
	k[3] = (struct kind){ MIKEY_DT_RESOLVE_RESP, false, 2,
			      e->messages.resolve_resp,
			      e->messages.resolve_init,
			      &e->times.resolve_resp, &e->derived.resolve_resp };
	for (u32 i = 0; i < ARRAY_SIZE(transfers); i++)
		k[4 + i] = (struct kind){ MIKEY_DT_TRANSFER_INIT, false, 1,
					  transfers[i], none,
					  &e->times.transfer_init,
					  &e->derived.transfer_init };
}

static void assert_time(const struct mikey_ts *ts, const struct vector_time *t)
{
	assert_true(ts->present);
	assert_int_equal(ts->type, t->type);
	assert_int_equal(ts->value, t->value);
}

static void assert_policy(const struct mikey_policy *p,
			  const struct vector_exchange *e, bool requested)
{
	struct mikey_policy_iter it;
	struct mikey_id id;

	assert_int_equal(p->ticket_type, e->ticket_type);
	assert_int_equal(p->subtype, e->subtype);
	assert_int_equal(p->version, e->version);
	assert_int_equal(p->prf, mikey_suite_by_name(e->suite)->prf);
	assert_int_equal(p->flags, e->flags);
	assert_blob(p->idr_kms.data, blob(e->inputs.id_kms));
	assert_blob(p->idr_i.data, blob(e->inputs.id_i));
	assert_int_equal(p->tr_s.value, (u64)e->valid_from << 32);
	assert_int_equal(p->tr_e.value, (u64)e->valid_until << 32);
	assert_int_equal(p->tr_r.present, !!e->rekey);
	if (e->rekey)
		assert_int_equal(p->tr_r.value, (u64)e->rekey << 32);
	assert_int_equal(p->kemac.present, requested);
	assert_int_equal(p->num_responders, e->num_responders);
	mikey_policy_walk(&it, p, MIKEY_IDR_R);
	for (u32 i = 0; i < e->num_responders; i++) {
		assert_true(mikey_policy_next(&it, p, &id));
		assert_int_equal(id.type, MIKEY_ID_NAI);
		assert_blob(id.data, blob(e->responders[i]));
	}
	assert_false(mikey_policy_next(&it, p, &id));
}

static void assert_key(const struct mikey_key_data *key, u8 type,
		       struct mikey_blob value, struct mikey_blob spi)
{
	assert_int_equal(key->type, type);
	assert_int_equal(key->kv, MIKEY_KV_SPI);
	assert_blob(key->key, value);
	assert_blob(key->spi, spi);
}

static u32 open_kemac(const struct mikey_kemac *k,
		      const struct vector_message_keys *keys, u32 csb,
		      const struct mikey_ts *t, u8 *plain,
		      struct mikey_key_data *out)
{
	struct mikey_blob in = { plain, k->encr_data.len };
	struct mikey_diag d;
	u8 iv[16];
	u32 num;

	mikey_aes_cm_iv(iv, keys->salt.p, csb, t->value);
	aes_cm(blob(keys->encr), iv, k->encr_data, plain);
	assert_int_equal(mikey_key_data_parse(in, out, 4, &num, &d), 0);
	return num;
}

static void assert_ticket(const struct mikey_ticket_payload *t,
			  const struct vector_exchange *e)
{
	struct mikey_key_data keys[4];
	struct mikey_ticket_data td;
	struct mikey_cover cover;
	struct mikey_diag d;
	u8 plain[256];

	assert_policy(&t->policy, e, false);
	assert_int_equal(mikey_ticket_data_parse(&td, t, &d), 0);
	assert_blob(td.thdr, blob(e->thdr));
	assert_blob(td.idr_psk.data, blob(e->tpk_id));
	assert_blob(td.rand.data, blob(e->inputs.ticket_rand));
	assert_time(&td.t, &e->times.ticket);
	mikey_cover_ticket(&cover, t, &td);
	assert_true(verifies(&td.v, e->derived.ticket.auth, &cover));
	assert_int_equal(open_kemac(&td.kemac, &e->derived.ticket, 0xffffffff,
				    &td.t, plain, keys), 2);
	assert_key(&keys[0], MIKEY_KEY_MPK, blob(e->inputs.mpk),
		   (struct mikey_blob){ zero_spi, sizeof(zero_spi) });
	assert_key(&keys[1],
		   mikey_profile_by_name(e->profile)->traffic_key,
		   blob(e->inputs.traffic_key), blob(e->inputs.spi));
}

static void assert_initiator_data(const struct mikey_msg *m,
				  const struct vector_exchange *e)
{
	bool forked = mikey_profile_by_name(e->profile)->forked;
	struct mikey_initiator_data id;
	struct mikey_cover cover;
	struct mikey_diag d;

	if (!forked || m->hdr.data_type == MIKEY_DT_REQUEST_RESP) {
		assert_int_equal(m->ticket.initiator_data.len, 0);
		return;
	}
	assert_int_equal(mikey_initiator_data_parse(&id,
						    m->ticket.initiator_data,
						    &d), 0);
	if (m->hdr.data_type == MIKEY_DT_TRANSFER_INIT)
		assert_blob(id.vi.mac, m->v.mac);
	mikey_cover_vr(&cover, m->ticket.initiator_data, &id);
	assert_true(verifies(&id.vr, e->derived.vr_auth, &cover));
}

/* RFC 6043 Table 5.2: what each MAC covers behind the message. */
static void assert_v(const struct mikey_msg *m, const struct kind *k)
{
	struct mikey_blob extra[2] = { blob(k->initial_bytes), NONE };
	struct mikey_cover cover;

	switch (k->type) {
	case MIKEY_DT_REQUEST_INIT_PSK:
		extra[0] = m->idr_i.data;
		extra[1] = m->idr_kms.data;
		break;
	case MIKEY_DT_RESOLVE_INIT_PSK:
		extra[0] = m->idr_r.data;
		extra[1] = m->idr_kms.data;
		break;
	case MIKEY_DT_TRANSFER_INIT:
		extra[0] = m->idr_i.data;
		extra[1] = m->idr_r.data;
		break;
	default:
		break;
	}
	mikey_cover_message(&cover, m, extra[0], extra[1]);
	assert_true(verifies(&m->v, k->keys->auth, &cover));
}

static void assert_message_kemac(const struct mikey_msg *m,
				 const struct vector_exchange *e,
				 const struct kind *k)
{
	struct mikey_blob spi = { zero_spi, sizeof(zero_spi) };
	const struct mikey_profile *profile = mikey_profile_by_name(e->profile);
	struct mikey_key_data keys[4];
	u8 plain[256];
	u32 num, i;

	num = open_kemac(&m->kemac, k->keys, e->csb[k->csb], &m->t, plain,
			 keys);
	assert_int_equal(num, profile->forked ? 3 : 2);
	if (k->type == MIKEY_DT_RESOLVE_RESP) {
		assert_int_equal(num, e->derived.num_resolved_keys);
		for (i = 0; i < num; i++)
			assert_key(&keys[i], e->derived.resolved_keys[i].type,
				   blob(e->derived.resolved_keys[i].key),
				   blob(e->derived.resolved_keys[i].spi));
		return;
	}
	assert_key(&keys[0], MIKEY_KEY_MPK, blob(e->derived.mpki), spi);
	if (profile->forked)
		assert_key(&keys[1], MIKEY_KEY_MPK, blob(e->derived.mpkr), spi);
	assert_key(&keys[num - 1], profile->traffic_key,
		   blob(e->inputs.traffic_key), blob(e->inputs.spi));
}

static void assert_rebuilt(const struct mikey_msg *m, struct vector_bytes want)
{
	struct mikey_builder b;
	u8 buf[2048];

	assert_true(can_rebuild(m));
	mikey_build_begin(&b, buf, sizeof(buf));
	assert_true(rebuild(&b, m, false));
	assert_int_equal(mikey_build_end(&b), want.len);
	assert_memory_equal(buf, want.p, want.len);
}

static void assert_message(const struct vector_exchange *e,
			   const struct kind *k)
{
	struct mikey_msg m;

	parse_good(&m, blob(k->bytes));
	assert_int_equal(m.hdr.data_type, k->type);
	assert_int_equal(m.hdr.v, k->initial);
	assert_int_equal(m.hdr.csb_id, e->csb[k->csb]);
	assert_int_equal(m.hdr.prf, mikey_suite_by_name(e->suite)->prf);
	assert_time(&m.t, k->t);
	assert_v(&m, k);
	if (m.tp.present)
		assert_policy(&m.tp.policy, e, true);
	if (m.ticket.present) {
		assert_ticket(&m.ticket, e);
		assert_initiator_data(&m, e);
	}
	if (m.kemac.present)
		assert_message_kemac(&m, e, k);
	if (k->type == MIKEY_DT_TRANSFER_INIT) {
		assert_blob(m.idr_r.data, blob(e->recipient));
		assert_blob(m.hdr.cs.spi, blob(e->inputs.spi));
		assert_blob(m.randr_i.data, blob(e->inputs.transfer_randr_i));
	}
	if (k->type == MIKEY_DT_RESOLVE_INIT_PSK)
		assert_blob(m.idr_r.data, blob(e->inputs.id_r));
	assert_rebuilt(&m, k->bytes);
}

static void messages(void **state)
{
	const struct vector_exchange *e;
	struct kind k[KINDS];
	u32 n = 0;

	(void)state;
	for (u32 i = 0; (e = exchange(i)); i++) {
		kinds(e, k);
		for (u32 j = 0; j < KINDS; j++) {
			if (!k[j].bytes.len)
				continue;
			assert_message(e, &k[j]);
			n++;
		}
	}
	assert_true(n >= 5 * VECTOR_EXCHANGE_NUM + 3 * VECTOR_VARIANT_NUM);
}

/* Between KMSs TLS protects: V and KEMAC have NULL algorithms (TS 33.328 Zk). */
static void between_kmss(void **state)
{
	const struct vector_exchange *e = vector_exchange_immediate_256_mode1_zk;
	struct mikey_key_data keys[4];
	struct mikey_diag d;
	struct mikey_msg m;
	u32 num, i;

	(void)state;
	parse_good(&m, blob(e->messages.zk_resolve_init));
	assert_int_equal(m.hdr.data_type, MIKEY_DT_RESOLVE_INIT_PSK);
	assert_false(m.idr_psk.present);
	assert_int_equal(m.v.auth_alg, MIKEY_AUTH_NULL);
	assert_blob(m.randr_r.data, blob(e->inputs.zk_randr_r));
	assert_ticket(&m.ticket, e);
	assert_initiator_data(&m, e);

	parse_good(&m, blob(e->messages.zk_resolve_resp));
	assert_int_equal(m.v.auth_alg, MIKEY_AUTH_NULL);
	assert_int_equal(m.kemac.encr_alg, MIKEY_ENCR_NULL);
	assert_int_equal(m.kemac.mac_alg, MIKEY_AUTH_NULL);
	assert_blob(m.idr_r.data, blob(e->inputs.id_r));
	assert_blob(m.randr_kms.data, blob(e->inputs.randr_kms));
	assert_int_equal(mikey_key_data_parse(m.kemac.encr_data, keys, 4, &num,
					      &d), 0);
	assert_int_equal(num, e->derived.num_resolved_keys);
	for (i = 0; i < num; i++)
		assert_key(&keys[i], e->derived.resolved_keys[i].type,
			   blob(e->derived.resolved_keys[i].key),
			   blob(e->derived.resolved_keys[i].spi));
}

/* Mode 3 has no Ticket Request exchange (RFC 6043 4.1.1). */
static void modes(void **state)
{
	const struct vector_exchange *e;
	u32 made[4] = { 0 };

	(void)state;
	for (u32 i = 0; (e = exchange(i)); i++) {
		bool by_kms = e->flags & MIKEY_FLAG_D;

		assert_int_equal(e->mode, by_kms ? 1 : 3);
		assert_int_equal(!e->messages.request_init.len, !by_kms);
		assert_int_equal(!e->messages.request_resp.len, !by_kms);
		if (!by_kms)
			assert_blob(blob(e->inputs.tpk), blob(e->inputs.psk_i));
		made[e->mode]++;
	}
	assert_true(made[1] >= 8 && made[3] >= 6);
}

static void assert_derived(const struct vector_exchange *e,
			   struct vector_bytes key,
			   const struct mikey_label *label,
			   struct vector_bytes want)
{
	u8 out[64];

	assert_true(want.len && want.len <= sizeof(out));
	prf(mikey_suite_by_name(e->suite)->prf, blob(key), label, out, want.len);
	assert_memory_equal(out, want.p, want.len);
}

static void assert_three(const struct vector_exchange *e,
			 struct vector_bytes key, u32 csb, bool response,
			 struct vector_bytes randr_i, struct vector_bytes randr_r,
			 const struct vector_message_keys *want)
{
	struct mikey_label l;

	mikey_label_message(&l, MIKEY_LC_ENCR, csb, response, blob(randr_i),
			    blob(randr_r));
	assert_derived(e, key, &l, want->encr);
	mikey_label_message(&l, MIKEY_LC_AUTH, csb, response, blob(randr_i),
			    blob(randr_r));
	assert_derived(e, key, &l, want->auth);
	mikey_label_message(&l, MIKEY_LC_SALT, csb, response, blob(randr_i),
			    blob(randr_r));
	assert_derived(e, key, &l, want->salt);
}

static void derivations(void **state)
{
	const struct vector_bytes none = { 0 };
	const struct vector_exchange *e;
	struct mikey_label l;

	(void)state;
	for (u32 i = 0; (e = exchange(i)); i++) {
		if (e->mode == 1) {
			assert_three(e, e->inputs.psk_i, e->csb[0], false,
				     e->inputs.randr_i, none,
				     &e->derived.request_init);
			assert_three(e, e->inputs.psk_i, e->csb[0], true,
				     e->inputs.randr_i, none,
				     &e->derived.request_resp);
		}
		assert_three(e, e->derived.mpki, e->csb[1], false,
			     e->inputs.transfer_randr_i, none,
			     &e->derived.transfer_init);
		assert_three(e, e->inputs.psk_r, e->csb[2], false, none,
			     e->inputs.randr_r, &e->derived.resolve_init);
		assert_three(e, e->inputs.psk_r, e->csb[2], true, none,
			     e->inputs.randr_r, &e->derived.resolve_resp);
		mikey_label_ticket(&l, MIKEY_LC_AUTH,
				   blob(e->inputs.ticket_rand));
		assert_derived(e, e->inputs.tpk, &l, e->derived.ticket.auth);
		mikey_label_mpk(&l, MIKEY_LC_MPK_I, blob(e->inputs.ticket_rand));
		assert_derived(e, e->inputs.mpk, &l, e->derived.mpki);
		mikey_label_mpk(&l, MIKEY_LC_MPK_R, blob(e->inputs.ticket_rand));
		assert_derived(e, e->inputs.mpk, &l, e->derived.mpkr);
		mikey_label_vr(&l);
		assert_derived(e, e->derived.mpkr, &l, e->derived.vr_auth);
		assert_int_equal(mikey_label_fork(&l, MIKEY_LC_FORK_MPK,
						  blob(e->inputs.id_r),
						  blob(e->inputs.randr_kms)),
				 0);
		assert_derived(e, e->derived.mpkr, &l, e->derived.mpkr_forked);
		mikey_label_cs(&l, MIKEY_LC_TEK, e->cs_id,
			       blob(e->inputs.transfer_randr_i));
		assert_derived(e, e->inputs.traffic_key, &l, e->derived.kek.tek);
	}
}

/* Does the codec see that this is malformed, or that its policy is no one's? */
static bool codec_refuses(const struct vector_refusal *r)
{
	const struct mikey_profile *profile = mikey_profile_by_name("immediate");
	const struct mikey_suite *suite = mikey_suite_by_name("256");
	struct mikey_diag d = { 0 };
	struct mikey_msg m;

	if (mikey_msg_parse(&m, r->message.p, r->message.len, EXT_TYPE, &d))
		return true;
	return m.kemac.present || mikey_policy_check(&m.ticket.policy, profile,
						     suite, false, &d);
}

static void refusals(void **state)
{
	u32 n = 0;

	(void)state;
	for (u32 i = 0; i < VECTOR_REFUSAL_NUM; i++) {
		const struct vector_refusal *r = &vector_refusal[i];

		if (strcmp(r->kind, "malformed") && strcmp(r->kind, "policy"))
			continue;
		if (!codec_refuses(r))
			fail_msg("%s is not refused", r->name);
		n++;
	}
	assert_true(n >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(between_kmss),
		cmocka_unit_test(modes),
		cmocka_unit_test(derivations),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
