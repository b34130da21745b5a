// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": every truncation and every single-bit flip of a good
 * REQUEST_RESP, RESOLVE_RESP and TRANSFER_INIT is refused, with an error that
 * fits and in words, and the good message is still accepted afterwards.
 */
#include <kselftest_harness.h>

#include "stride.h"
#include "term.h"
#include "ticket/module.h"

FIXTURE(damage)
{
	bool able;
	struct term alice;
	struct term bob;
	struct term_exchange ex;
	struct peer_answer a;
	struct peer_ticket ticket;
	struct peer_transfer x;
	struct peer_msg good;
	struct peer_msg bad;
	struct peer_msg transfer;
	u64 tickets;
};

FIXTURE_VARIANT(damage) { struct peer_kind kind; };

FIXTURE_VARIANT_ADD(damage, immediate_256) { KIND(IMMEDIATE, 256) };
FIXTURE_VARIANT_ADD(damage, annex_i_128) { KIND(ANNEX_I, 128) };

FIXTURE_SETUP(damage)
{
	int err = module_allow_suite(variant->kind.suite);

	self->able = !err;
	if (err == -ENOENT)
		return;
	ASSERT_EQ(0, err);
	term_session();
	ASSERT_EQ(0, term_open_kind(&self->alice, ALICE, variant->kind));
	ASSERT_EQ(0, term_open_kind(&self->bob, BOB, variant->kind));
	peer_ticket_plan_kind(&self->ticket, variant->kind, TERM_KMS, ALICE,
			      BOB);
	peer_ticket_write(&self->ticket);
	peer_transfer_plan(&self->x, &self->ticket, BOB);
	peer_transfer_write(&self->x, &self->transfer);
	self->tickets = term_tickets(&self->alice);
}

FIXTURE_TEARDOWN(damage)
{
	if (!self->able)
		return;
	term_close(&self->alice);
	term_close(&self->bob);
	module_allow_default();
}

/*
 * One damaged answer. Return: true if it was refused as it should be: a form
 * that cannot be read or is not known, or a MAC that does not verify. @only,
 * if not 0, is the one error that will do.
 */
static bool refused(struct term *t, int cmd, u32 exchange,
		    const struct peer_msg *bad, int only)
{
	struct nlc_reply r;
	bool ok;

	nlc_call(&t->nl, term_answer_msg(t, cmd, exchange, bad->p, bad->len),
		 &r);
	if (only)
		ok = r.err == only;
	else
		ok = r.err == -EBADMSG || r.err == -EPROTONOSUPPORT ||
		     r.err == -EKEYREJECTED;
	ok = ok && *r.words && r.blamed == MIKEY_TICKET_A_MESSAGE;
	if (!ok)
		fprintf(stderr, "# error %d, attribute %d, \"%s\"\n", r.err,
			r.blamed, r.words);
	nlc_free(&r);
	return ok;
}

/* Return: how many damaged versions of @self->good were not refused. */
static u32 damage_answer(struct _test_data_damage *self, struct term *t,
			 int cmd)
{
	struct peer_msg *bad = &self->bad;
	u32 i, wrong = 0, mac;

	*bad = self->good;
	for (i = 1; i < self->good.len; i += stride()) {
		bad->len = i;
		if (!refused(t, cmd, self->ex.id, bad, -EBADMSG)) {
			fprintf(stderr, "# cut after %u of %u bytes\n", i, self->good.len);
			wrong++;
		}
	}
	/* a byte too many */
	bad->len = self->good.len + 1;
	bad->p[self->good.len] = 0;
	if (!refused(t, cmd, self->ex.id, bad, -EBADMSG)) {
		fprintf(stderr, "# a byte too many\n");
		wrong++;
	}
	bad->len = self->good.len;
	mac = bad->len - peer_mac_len(self->a.auth_alg);
	for (i = 0; i < 8 * bad->len; i += stride()) {
		bad->p[i / 8] ^= 0x80 >> i % 8;
		/* nothing but the MAC itself: one answer */
		if (!refused(t, cmd, self->ex.id, bad,
			     i / 8 >= mac ? -EKEYREJECTED : 0)) {
			fprintf(stderr, "# bit %u of byte %u\n", 7 - i % 8, i / 8);
			wrong++;
		}
		bad->p[i / 8] ^= 0x80 >> i % 8;
	}
	return wrong;
}

TEST_F_TIMEOUT(damage, request_resp, 900)
{
	struct nlc_reply r;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, term_request(&self->alice, BOB, &self->ex));
	ASSERT_EQ(0, peer_grant_plan(&self->a, &self->ticket, &self->alice.psk,
				     self->ex.msg, self->ex.len));
	peer_answer_write(&self->a, &self->good);
	EXPECT_EQ(0, damage_answer(self, &self->alice, MIKEY_TICKET_CMD_GRANT));
	EXPECT_EQ(self->tickets,
		  term_stat(&self->alice, MIKEY_TICKET_S_TICKETS));
	EXPECT_EQ(0, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				 self->ex.id, &self->good, &r))
		TH_LOG("%s", r.words);
	nlc_free(&r);
}

TEST_F_TIMEOUT(damage, resolve_resp, 900)
{
	struct nlc_reply r;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, term_resolve(&self->bob, &self->transfer, &self->ex,
				  NULL));
	ASSERT_EQ(0, peer_resolve_plan(&self->a, &self->ticket, &self->bob.psk,
				       self->ex.msg, self->ex.len, false));
	peer_answer_write(&self->a, &self->good);
	EXPECT_EQ(0, damage_answer(self, &self->bob, MIKEY_TICKET_CMD_ADMIT));
	EXPECT_EQ(self->tickets, term_stat(&self->bob, MIKEY_TICKET_S_TICKETS));
	EXPECT_EQ(0, term_answer(&self->bob, MIKEY_TICKET_CMD_ADMIT,
				 self->ex.id, &self->good, &r))
		TH_LOG("%s", r.words);
	nlc_free(&r);
}

/*
 * All the way of a damaged TRANSFER_INIT, past a KMS that answers whatever it
 * is asked. Return: 0 if a ticket came out of it, or the refusal.
 */
static int admit(struct _test_data_damage *self, const struct peer_msg *transfer)
{
	key_serial_t ticket = term_admit(&self->bob, &self->ticket, transfer);

	if (ticket < 0)
		return ticket;
	keyctl_invalidate(ticket);
	return 0;
}

/* Truncations end at RESOLVE; what a KMS says does not matter. */
TEST_F_TIMEOUT(damage, transfer_init_cut, 900)
{
	struct nlc_reply r;
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	self->bad = self->transfer;
	for (i = 1; i < self->transfer.len; i += stride()) {
		self->bad.len = i;
		EXPECT_EQ(-EBADMSG, term_resolve(&self->bob, &self->bad,
						 &self->ex, &r))
			TH_LOG("cut after %u bytes: %s", i, r.words);
		EXPECT_TRUE(*r.words && r.blamed == MIKEY_TICKET_A_MESSAGE);
		nlc_free(&r);
	}
	EXPECT_EQ(0, admit(self, &self->transfer));
}

/*
 * Bits of a TRANSFER_INIT fail at RESOLVE or, where it takes a key to see it,
 * at ADMIT. The one exception is Vr's MAC, which is for the KMS: its key is
 * MPKr, which a responder never has. There a true KMS refuses. Without key
 * forking there is none.
 */
TEST_F_TIMEOUT(damage, transfer_init_flips, 900)
{
	struct peer_msg *bad = &self->bad;
	u32 i, vr_at, vr_end, early = 0, late = 0, for_kms = 0, at_kms = 0;
	int err;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	vr_end = self->transfer.cut_at + self->transfer.cut_len;
	vr_at = vr_end - self->ticket.suite->mac_len;
	if (!self->ticket.profile->forked)
		vr_at = vr_end;
	*bad = self->transfer;
	for (i = 0; i < 8 * bad->len; i += stride()) {
		bad->p[i / 8] ^= 0x80 >> i % 8;
		for_kms += i / 8 >= vr_at && i / 8 < vr_end;
		err = term_resolve(&self->bob, bad, &self->ex, NULL);
		if (err) {
			early++;
			EXPECT_TRUE(err == -EBADMSG || err == -EKEYREJECTED ||
				    err == -EPROTONOSUPPORT || err == -EACCES)
				TH_LOG("byte %u: error %d", i / 8, err);
			goto next;
		}
		err = peer_resolve_plan(&self->a, &self->ticket,
					&self->bob.psk, self->ex.msg,
					self->ex.len, true);
		ASSERT_EQ(0, err);
		peer_answer_write(&self->a, &self->good);
		err = term_answer(&self->bob, MIKEY_TICKET_CMD_ADMIT,
				  self->ex.id, &self->good, NULL);
		if (i / 8 >= vr_at && i / 8 < vr_end) {
			EXPECT_EQ(0, err);
			EXPECT_EQ(-EKEYREJECTED,
				  peer_resolve_plan(&self->a, &self->ticket,
						    &self->bob.psk,
						    self->ex.msg, self->ex.len,
						    false));
			at_kms++;
			goto next;
		}
		EXPECT_EQ(-EKEYREJECTED, err)
			TH_LOG("bit %u of byte %u", 7 - i % 8, i / 8);
		late++;
		/* the exchange is still open: end it by its true answer */
		nlc_close(&self->bob.nl);
		ASSERT_EQ(0, nlc_open(&self->bob.nl, MIKEY_TICKET_GENL_NAME,
				      MIKEY_TICKET_GENL_VERSION));
next:
		bad->p[i / 8] ^= 0x80 >> i % 8;
	}
	EXPECT_EQ(for_kms, at_kms);
	EXPECT_LT(0, early);
	EXPECT_LT(0, late);
	TH_LOG("%u refused at RESOLVE, %u at ADMIT, %u by the KMS", early, late,
	       at_kms);
	EXPECT_EQ(0, admit(self, &self->transfer));
}

TEST_HARNESS_MAIN
