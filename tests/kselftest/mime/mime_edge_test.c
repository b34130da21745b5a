// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_mime" at its edges: tickets whose time has not come or is over, or that
 * leave no room in TRANSFER_INIT, recipients that nobody is, and messages of
 * another kind.
 */
#include <kselftest_harness.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "body.h"
#include "tests/kselftest/clock.h"

#define HELLO "Content-Type: text/plain\r\n\r\nhello"
#define MANY 249
#define LONG_UID 254

FIXTURE(edge)
{
	struct lane lane;
	struct letter letter;
	struct term_exchange ex;
	struct peer_answer a;
	struct peer_msg msg;
	struct nlc_reply r;
	char uid[MANY][LONG_UID + 1];
};

FIXTURE_SETUP(edge)
{
	ASSERT_EQ(0, lane_open(&self->lane));
}

FIXTURE_TEARDOWN(edge)
{
	nlc_free(&self->r);
	lane_close(&self->lane);
}

static int protect(struct _test_data_edge *f, key_serial_t ticket, const char *recipient)
{
	struct mikey_blob entity = { (const u8 *)HELLO, strlen(HELLO) };

	nlc_free(&f->r);
	return nlc_call(&f->lane.mime,
			body_protect_msg(&f->lane.mime, ticket, recipient, entity), &f->r);
}

/* The ticket that an honest KMS grants for this request, or an error */
static key_serial_t grant(struct _test_data_edge *f, struct nl_msg *request)
{
	struct term *t = &f->lane.alice;
	struct nlattr *msg;
	int err;

	nlc_free(&f->r);
	err = nlc_call(&t->nl, request, &f->r);
	if (err)
		return err;
	msg = f->r.attr[MIKEY_TICKET_A_MESSAGE];
	f->ex.id = nlc_u32(f->r.attr[MIKEY_TICKET_A_EXCHANGE]);
	err = peer_grant_plan(&f->a, &f->lane.ticket, &t->psk, nla_data(msg), nla_len(msg));
	if (err)
		return err;
	peer_answer_write(&f->a, &f->msg);
	nlc_free(&f->r);
	err = term_answer(t, MIKEY_TICKET_CMD_GRANT, f->ex.id, &f->msg, &f->r);
	return err ? err : nlc_s32(f->r.attr[MIKEY_TICKET_A_TICKET]);
}

/* Nobody's clock is that far ahead of ours: not before its time (TRs). */
TEST_F(edge, not_yet_valid)
{
	const char *const responders[] = { BOB, NULL };
	struct nl_msg *m = term_request_msg(&self->lane.alice, responders);
	key_serial_t ticket;

	nla_put_s64(m, MIKEY_TICKET_A_VALID_FROM, time(NULL) + 1000);
	ticket = grant(self, m);
	ASSERT_LT(0, ticket) TH_LOG("%s", self->r.words);
	protect(self, ticket, BOB);
	EXPECT_TRUE(term_refused("PROTECT", &self->r, -EACCES, "not valid yet", 0));
}

/*
 * A ticket that leaves room for a short recipient and for no long one. It is for
 * one message, and what was too long was none.
 */
TEST_F(edge, too_long)
{
	const char *responders[MANY + 1] = { BOB };
	key_serial_t ticket;

	for (int i = 1; i < MANY; i++) {
		memset(self->uid[i], 'x', LONG_UID);
		self->uid[i][snprintf(self->uid[i], LONG_UID, "%d@", i)] = 'x';
		responders[i] = self->uid[i];
	}
	self->lane.alice.reusable = false;
	ticket = grant(self, term_request_msg(&self->lane.alice, responders));
	ASSERT_LT(0, ticket) TH_LOG("%s", self->r.words);
	protect(self, ticket, responders[1]);
	EXPECT_TRUE(term_refused("PROTECT", &self->r, -EMSGSIZE, "too long", 0));
	EXPECT_EQ(0, protect(self, ticket, BOB)) TH_LOG("%s", self->r.words);
	protect(self, ticket, BOB);
	EXPECT_TRUE(self->r.err == -EPERM || self->r.err == -EKEYEXPIRED)
		TH_LOG("%s", self->r.words);
}

/* --- as time goes by ------------------------------------------------------ */

/* Until its key has expired INFO says that the ticket is spent. */
static int after_spent(struct _test_data_edge *f, key_serial_t ticket)
{
	int err, ms;

	for (ms = 0; ms < 20000; ms += 20) {
		nlc_free(&f->r);
		err = term_info(&f->lane.alice, ticket, &f->r);
		if (err != -EPERM)
			break;
		usleep(20000);
	}
	return err;
}

/* The key of a ticket that has served its message expires, too. */
TEST_F(edge, spent_and_expired)
{
	key_serial_t ticket;

	self->lane.alice.reusable = false;
	ticket = term_grant(&self->lane.alice, BOB, &self->lane.ticket);
	ASSERT_LT(0, ticket);
	ASSERT_EQ(0, protect(self, ticket, BOB)) TH_LOG("%s", self->r.words);
	EXPECT_EQ(-EKEYEXPIRED, after_spent(self, ticket));
	protect(self, ticket, BOB);
	EXPECT_TRUE(term_refused("PROTECT", &self->r, -EKEYEXPIRED, "expired", 0));

	letter_write(&self->letter, &self->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH,
		     HELLO, 0, NULL);
	ticket = letter_admit(&self->letter, &self->lane);
	ASSERT_LT(0, ticket);
	EXPECT_EQ(0, letter_open(&self->letter, &self->lane.mime, ticket, NULL));
	EXPECT_EQ(-EKEYEXPIRED, after_spent(self, ticket));
	EXPECT_EQ(-EKEYEXPIRED, letter_open(&self->letter, &self->lane.mime, ticket, NULL));
}

/* A letter of a ticket that is valid from @from to @until from now on, sent at @sent */
static key_serial_t admit_timed(struct _test_data_edge *f, long from, long until, long sent)
{
	time_t now = time(NULL);

	peer_ticket_plan(&f->lane.ticket, TERM_KMS, ALICE, BOB);
	f->lane.ticket.policy.head.tr_s = peer_time(now + from);
	f->lane.ticket.policy.head.tr_e = peer_time(now + until);
	peer_ticket_write(&f->lane.ticket);
	letter_write(&f->letter, &f->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, HELLO,
		     now + sent, NULL);
	return letter_admit(&f->letter, &f->lane);
}

static int open_it(struct _test_data_edge *f, key_serial_t ticket)
{
	nlc_free(&f->r);
	return letter_open(&f->letter, &f->lane.mime, ticket, &f->r);
}

/*
 * The validity period ends between ADMIT and UNPROTECT, sooner than a ticket for one
 * message waits (60 s).
 */
TEST_F(edge, over_before_it_is_opened)
{
	key_serial_t ticket = admit_timed(self, -10, 50, 0);
	int err;

	ASSERT_LT(0, ticket);
	clock_jump(50);
	err = open_it(self, ticket);
	clock_jump(-50);
	EXPECT_EQ(-EKEYEXPIRED, err) TH_LOG("%s", self->r.words);
	/* nothing is wrong with the message */
	EXPECT_EQ(0, open_it(self, letter_admit(&self->letter, &self->lane)));
}

/* Of what ADMIT checked the time is checked again: our clock may have been wrong. */
TEST_F(edge, sent_in_the_future)
{
	key_serial_t ticket = admit_timed(self, -1000, 1000, 30);
	int err;

	ASSERT_LT(0, ticket);
	clock_jump(-200);
	err = open_it(self, ticket);
	clock_jump(200);
	EXPECT_EQ(-EKEYREJECTED, err);
	EXPECT_NE(NULL, strstr(self->r.words, "lies in the future"))
		TH_LOG("%s", self->r.words);
	EXPECT_EQ(0, open_it(self, ticket)) TH_LOG("%s", self->r.words);
}

TEST_F(edge, recipients)
{
	static const char *const uids[] = {
		"b\nb@example.test", "b\x7f@example.test", "?@example.test", "\x01",
	};

	for (size_t i = 0; i < ARRAY_SIZE(uids); i++) {
		protect(self, self->lane.send, uids[i]);
		EXPECT_TRUE(term_refused(uids[i], &self->r, -EINVAL, "no control characters",
					 MIKEY_MIME_A_RECIPIENT));
	}
}

/* A REQUEST_INIT, which parses as well as any, in TRANSFER_INIT's place */
TEST_F(edge, another_message)
{
	struct mikey_blob request;
	key_serial_t receive;

	letter_write(&self->letter, &self->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH,
		     HELLO, 0, NULL);
	receive = letter_admit(&self->letter, &self->lane);
	ASSERT_LT(0, receive);
	ASSERT_EQ(0, term_request(&self->lane.alice, BOB, &self->ex));
	request = (struct mikey_blob){ self->ex.msg, self->ex.len };
	nlc_call(&self->lane.mime,
		 body_unprotect_msg(&self->lane.mime, receive, request,
				    letter_cms(&self->letter)), &self->r);
	EXPECT_TRUE(term_refused("UNPROTECT", &self->r, -EKEYREJECTED, "not a TRANSFER_INIT",
				 0));
	nlc_free(&self->r);
	EXPECT_EQ(0, letter_open(&self->letter, &self->lane.mime, receive, &self->r));
}

TEST_HARNESS_MAIN
