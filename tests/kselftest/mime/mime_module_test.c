// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey_mime.ko as a module: its parameters, the replay cache at its limits
 * (which parameters make small here), and unloading under load. Reloads the
 * module from MIKEY_MODULES; skipped without it.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "../ticket/module.h"
#include "body.h"

#define HELLO "Content-Type: text/plain\r\n\r\nhello"
#define RELOADS 30
#define THREADS 3

struct scene {
	struct lane lane;
	struct letter letter;
	struct nlc_reply r;
};

FIXTURE(module)
{
	struct scene sc;
};

FIXTURE_SETUP(module)
{
	struct scene *sc = &self->sc;

	if (!getenv("MIKEY_MODULES"))
		return;			/* and each test skips itself */
	ASSERT_EQ(0, lane_open(&sc->lane));
}

FIXTURE_TEARDOWN(module)
{
	struct scene *sc = &self->sc;

	nlc_free(&sc->r);
	if (!getenv("MIKEY_MODULES"))
		return;
	lane_close(&sc->lane);
	module_unload("mikey_mime");
	module_load("mikey_mime", "");
}

/* With other parameters; the family has another number afterwards. */
static void reload(struct __test_metadata *_metadata, struct scene *sc,
		   const char *params)
{
	nlc_close(&sc->lane.mime);
	ASSERT_EQ(0, module_unload("mikey_mime"));
	ASSERT_EQ(0, module_load("mikey_mime", params));
	ASSERT_EQ(0, nlc_open(&sc->lane.mime, MIKEY_MIME_GENL_NAME, MIKEY_MIME_GENL_VERSION));
}

/* A letter to bob, admitted and opened */
static int deliver(struct scene *sc, struct letter *w)
{
	key_serial_t receive = letter_admit(w, &sc->lane);

	if (receive < 0)
		return receive;
	nlc_free(&sc->r);
	return letter_open(w, &sc->lane.mime, receive, &sc->r);
}

/* Tickets of some senders, the same each time one is used */
struct sender {
	const char *uid;
	struct peer_ticket ticket;
};

static struct sender dave = { .uid = "dave@example.test" };
static struct sender erin = { .uid = "erin@example.test" };
static struct sender frank = { .uid = "frank@example.test" };
static struct sender grace = { .uid = "grace@example.test" };
static struct sender heidi = { .uid = "heidi@example.test" };

static void use(struct scene *sc, struct sender *s)
{
	if (!s->ticket.suite) {
		peer_ticket_plan(&s->ticket, TERM_KMS, s->uid, BOB);
		peer_ticket_write(&s->ticket);
	}
	sc->lane.ticket = s->ticket;
}

static struct letter *write_letter(struct scene *sc, s64 sent)
{
	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_NONE, HELLO,
		     sent, NULL);
	return &sc->letter;
}

TEST_F(module, one_senders_share)
{
	struct scene *sc = &self->sc;
	static struct letter kept[6];
	s64 now = time(NULL);

	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	reload(_metadata, sc, "replay_sender=4");
	use(sc, &dave);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 1000 + 10 * i)));
		kept[i] = sc->letter;
	}
	EXPECT_EQ(4, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));

	/* full: as old as the oldest, or older, is refused and forgets nothing */
	EXPECT_EQ(-ESTALE, deliver(sc, write_letter(sc, now - 1000)));
	EXPECT_NE(NULL, strstr(sc->r.words, "older than all"));
	EXPECT_EQ(-ESTALE, deliver(sc, write_letter(sc, now - 2000)));
	EXPECT_EQ(-EALREADY, deliver(sc, &kept[0]));

	/* newer than the oldest, which it evicts */
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 995)));
	kept[4] = sc->letter;
	EXPECT_EQ(4, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));
	EXPECT_EQ(-ESTALE, deliver(sc, &kept[0]));
	EXPECT_EQ(-EALREADY, deliver(sc, &kept[4]));
	for (int i = 1; i < 4; i++)
		EXPECT_EQ(-EALREADY, deliver(sc, &kept[i]));

	EXPECT_EQ(0, deliver(sc, write_letter(sc, now)));
	kept[5] = sc->letter;
	EXPECT_EQ(-ESTALE, deliver(sc, &kept[4]));
	EXPECT_EQ(-EALREADY, deliver(sc, &kept[5]));

	/* nobody else pays for it */
	use(sc, &erin);
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 2000)));
}

/* Readers behind one user have shares of their own, and the user's in common. */
TEST_F(module, two_readers)
{
	struct scene *sc = &self->sc;
	static struct letter daves;
	s64 now = time(NULL);
	struct term carol, bob;

	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, term_open(&carol, CAROL));
	carol.group = BOB;
	bob = sc->lane.bob;
	reload(_metadata, sc, "replay_sender=2 replay_user=5");
	use(sc, &dave);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 100 + i)));
	EXPECT_EQ(-ESTALE, deliver(sc, write_letter(sc, now - 100)));

	/* what bob had to forget does not make carol's old */
	sc->lane.bob = carol;
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 100)));
	daves = sc->letter;
	EXPECT_EQ(-EALREADY, deliver(sc, &daves));
	EXPECT_EQ(3, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));

	/* full: for carol's next one dave, as bob knows him, is forgotten */
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 99)));
	EXPECT_EQ(2, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));
	EXPECT_EQ(-EALREADY, deliver(sc, &daves));
	sc->lane.bob = bob;
	EXPECT_EQ(-ESTALE, deliver(sc, write_letter(sc, now - 98)));
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 97)));
	term_close(&carol);
}

/* What was evicted for a message that then could not be handed over is gone. */
TEST_F(module, evicted_for_nothing)
{
	struct scene *sc = &self->sc;
	static struct letter first;
	s64 now = time(NULL);
	key_serial_t receive;

	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	reload(_metadata, sc, "replay_sender=2");
	use(sc, &dave);
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 100)));
	first = sc->letter;
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 90)));
	receive = letter_admit(write_letter(sc, now - 80), &sc->lane);
	ASSERT_LT(0, receive);
	letter_open_unheard(&sc->letter, receive);
	EXPECT_EQ(1, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));
	EXPECT_EQ(-ESTALE, deliver(sc, &first));
	EXPECT_EQ(0, deliver(sc, &sc->letter));
}

TEST_F(module, one_users_share)
{
	struct scene *sc = &self->sc;
	static struct letter daves[4], erins, franks;
	s64 now = time(NULL);

	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	/* entries and senders: 5 + 5 + 2 fill it */
	reload(_metadata, sc, "replay_sender=4 replay_user=12");
	use(sc, &dave);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 1000 + i)));
		daves[i] = sc->letter;
	}
	use(sc, &erin);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 500 + i)));
	erins = sc->letter;
	use(sc, &frank);
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 3000)));
	franks = sc->letter;
	EXPECT_EQ(9, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));

	/* one more, and dave, silent longest, is forgotten */
	use(sc, &grace);
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 10)));
	EXPECT_EQ(6, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));

	/* but nothing of his is delivered twice, */
	use(sc, &dave);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(-ESTALE, deliver(sc, &daves[i]));
	/* not even after he has a record again, */
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 996)));
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(-ESTALE, deliver(sc, &daves[i]));
	/* and who was remembered still is. */
	use(sc, &erin);
	EXPECT_EQ(-EALREADY, deliver(sc, &erins));
	use(sc, &frank);
	EXPECT_EQ(-EALREADY, deliver(sc, &franks));

	/* strangers pay: what they sent before might have been forgotten */
	use(sc, &heidi);
	EXPECT_EQ(-ESTALE, deliver(sc, write_letter(sc, now - 997)));
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 996)));
}

/* A sender who has the user's share alone forgets his own, and the oldest of it. */
TEST_F(module, alone_in_a_users_share)
{
	struct scene *sc = &self->sc;
	static struct letter kept[3];
	s64 now = time(NULL);

	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	/* a sender and three messages */
	reload(_metadata, sc, "replay_user=4");
	use(sc, &dave);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 100 + 10 * i)));
		kept[i] = sc->letter;
	}
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 95)));
	EXPECT_EQ(3, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));
	EXPECT_EQ(-EALREADY, deliver(sc, &sc->letter));
	EXPECT_EQ(-ESTALE, deliver(sc, &kept[0]));
	EXPECT_EQ(-EALREADY, deliver(sc, &kept[1]));
	EXPECT_EQ(-EALREADY, deliver(sc, &kept[2]));
	EXPECT_EQ(-ESTALE, deliver(sc, write_letter(sc, now - 95)));
}

/* Silent longest, but the one who writes now, and with nothing to forget */
TEST_F(module, silent_until_now)
{
	struct scene *sc = &self->sc;
	static struct letter erins;
	s64 now = time(NULL);
	key_serial_t receive;

	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	reload(_metadata, sc, "replay_user=4");
	use(sc, &dave);
	receive = letter_admit(write_letter(sc, now - 100), &sc->lane);
	ASSERT_LT(0, receive);
	letter_open_unheard(&sc->letter, receive);
	use(sc, &erin);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 90 + i)));
	erins = sc->letter;
	EXPECT_EQ(2, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));

	use(sc, &dave);
	EXPECT_EQ(0, deliver(sc, write_letter(sc, now - 80)));
	EXPECT_EQ(1, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));
	EXPECT_EQ(-EALREADY, deliver(sc, &sc->letter));
	use(sc, &erin);
	EXPECT_EQ(-ESTALE, deliver(sc, &erins));
}

TEST_F(module, parameters)
{
	struct scene *sc = &self->sc;
	struct mikey_blob entity = body_entity(101);
	struct nl_msg *m;

	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, module_unload("mikey_mime"));
	EXPECT_EQ(-EINVAL, module_load("mikey_mime", "max_entity=0"));
	EXPECT_EQ(-EINVAL, module_load("mikey_mime", "max_entity=1048577"));
	EXPECT_EQ(-EINVAL, module_load("mikey_mime", "replay_sender=0"));
	EXPECT_EQ(-EINVAL, module_load("mikey_mime", "replay_user=3"));
	EXPECT_EQ(-EINVAL, module_load("mikey_mime", "replay_user=x"));
	ASSERT_EQ(0, module_load("mikey_mime", ""));

	/* form 2 alone */
	reload(_metadata, sc, "max_entity=100 forms=4");
	ASSERT_EQ(0, nlc_call(&sc->lane.mime, nlc_msg(&sc->lane.mime, MIKEY_MIME_CMD_CAPS),
			      &sc->r));
	EXPECT_EQ(100, nlc_u32(sc->r.attr[MIKEY_MIME_A_MAX_ENTITY]));
	EXPECT_EQ(1 << MIKEY_FORM_AUTHENTICATED, nlc_u32(sc->r.attr[MIKEY_MIME_A_FORMS]));
	nlc_free(&sc->r);

	m = body_protect_msg(&sc->lane.mime, sc->lane.send, BOB, entity);
	nla_put_u32(m, MIKEY_MIME_A_FORM, MIKEY_FORM_AUTHENTICATED);
	EXPECT_EQ(-EMSGSIZE, nlc_call(&sc->lane.mime, m, &sc->r));
	nlc_free(&sc->r);
	entity.len--;
	m = body_protect_msg(&sc->lane.mime, sc->lane.send, BOB, entity);
	nla_put_u32(m, MIKEY_MIME_A_FORM, MIKEY_FORM_AUTHENTICATED);
	EXPECT_EQ(0, nlc_call(&sc->lane.mime, m, &sc->r));
	nlc_free(&sc->r);
	m = body_protect_msg(&sc->lane.mime, sc->lane.send, BOB, entity);
	EXPECT_EQ(-EPROTONOSUPPORT, nlc_call(&sc->lane.mime, m, &sc->r));
	EXPECT_NE(NULL, strstr(sc->r.words, "not allowed"));
	free((void *)entity.p);

	EXPECT_EQ(-EPROTONOSUPPORT, deliver(sc, write_letter(sc, 0)));
	EXPECT_NE(NULL, strstr(sc->r.words, "not allowed"));
}

TEST_F(module, content_algorithms)
{
	struct scene *sc = &self->sc;
	struct mikey_blob entity = body_entity(100);
	static const struct {
		u32 form;
		u32 alg;
		int err;
		int blamed;
	} rows[] = {
		{ MIKEY_FORM_AUTH_ENVELOPED, 0, 0, 0 },
		{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM, 0, 0 },
		{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CCM, -EPROTONOSUPPORT,
		  MIKEY_MIME_A_CONTENT_ALG },
		{ MIKEY_FORM_AUTHENTICATED, 0, 0, 0 },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, 0, -EPROTONOSUPPORT, MIKEY_MIME_A_FORM },
	};

	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	/* GCM alone */
	reload(_metadata, sc, "content_algs=2");
	ASSERT_EQ(0, nlc_call(&sc->lane.mime, nlc_msg(&sc->lane.mime, MIKEY_MIME_CMD_CAPS),
			      &sc->r));
	EXPECT_EQ(1 << MIKEY_CONTENT_AES_GCM, nlc_u32(sc->r.attr[MIKEY_MIME_A_CONTENT_ALGS]));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct cms_plan plan = { .form = rows[i].form, .alg = rows[i].alg };
		struct nl_msg *m = body_protect_msg(&sc->lane.mime, sc->lane.send, BOB, entity);

		nla_put_u32(m, MIKEY_MIME_A_FORM, rows[i].form);
		if (rows[i].alg)
			nla_put_u32(m, MIKEY_MIME_A_CONTENT_ALG, rows[i].alg);
		nlc_free(&sc->r);
		EXPECT_EQ(rows[i].err, nlc_call(&sc->lane.mime, m, &sc->r));
		EXPECT_EQ(rows[i].blamed, sc->r.blamed);
		if (rows[i].err)
			EXPECT_NE(NULL, strstr(sc->r.words, "algorithm is not allowed"));

		letter_make(&sc->letter, &sc->lane, &plan, PROOF_HASH, HELLO, 0);
		EXPECT_EQ(rows[i].err, deliver(sc, &sc->letter));
		if (rows[i].err)
			EXPECT_NE(NULL, strstr(sc->r.words, "algorithm is not allowed"));
	}
	free((void *)entity.p);
}

/* Senders that go on while the module comes and goes */
struct traffic {
	pthread_t thread;
	key_serial_t send;
	atomic_bool *stop;
	atomic_uint sent;
	int odd;
};

static void *run(void *arg)
{
	struct traffic *t = arg;
	struct mikey_blob entity = body_entity(20000);
	struct nlc_reply r;
	struct nlc nl;

	while (!*t->stop) {
		if (nlc_open(&nl, MIKEY_MIME_GENL_NAME, MIKEY_MIME_GENL_VERSION))
			continue;
		for (;;) {
			int err = nlc_call(&nl, body_protect_msg(&nl, t->send, BOB, entity), &r);

			nlc_free(&r);
			if (err) {
				if (err != -ENOENT && err != -EOPNOTSUPP)
					t->odd = err;
				break;
			}
			t->sent++;
			if (*t->stop)
				break;
		}
		nlc_close(&nl);
	}
	free((void *)entity.p);
	return NULL;
}

TEST_F_TIMEOUT(module, unload_under_load, 120)
{
	struct scene *sc = &self->sc;
	struct traffic t[THREADS] = {};
	atomic_bool stop = false;
	u32 unloaded = 0;

	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	/* the keys' module is held by this one */
	EXPECT_EQ(-EWOULDBLOCK, module_unload("mikey_ticket"));

	for (int i = 0; i < THREADS; i++) {
		t[i].send = sc->lane.send;
		t[i].stop = &stop;
		ASSERT_EQ(0, pthread_create(&t[i].thread, NULL, run, &t[i]));
	}
	for (int i = 0; i < RELOADS; i++) {
		usleep(30000);
		if (!module_unload("mikey_mime")) {
			unloaded++;
			ASSERT_EQ(0, module_load("mikey_mime", ""));
		}
	}
	/* each has had its turn, however busy the machine */
	for (int i = 0; i < THREADS; i++)
		for (int waits = 0; waits < 600 && !t[i].sent; waits++)
			usleep(100000);
	stop = true;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i].thread, NULL);
		EXPECT_LT(0, t[i].sent);
		EXPECT_EQ(0, t[i].odd);
	}
	EXPECT_LT(0, unloaded);
}

TEST_HARNESS_MAIN
