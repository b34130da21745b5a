// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": what GRANT refuses of a REQUEST_RESP whose MAC is
 * right: a ticket with more or other rights than were asked for, whether or
 * not the KMS owns up to it (K flag), and keys that are not the profile's.
 */
#include <kselftest_harness.h>

#include <time.h>

#include "term.h"

FIXTURE(grant)
{
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

FIXTURE_SETUP(grant)
{
	term_session();
	ASSERT_EQ(0, term_open(&self->alice, ALICE));
	ASSERT_EQ(0, ask(self));
	usleep(100000);
	self->tickets = term_stat(&self->alice, MIKEY_TICKET_S_TICKETS);
}

FIXTURE_TEARDOWN(grant)
{
	nlc_free(&self->r);
	term_close(&self->alice);
}

struct row {
	const char *what;
	void (*bend)(struct _test_data_grant *f);
	int err;
	const char *words;
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
BEND(not_resolved, POLICY.flags &= ~(MIKEY_FLAG_E | MIKEY_FLAG_I))
BEND(answered, POLICY.flags |= MIKEY_FLAG_F)
BEND(initiator_keys, POLICY.flags |= MIKEY_FLAG_L)
BEND(no_n, POLICY.flags &= ~MIKEY_FLAG_N)
BEND(other_type, POLICY.ticket_type = 5)
BEND(other_prf, POLICY.prf = MIKEY_PRF_MIKEY_1)
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

static void many_responders(struct _test_data_grant *f)
{
	u32 i;

	for (i = 0; i < PEER_RESPONDERS_MAX; i++)
		f->ticket.policy.responder[i] = peer_nai(BOB);
	f->ticket.policy.num_responders = i;
}

static const struct row policies[] = {
	{ "IDRi Carol", other_initiator, -EKEYREJECTED, "initiator" },
	{ "IDRi Alice", initiator_in_capitals, -EKEYREJECTED, "initiator" },
	{ "IDRi shorter", initiator_prefix, -EKEYREJECTED, "initiator" },
	{ "IDRkms of ticket", other_kms_in_ticket, -EKEYREJECTED, "KMS" },
	{ "IDRkms of answer", other_kms_in_answer, -EKEYREJECTED, "KMS" },
	{ "extra responder", extra_responder, -EACCES, "responders" },
	{ "extra wildcard", extra_wildcard, -EACCES, "responders" },
	{ "wildcard instead", wildcard_instead, -EACCES, "responders" },
	{ "missing responder", missing_responder, -EACCES, "responders" },
	{ "Bob twice, no Carol", doubled_responder, -EACCES, "responders" },
	{ "300 responders", many_responders, -EACCES, "responders" },
	{ "longer", longer, -EACCES, "valid longer" },
	{ "earlier", earlier, -EACCES, "valid earlier" },
	{ "over", over, -EACCES, "validity period" },
	{ "no TRe", end_missing, -EACCES, "validity period" },
	{ "no TRs", start_missing, -EACCES, "validity period" },
	{ "TRe a counter", end_a_counter, -EACCES, "validity period" },
	{ "TRe = TRs", empty_period, -EACCES, "validity period" },
	{ "J", reusable, -EACCES, "reused" },
	{ "J and K", reusable_and_owned_up, -EACCES, "reused" },
	{ "I0", not_forked, -EACCES, "flags" },
	{ "E0 I0", not_resolved, -EACCES, "flags" },
	{ "F1", answered, -EACCES, "flags" },
	{ "L1", initiator_keys, -EACCES, "flags" },
	{ "N0", no_n, -EACCES, "flags" },
	{ "ticket type", other_type, -EPROTONOSUPPORT, "ticket type" },
	{ "ticket's PRF", other_prf, -EPROTONOSUPPORT, "PRF" },
	{ "IDRapp", other_app, -EACCES, "PSK/MIME" },
	{ "Ticket Data", odd_ticket_data, -EBADMSG, "" },
	{ "Initiator Data", with_initiator_data, -EACCES, "initiator data" },
};

/* --- the keys and the rest of the answer --------------------------------- */

BEND(tgk, f->a.keys[2].type = MIKEY_KEY_TGK)
BEND(short_traffic, f->a.keys[2].key_len = 16)
BEND(long_mpk, f->a.keys[1].key_len = 48)
BEND(two_traffic, f->a.keys[3] = f->a.keys[2]; f->a.num_keys = 4)
BEND(three_mpks, two_traffic(f); f->a.keys[2] = f->a.keys[1])
BEND(one_mpk, f->a.keys[1] = f->a.keys[2]; f->a.num_keys = 2)
BEND(no_traffic, f->a.num_keys = 2)
BEND(mpk_last, f->a.keys[2] = f->a.keys[0])
BEND(no_spi, f->a.keys[2].spi_len = 0)
BEND(kemac_null, f->a.encr_alg = MIKEY_ENCR_NULL)
BEND(kemac_128, f->a.encr_alg = MIKEY_ENCR_AES_CM_128)
BEND(no_kemac, f->a.kemac = false)
BEND(no_ticket, f->a.ticket = NULL)
BEND(mac_null, f->a.auth_alg = MIKEY_AUTH_NULL)
BEND(mac_sha1, f->a.auth_alg = MIKEY_AUTH_HMAC_SHA_1_160)
BEND(no_v, f->a.mac = false)
BEND(answer_prf, f->a.prf = MIKEY_PRF_MIKEY_1)
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
	{ "TGK", tgk, -EBADMSG, "type" },
	{ "GTGK of 16 bytes", short_traffic, -EBADMSG, "length" },
	{ "MPK of 48 bytes", long_mpk, -EBADMSG, "length" },
	{ "three MPKs", three_mpks, -EBADMSG, "keys of this profile" },
	{ "one MPK", one_mpk, -EBADMSG, "keys of this profile" },
	{ "no GTGK", no_traffic, -EBADMSG, "keys of this profile" },
	{ "two GTGKs", two_traffic, -EBADMSG, "keys of this profile" },
	{ "MPK instead of GTGK", mpk_last, -EBADMSG, "type" },
	{ "no SPI", no_spi, -EBADMSG, "SPI" },
	{ "KEMAC NULL", kemac_null, -EBADMSG, "KEMAC" },
	{ "KEMAC AES-CM-128", kemac_128, -EBADMSG, "KEMAC" },
	{ "no KEMAC", no_kemac, -EBADMSG, "KEMAC" },
	{ "no TICKET", no_ticket, -EBADMSG, "TICKET" },
	{ "V NULL", mac_null, -EKEYREJECTED, "MAC" },
	{ "V HMAC-SHA-1", mac_sha1, -EKEYREJECTED, "MAC" },
	{ "no V", no_v, -EBADMSG, "(V)" },
	{ "PRF", answer_prf, -EKEYREJECTED, "" },
	{ "CSB ID", csb_id, -EKEYREJECTED, "" },
	{ "keys of the request", initial_keys, -EKEYREJECTED, "MAC" },
	{ "of another request", other_request, -EKEYREJECTED, "MAC" },
	{ "T not UTC", t_local, -EBADMSG, "UTC" },
	{ "RESOLVE_RESP", resolve_resp, -EBADMSG, "not an answer" },
};

/* Return: how many rows were not refused as they say. */
static u32 try_rows(struct _test_data_grant *f, const struct row *rows, u32 num)
{
	u32 i, wrong = 0;
	int err;

	for (i = 0; i < num; i++) {
		if (plan(f))
			return num;
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
	EXPECT_EQ(0, try_rows(self, policies, ARRAY_SIZE(policies)));
	EXPECT_EQ(self->tickets,
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
	EXPECT_EQ(0, try_rows(self, answers, ARRAY_SIZE(answers)));
	EXPECT_EQ(self->tickets,
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
		{ tgk, MIKEY_TICKET_S_BAD_MESSAGE, -EBADMSG },
		{ longer, MIKEY_TICKET_S_BAD_POLICY, -EACCES },
	};
	struct nlattr *reason;
	struct nlc_reply r;
	struct nlc ear;
	u64 before;
	u32 i;

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

TEST_HARNESS_MAIN
