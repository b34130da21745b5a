// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket" against those who know the keys: a KMS that answers
 * anything, and an initiator that sends anything, with MACs that are right.
 * Each single bit is flipped before the MAC is computed, and random bytes are
 * strewn in. Much of it must be accepted, since a KMS may put into a ticket
 * what it likes; what is accepted must not have more rights than were asked
 * for, nor another initiator than the one that is proved.
 */
#include <kselftest_harness.h>

#include <time.h>

#include "stride.h"
#include "ticket/module.h"
#include "way.h"

#define ROUNDS 500
#define SHOTS 6			/* bytes in each round */

FIXTURE(hostile)
{
	bool able;
	struct way way;
	struct term alice;
	struct peer_msg msg;
};

/* @step: from one bit that is flipped to the next */
FIXTURE_VARIANT(hostile)
{
	struct peer_kind kind;
	u32 step;
};

FIXTURE_VARIANT_ADD(hostile, immediate_256)
{
	.kind = { MIKEY_PROFILE_IMMEDIATE, MIKEY_SUITE_256 },
	.step = 1,
};

FIXTURE_VARIANT_ADD(hostile, annex_i_128)
{
	.kind = { MIKEY_PROFILE_ANNEX_I, MIKEY_SUITE_128 },
	.step = 5,
};

FIXTURE_SETUP(hostile)
{
	int err = module_allow_suite(variant->kind.suite);

	self->able = !err;
	if (err == -ENOENT)
		return;
	ASSERT_EQ(0, err);
	term_session();
	ASSERT_EQ(0, way_open_kind(&self->way, variant->kind));
	ASSERT_EQ(0, term_open_kind(&self->alice, ALICE, variant->kind));
	self->alice.reusable = false;
}

FIXTURE_TEARDOWN(hostile)
{
	if (!self->able)
		return;
	way_close(&self->way);
	term_close(&self->alice);
	module_allow_default();
}

/* What is done to a message before its MAC. */
struct damage {
	u32 bit;		/* this one, if rounds is 0 */
	u32 round;		/* else as this seed says */
	u32 mac_len;
};

static void hurt(struct peer_msg *m, void *arg)
{
	const struct damage *d = arg;
	unsigned int seed = d->round;
	u32 i;

	if (!d->round) {
		if (d->bit / 8 < m->len - d->mac_len)
			m->p[d->bit / 8] ^= 0x80 >> d->bit % 8;
		return;
	}
	for (i = 0; i < SHOTS; i++)
		m->p[rand_r(&seed) % (m->len - d->mac_len)] = rand_r(&seed);
	/* and now and then a piece is missing or doubled */
	if (seed % 3 == 0)
		peer_splice(m, 10 + rand_r(&seed) % 20, rand_r(&seed) % 4,
			    m->p, rand_r(&seed) % 4);
}

static bool is(const struct nlattr *a, const char *text)
{
	return a && nla_len(a) == (int)strlen(text) &&
	       !memcmp(nla_data(a), text, nla_len(a));
}

/* Is this what Alice asked for, or less? */
static bool harmless_grant(const struct _test_data_hostile *f,
			   const struct nlattr *policy, s64 until)
{
	u32 flags = nlc_u32(nlc_in(policy, MIKEY_TICKET_A_FLAGS, 0));
	u32 want = mikey_profile_flags(f->way.ticket.profile,
				       MIKEY_MODE_KMS) | MIKEY_FLAG_E;

	return is(nlc_in(policy, MIKEY_TICKET_A_INITIATOR, 0), ALICE) &&
	       is(nlc_in(policy, MIKEY_TICKET_A_KMS, 0), TERM_KMS) &&
	       is(nlc_in(policy, MIKEY_TICKET_A_RESPONDER, 0), BOB) &&
	       !nlc_in(policy, MIKEY_TICKET_A_RESPONDER, 1) &&
	       nlc_s64(nlc_in(policy, MIKEY_TICKET_A_VALID_UNTIL, 0)) <= until &&
	       (flags & ~MIKEY_FLAG_K) == want;
}

/* The tally of a test. */
struct tally {
	u32 accepted;
	u32 refused;
	u32 wrong;
};

static void count(struct tally *t, const struct damage *d,
		  const struct nlc_reply *r, bool harmless)
{
	if (!r->err) {
		t->accepted++;
		if (harmless)
			return;
	} else {
		t->refused++;
		if (*r->words)
			return;
	}
	t->wrong++;
	fprintf(stderr, "# bit %u of byte %u, round %u: error %d, \"%s\"\n",
		7 - d->bit % 8, d->bit / 8, d->round, r->err, r->words);
}

static void drop(const struct nlc_reply *r)
{
	if (!r->err)
		keyctl_invalidate(nlc_s32(r->attr[MIKEY_TICKET_A_TICKET]));
}

/* One REQUEST_RESP; a new exchange where the last one is used up. */
static int grant(struct _test_data_hostile *f, struct damage *d,
		 struct tally *t, bool *open)
{
	struct way *w = &f->way;
	struct nlc_reply r;
	s64 until;
	int err;

	if (!*open) {
		err = term_request(&f->alice, BOB, &w->ex);
		if (err)
			return err;
		*open = true;
	}
	err = peer_grant_plan(&w->a, &w->ticket, &f->alice.psk, w->ex.msg,
			      w->ex.len);
	if (err)
		return err;
	until = mikey_ts_to_unix(&w->ticket.policy.head.tr_e);
	w->a.bend = hurt;
	w->a.arg = d;
	peer_answer_write(&w->a, &f->msg);
	err = term_answer(&f->alice, MIKEY_TICKET_CMD_GRANT, w->ex.id, &f->msg,
			  &r);
	count(t, d, &r, harmless_grant(f, r.attr[MIKEY_TICKET_A_POLICY], until));
	/* an Error that is right ends it, too */
	*open = err && err != -EREMOTEIO;
	drop(&r);
	nlc_free(&r);
	return 0;
}

TEST_F_TIMEOUT(hostile, request_resp, 900)
{
	struct tally t = { 0 };
	struct damage d = { 0 };
	bool open = false;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	d.mac_len = self->way.ticket.suite->mac_len;
	for (d.bit = 0; !d.bit || d.bit < 8 * (self->msg.len - d.mac_len);
	     d.bit += variant->step * stride())
		ASSERT_EQ(0, grant(self, &d, &t, &open));
	for (d.round = 1; d.round <= ROUNDS; d.round += stride())
		ASSERT_EQ(0, grant(self, &d, &t, &open));
	TH_LOG("%u accepted, %u refused", t.accepted, t.refused);
	EXPECT_EQ(0, t.wrong);
	EXPECT_LT(0, t.accepted);
	EXPECT_LT(0, t.refused);
}

/* The plain text of the KEMAC. */
static int resolve_keys(struct _test_data_hostile *f, struct damage *d,
			struct tally *t)
{
	struct way *w = &f->way;
	struct nlc_reply r;
	int err;

	err = way_ask(w);
	if (err)
		return err;
	w->a.bend_plain = hurt;
	w->a.arg = d;
	peer_answer_write(&w->a, &w->msg);
	term_answer(&w->bob, MIKEY_TICKET_CMD_ADMIT, w->ex.id, &w->msg, &r);
	count(t, d, &r, true);
	drop(&r);
	nlc_free(&r);
	/* ends what was refused */
	nlc_close(&w->bob.nl);
	return nlc_open(&w->bob.nl, MIKEY_TICKET_GENL_NAME,
			MIKEY_TICKET_GENL_VERSION);
}

TEST_F_TIMEOUT(hostile, key_data, 900)
{
	struct damage d = { .mac_len = 0 };
	struct tally t = { 0 };
	u32 len, keys, loose;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	len = self->way.ticket.suite->key_len;
	keys = self->way.ticket.profile->forked ? 3 : 2;
	for (d.bit = 0; d.bit < 8 * (keys * (4 + len + 9)); d.bit++)
		ASSERT_EQ(0, resolve_keys(self, &d, &t));
	for (d.round = 1; d.round <= ROUNDS / 5; d.round++)
		ASSERT_EQ(0, resolve_keys(self, &d, &t));
	TH_LOG("%u accepted, %u refused", t.accepted, t.refused);
	EXPECT_EQ(0, t.wrong);
	/*
	 * The keys are the KMS's, but for MPKi, which V proves: what is left
	 * is the other keys, and the SPIs of the MPKs.
	 */
	loose = 8 * (keys - 1) * (len + MIKEY_SPI_LEN);
	EXPECT_LE(loose, t.accepted);
	EXPECT_GE(loose + ROUNDS / 5, t.accepted);
}

/* One TRANSFER_INIT, past a KMS that answers whatever it is asked. */
static int resolve(struct _test_data_hostile *f, struct damage *d,
		   struct tally *t)
{
	struct way *w = &f->way;
	struct nlc_reply r;
	int err;

	w->x.bend = hurt;
	w->x.arg = d;
	peer_transfer_write(&w->x, &w->transfer);
	err = term_resolve(&w->bob, &w->transfer, &w->ex, &r);
	if (err) {
		count(t, d, &r, true);
		nlc_free(&r);
		return 0;
	}
	nlc_free(&r);
	err = way_plan_answer(w);
	if (err)
		return err;
	peer_answer_write(&w->a, &w->msg);
	term_answer(&w->bob, MIKEY_TICKET_CMD_ADMIT, w->ex.id, &w->msg, &r);
	count(t, d, &r, is(nlc_in(r.attr[MIKEY_TICKET_A_POLICY],
				  MIKEY_TICKET_A_INITIATOR, 0), ALICE));
	drop(&r);
	nlc_free(&r);
	nlc_close(&w->bob.nl);
	return nlc_open(&w->bob.nl, MIKEY_TICKET_GENL_NAME,
			MIKEY_TICKET_GENL_VERSION);
}

/*
 * The MAC's label and identities are those of the plan, so that a flip in CSB
 * ID, RANDRi or an identity is one that the MAC tells.
 */
TEST_F_TIMEOUT(hostile, transfer_init, 900)
{
	struct tally t = { 0 };
	struct damage d = { 0 };
	u32 bits;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	d.mac_len = self->way.ticket.suite->mac_len;
	way_write(&self->way);
	/* the Initiator Data is put in when the MAC is done */
	bits = 8 * (self->way.transfer.len - self->way.transfer.cut_len - 30);
	for (d.bit = 0; d.bit < bits; d.bit += variant->step * stride())
		ASSERT_EQ(0, resolve(self, &d, &t));
	for (d.round = 1; d.round <= ROUNDS; d.round += stride())
		ASSERT_EQ(0, resolve(self, &d, &t));
	TH_LOG("%u accepted, %u refused", t.accepted, t.refused);
	EXPECT_EQ(0, t.wrong);
	EXPECT_LT(0, t.accepted);
	EXPECT_LT(0, t.refused);
}

TEST_HARNESS_MAIN
