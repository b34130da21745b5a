// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_mime": the same message again, one after the other and at the
 * same time, from one ticket and from several.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "body.h"

#define HELLO "Content-Type: text/plain\r\n\r\nhello"
#define THREADS 8
#define ROUNDS 40

struct scene {
	struct lane lane;
	struct letter letter;
	struct nlc_reply r;
};

FIXTURE(replay)
{
	struct scene sc;
};

FIXTURE_SETUP(replay)
{
	struct scene *sc = &self->sc;

	ASSERT_EQ(0, lane_open(&sc->lane));
}

FIXTURE_TEARDOWN(replay)
{
	struct scene *sc = &self->sc;

	nlc_free(&sc->r);
	lane_close(&sc->lane);
}

TEST_F(replay, another_ticket_for_the_same_message)
{
	struct scene *sc = &self->sc;
	u64 replays = body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAYS);
	key_serial_t one, two;

	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, HELLO, 0,
		     NULL);
	one = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, one);
	EXPECT_EQ(0, letter_open(&sc->letter, &sc->lane.mime, one, NULL));
	two = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, two);
	EXPECT_EQ(-EALREADY, letter_open(&sc->letter, &sc->lane.mime, two, &sc->r));
	EXPECT_NE(NULL, strstr(sc->r.words, "delivered before"));
	EXPECT_EQ(NULL, sc->r.attr[MIKEY_MIME_A_ENTITY]);
	EXPECT_EQ(replays + 1, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAYS));
}

/*
 * A keyring of its own, since of two tickets for the same message in one
 * keyring the second displaces the first.
 */
static key_serial_t admit_apart(struct letter *w, struct lane *l)
{
	static int turn;
	key_serial_t ring;
	char name[32];

	snprintf(name, sizeof(name), "apart:%d", turn++);
	ring = add_key("keyring", name, NULL, 0, KEY_SPEC_SESSION_KEYRING);
	if (ring < 0)
		return -errno;
	l->bob.keyring = ring;
	return letter_admit(w, l);
}

/*
 * The cache knows a message by V's MAC: the proof does not make it another
 * one, and a damaged copy does not make the genuine one a replay.
 */
TEST_F(replay, damaged_copy_first)
{
	struct scene *sc = &self->sc;
	key_serial_t receive;

	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTHENTICATED, PROOF_NONE, HELLO, 0,
		     NULL);
	receive = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, receive);
	sc->letter.cms.p[sc->letter.cms.len - 1] ^= 1;
	EXPECT_EQ(-EBADMSG, letter_open(&sc->letter, &sc->lane.mime, receive, NULL));
	sc->letter.cms.p[sc->letter.cms.len - 1] ^= 1;
	EXPECT_EQ(0, letter_open(&sc->letter, &sc->lane.mime, receive, NULL));
}

/* A body that nobody could receive is not one that was delivered. */
TEST_F(replay, no_room_for_the_answer)
{
	struct scene *sc = &self->sc;
	u64 opened = body_stat(&sc->lane.mime, MIKEY_MIME_S_OPENED);
	u64 entries = body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES);
	key_serial_t receive;

	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, HELLO, 0,
		     NULL);
	receive = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, receive);
	letter_open_unheard(&sc->letter, receive);
	EXPECT_EQ(opened, body_stat(&sc->lane.mime, MIKEY_MIME_S_OPENED));
	EXPECT_EQ(entries, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));

	/* its ticket is spent, another one opens it */
	EXPECT_NE(0, letter_open(&sc->letter, &sc->lane.mime, receive, NULL));
	receive = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, receive);
	EXPECT_EQ(0, letter_open(&sc->letter, &sc->lane.mime, receive, NULL));
}

/* Other users have caches of their own. */
static int as_bob(void *arg)
{
	static struct lane lane;
	static struct letter w;
	struct letter *letter = arg;
	key_serial_t receive;

	if (lane_open(&lane))
		return 1;
	/* the letter of the other process's KMS, with tickets of this one's */
	w = *letter;
	receive = term_admit(&lane.bob, (struct peer_ticket *)w.x.ticket, &w.transfer);
	if (receive <= 0)
		return 2;
	return letter_open(&w, &lane.mime, receive, NULL) ? 3 : 0;
}

TEST_F(replay, two_users)
{
	struct scene *sc = &self->sc;
	key_serial_t receive;

	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, HELLO, 0,
		     NULL);
	receive = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, receive);
	EXPECT_EQ(0, letter_open(&sc->letter, &sc->lane.mime, receive, NULL));
	EXPECT_EQ(0, term_as_user(2345, as_bob, &sc->letter));
}

/* The letter of a lane, opened by a terminal of this user. */
static int open_as(struct scene *sc, struct term *reader)
{
	key_serial_t receive = term_admit(reader, &sc->lane.ticket, &sc->letter.transfer);

	if (receive < 0)
		return receive;
	nlc_free(&sc->r);
	return letter_open(&sc->letter, &sc->lane.mime, receive, &sc->r);
}

/*
 * Two readers behind one user, whom one letter is for: each gets it, and each
 * once, whatever PSK the KMS is asked with.
 */
TEST_F(replay, two_readers)
{
	struct scene *sc = &self->sc;
	u64 entries = body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES);
	struct term carol;

	ASSERT_EQ(0, term_open(&carol, CAROL));
	carol.group = BOB;
	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, HELLO, 0,
		     NULL);
	EXPECT_EQ(0, open_as(sc, &sc->lane.bob)) TH_LOG("%s", sc->r.words);
	EXPECT_EQ(0, open_as(sc, &carol)) TH_LOG("%s", sc->r.words);
	EXPECT_EQ(entries + 2, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));
	EXPECT_EQ(-EALREADY, open_as(sc, &sc->lane.bob));
	EXPECT_EQ(-EALREADY, open_as(sc, &carol));

	carol.psk_serial = term_logon("another", carol.psk.key, carol.psk.len,
				      KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, carol.psk_serial);
	EXPECT_EQ(-EALREADY, open_as(sc, &carol));
	EXPECT_EQ(entries + 2, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));
	term_close(&carol);
}

/* What could not be handed to one reader is still the other's replay. */
TEST_F(replay, unheard_by_one_reader)
{
	struct scene *sc = &self->sc;
	key_serial_t receive;
	struct term carol;

	ASSERT_EQ(0, term_open(&carol, CAROL));
	carol.group = BOB;
	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, HELLO, 0,
		     NULL);
	EXPECT_EQ(0, open_as(sc, &sc->lane.bob));
	receive = term_admit(&carol, &sc->lane.ticket, &sc->letter.transfer);
	ASSERT_LT(0, receive);
	letter_open_unheard(&sc->letter, receive);
	EXPECT_EQ(-EALREADY, open_as(sc, &sc->lane.bob));
	EXPECT_EQ(0, open_as(sc, &carol));
	term_close(&carol);
}

/* Threads that all open the same letter at once */
struct race {
	pthread_barrier_t start;
	const struct letter *letter;
};

struct racer {
	pthread_t thread;
	struct race *race;
	struct nlc nl;
	key_serial_t ticket;
	int err;
};

static void *run(void *arg)
{
	struct racer *me = arg;
	struct nl_msg *m = body_unprotect_msg(&me->nl, me->ticket,
					      letter_transfer(me->race->letter),
					      letter_cms(me->race->letter));
	struct nlc_reply r;

	pthread_barrier_wait(&me->race->start);
	me->err = nlc_call(&me->nl, m, &r);
	nlc_free(&r);
	return NULL;
}

static void race(struct __test_metadata *_metadata, struct scene *sc, bool one_ticket)
{
	struct race race = { .letter = &sc->letter };
	struct racer racer[THREADS];

	for (int i = 0; i < THREADS; i++) {
		racer[i].race = &race;
		ASSERT_EQ(0, nlc_open(&racer[i].nl, MIKEY_MIME_GENL_NAME,
				      MIKEY_MIME_GENL_VERSION));
	}
	ASSERT_EQ(0, pthread_barrier_init(&race.start, NULL, THREADS));

	for (int round = 0; round < ROUNDS; round++) {
		int delivered = 0;

		letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH,
			     HELLO, 0, NULL);
		for (int i = 0; i < THREADS; i++) {
			racer[i].ticket = i && one_ticket ? racer[0].ticket :
					  admit_apart(&sc->letter, &sc->lane);
			ASSERT_LT(0, racer[i].ticket);
		}
		for (int i = 0; i < THREADS; i++)
			ASSERT_EQ(0, pthread_create(&racer[i].thread, NULL, run, &racer[i]));
		for (int i = 0; i < THREADS; i++) {
			pthread_join(racer[i].thread, NULL);
			delivered += !racer[i].err;
			EXPECT_TRUE(!racer[i].err || racer[i].err == -EALREADY ||
				    (one_ticket && (racer[i].err == -EPERM ||
						    racer[i].err == -EKEYEXPIRED)))
				TH_LOG("%d", racer[i].err);
		}
		EXPECT_EQ(1, delivered);
		for (int i = 0; i < THREADS; i++)
			keyctl_invalidate(racer[i].ticket);
	}
	for (int i = 0; i < THREADS; i++)
		nlc_close(&racer[i].nl);
}

TEST_F_TIMEOUT(replay, race_of_one_ticket, 120)
{
	struct scene *sc = &self->sc;

	race(_metadata, sc, true);
}

TEST_F_TIMEOUT(replay, race_of_many_tickets, 120)
{
	struct scene *sc = &self->sc;

	race(_metadata, sc, false);
}

TEST_HARNESS_MAIN
