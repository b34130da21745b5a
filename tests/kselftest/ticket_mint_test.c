// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": MINT, tickets that the initiator makes (RFC 6043 4.1.1
 * mode 3, Appendix A; TS 33.328 Annex D). The peer opens them as their KMS.
 */
#include <kselftest_harness.h>

#include "mime/body.h"
#include "ticket/module.h"

#define ENTITY "Content-Type: text/plain\r\n\r\nhello"

FIXTURE(mint)
{
	bool able;
	struct lane lane;
	struct peer_ticket ticket;
	struct peer_opened opened;
	struct peer_msg transfer;
	struct peer_answer a;
	struct peer_msg msg;
	struct term_exchange ex;
	struct nlc_reply r;
	struct mikey_blob cms;
};

FIXTURE_VARIANT(mint) { struct peer_kind kind; };

FIXTURE_VARIANT_ADD(mint, immediate_256) { KIND(IMMEDIATE, 256) };
FIXTURE_VARIANT_ADD(mint, immediate_ts_128) { KIND(IMMEDIATE, TS_128) };
FIXTURE_VARIANT_ADD(mint, annex_i_256) { KIND(ANNEX_I, 256) };
FIXTURE_VARIANT_ADD(mint, annex_i_128) { KIND(ANNEX_I, 128) };

FIXTURE_SETUP(mint)
{
	int err = module_allow_suite(variant->kind.suite);

	self->able = !err;
	if (err == -ENOENT)
		return;
	ASSERT_EQ(0, err);
	term_session();
	ASSERT_EQ(0, term_open_kind(&self->lane.alice, ALICE, variant->kind));
	ASSERT_EQ(0, term_open_kind(&self->lane.bob, BOB, variant->kind));
	ASSERT_EQ(0, nlc_open(&self->lane.mime, MIKEY_MIME_GENL_NAME,
			      MIKEY_MIME_GENL_VERSION));
}

FIXTURE_TEARDOWN(mint)
{
	free((void *)self->cms.p);
	nlc_free(&self->r);
	if (!self->able)
		return;
	lane_close(&self->lane);
	module_allow_default();
}

static const char *const to_bob[] = { BOB, NULL };

/* MINT; the serial or an errno. The reply stays in @self->r. */
static key_serial_t mint(struct _test_data_mint *self, struct nl_msg *m)
{
	nlc_free(&self->r);
	if (nlc_call(&self->lane.alice.nl, m, &self->r))
		return self->r.err;
	return nlc_s32(self->r.attr[MIKEY_TICKET_A_TICKET]);
}

/* PROTECT; TRANSFER_INIT and CMS object are copied. */
static int protect(struct _test_data_mint *self, key_serial_t ticket,
		   const char *recipient)
{
	struct mikey_blob entity = { (const u8 *)ENTITY, strlen(ENTITY) };
	struct mikey_blob transfer;
	struct nlc_reply r;
	int err;

	err = nlc_call(&self->lane.mime,
		       body_protect_msg(&self->lane.mime, ticket, recipient,
					entity), &r);
	if (!err) {
		transfer = body_attr(&r, MIKEY_MIME_A_TRANSFER);
		memcpy(self->transfer.p, transfer.p, transfer.len);
		self->transfer.len = transfer.len;
		free((void *)self->cms.p);
		self->cms = body_join(&r, MIKEY_MIME_A_CMS);
	}
	nlc_free(&r);
	return err;
}

/* Open the last TRANSFER_INIT's ticket as its KMS, and then the message. */
static int open_transfer(struct _test_data_mint *self, struct peer_kind kind)
{
	struct mikey_diag d;
	struct mikey_msg m;
	int err;

	err = mikey_msg_parse(&m, self->transfer.p, self->transfer.len, 0, &d);
	if (!err)
		err = peer_ticket_open(&self->ticket, kind,
				       &self->lane.alice.psk, &m.ticket);
	return err ? err : peer_transfer_open(&self->opened, &self->ticket,
					      self->transfer.p,
					      self->transfer.len);
}

static bool is(struct nlattr *a, const char *text)
{
	return a && nla_len(a) == (int)strlen(text) &&
	       !memcmp(nla_data(a), text, nla_len(a));
}

/* D0 L1 K0 (6.10), and the rest of the flags as the profile has them. */
static u32 flags_of(struct peer_kind kind)
{
	return kind.profile == MIKEY_PROFILE_IMMEDIATE ? 0x4eb : 0x4ab;
}

TEST_F(mint, a_ticket_its_kms_can_open)
{
	struct nlattr *policy;
	key_serial_t ticket;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ticket = mint(self, term_mint_msg(&self->lane.alice, to_bob));
	ASSERT_LT(0, ticket) TH_LOG("%d %s", self->r.err, self->r.words);
	policy = self->r.attr[MIKEY_TICKET_A_POLICY];
	EXPECT_EQ(flags_of(variant->kind),
		  nlc_u32(nlc_in(policy, MIKEY_TICKET_A_FLAGS, 0)));
	EXPECT_EQ(variant->kind.profile,
		  nlc_u32(nlc_in(policy, MIKEY_TICKET_A_PROFILE, 0)));
	EXPECT_EQ(variant->kind.suite,
		  nlc_u32(nlc_in(policy, MIKEY_TICKET_A_SUITE, 0)));
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_INITIATOR, 0), ALICE));
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_RESPONDER, 0), BOB));
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_KMS, 0), TERM_KMS));
	EXPECT_NE(NULL, nlc_in(policy, MIKEY_TICKET_A_REUSABLE, 0));
	EXPECT_EQ(NULL, nlc_in(policy, MIKEY_TICKET_A_CHANGED, 0));
	EXPECT_EQ(NULL, nlc_in(policy, MIKEY_TICKET_A_CACHEABLE, 0));

	ASSERT_EQ(0, protect(self, ticket, BOB));
	EXPECT_EQ(0, open_transfer(self, variant->kind));
	EXPECT_TRUE(mikey_blob_eq(self->ticket.thdr,
				  (struct mikey_blob){ (const u8 *)"\0\0\0\0\0\0", 6 }));

	/* nobody else's PSK opens it (A.2.1) */
	self->lane.alice.psk.key[0] ^= 1;
	EXPECT_EQ(-EKEYREJECTED, open_transfer(self, variant->kind));
}

/* All the way: the KMS resolves it for Bob, and he reads the message. */
TEST_F(mint, to_its_responder)
{
	key_serial_t ticket, got;
	struct mikey_blob transfer;
	struct mikey_blob entity;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ticket = mint(self, term_mint_msg(&self->lane.alice, to_bob));
	ASSERT_LT(0, ticket) TH_LOG("%d %s", self->r.err, self->r.words);
	ASSERT_EQ(0, protect(self, ticket, BOB));
	ASSERT_EQ(0, open_transfer(self, variant->kind));

	nlc_free(&self->r);
	ASSERT_EQ(0, term_resolve(&self->lane.bob, &self->transfer, &self->ex,
				  &self->r)) TH_LOG("%s", self->r.words);
	ASSERT_EQ(0, peer_resolve_plan(&self->a, &self->ticket,
				       &self->lane.bob.psk, self->ex.msg,
				       self->ex.len, false));
	peer_answer_write(&self->a, &self->msg);
	nlc_free(&self->r);
	ASSERT_EQ(0, term_answer(&self->lane.bob, MIKEY_TICKET_CMD_ADMIT,
				 self->ex.id, &self->msg, &self->r))
		TH_LOG("%s", self->r.words);
	got = nlc_s32(self->r.attr[MIKEY_TICKET_A_TICKET]);
	nlc_free(&self->r);
	transfer = (struct mikey_blob){ self->transfer.p, self->transfer.len };
	ASSERT_EQ(0, nlc_call(&self->lane.mime,
			      body_unprotect_msg(&self->lane.mime, got,
						 transfer, self->cms),
			      &self->r)) TH_LOG("%s", self->r.words);
	entity = body_join(&self->r, MIKEY_MIME_A_ENTITY);
	EXPECT_TRUE(body_is(entity, ENTITY));
	free((void *)entity.p);
}

/* What a KMS puts in is random here too: keys, SPI, RAND. */
TEST_F(mint, each_one_is_another)
{
	static struct peer_ticket first;
	key_serial_t one, two;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	one = mint(self, term_mint_msg(&self->lane.alice, to_bob));
	ASSERT_LT(0, one);
	ASSERT_EQ(0, protect(self, one, BOB));
	ASSERT_EQ(0, open_transfer(self, variant->kind));
	first = self->ticket;
	two = mint(self, term_mint_msg(&self->lane.alice, to_bob));
	ASSERT_LT(0, two);
	ASSERT_EQ(0, protect(self, two, BOB));
	ASSERT_EQ(0, open_transfer(self, variant->kind));
	EXPECT_NE(one, two);
	EXPECT_NE(0, memcmp(first.mpk.key, self->ticket.mpk.key, 16));
	EXPECT_NE(0, memcmp(first.traffic.key, self->ticket.traffic.key, 16));
	EXPECT_NE(0, memcmp(first.traffic.spi, self->ticket.traffic.spi, 8));
	EXPECT_NE(0, memcmp(first.rand, self->ticket.rand, 16));
}

/* THDR, TRr, the longest names, many responders: all as they were asked for. */
TEST_F(mint, what_was_asked_for)
{
	static char names[40][40];
	static const char *list[41];
	struct nlattr *policy;
	u8 thdr[255];
	struct nl_msg *m;
	key_serial_t ticket;
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		sprintf(names[i], "user-%u@example.test", i);
		list[i] = names[i];
	}
	self->lane.alice.rekey = 600;
	peer_random(thdr, sizeof(thdr));
	m = term_mint_msg(&self->lane.alice, list);
	nla_put(m, MIKEY_TICKET_A_THDR, sizeof(thdr), thdr);
	ticket = mint(self, m);
	ASSERT_LT(0, ticket) TH_LOG("%d %s", self->r.err, self->r.words);
	policy = self->r.attr[MIKEY_TICKET_A_POLICY];
	EXPECT_EQ(600, nlc_u32(nlc_in(policy, MIKEY_TICKET_A_REKEY, 0)));
	EXPECT_TRUE(is(nlc_in(policy, MIKEY_TICKET_A_RESPONDER, 39),
		       names[39]));

	ASSERT_EQ(0, protect(self, ticket, names[7]));
	ASSERT_EQ(0, open_transfer(self, variant->kind));
	EXPECT_TRUE(mikey_blob_eq(self->ticket.thdr,
				  (struct mikey_blob){ thdr, sizeof(thdr) }));
	EXPECT_EQ(600, mikey_policy_rekey(&self->ticket.policy.head));

	/* 6.10: the keys are not used for longer than TRr */
	nlc_free(&self->r);
	ASSERT_EQ(0, term_info(&self->lane.alice, ticket, &self->r));
	EXPECT_EQ(MIKEY_ROLE_INITIATOR,
		  nlc_u32(self->r.attr[MIKEY_TICKET_A_ROLE]));
	EXPECT_GE(600, nlc_s64(self->r.attr[MIKEY_TICKET_A_REMAINING]));
	EXPECT_LT(500, nlc_s64(self->r.attr[MIKEY_TICKET_A_REMAINING]));
}

/* 6.10: without J it is for one message. */
TEST_F(mint, single_use)
{
	key_serial_t ticket;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	self->lane.alice.reusable = false;
	ticket = mint(self, term_mint_msg(&self->lane.alice, to_bob));
	ASSERT_LT(0, ticket);
	EXPECT_EQ(0, protect(self, ticket, BOB));
	/* spent, and its key about to expire */
	EXPECT_GT(0, protect(self, ticket, BOB));
}

/* The PSK has to be one that could open an exchange. */
TEST_F(mint, psk)
{
	struct term *alice = &self->lane.alice;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, keyctl_revoke(alice->psk_serial));
	EXPECT_EQ(-EKEYREVOKED, mint(self, term_mint_msg(alice, to_bob)));
	EXPECT_EQ(MIKEY_TICKET_A_PSK, self->r.blamed);

	alice->psk_serial = term_logon("short", alice->psk.key,
				       alice->psk.len - 1,
				       KEY_SPEC_SESSION_KEYRING);
	EXPECT_EQ(-EINVAL, mint(self, term_mint_msg(alice, to_bob)));
	EXPECT_NE(NULL, strstr(self->r.words, "length"));

	alice->psk_serial = add_key("user", "psk", alice->psk.key,
				    alice->psk.len, KEY_SPEC_SESSION_KEYRING);
	EXPECT_EQ(-EOPNOTSUPP, mint(self, term_mint_msg(alice, to_bob)));
	EXPECT_NE(NULL, strstr(self->r.words, "userspace can read"));
}

/* More than one TRANSFER_INIT can carry is refused here, not when sending. */
TEST_F(mint, too_long)
{
	static char names[MIKEY_TICKET_RESPONDERS_MAX][256];
	static const char *list[MIKEY_TICKET_RESPONDERS_MAX + 1];
	u64 alive;
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	alive = term_stat(&self->lane.alice, MIKEY_TICKET_S_TICKETS);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		memset(names[i], 'a' + i % 26, 255);
		list[i] = names[i];
	}
	EXPECT_EQ(-EMSGSIZE, mint(self, term_mint_msg(&self->lane.alice, list)));
	/* those that other tests left behind may go meanwhile */
	EXPECT_LE(term_stat(&self->lane.alice, MIKEY_TICKET_S_TICKETS), alive);
}

TEST_F(mint, is_counted)
{
	u64 mints, grants;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	mints = term_stat(&self->lane.alice, MIKEY_TICKET_S_MINTS);
	grants = term_stat(&self->lane.alice, MIKEY_TICKET_S_GRANTS);
	ASSERT_LT(0, mint(self, term_mint_msg(&self->lane.alice, to_bob)));
	EXPECT_EQ(mints + 1, term_stat(&self->lane.alice, MIKEY_TICKET_S_MINTS));
	EXPECT_EQ(grants, term_stat(&self->lane.alice, MIKEY_TICKET_S_GRANTS));
}

TEST_HARNESS_MAIN
