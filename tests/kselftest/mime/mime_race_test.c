// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both families in a crowd: threads protect and open messages with tickets that
 * others revoke meanwhile, as they do the PSKs; sockets close while commands of
 * other threads are at work on them; and users come and go, each with a network
 * namespace of his own, without saying goodbye. Each call gets an answer that
 * fits, what was opened is what was sent, and in the end nothing is left.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "body.h"
#include "tests/kselftest/quota.h"

#define SECONDS 8
#define SHARED 4		/* tickets of each kind that all threads know of */
#define SOCKETS 2		/* that close under somebody's hands */
#define SOCKET_FD 900		/* and their numbers, which nothing else gets */
#define FIRST_UID 5000
#define USERS 5
#define BYTES 60000

enum deed { GRANTED, PROTECTED, OPENED, ENDED, RENEWED, CLOSED, VISITED, DEEDS };

static const char *const deed_names[DEEDS] = {
	"granted", "protected", "opened", "ended", "PSKs renewed", "sockets closed", "visitors",
};

/*
 * What the threads share; sockets are their own
 *
 * @ring: where PSKs and tickets are linked
 * @alice, @bob: the PSKs, whose keys are made anew again and again
 * @send, @receive: tickets
 */
struct arena {
	atomic_bool stop;
	atomic_uint done[DEEDS];
	atomic_uint wrong;
	key_serial_t ring;
	struct peer_psk psk[2];
	atomic_int psk_serial[2];
	atomic_int send[SHARED];
	atomic_int receive[SHARED];
};

struct thread {
	pthread_t id;
	struct arena *arena;
	unsigned int seed;
};

static const char *const names[2] = { ALICE, BOB };

/* What the peer makes of templates it makes in buffers that all threads share. */
static pthread_mutex_t pen = PTHREAD_MUTEX_INITIALIZER;

static u32 pick(struct thread *me, u32 num)
{
	return rand_r(&me->seed) % num;
}

/* May this come of keys that others end? */
static bool explained(int err)
{
	switch (err) {
	case -ENOKEY:
	case -EKEYREVOKED:
	case -EKEYEXPIRED:
	case -EACCES:
		return true;
	default:
		return false;
	}
}

static bool worked(struct arena *a, enum deed deed, int err)
{
	if (err >= 0) {
		a->done[deed]++;
		return true;
	}
	if (!explained(err) && a->wrong++ < 10)
		fprintf(stderr, "# %s: %d\n", deed_names[deed], err);
	return false;
}

/* A terminal of this thread's own, with whatever is the PSK's key just now. */
static bool enter(struct arena *a, struct term *t, int who)
{
	memset(t, 0, sizeof(*t));
	t->uid = names[who];
	t->psk = a->psk[who];
	t->psk_serial = a->psk_serial[who];
	t->keyring = a->ring;
	t->reusable = true;
	t->valid = 3600;
	return worked(a, CLOSED, nlc_open(&t->nl, MIKEY_TICKET_GENL_NAME,
					  MIKEY_TICKET_GENL_VERSION));
}

/*
 * A ticket, or not. An exchange whose PSK went away stays until its socket
 * closes; a user may have so many of them, and others use his share as well.
 */
static bool got_ticket(struct arena *a, struct term *t, key_serial_t key)
{
	if (key != -EDQUOT && worked(a, GRANTED, key))
		return true;
	term_close(t);
	worked(a, CLOSED, nlc_open(&t->nl, MIKEY_TICKET_GENL_NAME, MIKEY_TICKET_GENL_VERSION));
	return false;
}

static bool enter_mime(struct arena *a, struct nlc *c)
{
	return worked(a, CLOSED, nlc_open(c, MIKEY_MIME_GENL_NAME, MIKEY_MIME_GENL_VERSION));
}

static void *send_messages(void *arg)
{
	struct peer_ticket *ticket = malloc(sizeof(*ticket));
	struct mikey_blob bytes = body_entity(BYTES);
	struct thread *me = arg;
	struct arena *a = me->arena;
	struct nlc_reply r;
	struct term t;
	struct nlc c;

	if (!enter(a, &t, 0) || !enter_mime(a, &c))
		return NULL;
	while (!a->stop) {
		key_serial_t key;

		if (!pick(me, 4)) {
			t.psk_serial = a->psk_serial[0];
			key = term_grant(&t, BOB, ticket);
			if (got_ticket(a, &t, key))
				a->send[pick(me, SHARED)] = key;
		}
		bytes.len = 1 + pick(me, pick(me, 4) ? 1000 : BYTES);
		worked(a, PROTECTED,
		       nlc_call(&c, body_protect_msg(&c, a->send[pick(me, SHARED)], BOB, bytes),
				&r));
		nlc_free(&r);
	}
	nlc_close(&c);
	term_close(&t);
	free((void *)bytes.p);
	free(ticket);
	return NULL;
}

/* To bob, of a ticket that the KMS made for somebody called alice */
static void *open_messages(void *arg)
{
	struct letter *w = malloc(sizeof(*w));
	struct lane *lane = calloc(1, sizeof(*lane));
	struct thread *me = arg;
	struct arena *a = me->arena;
	struct nlc_reply r;
	char text[100];

	if (!enter(a, &lane->bob, 1) || !enter_mime(a, &lane->mime))
		return NULL;
	peer_ticket_plan(&lane->ticket, TERM_KMS, ALICE, BOB);
	peer_ticket_write(&lane->ticket);
	while (!a->stop) {
		key_serial_t key;

		snprintf(text, sizeof(text), "Content-Type: text/plain\r\n\r\n%u", pick(me, ~0U));
		pthread_mutex_lock(&pen);
		letter_write(w, lane, MIKEY_FORM_AUTH_ENVELOPED + pick(me, 3), PROOF_HASH, text, 0,
			     NULL);
		pthread_mutex_unlock(&pen);
		lane->bob.psk_serial = a->psk_serial[1];
		key = letter_admit(w, lane);
		if (!got_ticket(a, &lane->bob, key))
			continue;
		a->receive[pick(me, SHARED)] = key;
		if (worked(a, OPENED, letter_open(w, &lane->mime, key, &r)) &&
		    !body_is(body_attr(&r, MIKEY_MIME_A_ENTITY), text))
			worked(a, OPENED, -EBADMSG);
		nlc_free(&r);
		keyctl_invalidate(key);
	}
	nlc_close(&lane->mime);
	term_close(&lane->bob);
	free(lane);
	free(w);
	return NULL;
}

static void *end_tickets(void *arg)
{
	struct thread *me = arg;
	struct arena *a = me->arena;

	while (!a->stop) {
		key_serial_t key = pick(me, 2) ? a->send[pick(me, SHARED)] :
						 a->receive[pick(me, SHARED)];
		long err;

		if (pick(me, 3))
			err = keyctl_invalidate(key);
		else
			err = pick(me, 2) ? keyctl_unlink(key, a->ring) : keyctl_revoke(key);
		if (!err)
			a->done[ENDED]++;
		usleep(pick(me, 3000));
	}
	return NULL;
}

static key_serial_t make_psk(struct arena *a, int who)
{
	static atomic_uint number;
	char name[64];

	snprintf(name, sizeof(name), "%s-%u", names[who], ++number);
	return term_logon(name, a->psk[who].key, a->psk[who].len, a->ring);
}

/* The same bytes each time, in another key: who has the old one has nothing. */
static void *renew_psks(void *arg)
{
	struct thread *me = arg;
	struct arena *a = me->arena;

	while (!a->stop) {
		int who = pick(me, 2);
		key_serial_t old = a->psk_serial[who], key = make_psk(a, who);

		if (worked(a, RENEWED, key < 0 ? -errno : 0))
			a->psk_serial[who] = key;
		usleep(pick(me, 10000));
		if (key < 0)
			continue;
		/* what is only revoked counts for the quota until it is collected */
		if (pick(me, 4))
			keyctl_revoke(old);
		keyctl_unlink(old, a->ring);
		usleep(pick(me, 10000));
	}
	return NULL;
}

/* Exchanges that nobody ends, on sockets that others are at work on. */
static void *close_sockets(void *arg)
{
	const struct timeval soon = { .tv_sec = 1 };
	struct term_exchange *ex = malloc(sizeof(*ex));
	struct thread *me = arg;
	struct arena *a = me->arena;
	struct term t;

	while (!a->stop && enter(a, &t, 0)) {
		int fd = SOCKET_FD + pick(me, SOCKETS);

		dup2(nl_socket_get_fd(t.nl.sock), fd);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
		t.psk_serial = a->psk_serial[0];
		for (int i = pick(me, 4); i; i--) {
			int err = term_request(&t, BOB, ex);

			/* others' answers took the place of ours, or were too many */
			if (err != -ENODATA && err != -EDQUOT && err != -ENOBUFS && err != -EAGAIN)
				worked(a, GRANTED, err);
			usleep(pick(me, 500));
		}
		term_close(&t);
		close(fd);
	}
	free(ex);
	return NULL;
}

/* Requests there, of which nobody reads the answers. */
static void *send_blindly(void *arg)
{
	static const char *const responders[] = { BOB, NULL };
	struct mikey_blob bytes = body_entity(5000);
	struct thread *me = arg;
	struct arena *a = me->arena;
	struct term t;
	struct nlc c;

	if (!enter(a, &t, 0) || !enter_mime(a, &c))
		return NULL;
	while (!a->stop) {
		struct nl_msg *m;

		t.psk_serial = a->psk_serial[0];
		m = pick(me, 2) ? term_request_msg(&t, responders) :
				  body_protect_msg(&c, a->send[pick(me, SHARED)], BOB, bytes);
		nl_complete_msg(t.nl.sock, m);
		nlmsg_hdr(m)->nlmsg_pid = 0;
		send(SOCKET_FD + pick(me, SOCKETS), nlmsg_hdr(m), nlmsg_hdr(m)->nlmsg_len,
		     MSG_DONTWAIT);
		nlmsg_free(m);
		usleep(pick(me, 500));
	}
	nlc_close(&c);
	term_close(&t);
	free((void *)bytes.p);
	return NULL;
}

/* One ticket, one message, some exchanges, and the namespace goes with them. */
static int visit(void *arg)
{
	struct thread *me = arg;
	struct mikey_blob bytes = body_entity(1000);
	static struct term_exchange ex;
	static struct lane lane;
	struct nlc_reply r;
	int err;

	err = lane_open(&lane);
	if (err)
		return -err;
	err = nlc_call(&lane.mime, body_protect_msg(&lane.mime, lane.send, BOB, bytes), &r);
	for (int i = pick(me, 4); i && !err; i--)
		err = term_request(&lane.alice, BOB, &ex);
	return -err;
}

/* In a process of one thread: a fork of many leaves libraries' locks locked. */
static void send_visitors(struct thread *me)
{
	struct arena *a = me->arena;

	while (!a->stop) {
		/* of this thread, and its children's */
		int err = unshare(CLONE_NEWNET) ? -errno : 0;

		if (!err)
			err = -term_as_user(FIRST_UID + pick(me, USERS), visit, me);
		/* his last keys are not collected yet */
		if (err != -EDQUOT)
			worked(a, VISITED, err);
	}
}

FIXTURE(race)
{
	struct arena *arena;
	struct term term;
	struct quota quota;
	u64 tickets;
	u64 pending;
};

FIXTURE_SETUP(race)
{
	struct arena *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)a);
	self->arena = a;
	term_session();
	ASSERT_EQ(0, term_open(&self->term, ALICE));
	self->tickets = term_tickets(&self->term);
	self->pending = term_stat(&self->term, MIKEY_TICKET_S_EXCHANGES);
	ASSERT_TRUE(quota_read(&self->quota));
	a->ring = add_key("keyring", "mikey-arena", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, a->ring);
	for (int who = 0; who < 2; who++) {
		a->psk[who] = self->term.psk;
		a->psk[who].id = peer_bytes(names[who]);
		a->psk_serial[who] = make_psk(a, who);
		ASSERT_LT(0, a->psk_serial[who]);
	}
}

FIXTURE_TEARDOWN(race)
{
	term_close(&self->term);
	munmap(self->arena, sizeof(*self->arena));
}

static bool all_done(struct arena *a)
{
	for (int i = 0; i < DEEDS; i++)
		if (!a->done[i])
			return false;
	return true;
}

TEST_F_TIMEOUT(race, all, 60)
{
	void *(*const parts[])(void *) = {
		send_messages, send_messages, open_messages, open_messages, end_tickets,
		renew_psks, close_sockets, send_blindly,
	};
	struct arena *a = self->arena;
	struct thread visitors = { .arena = a, .seed = ARRAY_SIZE(parts) };
	struct thread threads[ARRAY_SIZE(parts)];
	pid_t pid;
	u32 i;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		send_visitors(&visitors);
		_exit(0);
	}
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		threads[i] = (struct thread){ .arena = a, .seed = i };
		ASSERT_EQ(0, pthread_create(&threads[i].id, NULL, parts[i], &threads[i]));
	}
	/* longer where there is little time for all of it */
	for (i = 0; i < SECONDS || (i < 5 * SECONDS && !all_done(a)); i++)
		sleep(1);
	a->stop = true;
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		pthread_join(threads[i].id, NULL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(0, a->wrong);
	for (i = 0; i < DEEDS; i++) {
		TH_LOG("%u %s", a->done[i], deed_names[i]);
		EXPECT_LT(0, a->done[i]);
	}

	/* keys that were revoked only would stay for minutes */
	for (i = 0; i < SHARED; i++) {
		keyctl_invalidate(a->send[i]);
		keyctl_invalidate(a->receive[i]);
	}
	ASSERT_EQ(0, keyctl_clear(a->ring));
	ASSERT_EQ(0, keyctl_unlink(a->ring, KEY_SPEC_SESSION_KEYRING));
	EXPECT_EQ(self->tickets, term_stat_wait(&self->term, MIKEY_TICKET_S_TICKETS,
						self->tickets, 20000));
	EXPECT_EQ(self->pending, term_stat_wait(&self->term, MIKEY_TICKET_S_EXCHANGES,
						self->pending, 20000));
	EXPECT_TRUE(quota_back(&self->quota, 10000));
}

TEST_HARNESS_MAIN
