// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The peer of the module tests against the vectors of an independent
 * implementation: given the same random values it says the same bytes. Needs
 * no module.
 */
#include <kselftest_harness.h>

#include <vectors.h>

#include "peer_crypto.h"

/* The exchange that a test is about. */
static const struct vector_exchange *vec;

FIXTURE(peer)
{
	const struct mikey_suite *suite;
	const struct mikey_profile *profile;
};

FIXTURE_VARIANT(peer)
{
	const char *name;
};

FIXTURE_VARIANT_ADD(peer, immediate_256) { .name = "immediate-256" };
FIXTURE_VARIANT_ADD(peer, annex_i_128) { .name = "annex-i-128" };

FIXTURE_SETUP(peer)
{
	u32 i;

	for (i = 0; i < VECTOR_EXCHANGE_NUM; i++)
		if (!strcmp(vector_exchange[i].name, variant->name))
			vec = &vector_exchange[i];
	ASSERT_NE(NULL, vec);
	self->suite = mikey_suite_by_name(vec->suite);
	self->profile = mikey_profile_by_name(vec->profile);
	ASSERT_NE(NULL, self->suite);
	ASSERT_NE(NULL, self->profile);
}

FIXTURE_TEARDOWN(peer)
{
}

static struct mikey_blob blob(struct vector_bytes b)
{
	return (struct mikey_blob){ b.p, b.len };
}

static struct mikey_id named(u8 type, struct vector_bytes b)
{
	return (struct mikey_id){ .present = true, .type = type,
				  .data = blob(b) };
}

static bool same(struct vector_bytes want, const u8 *p, u32 len)
{
	return want.len == len && !memcmp(want.p, p, len);
}

static struct peer_psk psk_of(struct vector_bytes id, struct vector_bytes key)
{
	struct peer_psk psk = { .id = named(MIKEY_ID_BYTES, id),
				.len = key.len };

	memcpy(psk.key, key.p, key.len);
	return psk;
}

/* T of a message. */
static struct mikey_ts time_in(struct vector_bytes msg)
{
	struct mikey_diag d;
	struct mikey_msg m;

	if (mikey_msg_parse(&m, msg.p, msg.len, 0, &d))
		return (struct mikey_ts){ 0 };
	return m.t;
}

/* T of the ticket that is in REQUEST_RESP. */
static struct mikey_ts issued(void)
{
	struct mikey_ticket_data td;
	struct mikey_diag d;
	struct mikey_msg m;

	if (mikey_msg_parse(&m, vec->messages.request_resp.p,
			    vec->messages.request_resp.len, 0, &d) ||
	    mikey_ticket_data_parse(&td, &m.ticket, &d))
		return (struct mikey_ts){ 0 };
	return td.t;
}

static void fill_ticket(struct peer_ticket *t)
{
	memcpy(t->tpk, vec->inputs.tpk.p, vec->inputs.tpk.len);
	memcpy(t->rand, vec->inputs.ticket_rand.p, vec->inputs.ticket_rand.len);
	memcpy(t->mpk.key, vec->inputs.mpk.p, vec->inputs.mpk.len);
	memcpy(t->traffic.key, vec->inputs.traffic_key.p,
	       vec->inputs.traffic_key.len);
	memcpy(t->traffic.spi, vec->inputs.spi.p, vec->inputs.spi.len);
	t->issued = issued();
	peer_ticket_derive(t);
}

/* The ticket of the vectors, out of their request. */
static int make_ticket(struct peer_answer *a, struct peer_ticket *t)
{
	struct peer_psk psk = psk_of(vec->inputs.psk_i_id, vec->inputs.psk_i);
	int err;

	err = peer_grant_plan(a, t, &psk, vec->messages.request_init.p,
			      vec->messages.request_init.len);
	if (err)
		return err;
	fill_ticket(t);
	memcpy(a->keys[0].key, t->mpk_i, sizeof(t->mpk_i));
	if (t->profile->forked)
		memcpy(a->keys[1].key, t->mpk_r, sizeof(t->mpk_r));
	a->keys[a->num_keys - 1] = t->traffic;
	peer_ticket_write(t);
	return 0;
}

TEST(prf)
{
	u8 out[256];
	u32 i;

	for (i = 0; i < VECTOR_PRF_NUM; i++) {
		const struct vector_prf *v = &vector_prf[i];

		ASSERT_LE(v->outkey.len, sizeof(out));
		peer_prf(v->prf, v->inkey.p, v->inkey.len, v->label.p,
			 v->label.len, out, v->outkey.len);
		EXPECT_TRUE(same(v->outkey, out, v->outkey.len))
			TH_LOG("vector %u", i);
	}
}

TEST_F(peer, request_resp)
{
	static struct peer_answer a;
	static struct peer_ticket t;
	static struct peer_msg out;

	ASSERT_EQ(0, make_ticket(&a, &t));
	EXPECT_TRUE(same(vec->derived.mpki, t.mpk_i, self->suite->key_len));
	if (self->profile->forked)
		EXPECT_TRUE(same(vec->derived.mpkr, t.mpk_r,
				 self->suite->key_len));
	EXPECT_TRUE(same(vec->derived.request_init.auth, a.mk_initial.auth,
			 self->suite->mac_len));
	EXPECT_TRUE(same(vec->derived.request_resp.encr, a.mk.encr,
			 self->suite->key_len));
	a.t = time_in(vec->messages.request_resp);
	peer_answer_write(&a, &out);
	EXPECT_TRUE(same(vec->messages.request_resp, out.p, out.len));
}

TEST_F(peer, request_with_wrong_mac)
{
	struct peer_psk psk = psk_of(vec->inputs.psk_i_id, vec->inputs.psk_r);
	static struct peer_answer a;
	static struct peer_ticket t;

	EXPECT_EQ(-EKEYREJECTED,
		  peer_grant_plan(&a, &t, &psk, vec->messages.request_init.p,
				  vec->messages.request_init.len));
}

static int transfer(struct peer_ticket *t, bool proof, struct peer_msg *out,
		    struct peer_keks *keks)
{
	struct vector_bytes want = proof ? vec->messages.transfer_init_proof :
					   vec->messages.transfer_init;
	static struct peer_answer a;
	struct peer_transfer x;
	struct mikey_diag d;
	struct mikey_msg m;
	int err;

	err = make_ticket(&a, t);
	if (err)
		return err;
	peer_transfer_plan(&x, t, "");
	x.csb_id = vec->csb[1];
	x.t = time_in(want);
	x.idr_r = named(MIKEY_ID_NAI, vec->inputs.id_r);
	memcpy(x.randr_i, vec->inputs.transfer_randr_i.p,
	       vec->inputs.transfer_randr_i.len);
	if (proof) {
		err = mikey_msg_parse(&m, want.p, want.len,
				      MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &d);
		if (err)
			return err;
		x.proof = m.ext;
	}
	peer_transfer_write(&x, out);
	*keks = x.keks;
	return 0;
}

TEST_F(peer, transfer_init)
{
	static struct peer_ticket t;
	static struct peer_msg out;
	static struct peer_opened o;
	struct peer_keks keks;

	ASSERT_EQ(0, transfer(&t, false, &out, &keks));
	EXPECT_TRUE(same(vec->messages.transfer_init, out.p, out.len));
	EXPECT_TRUE(same(vec->derived.kek.tek, keks.tek,
			 self->suite->key_len));
	EXPECT_TRUE(same(vec->derived.kek.auth, keks.auth,
			 self->suite->key_len));
	EXPECT_TRUE(same(vec->derived.kek.encr, keks.encr,
			 self->suite->key_len));
	EXPECT_EQ(0, peer_transfer_open(&o, &t, out.p, out.len));
	EXPECT_EQ(0, memcmp(&keks, &o.keks, sizeof(keks)));

	/* only key forking lets a proof of origin say something */
	if (!vec->messages.transfer_init_proof.len)
		return;
	ASSERT_EQ(0, transfer(&t, true, &out, &keks));
	EXPECT_TRUE(same(vec->messages.transfer_init_proof, out.p, out.len));
	EXPECT_EQ(0, peer_transfer_open(&o, &t, out.p, out.len));
}

/* What the opener is for: no single bit of a TRANSFER_INIT may change. */
TEST_F(peer, transfer_init_flips)
{
	static struct peer_ticket t;
	static struct peer_msg out;
	static struct peer_opened o;
	struct peer_keks keks;
	u32 bit;

	ASSERT_EQ(0, transfer(&t, self->profile->forked, &out, &keks));
	for (bit = 0; bit < 8 * out.len; bit++) {
		out.p[bit / 8] ^= 1 << bit % 8;
		EXPECT_GT(0, peer_transfer_open(&o, &t, out.p, out.len))
			TH_LOG("bit %u of byte %u", bit % 8, bit / 8);
		out.p[bit / 8] ^= 1 << bit % 8;
	}
	EXPECT_EQ(0, peer_transfer_open(&o, &t, out.p, out.len));
}

TEST_F(peer, resolve_resp)
{
	struct peer_psk psk = psk_of(vec->inputs.psk_r_id, vec->inputs.psk_r);
	static struct peer_answer a;
	static struct peer_ticket t;
	static struct peer_msg out;

	ASSERT_EQ(0, make_ticket(&a, &t));
	ASSERT_EQ(0, peer_resolve_plan(&a, &t, &psk,
				       vec->messages.resolve_init.p,
				       vec->messages.resolve_init.len, false));
	if (self->profile->forked)
		memcpy(a.randr_kms, vec->inputs.randr_kms.p,
		       vec->inputs.randr_kms.len);
	a.t = time_in(vec->messages.resolve_resp);
	peer_answer_write(&a, &out);
	if (self->profile->forked)
		EXPECT_TRUE(same(vec->derived.mpkr_forked, a.keys[1].key,
				 a.keys[1].key_len));
	EXPECT_TRUE(same(vec->messages.resolve_resp, out.p, out.len));
}

TEST_F(peer, error)
{
	struct peer_psk psk = psk_of(vec->inputs.psk_r_id, vec->inputs.psk_r);
	static struct peer_answer a;
	static struct peer_ticket t;
	static struct peer_msg out;
	struct mikey_diag d;
	u32 mac_len = self->suite->mac_len;
	struct mikey_msg m;
	u8 mac[32];

	ASSERT_EQ(0, make_ticket(&a, &t));
	ASSERT_EQ(0, peer_resolve_plan(&a, &t, &psk,
				       vec->messages.resolve_init.p,
				       vec->messages.resolve_init.len, false));
	peer_error_plan(&a, MIKEY_ERR_INVALID_TICKET);
	peer_answer_write(&a, &out);
	ASSERT_EQ(0, mikey_msg_parse(&m, out.p, out.len, 0, &d));
	EXPECT_EQ(MIKEY_DT_ERROR, m.hdr.data_type);
	EXPECT_EQ(vec->csb[2], m.hdr.csb_id);
	EXPECT_EQ(MIKEY_ERR_INVALID_TICKET, m.err.error_no);
	peer_mac(self->suite->auth_alg, vec->derived.resolve_init.auth.p,
		 mac_len, (struct mikey_blob){ out.p, out.len - mac_len },
		 (struct mikey_blob){ 0 }, (struct mikey_blob){ 0 }, mac);
	EXPECT_TRUE(m.v.present && !memcmp(mac, m.v.mac.p, mac_len));

	a.mac = false;
	peer_answer_write(&a, &out);
	ASSERT_EQ(0, mikey_msg_parse(&m, out.p, out.len, 0, &d));
	EXPECT_FALSE(m.v.present);
}

TEST_HARNESS_MAIN
