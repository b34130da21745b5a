// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The vectors' messages: every field as it should be read, and the same bytes
 * again when written from the fields.
 */
#include "rebuild.h"
#include "support.h"

#define KMS_ID "KMS001"		/* THDR of the vectors */
#define TPK_ID "tpk-1"

static const u8 zeros[MIKEY_KEY_MAX];

static void assert_ts(const struct mikey_ts *ts, u32 seconds)
{
	assert_true(ts->present);
	assert_int_equal(ts->type, MIKEY_TS_NTP_UTC_32);
	assert_int_equal(ts->value, (u64)seconds << 32);
}

static void assert_id(const struct mikey_id *id, enum mikey_id_type type,
		      struct mikey_blob data)
{
	assert_true(id->present);
	assert_int_equal(id->type, type);
	assert_blob(id->data, data);
}

static void assert_rand(const struct mikey_rand *rand, struct mikey_blob data)
{
	assert_true(rand->present);
	assert_blob(rand->data, data);
}

static const struct mikey_suite *suite_of(const struct vector_exchange *e)
{
	return mikey_suite_by_name(e->suite);
}

static const struct mikey_profile *profile_of(const struct vector_exchange *e)
{
	return mikey_profile_by_name(e->profile);
}

static bool is_forked(const struct vector_exchange *e)
{
	return profile_of(e)->forked;
}

static void assert_v(const struct mikey_v *v, const struct vector_exchange *e,
		     u32 end)
{
	assert_true(v->present);
	assert_int_equal(v->auth_alg, suite_of(e)->auth_alg);
	assert_int_equal(v->mac.len, suite_of(e)->mac_len);
	assert_int_equal(v->mac_offset, end - suite_of(e)->mac_len);
}

static void assert_hdr(const struct mikey_msg *m, enum mikey_data_type type,
		       bool v, const struct vector_exchange *e, u32 csb)
{
	assert_int_equal(m->hdr.data_type, type);
	assert_int_equal(m->hdr.v, v);
	assert_int_equal(m->hdr.prf, suite_of(e)->prf);
	assert_int_equal(m->hdr.csb_id, csb);
	if (type == MIKEY_DT_TRANSFER_INIT)
		return;
	assert_int_equal(m->hdr.num_cs, 0);
	assert_int_equal(m->hdr.map_type, MIKEY_MAP_EMPTY);
}

/* What only some messages have must be absent from the others. */
static void assert_absent(const struct mikey_msg *m, bool randr_i, bool randr_r,
			  bool idr_i, bool idr_r, bool idr_kms, bool idr_psk,
			  bool tp, bool ticket, bool kemac)
{
	assert_int_equal(m->randr_i.present, randr_i);
	assert_int_equal(m->randr_r.present, randr_r);
	assert_int_equal(m->idr_i.present, idr_i);
	assert_int_equal(m->idr_r.present, idr_r);
	assert_int_equal(m->idr_kms.present, idr_kms);
	assert_int_equal(m->idr_psk.present, idr_psk);
	assert_int_equal(m->tp.present, tp);
	assert_int_equal(m->ticket.present, ticket);
	assert_int_equal(m->kemac.present, kemac);
	assert_false(m->err.present);
}

static void assert_policy(const struct mikey_policy *p,
			  const struct vector_exchange *e, bool requested)
{
	u16 flags = mikey_profile_flags(profile_of(e), MIKEY_MODE_KMS);
	struct mikey_policy_iter it;
	struct mikey_diag d;
	struct mikey_id id;

	if (!strcmp(e->profile, "annex-i"))
		flags |= MIKEY_FLAG_E;
	flags |= MIKEY_FLAG_J;
	assert_int_equal(p->ticket_type, MIKEY_TICKET_TYPE_3GPP_BASE);
	assert_int_equal(p->subtype, MIKEY_TICKET_SUBTYPE);
	assert_int_equal(p->version, MIKEY_TICKET_VERSION);
	assert_int_equal(p->prf, suite_of(e)->prf);
	assert_int_equal(p->flags, flags);
	assert_id(&p->idr_kms, MIKEY_ID_URI, blob(e->inputs.id_kms));
	assert_id(&p->idr_i, MIKEY_ID_NAI, blob(e->inputs.id_i));
	assert_ts(&p->tr_s, 0xee000000);
	assert_ts(&p->tr_e, 0xee001c20);
	assert_false(p->tr_r.present);
	assert_int_equal(p->num_app, 1);
	assert_int_equal(p->num_responders, 1);
	mikey_policy_walk(&it, p, MIKEY_IDR_APP);
	assert_true(mikey_policy_next(&it, p, &id));
	assert_id(&id, MIKEY_ID_BYTES, str("PSK/MIME"));
	assert_false(mikey_policy_next(&it, p, &id));
	mikey_policy_walk(&it, p, MIKEY_IDR_R);
	assert_true(mikey_policy_next(&it, p, &id));
	assert_id(&id, MIKEY_ID_NAI, blob(e->inputs.id_r));
	assert_false(mikey_policy_next(&it, p, &id));
	assert_int_equal(p->kemac.present, requested);
	assert_int_equal(mikey_policy_check(p, profile_of(e), suite_of(e),
					    requested, &d), 0);
}

static void assert_ticket(const struct mikey_msg *m,
			  const struct vector_exchange *e, bool initiator_data)
{
	const struct mikey_ticket_payload *t = &m->ticket;
	struct mikey_ticket_payload stored;
	struct mikey_ticket_data td;
	struct mikey_initiator_data id;
	struct mikey_diag d;

	assert_policy(&t->policy, e, false);
	assert_ptr_equal(t->ticket_data.p + t->ticket_data.len,
			 m->raw.p + t->initiator_len_offset);
	assert_ptr_equal(t->from_type.p + t->from_type.len,
			 m->raw.p + t->initiator_len_offset);
	assert_int_equal(mikey_ticket_data_parse(&td, t, &d), 0);
	assert_blob(td.thdr, str(KMS_ID));
	assert_ts(&td.t, 0xee000010);
	assert_rand(&td.rand, blob(e->inputs.ticket_rand));
	assert_true(td.kemac.present);
	assert_int_equal(td.kemac.encr_alg, suite_of(e)->encr_alg);
	assert_int_equal(td.kemac.mac_alg, MIKEY_AUTH_NULL);
	assert_int_equal(td.kemac.mac.len, 0);
	assert_id(&td.idr_psk, MIKEY_ID_BYTES, str(TPK_ID));
	assert_v(&td.v, e, t->from_type.len);
	assert_ptr_equal(td.v.mac.p, t->from_type.p + td.v.mac_offset);

	assert_int_equal(mikey_ticket_parse(&stored, t->from_type, &d), 0);
	assert_policy(&stored.policy, e, false);
	assert_blob(stored.ticket_data, t->ticket_data);
	assert_int_equal(stored.initiator_data.len, 0);

	if (!initiator_data) {
		assert_int_equal(t->initiator_data.len, 0);
		return;
	}
	assert_int_equal(mikey_initiator_data_parse(&id, t->initiator_data, &d),
			 0);
	assert_v(&id.vi, e, t->initiator_data.len - 2 - suite_of(e)->mac_len);
	assert_v(&id.vr, e, t->initiator_data.len);
	if (m->hdr.data_type == MIKEY_DT_TRANSFER_INIT)
		assert_blob(id.vi.mac, m->v.mac);
}

static void assert_transfer(const struct mikey_msg *m,
			    const struct vector_exchange *e, u32 end)
{
	const struct mikey_cs *cs = &m->hdr.cs;

	assert_hdr(m, MIKEY_DT_TRANSFER_INIT, false, e, e->csb[1]);
	assert_int_equal(m->hdr.num_cs, 1);
	assert_int_equal(m->hdr.map_type, MIKEY_MAP_GENERIC_ID);
	assert_int_equal(cs->cs_id, e->cs_id);
	assert_int_equal(cs->prot_type, MIKEY_PROT_PSK_MIME_DEFAULT);
	assert_false(cs->s);
	assert_int_equal(cs->num_policies, 0);
	assert_int_equal(cs->policies.len, 0);
	assert_int_equal(cs->session_data.len, 0);
	assert_blob(cs->spi, blob(e->inputs.spi));
	assert_ts(&m->t, 0xee000030);
	assert_absent(m, true, false, true, true, false, false, false, true,
		      false);
	assert_rand(&m->randr_i, blob(e->inputs.transfer_randr_i));
	assert_id(&m->idr_i, MIKEY_ID_NAI, blob(e->inputs.id_i));
	assert_id(&m->idr_r, MIKEY_ID_NAI, blob(e->inputs.id_r));
	assert_ticket(m, e, is_forked(e));
	assert_v(&m->v, e, end);
}

static void reads_request_init(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		const struct vector_exchange *e = &vector_exchange[i];
		struct mikey_key_data key;
		struct mikey_diag d;
		struct mikey_msg m;
		u32 num;

		parse_good(&m, blob(e->messages.request_init));
		assert_hdr(&m, MIKEY_DT_REQUEST_INIT_PSK, true, e, e->csb[0]);
		assert_ts(&m.t, 0xee000000);
		assert_absent(&m, true, false, true, false, true, true, true,
			      false, false);
		assert_rand(&m.randr_i, blob(e->inputs.randr_i));
		assert_id(&m.idr_i, MIKEY_ID_NAI, blob(e->inputs.id_i));
		assert_id(&m.idr_kms, MIKEY_ID_URI, blob(e->inputs.id_kms));
		assert_id(&m.idr_psk, MIKEY_ID_BYTES, blob(e->inputs.psk_i_id));
		assert_policy(&m.tp.policy, e, true);
		assert_int_equal(m.tp.policy.kemac.encr_alg, MIKEY_ENCR_NULL);
		assert_int_equal(mikey_key_data_parse(m.tp.policy.kemac.encr_data,
						      &key, 1, &num, &d), 0);
		assert_int_equal(num, 1);
		assert_int_equal(key.type, profile_of(e)->traffic_key);
		assert_int_equal(key.kv, MIKEY_KV_SPI);
		assert_int_equal(key.key.len, suite_of(e)->key_len);
		assert_memory_equal(key.key.p, zeros, key.key.len);
		assert_int_equal(key.spi.len, MIKEY_SPI_LEN);
		assert_int_equal(key.salt.len, 0);
		assert_false(m.ext.present);
		assert_v(&m.v, e, e->messages.request_init.len);
	}
}

static void reads_request_resp(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		const struct vector_exchange *e = &vector_exchange[i];
		struct mikey_msg m;

		parse_good(&m, blob(e->messages.request_resp));
		assert_hdr(&m, MIKEY_DT_REQUEST_RESP, false, e, e->csb[0]);
		assert_ts(&m.t, 0xee000020);
		assert_absent(&m, false, false, false, false, true, false,
			      false, true, true);
		assert_id(&m.idr_kms, MIKEY_ID_URI, blob(e->inputs.id_kms));
		assert_ticket(&m, e, false);
		assert_int_equal(m.kemac.encr_alg, suite_of(e)->encr_alg);
		assert_int_equal(m.kemac.mac_alg, MIKEY_AUTH_NULL);
		assert_v(&m.v, e, e->messages.request_resp.len);
	}
}

static void reads_transfer_init(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		const struct vector_exchange *e = &vector_exchange[i];
		struct mikey_msg m;

		parse_good(&m, blob(e->messages.transfer_init));
		assert_transfer(&m, e, e->messages.transfer_init.len);
		assert_false(m.ext.present);
		if (!e->messages.transfer_init_proof.len)
			continue;
		parse_good(&m, blob(e->messages.transfer_init_proof));
		assert_transfer(&m, e, e->messages.transfer_init_proof.len);
		assert_true(m.ext.present);
		assert_int_equal(m.ext.type, EXT_TYPE);
		assert_int_equal(m.ext.data.len, 32);
	}
}

static void reads_resolve_init(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		const struct vector_exchange *e = &vector_exchange[i];
		struct mikey_msg m, transfer;

		parse_good(&m, blob(e->messages.resolve_init));
		parse_good(&transfer, blob(e->messages.transfer_init));
		assert_hdr(&m, MIKEY_DT_RESOLVE_INIT_PSK, true, e, e->csb[2]);
		assert_ts(&m.t, 0xee000040);
		assert_absent(&m, false, true, false, true, true, true, false,
			      true, false);
		assert_rand(&m.randr_r, blob(e->inputs.randr_r));
		assert_id(&m.idr_r, MIKEY_ID_NAI, blob(e->inputs.id_r));
		assert_id(&m.idr_kms, MIKEY_ID_URI, blob(e->inputs.id_kms));
		assert_id(&m.idr_psk, MIKEY_ID_BYTES, blob(e->inputs.psk_r_id));
		assert_ticket(&m, e, is_forked(e));
		assert_blob(m.ticket.initiator_data,
			    transfer.ticket.initiator_data);
		assert_v(&m.v, e, e->messages.resolve_init.len);
	}
}

static void reads_resolve_resp(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		const struct vector_exchange *e = &vector_exchange[i];
		bool forked = is_forked(e);
		struct mikey_msg m;

		parse_good(&m, blob(e->messages.resolve_resp));
		assert_hdr(&m, MIKEY_DT_RESOLVE_RESP, false, e, e->csb[2]);
		assert_ts(&m.t, 0xee000050);
		assert_absent(&m, false, false, false, forked, true, false,
			      false, false, true);
		assert_id(&m.idr_kms, MIKEY_ID_URI, blob(e->inputs.id_kms));
		assert_int_equal(m.randr_kms.present, forked);
		if (forked) {
			assert_id(&m.idr_r, MIKEY_ID_NAI, blob(e->inputs.id_r));
			assert_rand(&m.randr_kms, blob(e->inputs.randr_kms));
		}
		assert_int_equal(m.kemac.encr_alg, suite_of(e)->encr_alg);
		assert_v(&m.v, e, e->messages.resolve_resp.len);
	}
}

static void rebuilds_all(void **state)
{
	struct vector_message vm;
	struct mikey_builder b;
	struct mikey_msg m;
	u8 buf[1024];

	(void)state;
	for (u32 i = 0; vector_message(i, &vm); i++) {
		for (int copied = 0; copied < 2; copied++) {
			parse_good(&m, vm.bytes);
			mikey_build_begin(&b, buf, sizeof(buf));
			assert_true(can_rebuild(&m));
			memset(buf, 0xff, sizeof(buf));
			assert_true(rebuild(&b, &m, copied));
			assert_int_equal(mikey_build_end(&b), vm.bytes.len);
			assert_memory_equal(buf, vm.bytes.p, vm.bytes.len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_request_init),
		cmocka_unit_test(reads_request_resp),
		cmocka_unit_test(reads_transfer_init),
		cmocka_unit_test(reads_resolve_init),
		cmocka_unit_test(reads_resolve_resp),
		cmocka_unit_test(rebuilds_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
