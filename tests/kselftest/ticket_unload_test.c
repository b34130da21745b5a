// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey_ticket.ko leaves while there is something of it left: tickets, open
 * sockets, pending exchanges, other users' keys, requests at work. It is
 * refused or clean, and after a reload everything works as if it had never
 * been away. The modules are loaded again at the end.
 */
#include <kselftest_harness.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "term.h"
#include "ticket/module.h"

#define SOMEBODY 4714
#define TRAFFIC_SECONDS 15

/* Of /proc/sys/kernel/tainted: a bad page, an oops, a warning, a hung CPU */
#define TAINT_HURT (0x20 | 0x80 | 0x200 | 0x4000)

/* Has the kernel come to harm since it booted? */
static bool kernel_hurt(void)
{
	FILE *f = fopen("/proc/sys/kernel/tainted", "r");
	long taint;
	bool hurt;

	hurt = !f || fscanf(f, "%ld", &taint) != 1 || taint & TAINT_HURT;
	if (f)
		fclose(f);
	return hurt;
}

FIXTURE(unload)
{
	struct term alice;
	struct term_exchange ex;
	struct peer_answer a;
	struct peer_ticket ticket;
	struct peer_msg msg;
	struct nlc_reply r;
};

FIXTURE_SETUP(unload)
{
	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set: nothing to load again");
	ASSERT_FALSE(kernel_hurt());
	term_session();
	ASSERT_EQ(0, term_open(&self->alice, ALICE));
	module_unload("mikey_mime");
}

FIXTURE_TEARDOWN(unload)
{
	nlc_free(&self->r);
	if (!self->alice.nl.sock)
		return;
	term_close(&self->alice);
	module_load("mikey_ticket", "");
	module_load("mikey_mime", "");
	EXPECT_FALSE(kernel_hurt());
}

/* A new socket after a reload, since the family has another number. */
static int reopen(struct term *t)
{
	term_close(t);
	return nlc_open(&t->nl, MIKEY_TICKET_GENL_NAME,
			MIKEY_TICKET_GENL_VERSION);
}

TEST_F(unload, needed_by_the_other_module)
{
	ASSERT_EQ(0, module_load("mikey_mime", ""));
	EXPECT_EQ(-EWOULDBLOCK, module_unload("mikey_ticket"));
	EXPECT_LT(0, term_grant(&self->alice, BOB, &self->ticket));
	EXPECT_EQ(0, module_unload("mikey_mime"));
	EXPECT_EQ(0, module_unload("mikey_ticket"));
}

TEST_F(unload, with_tickets)
{
	key_serial_t ticket, ring;
	char buf[256];
	void *list;

	ring = add_key("keyring", "mikey-second", NULL, 0,
		       KEY_SPEC_SESSION_KEYRING);
	ticket = term_grant(&self->alice, BOB, &self->ticket);
	ASSERT_LT(0, ticket);
	ASSERT_EQ(0, keyctl_link(ticket, ring));
	ASSERT_EQ(0, module_unload("mikey_ticket"));

	/* nothing is found any more, and looking hurts nobody */
	EXPECT_EQ(-1, keyctl_read(ticket, buf, sizeof(buf)));
	EXPECT_EQ(-1, keyctl_search(KEY_SPEC_SESSION_KEYRING,
				    MIKEY_TICKET_KEY_TYPE, "i:x", 0));
	keyctl_describe(ticket, buf, sizeof(buf));
	EXPECT_LE(0, keyctl_read_alloc(ring, &list));
	free(list);
	EXPECT_EQ(0, system("cat /proc/keys >/dev/null"));

	ASSERT_EQ(0, module_load("mikey_ticket", ""));
	ASSERT_EQ(0, reopen(&self->alice));
	EXPECT_GT(0, term_info(&self->alice, ticket, &self->r));
	nlc_free(&self->r);
	EXPECT_EQ(0, term_stat(&self->alice, MIKEY_TICKET_S_TICKETS));
	EXPECT_LT(0, term_grant(&self->alice, BOB, &self->ticket));
}

/* Some dead already in one way or another. */
TEST_F(unload, with_dead_tickets)
{
	key_serial_t ticket;

	ticket = term_grant(&self->alice, BOB, &self->ticket);
	ASSERT_LT(0, ticket);
	ASSERT_EQ(0, keyctl_revoke(ticket));
	self->alice.valid = 3;
	ASSERT_LT(0, term_grant(&self->alice, CAROL, &self->ticket));
	sleep(4);
	ticket = term_grant(&self->alice, "dave@example.test", &self->ticket);
	keyctl_invalidate(ticket);
	EXPECT_EQ(0, module_unload("mikey_ticket"));
	EXPECT_EQ(0, system("cat /proc/keys >/dev/null"));
}

static int hold_a_ticket(void *arg)
{
	int *pipes = arg;
	static struct peer_ticket ticket;
	struct term t;
	char c;

	if (term_open(&t, CAROL) || term_grant(&t, BOB, &ticket) < 0)
		return 1;
	/* tell that it is there; wait until the module has gone */
	if (write(pipes[1], "x", 1) != 1 || read(pipes[2], &c, 1) != 1)
		return 2;
	return 0;
}

struct holder {
	int pipes[4];
	int status;
};

static void *run_holder(void *arg)
{
	struct holder *h = arg;

	h->status = term_as_user(SOMEBODY, hold_a_ticket, h->pipes);
	return NULL;
}

TEST_F(unload, with_tickets_of_others)
{
	struct holder h;
	pthread_t thread;
	char c;

	ASSERT_EQ(0, pipe(h.pipes));
	ASSERT_EQ(0, pipe(h.pipes + 2));
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_holder, &h));
	ASSERT_EQ(1, read(h.pipes[0], &c, 1));
	EXPECT_EQ(0, module_unload("mikey_ticket"));
	EXPECT_EQ(0, module_load("mikey_ticket", ""));
	EXPECT_EQ(1, write(h.pipes[3], "x", 1));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, h.status);
}

TEST_F(unload, with_exchanges)
{
	int i;

	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, term_request(&self->alice, BOB, &self->ex));
	ASSERT_EQ(0, peer_grant_plan(&self->a, &self->ticket, &self->alice.psk,
				     self->ex.msg, self->ex.len));
	peer_answer_write(&self->a, &self->msg);
	ASSERT_EQ(0, module_unload("mikey_ticket"));
	/* the open socket holds nothing, and reaches nothing */
	EXPECT_GT(0, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				 self->ex.id, &self->msg, NULL));
	ASSERT_EQ(0, module_load("mikey_ticket", ""));
	ASSERT_EQ(0, reopen(&self->alice));
	EXPECT_EQ(0, term_stat(&self->alice, MIKEY_TICKET_S_EXCHANGES));
	EXPECT_EQ(-ESRCH, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				      self->ex.id, &self->msg, NULL));
	EXPECT_LT(0, term_grant(&self->alice, BOB, &self->ticket));
}

/* A socket of the old life does not end an exchange of the new one. */
TEST_F(unload, old_socket_closes_late)
{
	struct nlc old = self->alice.nl;

	ASSERT_EQ(0, term_request(&self->alice, BOB, &self->ex));
	ASSERT_EQ(0, module_unload("mikey_ticket"));
	ASSERT_EQ(0, module_load("mikey_ticket", ""));
	ASSERT_EQ(0, nlc_open(&self->alice.nl, MIKEY_TICKET_GENL_NAME,
			      MIKEY_TICKET_GENL_VERSION));
	ASSERT_EQ(0, term_request(&self->alice, BOB, &self->ex));
	nlc_close(&old);
	EXPECT_EQ(1, term_stat(&self->alice, MIKEY_TICKET_S_EXCHANGES));
	nlc_close(&self->alice.nl);
	ASSERT_EQ(0, module_unload("mikey_ticket"));
	ASSERT_EQ(0, module_load("mikey_ticket", ""));
	ASSERT_EQ(0, nlc_open(&self->alice.nl, MIKEY_TICKET_GENL_NAME,
			      MIKEY_TICKET_GENL_VERSION));
}

/* --- during traffic ------------------------------------------------------ */

struct traffic {
	pthread_t thread;
	atomic_bool stop;
	atomic_uint done;
	atomic_uint odd;
	struct peer_psk psk;
	key_serial_t psk_serial;
};

/* Whatever goes wrong while the module is away is fine, but not nonsense. */
static void *talk(void *arg)
{
	struct peer_ticket *ticket = malloc(sizeof(*ticket));
	struct traffic *f = arg;
	struct term t;
	int err;

	memset(&t, 0, sizeof(t));
	t.uid = ALICE;
	t.psk = f->psk;
	t.psk_serial = f->psk_serial;
	t.keyring = KEY_SPEC_SESSION_KEYRING;
	t.valid = 3600;
	while (!f->stop) {
		err = nlc_open(&t.nl, MIKEY_TICKET_GENL_NAME,
			       MIKEY_TICKET_GENL_VERSION);
		if (!err) {
			err = term_grant(&t, BOB, ticket);
			term_close(&t);
		}
		if (err > 0) {
			f->done++;
		} else if (err != -ENOENT && err != -EOPNOTSUPP &&
			   err != -ESRCH && err != -EINVAL && err != -ENOKEY) {
			fprintf(stderr, "# during traffic: error %d\n", err);
			f->odd++;
		}
	}
	free(ticket);
	return NULL;
}

TEST_F_TIMEOUT(unload, during_traffic, 60)
{
	struct traffic f = { .psk = self->alice.psk,
			     .psk_serial = self->alice.psk_serial };
	time_t end = time(NULL) + TRAFFIC_SECONDS;
	int i, err, gone = 0;

	ASSERT_EQ(0, pthread_create(&f.thread, NULL, talk, &f));
	for (i = 0; (i < 100 && time(NULL) < end) || !gone || !f.done; i++) {
		usleep(20000);
		err = module_unload("mikey_ticket");
		if (err == -EWOULDBLOCK || err == -EBUSY)
			continue;
		ASSERT_EQ(0, err);
		gone++;
		usleep(1000);
		ASSERT_EQ(0, module_load("mikey_ticket", ""));
	}
	f.stop = true;
	pthread_join(f.thread, NULL);
	TH_LOG("left %d times of %d, %u tickets granted", gone, i, f.done);
	EXPECT_LT(0, gone);
	EXPECT_LT(0, f.done);
	EXPECT_EQ(0, f.odd);
}

TEST_HARNESS_MAIN
