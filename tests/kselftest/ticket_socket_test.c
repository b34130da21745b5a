// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": exchanges belong to the socket that opened them and
 * die with it, are limited for each user, and end by themselves; and a socket
 * belongs to the user who opened it.
 */
#include <kselftest_harness.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "term.h"

#define SOMEBODY 4713

FIXTURE(socket)
{
	struct term alice;
	struct term_exchange ex;
	struct peer_answer a;
	struct peer_ticket ticket;
	struct peer_msg msg;
	struct nlc_reply r;
	u64 pending;
};

FIXTURE_SETUP(socket)
{
	term_session();
	ASSERT_EQ(0, term_open(&self->alice, ALICE));
	self->pending = term_stat(&self->alice, MIKEY_TICKET_S_EXCHANGES);
}

FIXTURE_TEARDOWN(socket)
{
	nlc_free(&self->r);
	if (self->alice.nl.sock)
		term_close(&self->alice);
}

/* An exchange and a good answer to it. */
static int ask(struct _test_data_socket *f)
{
	int err = term_request(&f->alice, BOB, &f->ex);

	if (!err)
		err = peer_grant_plan(&f->a, &f->ticket, &f->alice.psk,
				      f->ex.msg, f->ex.len);
	if (!err)
		peer_answer_write(&f->a, &f->msg);
	return err;
}

static int reopen(struct nlc *c)
{
	return nlc_open(c, MIKEY_TICKET_GENL_NAME, MIKEY_TICKET_GENL_VERSION);
}

TEST_F(socket, exchange_of_another_socket)
{
	struct nlc first = self->alice.nl;

	ASSERT_EQ(0, ask(self));
	ASSERT_EQ(0, reopen(&self->alice.nl));
	EXPECT_EQ(-ESRCH, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				      self->ex.id, &self->msg, &self->r));
	EXPECT_EQ(MIKEY_TICKET_A_EXCHANGE, self->r.blamed);
	EXPECT_NE(NULL, strstr(self->r.words, "no such exchange"));
	nlc_close(&self->alice.nl);
	self->alice.nl = first;
	EXPECT_EQ(0, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				 self->ex.id, &self->msg, NULL));
}

TEST_F(socket, close_ends_exchanges)
{
	int i;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, term_request(&self->alice, BOB, &self->ex));
	EXPECT_EQ(self->pending + 10,
		  term_stat(&self->alice, MIKEY_TICKET_S_EXCHANGES));
	nlc_close(&self->alice.nl);
	ASSERT_EQ(0, reopen(&self->alice.nl));
	EXPECT_EQ(self->pending,
		  term_stat(&self->alice, MIKEY_TICKET_S_EXCHANGES));
}

/* Limited for the user, not for the socket. */
TEST_F(socket, limit)
{
	const char *const responders[] = { BOB, NULL };
	struct nlc first = self->alice.nl;
	int i;

	for (i = 0; i < MIKEY_TICKET_EXCHANGE_MAX; i++) {
		ASSERT_EQ(0, ask(self));
		if (i == MIKEY_TICKET_EXCHANGE_MAX / 2)
			ASSERT_EQ(0, reopen(&self->alice.nl));
	}
	EXPECT_EQ(-EDQUOT, nlc_call(&self->alice.nl,
				    term_request_msg(&self->alice, responders),
				    &self->r));
	EXPECT_NE(NULL, strstr(self->r.words, "too many exchanges"))
		TH_LOG("%s", self->r.words);
	/* one that ends makes room for one more */
	EXPECT_EQ(0, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				 self->ex.id, &self->msg, NULL));
	EXPECT_EQ(0, term_request(&self->alice, BOB, &self->ex));
	EXPECT_EQ(-EDQUOT, term_request(&self->alice, BOB, &self->ex));
	nlc_close(&first);
	EXPECT_EQ(0, term_request(&self->alice, BOB, &self->ex));
}

static int one_request(void *arg)
{
	static struct term_exchange ex;
	struct term t;

	(void)arg;
	return term_open(&t, CAROL) || term_request(&t, BOB, &ex);
}

/* One user's exchanges are not another's loss. */
TEST_F(socket, limit_is_the_users_own)
{
	int i;

	for (i = 0; i < MIKEY_TICKET_EXCHANGE_MAX; i++)
		ASSERT_EQ(0, term_request(&self->alice, BOB, &self->ex));
	EXPECT_EQ(-EDQUOT, term_request(&self->alice, BOB, &self->ex));
	EXPECT_EQ(0, term_as_user(SOMEBODY, one_request, NULL));
}

/* On the socket that root opened, with a PSK of one's own. */
static int use_socket(void *arg)
{
	struct term *t = arg;
	struct nlc_reply r;

	t->psk_serial = term_logon("own", t->psk.key, t->psk.len,
				   KEY_SPEC_SESSION_KEYRING);
	if (t->psk_serial < 0)
		return 1;
	nlc_call(&t->nl, term_request_msg(t, (const char *const[]){ BOB, NULL }),
		 &r);
	if (!term_refused("REQUEST", &r, -EPERM, "another user", 0))
		return 2;
	nlc_free(&r);
	term_info(t, 1, &r);
	if (!term_refused("INFO", &r, -EPERM, "another user", 0))
		return 3;
	nlc_free(&r);
	/* what tells nobody's secrets is not refused */
	return term_stat(t, MIKEY_TICKET_S_TICKETS) == (u64)-1 ? 4 : 0;
}

TEST_F(socket, of_another_user)
{
	EXPECT_EQ(0, term_as_user(SOMEBODY, use_socket, &self->alice));
}

struct passed_on {
	struct term *t;
	struct _test_data_socket *f;
};

/* An exchange that root has begun, finished by somebody else. */
static int finish_exchange(void *arg)
{
	struct passed_on *p = arg;
	struct nlc_reply r;

	term_answer(p->t, MIKEY_TICKET_CMD_GRANT, p->f->ex.id, &p->f->msg, &r);
	return term_refused("GRANT", &r, -EPERM, "another user", 0) ? 0 : 1;
}

TEST_F(socket, exchange_of_another_user)
{
	struct passed_on p = { &self->alice, self };

	ASSERT_EQ(0, ask(self));
	EXPECT_EQ(0, term_as_user(SOMEBODY, finish_exchange, &p));
	/* the exchange is none the worse for it */
	EXPECT_EQ(0, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				 self->ex.id, &self->msg, NULL));
}

/*
 * A socket with the same number in another network namespace is another
 * socket: it cannot finish the exchange, and its end does not end it.
 */
TEST_F(socket, same_number_in_another_namespace)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	struct nlmsghdr *h;
	struct nl_msg *m;
	char buf[4096];
	int fd, len;

	ASSERT_EQ(0, ask(self));
	m = term_answer_msg(&self->alice, MIKEY_TICKET_CMD_GRANT, self->ex.id,
			    self->msg.p, self->msg.len);
	nl_complete_msg(self->alice.nl.sock, m);
	h = nlmsg_hdr(m);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	ASSERT_LE(0, fd);
	addr.nl_pid = nl_socket_get_local_port(self->alice.nl.sock);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_EQ(h->nlmsg_len, send(fd, h, h->nlmsg_len, 0));
	len = recv(fd, buf, sizeof(buf), 0);
	h = (struct nlmsghdr *)buf;
	ASSERT_TRUE(nlmsg_ok(h, len) && h->nlmsg_type == NLMSG_ERROR);
	EXPECT_EQ(-ESRCH, ((struct nlmsgerr *)nlmsg_data(h))->error);
	close(fd);
	nlmsg_free(m);
	EXPECT_EQ(0, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				 self->ex.id, &self->msg, NULL));
}

/* --- the port of a socket that is being closed --------------------------- */

/* Some of as many find it where users are not told apart; no longer than that */
#define HEIR_ROUNDS 500
#define HEIR_SECONDS 10

/*
 * @exchange: of the socket that is about to be closed; 0 at the end
 * @heard: the last one that the heir has tried
 * @found: how often it was there for the heir
 */
struct heir {
	int family;
	u32 port;
	atomic_uint exchange;
	atomic_uint heard;
	atomic_uint found;
};

/* GRANT with an answer that is none, of the next socket with that port. */
static int grant_as_heir(const struct heir *h, u32 exchange)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK,
				    .nl_pid = h->port };
	struct {
		struct nlmsghdr nl;
		struct genlmsghdr genl;
		struct nlattr exchange;
		u32 id;
		struct nlattr message;
		u32 text;
	} m = {
		{ sizeof(m), h->family, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
		{ MIKEY_TICKET_CMD_GRANT, MIKEY_TICKET_GENL_VERSION, 0 },
		{ 8, MIKEY_TICKET_A_EXCHANGE }, exchange,
		{ 8, MIKEY_TICKET_A_MESSAGE }, 0,
	};
	struct {
		struct nlmsghdr nl;
		struct nlmsgerr e;
		char more[512];
	} r;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int err = -EIO;

	while (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		;
	if (send(fd, &m, sizeof(m), 0) == sizeof(m) &&
	    recv(fd, &r, sizeof(r), 0) > 0 && r.nl.nlmsg_type == NLMSG_ERROR)
		err = r.e.error;
	close(fd);
	return err;
}

static int inherit(void *arg)
{
	struct heir *h = arg;
	u32 exchange;

	for (;;) {
		do {
			exchange = h->exchange;
		} while (exchange == h->heard);
		if (!exchange)
			return 0;
		if (grant_as_heir(h, exchange) != -ESRCH)
			h->found++;
		h->heard = exchange;
	}
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/*
 * The port is free before anybody hears that its socket is gone. Another user who
 * binds to it in that moment must not find what was pending.
 */
TEST_F_TIMEOUT(socket, heir_of_a_port, 120)
{
	struct heir *h = mmap(NULL, sizeof(*h), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	time_t end = seconds() + HEIR_SECONDS;
	int i, status;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, h);
	h->family = self->alice.nl.family;
	nlc_close(&self->alice.nl);	/* or it would be the heir's, too */
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(term_as_user(SOMEBODY, inherit, h));
	for (i = 0; !i || (i < HEIR_ROUNDS && seconds() < end); i++) {
		ASSERT_EQ(0, reopen(&self->alice.nl));
		ASSERT_EQ(0, term_request(&self->alice, BOB, &self->ex));
		h->port = nl_socket_get_local_port(self->alice.nl.sock);
		h->exchange = self->ex.id;
		nlc_close(&self->alice.nl);
		while (h->heard != self->ex.id)
			sched_yield();
	}
	ASSERT_EQ(0, reopen(&self->alice.nl));
	h->exchange = 0;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, h->found) TH_LOG("%u of %d", h->found, i);
	munmap(h, sizeof(*h));
}

/* A process of the same user may go on with an inherited socket. */
static int finish_as_same_user(struct _test_data_socket *f)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(!!term_answer(&f->alice, MIKEY_TICKET_CMD_GRANT,
				    f->ex.id, &f->msg, NULL));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
	       WEXITSTATUS(status) : -1;
}

TEST_F(socket, inherited)
{
	ASSERT_EQ(0, ask(self));
	EXPECT_EQ(0, finish_as_same_user(self));
}

/* --- one answer by several threads at once ------------------------------- */

#define SHOTS 4

struct shot {
	pthread_t thread;
	pthread_barrier_t *start;
	struct nl_msg *msg;
	int fd;
};

/* What is sent is worked on in the sender's context: all at once. */
static void *shoot(void *arg)
{
	struct shot *s = arg;
	struct nlmsghdr *h = nlmsg_hdr(s->msg);

	pthread_barrier_wait(s->start);
	if (send(s->fd, h, h->nlmsg_len, 0) != (ssize_t)h->nlmsg_len)
		abort();
	return NULL;
}

/* Acknowledgements of @num requests. Return: how many succeeded. */
static int successes(int fd, int num, bool *others_right)
{
	static char buf[65536];
	struct nlmsghdr *h;
	int len, good = 0;

	*others_right = true;
	while (num) {
		len = recv(fd, buf, sizeof(buf), 0);
		for (h = (struct nlmsghdr *)buf; len > 0 && nlmsg_ok(h, len);
		     h = nlmsg_next(h, &len)) {
			struct nlmsgerr *e = nlmsg_data(h);

			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			num--;
			if (!e->error)
				good++;
			else if (e->error != -ESRCH)
				*others_right = false;
		}
	}
	return good;
}

TEST_F(socket, one_answer_at_once)
{
	struct shot shots[SHOTS];
	pthread_barrier_t start;
	bool others_right;
	int i, round;
	u64 grants;

	grants = term_stat(&self->alice, MIKEY_TICKET_S_GRANTS);
	pthread_barrier_init(&start, NULL, SHOTS);
	for (round = 0; round < 20; round++) {
		ASSERT_EQ(0, ask(self));
		for (i = 0; i < SHOTS; i++) {
			shots[i].start = &start;
			shots[i].fd = nl_socket_get_fd(self->alice.nl.sock);
			shots[i].msg = term_answer_msg(&self->alice,
						       MIKEY_TICKET_CMD_GRANT,
						       self->ex.id,
						       self->msg.p,
						       self->msg.len);
			nl_complete_msg(self->alice.nl.sock, shots[i].msg);
			ASSERT_EQ(0, pthread_create(&shots[i].thread, NULL,
						    shoot, &shots[i]));
		}
		for (i = 0; i < SHOTS; i++) {
			pthread_join(shots[i].thread, NULL);
			nlmsg_free(shots[i].msg);
		}
		EXPECT_EQ(1, successes(shots[0].fd, SHOTS, &others_right));
		EXPECT_TRUE(others_right);
	}
	EXPECT_EQ(grants + 20, term_stat(&self->alice, MIKEY_TICKET_S_GRANTS));
}

/* Nothing but waiting shows this: it is the monotonic clock that counts. */
TEST_F_TIMEOUT(socket, timeout, 90)
{
	ASSERT_EQ(0, ask(self));
	sleep(MIKEY_TICKET_EXCHANGE_SECONDS - 10);
	EXPECT_EQ(self->pending + 1,
		  term_stat(&self->alice, MIKEY_TICKET_S_EXCHANGES));
	EXPECT_EQ(self->pending,
		  term_stat_wait(&self->alice, MIKEY_TICKET_S_EXCHANGES,
				 self->pending, 20000));
	EXPECT_EQ(-ESRCH, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				      self->ex.id, &self->msg, &self->r));
	EXPECT_NE(NULL, strstr(self->r.words, "took too long"))
		TH_LOG("%s", self->r.words);
}

TEST_HARNESS_MAIN
