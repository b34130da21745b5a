// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": threads of one process on the same tickets: some get
 * them, some use them, some end them in each way there is, some close sockets
 * with exchanges pending. Whatever meets whatever, each call gets an answer
 * that fits, and in the end nothing is left.
 */
#include <kselftest_harness.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "term.h"

#define SECONDS 8
#define SHARED 4		/* tickets that all threads know of */

/* What the threads share: terminals are their own, keys are not. */
struct arena {
	atomic_bool stop;
	atomic_int ticket[SHARED];
	atomic_uint granted, used, ended, closed, wrong;
	struct peer_psk psk;
	key_serial_t psk_serial;
	key_serial_t ring;
};

struct thread {
	pthread_t id;
	struct arena *arena;
	unsigned int seed;
};

static const char *const responders[SHARED] = {
	"r0@example.test", "r1@example.test", "r2@example.test",
	"r3@example.test",
};

static void wrong(struct arena *a, const char *what, int err)
{
	fprintf(stderr, "# %s: %d\n", what, err);
	a->wrong++;
}

/* A terminal of this thread's own with the shared PSK and keyring. */
static bool enter(struct arena *a, struct term *t)
{
	memset(t, 0, sizeof(*t));
	t->uid = ALICE;
	t->psk = a->psk;
	t->psk_serial = a->psk_serial;
	t->keyring = a->ring;
	t->reusable = true;
	t->valid = 3600;
	if (!nlc_open(&t->nl, MIKEY_TICKET_GENL_NAME,
		      MIKEY_TICKET_GENL_VERSION))
		return true;
	wrong(a, "open", 0);
	return false;
}

static void *grant(void *arg)
{
	struct peer_ticket *ticket = malloc(sizeof(*ticket));
	struct thread *me = arg;
	struct arena *a = me->arena;
	struct term t;
	int which, key;

	if (!enter(a, &t))
		return NULL;
	while (!a->stop) {
		which = rand_r(&me->seed) % SHARED;
		/* now and then one that expires on its own */
		t.valid = rand_r(&me->seed) % 4 ? 3600 : 2;
		key = term_grant(&t, responders[which], ticket);
		if (key > 0) {
			a->ticket[which] = key;
			a->granted++;
		} else if (key != -EACCES || t.valid > 2) {
			wrong(a, "grant", key);
		}
	}
	term_close(&t);
	free(ticket);
	return NULL;
}

static void *use(void *arg)
{
	struct thread *me = arg;
	struct arena *a = me->arena;
	struct nlc_reply r;
	struct term t;
	int err;

	if (!enter(a, &t))
		return NULL;
	while (!a->stop) {
		err = term_info(&t, a->ticket[rand_r(&me->seed) % SHARED], &r);
		nlc_free(&r);
		if (!err)
			a->used++;
		else if (err != -ENOKEY && err != -EKEYREVOKED &&
			 err != -EKEYEXPIRED && err != -EACCES)
			wrong(a, "info", err);
	}
	term_close(&t);
	return NULL;
}

static void *end(void *arg)
{
	struct thread *me = arg;
	struct arena *a = me->arena;
	key_serial_t key;
	long err;

	while (!a->stop) {
		key = a->ticket[rand_r(&me->seed) % SHARED];
		switch (rand_r(&me->seed) % 5) {
		case 0:
			err = keyctl_invalidate(key);
			break;
		case 1:
			err = keyctl_unlink(key, a->ring);
			break;
		case 2:
			err = keyctl_clear(a->ring);
			break;
		default:
			err = keyctl_revoke(key);
		}
		if (!err)
			a->ended++;
		usleep(rand_r(&me->seed) % 3000);
	}
	return NULL;
}

/* Exchanges that nobody finishes. */
static void *leave(void *arg)
{
	struct term_exchange *ex = malloc(sizeof(*ex));
	struct thread *me = arg;
	struct arena *a = me->arena;
	struct term t;
	int i, err;

	while (!a->stop) {
		if (!enter(a, &t))
			break;
		for (i = rand_r(&me->seed) % 8; i; i--) {
			err = term_request(&t, BOB, ex);
			if (err)
				wrong(a, "request", err);
		}
		term_close(&t);
		a->closed++;
	}
	free(ex);
	return NULL;
}

/* Readers of /proc/keys see keys at any point of their lives. */
static void *look(void *arg)
{
	struct thread *me = arg;
	struct arena *a = me->arena;
	char buf[4096];
	FILE *f;

	while (!a->stop) {
		f = fopen("/proc/keys", "r");
		if (!f) {
			wrong(a, "/proc/keys", -errno);
			break;
		}
		while (fread(buf, 1, sizeof(buf), f))
			;
		fclose(f);
		keyctl_describe(a->ticket[rand_r(&me->seed) % SHARED], buf,
				sizeof(buf));
		usleep(1000);
	}
	return NULL;
}

FIXTURE(race)
{
	struct arena arena;
	struct term term;
	u64 tickets;
	u64 pending;
};

FIXTURE_SETUP(race)
{
	struct arena *a = &self->arena;

	term_session();
	ASSERT_EQ(0, term_open(&self->term, ALICE));
	a->psk = self->term.psk;
	a->psk_serial = self->term.psk_serial;
	a->ring = add_key("keyring", "mikey-arena", NULL, 0,
			  KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, a->ring);
	self->tickets = term_tickets(&self->term);
	self->pending = term_stat(&self->term, MIKEY_TICKET_S_EXCHANGES);
}

FIXTURE_TEARDOWN(race)
{
	term_close(&self->term);
}

static bool all_done(const struct arena *a)
{
	return a->granted && a->used && a->ended && a->closed;
}

TEST_F_TIMEOUT(race, all, 60)
{
	void *(*const parts[])(void *) = {
		grant, grant, use, use, end, end, leave, look,
	};
	struct thread threads[ARRAY_SIZE(parts)];
	struct arena *a = &self->arena;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		threads[i].arena = a;
		threads[i].seed = i;
		ASSERT_EQ(0, pthread_create(&threads[i].id, NULL, parts[i],
					    &threads[i]));
	}
	/* longer where there is little time for all of it */
	for (i = 0; i < SECONDS || (i < 5 * SECONDS && !all_done(a)); i++)
		sleep(1);
	a->stop = true;
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		pthread_join(threads[i].id, NULL);
	TH_LOG("%u granted, %u used, %u ended, %u sockets closed", a->granted,
	       a->used, a->ended, a->closed);
	EXPECT_EQ(0, a->wrong);
	EXPECT_LT(0, a->granted);
	EXPECT_LT(0, a->used);
	EXPECT_LT(0, a->ended);
	EXPECT_LT(0, a->closed);

	ASSERT_EQ(0, keyctl_clear(a->ring));
	EXPECT_EQ(self->tickets,
		  term_stat_wait(&self->term, MIKEY_TICKET_S_TICKETS,
				 self->tickets, 20000));
	EXPECT_EQ(self->pending,
		  term_stat_wait(&self->term, MIKEY_TICKET_S_EXCHANGES,
				 self->pending, 20000));
}

TEST_HARNESS_MAIN
