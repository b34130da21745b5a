// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": what ADMIT refuses: TRANSFER_INITs in which only keys
 * tell what is wrong, and answers that no KMS should give although their MAC is
 * right. Each row bends one field of a good one.
 */
#include <kselftest_harness.h>

#include "ticket/module.h"
#include "way.h"

FIXTURE(admit)
{
	bool able;
	struct way way;
};

FIXTURE_VARIANT(admit) { struct peer_kind kind; };

FIXTURE_VARIANT_ADD(admit, immediate_256) { KIND(IMMEDIATE, 256) };
FIXTURE_VARIANT_ADD(admit, immediate_ts_128) { KIND(IMMEDIATE, TS_128) };
FIXTURE_VARIANT_ADD(admit, annex_i_128) { KIND(ANNEX_I, 128) };

FIXTURE_SETUP(admit)
{
	int err = module_allow_suite(variant->kind.suite);

	self->able = !err;
	if (err == -ENOENT)
		return;
	ASSERT_EQ(0, err);
	term_session();
	ASSERT_EQ(0, way_open_kind(&self->way, variant->kind));
}

FIXTURE_TEARDOWN(admit)
{
	if (!self->able)
		return;
	way_close(&self->way);
	module_allow_default();
}

/* --- a wrong message behind the KMS's back ------------------------------- */

BEND(wrong_v, w->x.wrong_v = true)

BEND(other_mpk, w->x.mpk_i[0] ^= 1)

static void other_spi(struct way *w)
{
	static const u8 spi[8] = { 1 };

	w->x.spi = (struct mikey_blob){ spi, sizeof(spi) };
}

static const struct way_row unmasked[] = {
	{ "V and Vi wrong alike", wrong_v, 0, 0, -EKEYREJECTED,
	  "MAC does not verify", 0 },
	{ "V with another key", other_mpk, 0, 0, -EKEYREJECTED,
	  "MAC does not verify", 0 },
	{ "SPI of no key", other_spi, 0, 0, -EKEYREJECTED, "SPI", 0 },
};

TEST_F(admit, what_only_keys_tell)
{
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	for (i = 0; i < ARRAY_SIZE(unmasked); i++) {
		way_plan(&self->way);
		unmasked[i].bend(&self->way);
		ASSERT_EQ(0, way_ask(&self->way));
		way_answer(&self->way);
		EXPECT_TRUE(way_refused(&self->way, &unmasked[i]));
	}
	EXPECT_EQ(self->way.tickets, term_stat(&self->way.bob, MIKEY_TICKET_S_TICKETS));
}

/* --- answers that a KMS must not give ------------------------------------ */

BEND(other_kms, w->a.idr_kms = peer_uri("https://kms.test"))

BEND(csb_id, w->a.csb_id ^= 1)
BEND(answer_prf, w->a.prf ^= 1)

static void answer_alg(struct way *w)
{
	w->a.auth_alg = MIKEY_AUTH_HMAC_SHA_1_160 +
			MIKEY_AUTH_HMAC_SHA_256_256 - w->a.auth_alg;
}

BEND(answer_unsigned, w->a.auth_alg = MIKEY_AUTH_NULL)
BEND(answer_type, w->a.type = MIKEY_DT_TRANSFER_INIT)

static void answer_of_request(struct way *w)
{
	w->a.type = MIKEY_DT_REQUEST_RESP;
	w->a.ticket = &w->ticket;
	w->a.idr_r.present = false;
	w->a.randr_kms_len = 0;
}

BEND(no_v, w->a.mac = false)
BEND(no_kemac, w->a.kemac = false)
BEND(kemac_null, w->a.encr_alg = MIKEY_ENCR_NULL)

static void kemac_other(struct way *w)
{
	w->a.encr_alg = MIKEY_ENCR_AES_CM_128 + MIKEY_ENCR_AES_CM_256 -
			w->a.encr_alg;
}

BEND(kemac_kw, w->a.encr_alg = MIKEY_ENCR_AES_KW_128)
BEND(no_idr_r, w->a.idr_r.present = false)
BEND(idr_r_uri, w->a.idr_r.type = MIKEY_ID_URI)
BEND(no_randr_kms, w->a.randr_kms_len = 0)
BEND(short_randr_kms, w->a.randr_kms_len--)

static void answer_t_counter(struct way *w)
{
	w->a.t = (struct mikey_ts){ true, MIKEY_TS_COUNTER, 1 };
}

BEND(other_request, w->a.behind[w->a.behind_len - 1] ^= 1)

BEND(keys_request, w->a.mk = w->a.mk_initial)

/* The traffic key, which is the last one. */
static struct peer_key *traffic(struct way *w)
{
	return &w->a.keys[w->a.num_keys - 1];
}

static void one_mpk(struct way *w)
{
	w->a.keys[1] = w->a.keys[2];
	w->a.num_keys = 2;
	w->a.fork_from = NULL;
}

static void three_mpks(struct way *w)
{
	w->a.keys[3] = w->a.keys[2];
	w->a.keys[2] = w->a.keys[1];
	w->a.num_keys = 4;
}

BEND(no_traffic_key, w->a.num_keys--)
BEND(no_keys, w->a.num_keys = 0; w->a.fork_from = NULL)

static void two_traffic_keys(struct way *w)
{
	w->a.keys[w->a.num_keys] = *traffic(w);
	w->a.num_keys++;
}

static void traffic_first(struct way *w)
{
	struct peer_key k = w->a.keys[0];

	w->a.keys[0] = *traffic(w);
	*traffic(w) = k;
}

/* MPKr' where MPKi should be, and the other way round */
static void swapped_mpks(struct way *w)
{
	struct peer_key k = w->a.keys[0];

	peer_answer_write(&w->a, &w->msg);
	w->a.fork_from = NULL;
	w->a.keys[0] = w->a.keys[1];
	w->a.keys[1] = k;
}

/* an MPKr that annex-i does not have */
static void with_mpk_r(struct way *w)
{
	w->a.keys[2] = w->a.keys[1];
	w->a.keys[1] = w->a.keys[0];
	w->a.num_keys = 3;
}

BEND(other_traffic, traffic(w)->type ^= MIKEY_KEY_GTGK)
BEND(tek, traffic(w)->type = MIKEY_KEY_TEK)
BEND(with_salt, traffic(w)->type |= MIKEY_KEY_TGK_SALT)
BEND(empty_traffic, traffic(w)->key_len = 0)
BEND(short_traffic, traffic(w)->key_len--)
BEND(long_traffic, traffic(w)->key_len++)
BEND(short_mpk, w->a.keys[0].key_len--)
BEND(no_key_spi, traffic(w)->spi_len = 0)
BEND(long_key_spi, traffic(w)->spi_len = 9)
BEND(longest_key_spi, traffic(w)->spi_len = 255)
BEND(no_mpk_spi, w->a.keys[0].spi_len = 0)

/* KV of the last key NULL instead of SPI */
static void drop_spi(struct peer_msg *plain, void *arg)
{
	u32 last = plain->len - (4 + *(u8 *)arg + 1 + 8);

	plain->p[last + 1] &= 0xf0;
	plain->len -= 9;
}

static void kv_null(struct way *w)
{
	static u8 len;

	len = w->ticket.suite->key_len;
	w->a.arg = &len;
	w->a.bend_plain = drop_spi;
}

static void cut_plain(struct peer_msg *plain, void *arg)
{
	(void)arg;
	plain->len--;
}

BEND(plain_cut, w->a.bend_plain = cut_plain)

static void add_plain(struct peer_msg *plain, void *arg)
{
	(void)arg;
	peer_splice(plain, plain->len, 0, "", 1);
}

BEND(plain_long, w->a.bend_plain = add_plain)

static void huge_plain(struct peer_msg *plain, void *arg)
{
	static const u8 zeros[2000];

	(void)arg;
	peer_splice(plain, plain->len, 0, zeros, sizeof(zeros));
}

BEND(plain_huge, w->a.bend_plain = huge_plain)

static void odd_key_data(struct peer_msg *plain, void *arg)
{
	(void)arg;
	plain->p[0] = 5;
}

BEND(plain_chain, w->a.bend_plain = odd_key_data)

static const struct way_row answers[] = {
	{ "other KMS", other_kms, 0, 0, -EKEYREJECTED, "another KMS", 0 },
	{ "CSB ID", csb_id, 0, 0, -EKEYREJECTED, "answers another", 0 },
	{ "PRF", answer_prf, 0, 0, -EKEYREJECTED, "answers another", 0 },
	{ "MAC of another suite", answer_alg, 0, 0, -EKEYREJECTED, "MAC", 0 },
	{ "MAC NULL", answer_unsigned, 0, 0, -EKEYREJECTED, "MAC", 0 },
	{ "TRANSFER_INIT", answer_type, 0, 0, -EPROTONOSUPPORT, "map", 0 },
	{ "REQUEST_RESP", answer_of_request, 0, 0, -EBADMSG, "not an answer", 0 },
	{ "no V", no_v, 0, 0, -EBADMSG, "verification payload", 0 },
	{ "no KEMAC", no_kemac, 0, 0, -EBADMSG, "KEMAC", 0 },
	{ "KEMAC NULL", kemac_null, 0, 0, -EBADMSG, "KEMAC", 0 },
	{ "KEMAC of another suite", kemac_other, 0, 0, -EBADMSG, "KEMAC", 0 },
	{ "KEMAC AES-KW", kemac_kw, 0, 0, -EBADMSG, "KEMAC", 0 },
	{ "no IDRr", no_idr_r, 0, 0, -EBADMSG, "name the responder",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "IDRr a URI", idr_r_uri, 0, 0, -EBADMSG, "name the responder",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "no RANDRkms", no_randr_kms, 0, 0, -EBADMSG, "RANDRkms",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "RANDRkms a byte short", short_randr_kms, 0, 0, -EBADMSG, "RANDRkms",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "T a counter", answer_t_counter, 0, 0, -EBADMSG, "UTC", 0 },
	{ "of another RESOLVE_INIT", other_request, 0, 0, -EKEYREJECTED,
	  "MAC does not verify", 0 },
	{ "keys of the RESOLVE_INIT", keys_request, 0, 0, -EKEYREJECTED,
	  "MAC does not verify", 0 },
	{ "one MPK", one_mpk, 0, 0, -EBADMSG, "keys of this profile",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "three MPKs", three_mpks, 0, 0, -EBADMSG, "keys of this profile",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "no traffic key", no_traffic_key, 0, 0, -EBADMSG,
	  "keys of this profile", 0 },
	{ "no keys", no_keys, 0, 0, -EBADMSG, "", 0 },
	{ "two traffic keys", two_traffic_keys, 0, 0, -EBADMSG,
	  "keys of this profile", 0 },
	{ "traffic key first", traffic_first, 0, 0, -EBADMSG, "type", 0 },
	/* immediate has a GTGK, annex-i a TGK */
	{ "the other profile's key", other_traffic, 0, 0, -EBADMSG, "type", 0 },
	{ "TEK", tek, 0, 0, -EBADMSG, "type", 0 },
	{ "traffic key with salt", with_salt, 0, 0, -EBADMSG, "", 0 },
	{ "traffic key a byte short", short_traffic, 0, 0, -EBADMSG, "length",
	  0 },
	{ "traffic key of 0 bytes", empty_traffic, 0, 0, -EBADMSG, "length", 0 },
	{ "traffic key a byte long", long_traffic, 0, 0, -EBADMSG, "length", 0 },
	{ "MPK a byte short", short_mpk, 0, 0, -EBADMSG, "length", 0 },
	{ "no SPI", no_key_spi, 0, 0, -EBADMSG, "SPI", 0 },
	{ "SPI of 9 bytes", long_key_spi, 0, 0, -EBADMSG, "SPI", 0 },
	{ "SPI of 255 bytes", longest_key_spi, 0, 0, -EBADMSG, "SPI", 0 },
	{ "MPK without SPI", no_mpk_spi, 0, 0, -EBADMSG, "SPI", 0 },
	/* 4.2.3.5: MPKi, MPKr', in this order and only where there is forking */
	{ "MPKs swapped", swapped_mpks, 0, 0, -EKEYREJECTED,
	  "MAC does not verify", MIKEY_PROFILE_IMMEDIATE },
	{ "MPKr in annex-i", with_mpk_r, 0, 0, -EBADMSG,
	  "keys of this profile", MIKEY_PROFILE_ANNEX_I },
	{ "KV NULL", kv_null, 0, 0, -EBADMSG, "SPI", 0 },
	{ "plain text cut", plain_cut, 0, 0, -EBADMSG, "", 0 },
	{ "plain text longer", plain_long, 0, 0, -EBADMSG, "", 0 },
	{ "plain text huge", plain_huge, 0, 0, -EBADMSG, "too long", 0 },
	{ "not key data", plain_chain, 0, 0, -EBADMSG, "", 0 },
};

/* All on one exchange, which the true answer still closes. */
TEST_F(admit, answers)
{
	struct way *w = &self->way;
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, way_ask(w));
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		ASSERT_EQ(0, way_plan_answer(w));
		if (!way_row_fits(w, &answers[i]))
			continue;
		answers[i].bend(w);
		way_answer(w);
		/* one that was accepted has taken the exchange along */
		if (!w->r.err)
			ASSERT_EQ(0, way_ask(w));
		EXPECT_TRUE(way_refused(w, &answers[i]));
	}
	EXPECT_EQ(w->tickets, term_stat(&w->bob, MIKEY_TICKET_S_TICKETS));
	ASSERT_EQ(0, way_plan_answer(w));
	way_answer(w);
	EXPECT_EQ(0, w->r.err) TH_LOG("%s", w->r.words);
}

/* An answer to one RESOLVE_INIT is none to another one. */
TEST_F(admit, answer_of_another_exchange)
{
	static struct peer_msg first;
	u32 id;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, way_ask(&self->way));
	peer_answer_write(&self->way.a, &first);
	id = self->way.ex.id;
	ASSERT_EQ(0, way_ask(&self->way));
	EXPECT_EQ(-EKEYREJECTED, term_answer(&self->way.bob, MIKEY_TICKET_CMD_ADMIT,
					     self->way.ex.id, &first, NULL));
	EXPECT_EQ(0, term_answer(&self->way.bob, MIKEY_TICKET_CMD_ADMIT, id,
				 &first, NULL));
}

/* A RESOLVE exchange is not closed by GRANT, nor the other way round. */
TEST_F(admit, wrong_command)
{
	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, way_ask(&self->way));
	peer_answer_write(&self->way.a, &self->way.msg);
	EXPECT_EQ(-ESRCH, term_answer(&self->way.bob, MIKEY_TICKET_CMD_GRANT,
				      self->way.ex.id, &self->way.msg, NULL));
	EXPECT_EQ(0, term_answer(&self->way.bob, MIKEY_TICKET_CMD_ADMIT,
				 self->way.ex.id, &self->way.msg, NULL));
}

/*
 * What a KMS may say although nobody needs it: payloads that are not expected
 * are ignored (4.2.3.6), as is V in HDR; annex-i has no use for IDRr and RANDRkms.
 */
TEST_F(admit, more_than_needed)
{
	struct way *w = &self->way;
	u8 any[8] = { 1 };

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, way_ask(w));
	w->a.v = true;
	w->a.t.type = MIKEY_TS_NTP_UTC;
	w->a.idr_r = peer_nai(BOB);
	if (!w->a.randr_kms_len)
		w->a.randr_kms_len = 1;
	w->a.ext = (struct mikey_ext){ true, 200, { any, sizeof(any) } };
	way_answer(w);
	EXPECT_EQ(0, w->r.err) TH_LOG("%s", w->r.words);
}

/* An SPI is of 1 to 8 bytes, and V says which one the session has. */
TEST_F(admit, short_spi)
{
	struct way *w = &self->way;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	w->ticket.traffic.spi_len = 1;
	w->x.spi.len = 1;
	ASSERT_EQ(0, way_ask(w));
	way_answer(w);
	EXPECT_EQ(0, w->r.err) TH_LOG("%s", w->r.words);
}

/*
 * RFC 6043 12.4: who has Alice's ticket but not its MPKi cannot send with it;
 * who has resolved it has no MPKr, and where that is needed the KMS refuses.
 */
TEST_F(admit, ticket_of_another_initiator)
{
	static const struct way_row mallory = {
		"Mallory with Alice's ticket", other_mpk, 0, 0, -EKEYREJECTED,
		"MAC does not verify", 0,
	};
	struct way *w = &self->way;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	w->x.mpk_i[3] ^= 1;
	ASSERT_EQ(0, way_ask(w));
	way_answer(w);
	EXPECT_TRUE(way_refused(w, &mallory));

	way_plan(w);
	w->x.mpk_r[3] ^= 1;
	ASSERT_EQ(0, way_ask(w));
	EXPECT_EQ(variant->kind.profile == MIKEY_PROFILE_ANNEX_I ?
		  0 : -EKEYREJECTED,
		  peer_resolve_plan(&w->a, &w->ticket, &w->bob.psk, w->ex.msg,
				    w->ex.len, false));
}

/* Another recipient's answer, for another PSK, is none of Bob's. */
TEST_F(admit, answer_of_another_recipient)
{
	static const struct way_row row = {
		"Carol's answer", NULL, 0, 0, -EKEYREJECTED, "answers another", 0,
	};
	struct way *w = &self->way;
	static struct term_exchange theirs;
	struct term carol;
	struct nl_msg *m;
	struct nlc_reply r;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	w->ticket.policy.responder[1] = peer_nai(CAROL);
	w->ticket.policy.num_responders = 2;
	ASSERT_EQ(0, way_ask(w));
	ASSERT_EQ(0, term_open_kind(&carol, CAROL, variant->kind));
	m = term_resolve_msg(&carol, &w->transfer);
	nla_put(m, MIKEY_TICKET_A_GROUP, strlen(BOB), BOB);
	ASSERT_EQ(0, nlc_call(&carol.nl, m, &r)) TH_LOG("%s", r.words);
	theirs.len = nla_len(r.attr[MIKEY_TICKET_A_MESSAGE]);
	memcpy(theirs.msg, nla_data(r.attr[MIKEY_TICKET_A_MESSAGE]), theirs.len);
	nlc_free(&r);
	ASSERT_EQ(0, peer_resolve_plan(&w->a, &w->ticket, &carol.psk,
				       theirs.msg, theirs.len, false));
	way_answer(w);
	EXPECT_TRUE(way_refused(w, &row));
	term_close(&carol);
}

TEST_F(admit, error_messages)
{
	u64 errors = term_stat(&self->way.bob, MIKEY_TICKET_S_KMS_ERRORS);
	struct way_row row = { .what = "Error" };
	u8 auth;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	/* a hint: nothing is given up because of it */
	ASSERT_EQ(0, way_ask(&self->way));
	peer_error_plan(&self->way.a, MIKEY_ERR_INVALID_TICKET);
	self->way.a.mac = false;
	way_answer(&self->way);
	row.err = -ECOMM;
	row.words = "error 14: ticket type not supported";
	EXPECT_TRUE(way_refused(&self->way, &row));

	/* a forged MAC is worse than none */
	self->way.a.mac = true;
	auth = self->way.a.mk.auth[0];
	self->way.a.mk.auth[0] ^= 1;
	way_answer(&self->way);
	row.err = -EKEYREJECTED;
	row.words = "MAC";
	EXPECT_TRUE(way_refused(&self->way, &row));
	self->way.a.mk.auth[0] = auth;

	/* so is one with the keys of an answer */
	ASSERT_EQ(0, peer_resolve_plan(&self->way.a, &self->way.ticket, &self->way.bob.psk,
				       self->way.ex.msg, self->way.ex.len, true));
	self->way.a.type = MIKEY_DT_ERROR;
	self->way.a.err = (struct mikey_err){ true, MIKEY_ERR_AUTH_FAILURE };
	way_answer(&self->way);
	EXPECT_TRUE(way_refused(&self->way, &row));

	/* the true one ends the exchange */
	peer_error_plan(&self->way.a, MIKEY_ERR_AUTH_FAILURE);
	way_answer(&self->way);
	row.err = -EREMOTEIO;
	row.words = "error 0: authentication failure";
	EXPECT_TRUE(way_refused(&self->way, &row));
	EXPECT_EQ(-ESRCH, term_answer(&self->way.bob, MIKEY_TICKET_CMD_ADMIT,
				      self->way.ex.id, &self->way.msg, NULL));
	EXPECT_EQ(errors + 2, term_stat(&self->way.bob, MIKEY_TICKET_S_KMS_ERRORS));
}

/* An unknown error number, and an Error without ERR, must not confuse it. */
TEST_F(admit, strange_error_messages)
{
	struct way_row row = { "strange Error", NULL, 0, 0, -ECOMM, "KMS", 0 };
	static const u8 numbers[] = { 13, 16, 255 };
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, way_ask(&self->way));
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		peer_error_plan(&self->way.a, numbers[i]);
		self->way.a.mac = false;
		way_answer(&self->way);
		EXPECT_TRUE(way_refused(&self->way, &row));
	}
	self->way.a.err.present = false;
	way_answer(&self->way);
	EXPECT_TRUE(way_refused(&self->way, &row));
	self->way.a.auth_alg = MIKEY_AUTH_NULL;
	self->way.a.mac = true;
	way_answer(&self->way);
	EXPECT_TRUE(way_refused(&self->way, &row));
}

TEST_HARNESS_MAIN
