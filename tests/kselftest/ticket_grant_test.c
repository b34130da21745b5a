// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": what GRANT refuses of a REQUEST_RESP whose MAC is
 * right: a ticket with more or other rights than were asked for, whether or
 * not the KMS owns up to it (K flag), and keys that are not the profile's.
 */
#include <kselftest_harness.h>

#include <time.h>

#include "term.h"
#include "ticket/module.h"

FIXTURE(grant)
{
	bool able;
	struct term alice;
	struct term_exchange ex;
	struct peer_answer a;
	struct peer_ticket ticket;
	struct peer_msg msg;
	struct nlc_reply r;
	u64 tickets;
};

/* What is asked for: Bob and Carol, from now for an hour, no reuse. */
static int ask(struct _test_data_grant *f)
{
	const char *const responders[] = { BOB, CAROL, NULL };
	struct nlattr *msg;
	int err;

	f->alice.reusable = false;
	err = nlc_call(&f->alice.nl, term_request_msg(&f->alice, responders),
		       &f->r);
	msg = f->r.attr[MIKEY_TICKET_A_MESSAGE];
	if (!err && msg) {
		f->ex.id = nlc_u32(f->r.attr[MIKEY_TICKET_A_EXCHANGE]);
		f->ex.len = nla_len(msg);
		memcpy(f->ex.msg, nla_data(msg), f->ex.len);
	}
	nlc_free(&f->r);
	return err;
}

static int plan(struct _test_data_grant *f)
{
	return peer_grant_plan(&f->a, &f->ticket, &f->alice.psk, f->ex.msg,
			       f->ex.len);
}

FIXTURE_VARIANT(grant) { struct peer_kind kind; };

FIXTURE_VARIANT_ADD(grant, immediate_256) { KIND(IMMEDIATE, 256) };
FIXTURE_VARIANT_ADD(grant, immediate_ts_128) { KIND(IMMEDIATE, TS_128) };
FIXTURE_VARIANT_ADD(grant, annex_i_128) { KIND(ANNEX_I, 128) };

FIXTURE_SETUP(grant)
{
	int err = module_allow_suite(variant->kind.suite);

	self->able = !err;
	if (err == -ENOENT)
		return;
	ASSERT_EQ(0, err);
	term_session();
	ASSERT_EQ(0, term_open_kind(&self->alice, ALICE, variant->kind));
	ASSERT_EQ(0, ask(self));
	self->tickets = term_tickets(&self->alice);
}

FIXTURE_TEARDOWN(grant)
{
	nlc_free(&self->r);
	if (!self->able)
		return;
	term_close(&self->alice);
	module_allow_default();
}

struct row {
	const char *what;
	void (*bend)(struct _test_data_grant *f);
	int err;
	const char *words;
	u32 profile;		/* the only one that it is about, 0 for both */
};

#define BEND(name, change) \
	static void name(struct _test_data_grant *f) { change; }
#define POLICY f->ticket.policy.head

/* --- the policy ---------------------------------------------------------- */

static void add_responder(struct _test_data_grant *f, const char *uid)
{
	f->ticket.policy.responder[f->ticket.policy.num_responders++] =
		peer_nai(uid);
}

BEND(early_start, POLICY.tr_s = peer_time(time(NULL) - 10))
BEND(other_initiator, POLICY.idr_i = peer_nai(CAROL))
BEND(initiator_in_capitals, POLICY.idr_i = peer_nai("Alice@example.test"))
BEND(initiator_prefix, POLICY.idr_i.data.len--)
BEND(other_kms_in_ticket, POLICY.idr_kms = peer_uri("https://kms.test"))
BEND(other_kms_in_answer, f->a.idr_kms = peer_uri("https://kms.test"))
BEND(extra_responder, add_responder(f, "mallory@example.test"))
BEND(extra_wildcard, add_responder(f, "?@example.test"))
BEND(wildcard_instead, f->ticket.policy.responder[1] = peer_nai("?@?"))
BEND(missing_responder, f->ticket.policy.num_responders--)
BEND(doubled_responder, f->ticket.policy.responder[1] = peer_nai(BOB))
BEND(longer, POLICY.tr_e.value += 1ull << 32)
BEND(earlier, POLICY.tr_s = peer_time(time(NULL) - 3600))
BEND(over, POLICY.tr_e = peer_time(time(NULL) - 1); early_start(f))
BEND(reusable, POLICY.flags |= MIKEY_FLAG_J)
BEND(reusable_and_owned_up, POLICY.flags |= MIKEY_FLAG_J | MIKEY_FLAG_K)
BEND(not_forked, POLICY.flags &= ~MIKEY_FLAG_I)
BEND(not_resolved, POLICY.flags &= ~MIKEY_FLAG_E)
BEND(forked, POLICY.flags |= MIKEY_FLAG_I)
BEND(made_by_initiator, POLICY.flags ^= MIKEY_FLAG_D | MIKEY_FLAG_L)
/* rights that are fewer, and a KMS that does not say so (6.10) */
BEND(shorter_k0, POLICY.tr_e.value -= 60ull << 32)
BEND(later_k0, POLICY.tr_s.value += 60ull << 32)
BEND(rekey_k0, POLICY.tr_r = peer_time(0); POLICY.tr_r.value = 60ull << 32)
BEND(answered, POLICY.flags |= MIKEY_FLAG_F)
BEND(initiator_keys, POLICY.flags |= MIKEY_FLAG_L)
BEND(no_n, POLICY.flags &= ~MIKEY_FLAG_N)
BEND(other_type, POLICY.ticket_type = 5)
BEND(other_prf, POLICY.prf ^= 1)
BEND(every_app, f->ticket.policy.num_apps = 0)
BEND(extra_app, f->ticket.policy.app[f->ticket.policy.num_apps++] = peer_bytes("other"))
BEND(other_app, f->ticket.policy.app[0] = peer_bytes("other"))
BEND(end_missing, POLICY.tr_e.present = false)
BEND(start_missing, POLICY.tr_s.present = false)
BEND(end_a_counter, POLICY.tr_e.type = MIKEY_TS_COUNTER)
BEND(empty_period, POLICY.tr_e = POLICY.tr_s)

static void with_initiator_data(struct _test_data_grant *f)
{
	static const u8 v[] = { MIKEY_PL_V, 0, 0 };

	f->a.initiator_data = (struct mikey_blob){ v, sizeof(v) };
}

static void cut_thdr(struct peer_msg *m, void *arg)
{
	u32 at = 9 + (m->p[7] << 8 | m->p[8]) + 2;

	/* THDR says to be longer than all Ticket Data */
	(void)arg;
	m->p[at + 1] = 0xff;
}

static void odd_ticket_data(struct _test_data_grant *f)
{
	f->ticket.bend = cut_thdr;
}

BEND(short_rand, f->ticket.rand_len--)

static void many_responders(struct _test_data_grant *f)
{
	u32 i;

	for (i = 0; i < PEER_RESPONDERS_MAX; i++)
		f->ticket.policy.responder[i] = peer_nai(BOB);
	f->ticket.policy.num_responders = i;
}

static const struct row policies[] = {
	{ "IDRi Carol", other_initiator, -EKEYREJECTED, "initiator", 0 },
	{ "IDRi Alice", initiator_in_capitals, -EKEYREJECTED, "initiator", 0 },
	{ "IDRi shorter", initiator_prefix, -EKEYREJECTED, "initiator", 0 },
	{ "IDRkms of ticket", other_kms_in_ticket, -EKEYREJECTED, "KMS", 0 },
	{ "IDRkms of answer", other_kms_in_answer, -EKEYREJECTED, "KMS", 0 },
	{ "extra responder", extra_responder, -EACCES, "responders", 0 },
	{ "extra wildcard", extra_wildcard, -EACCES, "responders", 0 },
	{ "wildcard instead", wildcard_instead, -EACCES, "responders", 0 },
	{ "missing responder", missing_responder, -EACCES, "responders", 0 },
	{ "Bob twice, no Carol", doubled_responder, -EACCES, "responders", 0 },
	{ "300 responders", many_responders, -EACCES, "responders", 0 },
	{ "longer", longer, -EACCES, "valid longer", 0 },
	{ "earlier", earlier, -EACCES, "valid earlier", 0 },
	{ "over", over, -EACCES, "validity period", 0 },
	{ "no TRe", end_missing, -EACCES, "validity period", 0 },
	{ "no TRs", start_missing, -EACCES, "validity period", 0 },
	{ "TRe a counter", end_a_counter, -EACCES, "validity period", 0 },
	{ "TRe = TRs", empty_period, -EACCES, "validity period", 0 },
	{ "J", reusable, -EACCES, "reused", 0 },
	{ "J and K", reusable_and_owned_up, -EACCES, "reused", 0 },
	{ "I0", not_forked, -EACCES, "flags", MIKEY_PROFILE_IMMEDIATE },
	{ "I1", forked, -EACCES, "flags", MIKEY_PROFILE_ANNEX_I },
	{ "E0", not_resolved, -EACCES, "(I1) needs", MIKEY_PROFILE_IMMEDIATE },
	{ "E0", not_resolved, -EACCES, "responders may keep",
	  MIKEY_PROFILE_ANNEX_I },
	{ "D0", made_by_initiator, -EACCES, "(D1)", 0 },
	{ "K0 and shorter", shorter_k0, -EACCES, "without saying so", 0 },
	{ "K0 and later", later_k0, -EACCES, "without saying so", 0 },
	{ "K0 and rekeyed", rekey_k0, -EACCES, "without saying so", 0 },
	{ "F1", answered, -EACCES, "flags", 0 },
	{ "L1", initiator_keys, -EACCES, "flags", 0 },
	{ "N0", no_n, -EACCES, "flags", 0 },
	{ "ticket type", other_type, -EPROTONOSUPPORT, "ticket type", 0 },
	{ "ticket's PRF", other_prf, -EPROTONOSUPPORT, "PRF", 0 },
	{ "IDRapp", other_app, -EACCES, "PSK/MIME", 0 },
	{ "no IDRapp", every_app, -EACCES, "more applications", 0 },
	{ "extra IDRapp", extra_app, -EACCES, "more applications", 0 },
	{ "Ticket Data", odd_ticket_data, -EBADMSG, "", 0 },
	{ "RAND of Ticket Data (12.1)", short_rand, -EACCES, "random value", 0 },
	{ "Initiator Data", with_initiator_data, -EACCES, "initiator data", 0 },
};

/* --- the keys and the rest of the answer --------------------------------- */

/* The traffic key, which is the last one. */
static struct peer_key *traffic(struct _test_data_grant *f)
{
	return &f->a.keys[f->a.num_keys - 1];
}

BEND(other_traffic, traffic(f)->type ^= MIKEY_KEY_GTGK)
BEND(with_salt, traffic(f)->type |= MIKEY_KEY_TGK_SALT)
BEND(short_traffic, traffic(f)->key_len--)
BEND(long_mpk, f->a.keys[0].key_len = 48)
BEND(two_traffic, f->a.num_keys++; *traffic(f) = traffic(f)[-1])
BEND(more_mpks, two_traffic(f); traffic(f)[-1] = f->a.keys[0])

static void less_mpks(struct _test_data_grant *f)
{
	f->a.keys[0] = f->a.keys[1];
	f->a.keys[1] = *traffic(f);
	f->a.num_keys--;
}

BEND(no_traffic, f->a.num_keys--)
BEND(mpk_last, *traffic(f) = f->a.keys[0])
BEND(traffic_first, f->a.keys[0] = *traffic(f))
BEND(no_spi, traffic(f)->spi_len = 0)
BEND(long_spi, traffic(f)->spi_len = 9)
BEND(kemac_null, f->a.encr_alg = MIKEY_ENCR_NULL)

static void kemac_other(struct _test_data_grant *f)
{
	f->a.encr_alg = MIKEY_ENCR_AES_CM_128 + MIKEY_ENCR_AES_CM_256 -
			f->a.encr_alg;
}

BEND(no_kemac, f->a.kemac = false)
BEND(no_ticket, f->a.ticket = NULL)
BEND(mac_null, f->a.auth_alg = MIKEY_AUTH_NULL)

static void mac_other(struct _test_data_grant *f)
{
	f->a.auth_alg = MIKEY_AUTH_HMAC_SHA_1_160 +
			MIKEY_AUTH_HMAC_SHA_256_256 - f->a.auth_alg;
}

BEND(no_v, f->a.mac = false)
BEND(answer_prf, f->a.prf ^= 1)
BEND(csb_id, f->a.csb_id++)
BEND(initial_keys, f->a.mk = f->a.mk_initial)
BEND(other_request, f->a.behind[0] ^= 0x80)
BEND(t_local, f->a.t.type = MIKEY_TS_NTP)

static void resolve_resp(struct _test_data_grant *f)
{
	f->a.type = MIKEY_DT_RESOLVE_RESP;
	f->a.ticket = NULL;
	f->a.idr_r = peer_nai(ALICE);
	f->a.randr_kms_len = 32;
}

static const struct row answers[] = {
	/* immediate has a GTGK, annex-i a TGK */
	{ "the other profile's key", other_traffic, -EBADMSG, "type", 0 },
	{ "traffic key with salt", with_salt, -EBADMSG, "", 0 },
	{ "traffic key a byte short", short_traffic, -EBADMSG, "length", 0 },
	{ "MPK of 48 bytes", long_mpk, -EBADMSG, "length", 0 },
	/* 4.2.1.5: MPKi, [MPKr], traffic key */
	{ "an MPK too many", more_mpks, -EBADMSG, "keys of this profile", 0 },
	{ "an MPK too few", less_mpks, -EBADMSG, "keys of this profile", 0 },
	{ "no traffic key", no_traffic, -EBADMSG, "", 0 },
	{ "two traffic keys", two_traffic, -EBADMSG, "keys of this profile",
	  0 },
	{ "MPK last", mpk_last, -EBADMSG, "type", 0 },
	{ "traffic key first", traffic_first, -EBADMSG, "type", 0 },
	{ "no SPI", no_spi, -EBADMSG, "SPI", 0 },
	{ "SPI of 9 bytes", long_spi, -EBADMSG, "SPI", 0 },
	{ "KEMAC NULL", kemac_null, -EBADMSG, "KEMAC", 0 },
	{ "KEMAC of another suite", kemac_other, -EBADMSG, "KEMAC", 0 },
	{ "no KEMAC", no_kemac, -EBADMSG, "KEMAC", 0 },
	{ "no TICKET", no_ticket, -EBADMSG, "TICKET", 0 },
	{ "V NULL", mac_null, -EKEYREJECTED, "MAC", 0 },
	{ "V of another suite", mac_other, -EKEYREJECTED, "MAC", 0 },
	{ "no V", no_v, -EBADMSG, "(V)", 0 },
	{ "PRF", answer_prf, -EKEYREJECTED, "", 0 },
	{ "CSB ID", csb_id, -EKEYREJECTED, "", 0 },
	{ "keys of the request", initial_keys, -EKEYREJECTED, "MAC", 0 },
	{ "of another request", other_request, -EKEYREJECTED, "MAC", 0 },
	{ "T not UTC", t_local, -EBADMSG, "UTC", 0 },
	{ "RESOLVE_RESP", resolve_resp, -EBADMSG, "not an answer", 0 },
};

/* Return: how many rows were not refused as they say. */
static u32 try_rows(struct _test_data_grant *f, const struct row *rows, u32 num)
{
	u32 i, wrong = 0;
	int err;

	for (i = 0; i < num; i++) {
		if (plan(f))
			return num;
		if (rows[i].profile && rows[i].profile != f->ticket.profile->id)
			continue;
		rows[i].bend(f);
		peer_answer_write(&f->a, &f->msg);
		term_answer(&f->alice, MIKEY_TICKET_CMD_GRANT, f->ex.id,
			    &f->msg, &f->r);
		wrong += !term_refused(rows[i].what, &f->r, rows[i].err,
				       rows[i].words, MIKEY_TICKET_A_MESSAGE);
		err = f->r.err;
		nlc_free(&f->r);
		/* one that was accepted has taken the exchange along */
		if (!err && ask(f))
			return num;
	}
	return wrong;
}

TEST_F(grant, policy)
{
	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	EXPECT_EQ(0, try_rows(self, policies, ARRAY_SIZE(policies)));
	/* no more than there were; those of the test before may die late */
	EXPECT_GE(self->tickets,
		  term_stat(&self->alice, MIKEY_TICKET_S_TICKETS));
	/* still open for a true answer */
	ASSERT_EQ(0, plan(self));
	peer_answer_write(&self->a, &self->msg);
	EXPECT_EQ(0, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				 self->ex.id, &self->msg, &self->r))
		TH_LOG("%s", self->r.words);
}

TEST_F(grant, answer)
{
	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	EXPECT_EQ(0, try_rows(self, answers, ARRAY_SIZE(answers)));
	/* no more than there were; those of the test before may die late */
	EXPECT_GE(self->tickets,
		  term_stat(&self->alice, MIKEY_TICKET_S_TICKETS));
	ASSERT_EQ(0, plan(self));
	peer_answer_write(&self->a, &self->msg);
	EXPECT_EQ(0, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				 self->ex.id, &self->msg, &self->r))
		TH_LOG("%s", self->r.words);
}

/* Each refusal is counted as what it is, and told to those who listen. */
TEST_F(grant, operators_hear_of_it)
{
	static const struct {
		void (*bend)(struct _test_data_grant *f);
		int stat;
		int err;
	} of[] = {
		{ mac_null, MIKEY_TICKET_S_BAD_MAC, -EKEYREJECTED },
		{ other_traffic, MIKEY_TICKET_S_BAD_MESSAGE, -EBADMSG },
		{ longer, MIKEY_TICKET_S_BAD_POLICY, -EACCES },
	};
	struct nlattr *reason;
	struct nlc_reply r;
	struct nlc ear;
	u64 before;
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, nlc_open(&ear, MIKEY_TICKET_GENL_NAME,
			      MIKEY_TICKET_GENL_VERSION));
	ASSERT_EQ(0, nlc_join(&ear, MIKEY_TICKET_GENL_NAME,
			      MIKEY_TICKET_MCGRP_REFUSALS));
	for (i = 0; i < ARRAY_SIZE(of); i++) {
		before = term_stat(&self->alice, of[i].stat);
		ASSERT_EQ(0, plan(self));
		of[i].bend(self);
		peer_answer_write(&self->a, &self->msg);
		EXPECT_EQ(of[i].err,
			  term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				      self->ex.id, &self->msg, &self->r));
		EXPECT_EQ(before + 1, term_stat(&self->alice, of[i].stat));
		ASSERT_EQ(0, nlc_listen(&ear, &r, 1000));
		EXPECT_EQ(MIKEY_TICKET_CMD_REFUSED, r.cmd);
		EXPECT_EQ(of[i].err, nlc_s32(r.attr[MIKEY_TICKET_A_ERROR]));
		EXPECT_EQ(getuid(), nlc_u32(r.attr[MIKEY_TICKET_A_UID]));
		reason = r.attr[MIKEY_TICKET_A_REASON];
		ASSERT_NE(NULL, reason);
		EXPECT_STREQ(self->r.words, nla_get_string(reason));
		nlc_free(&r);
		nlc_free(&self->r);
	}
	/* success is no refusal, nor is a slip of the caller's own */
	ASSERT_EQ(0, plan(self));
	peer_answer_write(&self->a, &self->msg);
	EXPECT_EQ(0, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				 self->ex.id, &self->msg, NULL));
	EXPECT_EQ(-ESRCH, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				      self->ex.id, &self->msg, NULL));
	EXPECT_EQ(-ETIMEDOUT, nlc_listen(&ear, &r, 200));
	nlc_close(&ear);
}

TEST_F(grant, error_messages)
{
	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, plan(self));
	peer_error_plan(&self->a, MIKEY_ERR_INVALID_TPPAR);
	self->a.mac = false;
	peer_answer_write(&self->a, &self->msg);
	EXPECT_EQ(-ECOMM, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				      self->ex.id, &self->msg, &self->r));
	EXPECT_NE(NULL, strstr(self->r.words, "error 15"))
		TH_LOG("%s", self->r.words);
	nlc_free(&self->r);

	self->a.mac = true;
	peer_answer_write(&self->a, &self->msg);
	self->msg.p[self->msg.len - 1] ^= 1;
	EXPECT_EQ(-EKEYREJECTED, term_answer(&self->alice,
					     MIKEY_TICKET_CMD_GRANT,
					     self->ex.id, &self->msg, NULL));
	self->msg.p[self->msg.len - 1] ^= 1;
	EXPECT_EQ(-EREMOTEIO, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
					  self->ex.id, &self->msg, &self->r));
	EXPECT_NE(NULL, strstr(self->r.words, "error 15"))
		TH_LOG("%s", self->r.words);
	EXPECT_EQ(-ESRCH, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				      self->ex.id, &self->msg, NULL));
}

/*
 * What was asked for is granted, and a KMS may grant less of it if it says so:
 * E1 for E0, a shorter TRr (6.10).
 */
static int answer(struct _test_data_grant *f)
{
	peer_answer_write(&f->a, &f->msg);
	nlc_free(&f->r);
	return term_answer(&f->alice, MIKEY_TICKET_CMD_GRANT, f->ex.id, &f->msg,
			   &f->r);
}

TEST_F(grant, to_be_kept_and_rekeyed)
{
	struct _test_data_grant *f = self;
	bool annex_i = variant->kind.profile == MIKEY_PROFILE_ANNEX_I;
	struct nlattr *policy;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	f->alice.reusable = true;
	f->alice.cacheable = annex_i;
	f->alice.rekey = 600;
	ASSERT_EQ(0, term_request(&f->alice, BOB, &f->ex));
	ASSERT_EQ(0, plan(f));
	EXPECT_EQ(annex_i, !(POLICY.flags & MIKEY_FLAG_E));
	EXPECT_EQ(600, mikey_policy_rekey(&POLICY));

	/* less often than was asked for, or never */
	POLICY.flags |= MIKEY_FLAG_K;
	POLICY.tr_r.value = 601ull << 32;
	EXPECT_EQ(-EACCES, answer(f));
	EXPECT_NE(NULL, strstr(f->r.words, "rekeyed less often"));
	POLICY.tr_r.present = false;
	EXPECT_EQ(-EACCES, answer(f));
	EXPECT_NE(NULL, strstr(f->r.words, "rekeyed less often"));

	POLICY.tr_r = (struct mikey_ts){ true, MIKEY_TS_NTP_UTC_32, 60ull << 32 };
	EXPECT_EQ(0, answer(f)) TH_LOG("%s", f->r.words);
	policy = f->r.attr[MIKEY_TICKET_A_POLICY];
	EXPECT_EQ(annex_i, !!nlc_in(policy, MIKEY_TICKET_A_CACHEABLE, 0));
	EXPECT_EQ(60, nlc_u32(nlc_in(policy, MIKEY_TICKET_A_REKEY, 0)));

	/* E1 is less than E0 */
	ASSERT_EQ(0, term_request(&f->alice, BOB, &f->ex));
	ASSERT_EQ(0, plan(f));
	POLICY.flags |= MIKEY_FLAG_E | MIKEY_FLAG_K;
	EXPECT_EQ(0, answer(f)) TH_LOG("%s", f->r.words);
	EXPECT_EQ(NULL, nlc_in(f->r.attr[MIKEY_TICKET_A_POLICY],
			       MIKEY_TICKET_A_CACHEABLE, 0));
}

/* Exactly what was asked for, with K0 and with K1. */
TEST_F(grant, unchanged)
{
	struct _test_data_grant *f = self;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, plan(f));
	EXPECT_EQ(0, answer(f)) TH_LOG("%s", f->r.words);
	ASSERT_EQ(0, ask(f));
	ASSERT_EQ(0, plan(f));
	POLICY.flags |= MIKEY_FLAG_K;
	EXPECT_EQ(0, answer(f)) TH_LOG("%s", f->r.words);
}

TEST_HARNESS_MAIN
