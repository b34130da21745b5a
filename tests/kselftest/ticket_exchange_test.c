// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": what must work. REQUEST and GRANT, RESOLVE and
 * ADMIT, INFO, STATS and CAPS, and the key that a ticket is.
 */
#include <kselftest_harness.h>

#include <time.h>

#include <openssl/sha.h>

#include "pair.h"

FIXTURE(exchange)
{
	struct pair p;
};

FIXTURE_SETUP(exchange)
{
	ASSERT_EQ(0, pair_open(&self->p));
}

FIXTURE_TEARDOWN(exchange)
{
	pair_close(&self->p);
}

static bool is(struct nlattr *a, const char *text)
{
	return a && nla_len(a) == (int)strlen(text) &&
	       !memcmp(nla_data(a), text, nla_len(a));
}

/* Description of an initiator's ticket, after uapi/mikey_ticket.h. */
static void describe(char *to, const char *initiator,
		     const char *const *responders)
{
	u8 text[1024], digest[32];
	u32 len = 0, n, i;

	text[len++] = MIKEY_PROFILE_IMMEDIATE;
	text[len++] = MIKEY_SUITE_256;
	for (; *responders; responders++) {
		n = strlen(*responders);
		text[len++] = n >> 8;
		text[len++] = n;
		memcpy(text + len, *responders, n);
		len += n;
	}
	SHA256(text, len, digest);
	to += sprintf(to, "i:%s:", initiator);
	for (i = 0; i < 16; i++)
		to += sprintf(to, "%02x", digest[i]);
}

TEST_F(exchange, grant)
{
	const char *const responders[] = { BOB, CAROL, NULL };
	struct nlattr *policy;
	char want[256], *got;
	key_serial_t ticket;
	s64 until;

	until = time(NULL) + self->p.alice.valid;
	ASSERT_EQ(0, nlc_call(&self->p.alice.nl,
			      term_request_msg(&self->p.alice, responders),
			      &self->p.r));
	ASSERT_NE(NULL, self->p.r.attr[MIKEY_TICKET_A_MESSAGE]);
	self->p.ex.id = nlc_u32(self->p.r.attr[MIKEY_TICKET_A_EXCHANGE]);
	ASSERT_EQ(0, peer_grant_plan(&self->p.a, &self->p.ticket, &self->p.alice.psk,
				     nla_data(self->p.r.attr[MIKEY_TICKET_A_MESSAGE]),
				     nla_len(self->p.r.attr[MIKEY_TICKET_A_MESSAGE])));
	EXPECT_EQ(2, self->p.ticket.policy.num_responders);
	EXPECT_NE(0, self->p.ticket.policy.head.flags & MIKEY_FLAG_J);
	nlc_free(&self->p.r);

	peer_answer_write(&self->p.a, &self->p.msg);
	ASSERT_EQ(0, term_answer(&self->p.alice, MIKEY_TICKET_CMD_GRANT,
				 self->p.ex.id, &self->p.msg, &self->p.r))
		TH_LOG("%s", self->p.r.words);
	ticket = nlc_s32(self->p.r.attr[MIKEY_TICKET_A_TICKET]);
	policy = self->p.r.attr[MIKEY_TICKET_A_POLICY];
	EXPECT_LT(0, ticket);
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_INITIATOR, 0), ALICE));
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_KMS, 0), TERM_KMS));
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_RESPONDER, 0), BOB));
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_RESPONDER, 1), CAROL));
	EXPECT_EQ(NULL, nlc_in(policy, MIKEY_TICKET_A_RESPONDER, 2));
	EXPECT_EQ(MIKEY_PROFILE_IMMEDIATE,
		  nlc_u32(nlc_in(policy, MIKEY_TICKET_A_PROFILE, 0)));
	EXPECT_EQ(MIKEY_SUITE_256,
		  nlc_u32(nlc_in(policy, MIKEY_TICKET_A_SUITE, 0)));
	EXPECT_NE(NULL, nlc_in(policy, MIKEY_TICKET_A_REUSABLE, 0));
	EXPECT_EQ(NULL, nlc_in(policy, MIKEY_TICKET_A_CHANGED, 0));
	/* D1 E1 F0 G0 H1 I1 J1 K0 L0 M0 N1 O1 */
	EXPECT_EQ(0xce3, nlc_u32(nlc_in(policy, MIKEY_TICKET_A_FLAGS, 0)));
	EXPECT_LE(until,
		  nlc_s64(nlc_in(policy, MIKEY_TICKET_A_VALID_UNTIL, 0)));
	EXPECT_GE(until + 30,
		  nlc_s64(nlc_in(policy, MIKEY_TICKET_A_VALID_UNTIL, 0)));

	describe(want, ALICE, responders);
	EXPECT_EQ(ticket, keyctl_search(KEY_SPEC_SESSION_KEYRING,
					MIKEY_TICKET_KEY_TYPE, want, 0));
	ASSERT_LT(0, keyctl_describe_alloc(ticket, &got));
	EXPECT_EQ(0, strncmp(got, "mikey_ticket;", 13));
	EXPECT_STREQ(want, strrchr(got, ';') + 1);
	free(got);

	/* the exchange is over */
	EXPECT_EQ(-ESRCH, term_answer(&self->p.alice, MIKEY_TICKET_CMD_GRANT,
				      self->p.ex.id, &self->p.msg, NULL));
}

TEST_F(exchange, request_is_fresh_each_time)
{
	struct mikey_msg one, two;
	static struct term_exchange first;
	struct mikey_diag d;

	ASSERT_EQ(0, term_request(&self->p.alice, BOB, &first));
	ASSERT_EQ(0, term_request(&self->p.alice, BOB, &self->p.ex));
	ASSERT_EQ(0, mikey_msg_parse(&one, first.msg, first.len, 0, &d));
	ASSERT_EQ(0, mikey_msg_parse(&two, self->p.ex.msg, self->p.ex.len, 0, &d));
	EXPECT_NE(first.id, self->p.ex.id);
	EXPECT_NE(one.hdr.csb_id, two.hdr.csb_id);
	EXPECT_FALSE(mikey_blob_eq(one.randr_i.data, two.randr_i.data));
	EXPECT_LE(one.t.value, two.t.value);
}

/* The KMS may grant less, and says so with K. */
TEST_F(exchange, grant_of_less)
{
	struct nlattr *policy;
	s64 until = time(NULL) + 60;

	ASSERT_EQ(0, term_request(&self->p.alice, BOB, &self->p.ex));
	ASSERT_EQ(0, peer_grant_plan(&self->p.a, &self->p.ticket, &self->p.alice.psk,
				     self->p.ex.msg, self->p.ex.len));
	self->p.ticket.policy.head.flags &= ~MIKEY_FLAG_J;
	self->p.ticket.policy.head.flags |= MIKEY_FLAG_K;
	self->p.ticket.policy.head.tr_e = peer_time(until);
	peer_answer_write(&self->p.a, &self->p.msg);
	ASSERT_EQ(0, term_answer(&self->p.alice, MIKEY_TICKET_CMD_GRANT,
				 self->p.ex.id, &self->p.msg, &self->p.r))
		TH_LOG("%s", self->p.r.words);
	policy = self->p.r.attr[MIKEY_TICKET_A_POLICY];
	EXPECT_EQ(NULL, nlc_in(policy, MIKEY_TICKET_A_REUSABLE, 0));
	EXPECT_NE(NULL, nlc_in(policy, MIKEY_TICKET_A_CHANGED, 0));
	EXPECT_EQ(until,
		  nlc_s64(nlc_in(policy, MIKEY_TICKET_A_VALID_UNTIL, 0)));
}

/* Ticket type 1 (MIKEY base ticket) is accepted too; V in HDR is ignored. */
TEST_F(exchange, grant_of_the_other_ticket_type)
{
	ASSERT_EQ(0, term_request(&self->p.alice, BOB, &self->p.ex));
	ASSERT_EQ(0, peer_grant_plan(&self->p.a, &self->p.ticket, &self->p.alice.psk,
				     self->p.ex.msg, self->p.ex.len));
	self->p.ticket.policy.head.ticket_type = MIKEY_TICKET_TYPE_MIKEY_BASE;
	self->p.a.v = true;
	peer_answer_write(&self->p.a, &self->p.msg);
	EXPECT_EQ(0, term_answer(&self->p.alice, MIKEY_TICKET_CMD_GRANT,
				 self->p.ex.id, &self->p.msg, &self->p.r))
		TH_LOG("%s", self->p.r.words);
}

/* Unexpected payloads whose length is known are skipped (RFC 6043 4). */
static void put_rand_first(struct peer_msg *m, void *arg)
{
	u8 rand[] = { m->p[2], 2, 0xaa, 0xbb };

	(void)arg;
	m->p[2] = MIKEY_PL_RAND;
	peer_splice(m, 10, 0, rand, sizeof(rand));
}

TEST_F(exchange, grant_with_a_payload_too_many)
{
	ASSERT_EQ(0, term_request(&self->p.alice, BOB, &self->p.ex));
	ASSERT_EQ(0, peer_grant_plan(&self->p.a, &self->p.ticket, &self->p.alice.psk,
				     self->p.ex.msg, self->p.ex.len));
	self->p.a.bend = put_rand_first;
	peer_answer_write(&self->p.a, &self->p.msg);
	EXPECT_EQ(0, term_answer(&self->p.alice, MIKEY_TICKET_CMD_GRANT,
				 self->p.ex.id, &self->p.msg, &self->p.r))
		TH_LOG("%s", self->p.r.words);
}

TEST_F(exchange, admit)
{
	struct nlattr *policy;
	key_serial_t ticket;
	char want[256];
	u8 digest[32];
	int i, n;

	peer_ticket_plan(&self->p.ticket, TERM_KMS, ALICE, BOB);
	peer_ticket_write(&self->p.ticket);
	peer_transfer_plan(&self->p.x, &self->p.ticket, BOB);
	peer_transfer_write(&self->p.x, &self->p.transfer);

	ASSERT_EQ(0, term_resolve(&self->p.bob, &self->p.transfer, &self->p.ex,
				  &self->p.r))
		TH_LOG("%s", self->p.r.words);
	/* what the ticket claims is told at once */
	policy = self->p.r.attr[MIKEY_TICKET_A_POLICY];
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_INITIATOR, 0), ALICE));
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_RESPONDER, 0), BOB));
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_KMS, 0), TERM_KMS));
	nlc_free(&self->p.r);

	ASSERT_EQ(0, peer_resolve_plan(&self->p.a, &self->p.ticket, &self->p.bob.psk,
				       self->p.ex.msg, self->p.ex.len, false));
	peer_answer_write(&self->p.a, &self->p.msg);
	ASSERT_EQ(0, term_answer(&self->p.bob, MIKEY_TICKET_CMD_ADMIT,
				 self->p.ex.id, &self->p.msg, &self->p.r))
		TH_LOG("%s", self->p.r.words);
	ticket = nlc_s32(self->p.r.attr[MIKEY_TICKET_A_TICKET]);
	policy = self->p.r.attr[MIKEY_TICKET_A_POLICY];
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_INITIATOR, 0), ALICE));
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_RESPONDER, 0), BOB));

	SHA256(self->p.transfer.p, self->p.transfer.len, digest);
	n = sprintf(want, "r:" ALICE ":");
	for (i = 0; i < 16; i++)
		n += sprintf(want + n, "%02x", digest[i]);
	EXPECT_EQ(ticket, keyctl_search(KEY_SPEC_SESSION_KEYRING,
					MIKEY_TICKET_KEY_TYPE, want, 0));
	EXPECT_EQ(-ESRCH, term_answer(&self->p.bob, MIKEY_TICKET_CMD_ADMIT,
				      self->p.ex.id, &self->p.msg, NULL));

	/* with the E flag it is for this message and does not wait for long */
	nlc_free(&self->p.r);
	ASSERT_EQ(0, term_info(&self->p.bob, ticket, &self->p.r));
	EXPECT_EQ(MIKEY_ROLE_RESPONDER,
		  nlc_u32(self->p.r.attr[MIKEY_TICKET_A_ROLE]));
	EXPECT_LT(0, nlc_s64(self->p.r.attr[MIKEY_TICKET_A_REMAINING]));
	EXPECT_GE(60, nlc_s64(self->p.r.attr[MIKEY_TICKET_A_REMAINING]));
}

/* A body proof is none of this module's business, but it must stand there. */
TEST_F(exchange, admit_with_proof_of_origin)
{
	u8 proof[32] = { 1 };

	peer_ticket_plan(&self->p.ticket, TERM_KMS, ALICE, BOB);
	peer_ticket_write(&self->p.ticket);
	peer_transfer_plan(&self->p.x, &self->p.ticket, BOB);
	self->p.x.proof = (struct mikey_ext){
		.present = true, .type = MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT,
		.data = { proof, sizeof(proof) },
	};
	peer_transfer_write(&self->p.x, &self->p.transfer);
	EXPECT_LT(0, term_admit(&self->p.bob, &self->p.ticket, &self->p.transfer));
}

/* Addressed through a wildcard, and through a group. */
TEST_F(exchange, admit_by_wildcard)
{
	peer_ticket_plan(&self->p.ticket, TERM_KMS, ALICE, "?@example.test");
	peer_ticket_write(&self->p.ticket);
	peer_transfer_plan(&self->p.x, &self->p.ticket, BOB);
	peer_transfer_write(&self->p.x, &self->p.transfer);
	EXPECT_LT(0, term_admit(&self->p.bob, &self->p.ticket, &self->p.transfer));
}

TEST_F(exchange, admit_by_group)
{
	static const char group[] = "office@example.test";
	struct nl_msg *m;

	peer_ticket_plan(&self->p.ticket, TERM_KMS, ALICE, group);
	peer_ticket_write(&self->p.ticket);
	peer_transfer_plan(&self->p.x, &self->p.ticket, group);
	peer_transfer_write(&self->p.x, &self->p.transfer);
	m = term_resolve_msg(&self->p.bob, &self->p.transfer);
	nla_put(m, MIKEY_TICKET_A_GROUP, 5, "x@y.z");
	nla_put(m, MIKEY_TICKET_A_GROUP, strlen(group), group);
	ASSERT_EQ(0, nlc_call(&self->p.bob.nl, m, &self->p.r))
		TH_LOG("%s", self->p.r.words);
	ASSERT_EQ(0, peer_resolve_plan(&self->p.a, &self->p.ticket, &self->p.bob.psk,
				       nla_data(self->p.r.attr[MIKEY_TICKET_A_MESSAGE]),
				       nla_len(self->p.r.attr[MIKEY_TICKET_A_MESSAGE]),
				       false));
	/* whose UID the KMS is asked for is the user's own */
	EXPECT_TRUE(mikey_blob_eq(self->p.a.idr_r.data, peer_nai(BOB).data));
	/* and the KMS answers with the identity that matched */
	self->p.a.idr_r = peer_nai(group);
	peer_answer_write(&self->p.a, &self->p.msg);
	self->p.ex.id = nlc_u32(self->p.r.attr[MIKEY_TICKET_A_EXCHANGE]);
	nlc_free(&self->p.r);
	EXPECT_EQ(0, term_answer(&self->p.bob, MIKEY_TICKET_CMD_ADMIT,
				 self->p.ex.id, &self->p.msg, &self->p.r))
		TH_LOG("%s", self->p.r.words);
}

TEST_F(exchange, info)
{
	key_serial_t ticket, other;
	s64 left;

	ticket = term_grant(&self->p.alice, BOB, &self->p.ticket);
	ASSERT_LT(0, ticket);
	ASSERT_EQ(0, term_info(&self->p.alice, ticket, &self->p.r));
	EXPECT_EQ(MIKEY_ROLE_INITIATOR,
		  nlc_u32(self->p.r.attr[MIKEY_TICKET_A_ROLE]));
	left = nlc_s64(self->p.r.attr[MIKEY_TICKET_A_REMAINING]);
	EXPECT_LT(self->p.alice.valid - 10, left);
	EXPECT_GE(self->p.alice.valid, left);
	EXPECT_TRUE(is(nlc_in(self->p.r.attr[MIKEY_TICKET_A_POLICY],
			      MIKEY_TICKET_A_INITIATOR, 0), ALICE));
	EXPECT_TRUE(is(nlc_in(self->p.r.attr[MIKEY_TICKET_A_POLICY],
			      MIKEY_TICKET_A_RESPONDER, 0), BOB));
	nlc_free(&self->p.r);

	/* what is not a ticket, in words */
	other = term_logon_bare("other", self->p.alice.psk.key, 32,
				KEY_SPEC_SESSION_KEYRING);
	EXPECT_EQ(-EOPNOTSUPP, term_info(&self->p.alice, other, &self->p.r));
	EXPECT_STREQ("the key is not a ticket", self->p.r.words);
	EXPECT_EQ(MIKEY_TICKET_A_TICKET, self->p.r.blamed);
	nlc_free(&self->p.r);
	EXPECT_EQ(-ENOKEY, term_info(&self->p.alice, 0x7ffffff0, &self->p.r));
	EXPECT_STREQ("there is no key with this serial", self->p.r.words);
}

TEST_F(exchange, stats)
{
	u64 before[MIKEY_TICKET_S_MAX + 1], after;
	u8 moved[] = {
		MIKEY_TICKET_S_TICKETS, MIKEY_TICKET_S_REQUESTS,
		MIKEY_TICKET_S_GRANTS, MIKEY_TICKET_S_RESOLVES,
		MIKEY_TICKET_S_ADMITS,
	};
	u32 i;

	term_tickets(&self->p.alice);
	for (i = MIKEY_TICKET_S_PAD + 1; i <= MIKEY_TICKET_S_MAX; i++)
		before[i] = term_stat(&self->p.alice, i);
	ASSERT_LT(0, term_grant(&self->p.alice, BOB, &self->p.ticket));
	peer_transfer_plan(&self->p.x, &self->p.ticket, BOB);
	peer_transfer_write(&self->p.x, &self->p.transfer);
	EXPECT_EQ(before[MIKEY_TICKET_S_TICKETS] + 1,
		  term_stat(&self->p.alice, MIKEY_TICKET_S_TICKETS));
	ASSERT_LT(0, term_admit(&self->p.bob, &self->p.ticket, &self->p.transfer));
	for (i = MIKEY_TICKET_S_PAD + 1; i <= MIKEY_TICKET_S_MAX; i++) {
		after = term_stat(&self->p.alice, i);
		if (i == MIKEY_TICKET_S_TICKETS)
			after--;
		EXPECT_EQ(before[i] + !!memchr(moved, i, sizeof(moved)), after)
			TH_LOG("counter %u", i);
	}
}

/* Mask of all values of a repeated u32. */
static u32 all_of(const struct nlc_reply *r, int type)
{
	u32 mask = 0, i;

	for (i = 0; i < r->num; i++)
		if (nla_type(r->many[i]) == type)
			mask |= 1 << nlc_u32(r->many[i]);
	return mask;
}

TEST_F(exchange, caps)
{
	ASSERT_EQ(0, nlc_call(&self->p.alice.nl,
			      nlc_msg(&self->p.alice.nl, MIKEY_TICKET_CMD_CAPS),
			      &self->p.r));
	EXPECT_EQ(MIKEY_TICKET_GENL_VERSION,
		  nlc_u32(self->p.r.attr[MIKEY_TICKET_A_API_VERSION]));
	EXPECT_NE(NULL, self->p.r.attr[MIKEY_TICKET_A_MODULE_VERSION]);
	/* both profiles, and of the suites none but 256 */
	EXPECT_EQ(1 << MIKEY_PROFILE_IMMEDIATE | 1 << MIKEY_PROFILE_ANNEX_I,
		  all_of(&self->p.r, MIKEY_TICKET_A_PROFILE));
	EXPECT_EQ(1 << MIKEY_SUITE_256, all_of(&self->p.r, MIKEY_TICKET_A_SUITE));
	EXPECT_EQ(60, nlc_u32(self->p.r.attr[MIKEY_TICKET_A_CLOCK_SKEW]));
	EXPECT_NE(NULL, self->p.r.attr[MIKEY_TICKET_A_USER_MASTER]);
	ASSERT_NE(NULL, self->p.r.attr[MIKEY_TICKET_A_PROT_TYPE]);
	EXPECT_EQ(242, nla_get_u8(self->p.r.attr[MIKEY_TICKET_A_PROT_TYPE]));
	ASSERT_NE(NULL, self->p.r.attr[MIKEY_TICKET_A_EXT_TYPE]);
	EXPECT_EQ(241, nla_get_u8(self->p.r.attr[MIKEY_TICKET_A_EXT_TYPE]));
}

/* A full house: as many responders as there may be. */
TEST_F(exchange, many_responders)
{
	static char names[MIKEY_TICKET_RESPONDERS_MAX + 1][40];
	static const char *list[MIKEY_TICKET_RESPONDERS_MAX + 2];
	struct nlattr *a;
	u32 i, num = 0;
	int rem;

	for (i = 0; i <= MIKEY_TICKET_RESPONDERS_MAX; i++) {
		sprintf(names[i], "user-%u@example.test", i);
		list[i] = names[i];
	}
	EXPECT_EQ(-EINVAL, nlc_call(&self->p.alice.nl,
				    term_request_msg(&self->p.alice, list),
				    &self->p.r));
	EXPECT_EQ(MIKEY_TICKET_A_RESPONDER, self->p.r.blamed);
	EXPECT_NE(NULL, strstr(self->p.r.words, "too many"));
	nlc_free(&self->p.r);

	list[MIKEY_TICKET_RESPONDERS_MAX] = NULL;
	ASSERT_EQ(0, nlc_call(&self->p.alice.nl,
			      term_request_msg(&self->p.alice, list), &self->p.r));
	self->p.ex.id = nlc_u32(self->p.r.attr[MIKEY_TICKET_A_EXCHANGE]);
	ASSERT_EQ(0, peer_grant_plan(&self->p.a, &self->p.ticket, &self->p.alice.psk,
				     nla_data(self->p.r.attr[MIKEY_TICKET_A_MESSAGE]),
				     nla_len(self->p.r.attr[MIKEY_TICKET_A_MESSAGE])));
	nlc_free(&self->p.r);
	peer_answer_write(&self->p.a, &self->p.msg);
	ASSERT_EQ(0, term_answer(&self->p.alice, MIKEY_TICKET_CMD_GRANT,
				 self->p.ex.id, &self->p.msg, &self->p.r))
		TH_LOG("%s", self->p.r.words);
	nla_for_each_nested(a, self->p.r.attr[MIKEY_TICKET_A_POLICY], rem)
		num += nla_type(a) == MIKEY_TICKET_A_RESPONDER;
	EXPECT_EQ(MIKEY_TICKET_RESPONDERS_MAX, num);
}

TEST_HARNESS_MAIN
