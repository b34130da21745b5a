// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey_ticket.ko loaded and unloaded under load: processes of three users
 * ask for tickets, resolve, use, revoke, invalidate and abandon them as fast
 * as they can while the module comes and goes. It may answer "not there"; it
 * may not answer nonsense, keep a ticket, or take the machine with it (run
 * this on a kernel with KASAN, lockdep and kmemleak too). Reloads the module
 * from MIKEY_MODULES; skipped without it.
 */
#include <kselftest_harness.h>

#include <grp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module.h"
#include "tests/kselftest/term.h"

#define USERS 3
#define WORKERS (2 * USERS)
#define RELOADS 60
#define FIRST_UID 3000

/* What the workers and the test share. */
struct tally {
	atomic_bool stop;
	atomic_uint granted;
	atomic_uint admitted;
	atomic_uint away;		/* the module was not there */
	atomic_uint odd;		/* an error that nothing explains */
	atomic_int odd_error;
	atomic_int odd_step;
};

enum step { OPEN, GRANT, ADMIT, INFO, FORGE };

/* Is this an error that a module going away can cause at this step? */
static bool expected(enum step step, int err)
{
	switch (err) {
	case -ENOENT:		/* no family of that name or number */
	case -EOPNOTSUPP:	/* another family has the number now */
	case -ENOKEY:		/* the ticket went with the module */
	case -EKEYREVOKED:	/* ... or is just going */
	case -ESRCH:		/* the exchange did */
		return true;
	case -EDQUOT:		/* dead keys that are not collected yet */
		return step == GRANT || step == ADMIT || step == OPEN;
	case -EINVAL:		/* the other family knows no such attribute */
		return true;
	default:
		return false;
	}
}

static bool went_well(struct tally *tally, enum step step, int err)
{
	if (err >= 0)
		return true;
	if (expected(step, err)) {
		tally->away++;
	} else {
		tally->odd++;
		tally->odd_error = err;
		tally->odd_step = step;
	}
	return false;
}

/* Give the ticket up in one of the ways there are, or keep it. */
static void end_ticket(key_serial_t key)
{
	switch (rand() % 4) {
	case 0:
		keyctl_revoke(key);
		break;
	case 1:
		keyctl_invalidate(key);
		break;
	case 2:
		keyctl_unlink(key, KEY_SPEC_SESSION_KEYRING);
		break;
	}
}

static void forge(struct tally *tally)
{
	if (add_key(MIKEY_TICKET_KEY_TYPE, "i:alice@example.test:0", "x", 1,
		    KEY_SPEC_SESSION_KEYRING) >= 0)
		went_well(tally, FORGE, -EBADF);
}

/* One life of a terminal, from its socket to the end of it. */
static void live(struct tally *tally, struct term *t, struct term *peer)
{
	static struct peer_ticket ticket;
	static struct peer_transfer x;
	static struct peer_msg transfer;
	struct term_exchange *ex;
	struct nlc_reply r;
	key_serial_t key;
	int err;

	key = term_grant(t, BOB, &ticket);
	if (went_well(tally, GRANT, key)) {
		tally->granted++;
		err = term_info(t, key, &r);
		nlc_free(&r);
		went_well(tally, INFO, err);
		end_ticket(key);
	}

	peer_ticket_plan(&ticket, TERM_KMS, ALICE, BOB);
	peer_ticket_write(&ticket);
	peer_transfer_plan(&x, &ticket, BOB);
	peer_transfer_write(&x, &transfer);
	key = term_admit(peer, &ticket, &transfer);
	if (went_well(tally, ADMIT, key)) {
		tally->admitted++;
		end_ticket(key);
	}
	forge(tally);

	/* leave some exchanges pending when the socket closes */
	ex = malloc(sizeof(*ex));
	for (int i = rand() % 4; i > 0; i--)
		went_well(tally, GRANT, term_request(t, CAROL, ex));
	free(ex);
}

static void work(struct tally *tally, int number)
{
	uid_t uid = FIRST_UID + number % USERS;
	struct term t, peer;

	srand(number);
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid)) {
		tally->odd++;
		return;
	}
	while (!tally->stop) {
		/* a fresh session each time takes the old one's keys with it */
		term_session();
		if (!went_well(tally, OPEN, term_open(&t, ALICE))) {
			usleep(1000);
			continue;
		}
		if (went_well(tally, OPEN, term_open(&peer, BOB))) {
			live(tally, &t, &peer);
			term_close(&peer);
		}
		term_close(&t);
	}
}

FIXTURE(stress)
{
	struct tally *tally;
	pid_t worker[WORKERS];
	int number;
};

FIXTURE_SETUP(stress)
{
	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	module_unload("mikey_mime");
	self->tally = mmap(NULL, sizeof(*self->tally), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->tally);
	for (int i = 0; i < WORKERS; i++) {
		self->worker[i] = fork();
		ASSERT_LE(0, self->worker[i]);
		if (!self->worker[i]) {
			work(self->tally, i);
			_exit(0);
		}
	}
}

static void join(struct _test_data_stress *self)
{
	self->tally->stop = true;
	for (int i = 0; i < WORKERS; i++) {
		if (self->worker[i] > 0)
			waitpid(self->worker[i], NULL, 0);
		self->worker[i] = 0;
	}
}

FIXTURE_TEARDOWN(stress)
{
	if (!self->tally)
		return;
	join(self);
	munmap(self->tally, sizeof(*self->tally));
	module_load("mikey_ticket", "");
	module_load("mikey_mime", "");
}

/* A while longer, where there was little time. */
static void some_done(const struct tally *tally)
{
	for (int i = 0; i < 300 && !(tally->granted && tally->admitted); i++)
		usleep(100000);
}

TEST_F_TIMEOUT(stress, reload, 240)
{
	struct tally *tally = self->tally;
	struct term t;

	for (int i = 0; i < RELOADS; i++) {
		usleep(1000 * (rand() % 200));
		ASSERT_EQ(0, module_unload("mikey_ticket"));
		usleep(1000 * (rand() % 5));
		ASSERT_EQ(0, module_load("mikey_ticket", ""));
	}
	usleep(500000);
	some_done(tally);
	join(self);
	TH_LOG("%u granted, %u admitted, %u times away, %u odd (step %d, error %d)",
	       tally->granted, tally->admitted, tally->away, tally->odd,
	       tally->odd_step, tally->odd_error);
	EXPECT_LT(0, tally->granted);
	EXPECT_LT(0, tally->admitted);
	EXPECT_EQ(0, tally->odd);

	/* their sessions are gone, and so is all that was in them */
	term_session();
	ASSERT_EQ(0, term_open(&t, ALICE));
	EXPECT_EQ(0, term_stat_wait(&t, MIKEY_TICKET_S_TICKETS, 0, 20000));
	EXPECT_EQ(0, term_stat_wait(&t, MIKEY_TICKET_S_EXCHANGES, 0, 20000));
	term_close(&t);
}

/* The same without reloads: nothing but success is expected then. */
TEST_F_TIMEOUT(stress, steady, 60)
{
	struct tally *tally = self->tally;
	struct term t;

	sleep(3);
	some_done(tally);
	join(self);
	TH_LOG("%u granted, %u admitted, %u odd", tally->granted, tally->admitted,
	       tally->odd);
	EXPECT_LT(0, tally->granted);
	EXPECT_LT(0, tally->admitted);
	EXPECT_EQ(0, tally->odd);
	term_session();
	ASSERT_EQ(0, term_open(&t, ALICE));
	EXPECT_EQ(0, term_stat_wait(&t, MIKEY_TICKET_S_TICKETS, 0, 20000));
	EXPECT_EQ(0, term_stat_wait(&t, MIKEY_TICKET_S_EXCHANGES, 0, 20000));
	term_close(&t);
}

TEST_HARNESS_MAIN
