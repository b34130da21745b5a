// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every allocation of every command fails once, in turn: the command fails
 * with an error of memory or works without, and it changes nothing that
 * makes the next try fail. Needs a kernel with failslab; with KASAN and
 * kmemleak it says more.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/kselftest/fault.h"
#include "tests/kselftest/term.h"

#define TRIES 2000

/**
 * send_failing() - a command whose @n-th allocation fails
 * @key: the reply's TICKET, if there is one
 *
 * Return: 0 when it worked, else an error.
 */
static int send_failing(struct term *t, struct nl_msg *msg, unsigned int n,
			bool *failed, key_serial_t *key)
{
	static u8 buf[1 << 17];
	int fd = nl_socket_get_fd(t->nl.sock);
	int len, err = -ENOMSG;
	struct nlattr *a;

	nl_complete_msg(t->nl.sock, msg);
	fault_set(n);
	len = send(fd, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, 0);
	if (len < 0)
		err = -errno;
	*failed = fault_hit();
	fault_set(0);
	nlmsg_free(msg);
	if (len < 0)
		return err;

	/* want of memory for an ack shows as ENOBUFS, once */
	for (;;) {
		struct nlmsghdr *h = (struct nlmsghdr *)buf;

		len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (len < 0 && errno == ENOBUFS)
			continue;
		if (len < 0)
			return err;
		if (h->nlmsg_type == NLMSG_ERROR) {
			err = ((struct nlmsgerr *)nlmsg_data(h))->error;
			continue;
		}
		err = 0;
		a = genlmsg_attrdata(nlmsg_data(h), 0);
		a = nla_find(a, genlmsg_attrlen(nlmsg_data(h), 0), MIKEY_TICKET_A_TICKET);
		if (a && key)
			*key = nlc_s32(a);
	}
}

/* -ENOMSG: there was not even memory to say so */
static bool want_of_memory(int err)
{
	return fault_explains(err) || err == -ENOMSG;
}

FIXTURE(nomem)
{
	bool able;		/* the kernel can make allocations fail */
	struct term alice;
	struct term bob;
	struct peer_ticket ticket;
	struct peer_transfer x;
	struct peer_msg transfer;
	struct peer_msg answer;
	struct peer_answer a;
	struct term_exchange ex;
	key_serial_t granted;
};

FIXTURE_SETUP(nomem)
{
	self->able = fault_able();
	/* the tests say that they are skipped: a setup cannot */
	if (!self->able)
		return;
	term_session();
	ASSERT_EQ(0, term_open(&self->alice, ALICE));
	ASSERT_EQ(0, term_open(&self->bob, BOB));
	peer_ticket_plan(&self->ticket, TERM_KMS, ALICE, BOB);
	peer_ticket_write(&self->ticket);
	peer_transfer_plan(&self->x, &self->ticket, BOB);
	peer_transfer_write(&self->x, &self->transfer);
}

FIXTURE_TEARDOWN(nomem)
{
	if (!self->able)
		return;
	term_close(&self->alice);
	term_close(&self->bob);
}

/* What is tried: a command, and what has to happen before each try of it. */
struct trial {
	struct term *term;
	int (*before)(struct _test_data_nomem *self);
	struct nl_msg *(*make)(struct _test_data_nomem *self);
};

/*
 * One try with the @n-th allocation failing, and if that made it fail one
 * without, which must not. Return: 0, or 1 when there were fewer allocations.
 */
static int try_once(struct _test_data_nomem *self, const struct trial *t, unsigned int n)
{
	key_serial_t key = 0;
	bool failed, other;
	int err;

	err = t->before(self);
	if (err)
		return err;
	err = send_failing(t->term, t->make(self), n, &failed, &key);
	if (err) {
		if (!failed || !want_of_memory(err))
			return err;
		err = send_failing(t->term, t->make(self), 0, &other, &key);
		if (err)
			return err;
	}
	if (key && key != self->granted)
		keyctl_revoke(key);
	return failed ? 0 : 1;
}

static int try_all(struct _test_data_nomem *self, const struct trial *t)
{
	unsigned int n;
	int err = 0;

	for (n = 1; n < TRIES && !err; n++)
		err = try_once(self, t, n);
	fprintf(stderr, "# %u allocations, then %d\n", n - 2, err);
	return err == 1 ? 0 : err ? err : -E2BIG;
}

/* A fresh socket has no exchanges, so that their limit is not reached. */
static int fresh_socket(struct term *t)
{
	nlc_close(&t->nl);
	return nlc_open(&t->nl, MIKEY_TICKET_GENL_NAME, MIKEY_TICKET_GENL_VERSION);
}

static int before_request(struct _test_data_nomem *self)
{
	return fresh_socket(&self->alice);
}

static struct nl_msg *make_request(struct _test_data_nomem *self)
{
	const char *const responders[] = { BOB, NULL };

	return term_request_msg(&self->alice, responders);
}

static int before_grant(struct _test_data_nomem *self)
{
	int err;

	err = term_request(&self->alice, BOB, &self->ex);
	if (!err)
		err = peer_grant_plan(&self->a, &self->ticket, &self->alice.psk, self->ex.msg,
				      self->ex.len);
	if (!err)
		peer_answer_write(&self->a, &self->answer);
	return err;
}

static struct nl_msg *make_grant(struct _test_data_nomem *self)
{
	return term_answer_msg(&self->alice, MIKEY_TICKET_CMD_GRANT, self->ex.id,
			       self->answer.p, self->answer.len);
}

static int before_resolve(struct _test_data_nomem *self)
{
	return fresh_socket(&self->bob);
}

static struct nl_msg *make_resolve(struct _test_data_nomem *self)
{
	return term_resolve_msg(&self->bob, &self->transfer);
}

static int before_admit(struct _test_data_nomem *self)
{
	int err;

	err = term_resolve(&self->bob, &self->transfer, &self->ex, NULL);
	if (!err)
		err = peer_resolve_plan(&self->a, &self->ticket, &self->bob.psk, self->ex.msg,
					self->ex.len, true);
	if (!err)
		peer_answer_write(&self->a, &self->answer);
	return err;
}

static struct nl_msg *make_admit(struct _test_data_nomem *self)
{
	return term_answer_msg(&self->bob, MIKEY_TICKET_CMD_ADMIT, self->ex.id,
			       self->answer.p, self->answer.len);
}

static struct nl_msg *make_mint(struct _test_data_nomem *self)
{
	const char *const responders[] = { BOB, NULL };

	return term_mint_msg(&self->alice, responders);
}

TEST_F_TIMEOUT(nomem, mint, 300)
{
	struct trial t = { &self->alice, before_request, make_mint };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
	EXPECT_EQ(0, term_stat_wait(&self->alice, MIKEY_TICKET_S_TICKETS, 0, 2000));
}

/* RESOLVE that finds a kept ticket, and leaves it where it is */
static struct nl_msg *make_kept(struct _test_data_nomem *self)
{
	struct nl_msg *m = term_resolve_msg(&self->bob, &self->transfer);

	nla_put_s32(m, MIKEY_TICKET_A_KEYRING, KEY_SPEC_SESSION_KEYRING);
	return m;
}

static int before_kept(struct _test_data_nomem *self)
{
	key_serial_t kept;

	peer_ticket_plan_kind(&self->ticket,
			      (struct peer_kind){ MIKEY_PROFILE_ANNEX_I, 0 },
			      TERM_KMS, ALICE, BOB);
	self->ticket.policy.head.flags &= ~MIKEY_FLAG_E;
	peer_ticket_write(&self->ticket);
	peer_transfer_plan(&self->x, &self->ticket, BOB);
	peer_transfer_write(&self->x, &self->transfer);
	kept = term_admit(&self->bob, &self->ticket, &self->transfer);
	return kept < 0 ? kept : 0;
}

TEST_F_TIMEOUT(nomem, kept, 300)
{
	struct trial t = { &self->bob, before_kept, make_kept };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
	EXPECT_EQ(0, term_stat_wait(&self->bob, MIKEY_TICKET_S_TICKETS, 0, 2000));
}

TEST_F_TIMEOUT(nomem, request, 300)
{
	struct trial t = { &self->alice, before_request, make_request };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
}

TEST_F_TIMEOUT(nomem, grant, 300)
{
	struct trial t = { &self->alice, before_grant, make_grant };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
	EXPECT_EQ(0, term_stat_wait(&self->alice, MIKEY_TICKET_S_TICKETS, 0, 2000));
	EXPECT_EQ(0, term_stat_wait(&self->alice, MIKEY_TICKET_S_EXCHANGES, 0, 2000));
}

TEST_F_TIMEOUT(nomem, resolve, 300)
{
	struct trial t = { &self->bob, before_resolve, make_resolve };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
}

TEST_F_TIMEOUT(nomem, admit, 300)
{
	struct trial t = { &self->bob, before_admit, make_admit };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
	EXPECT_EQ(0, term_stat_wait(&self->bob, MIKEY_TICKET_S_TICKETS, 0, 2000));
	EXPECT_EQ(0, term_stat_wait(&self->bob, MIKEY_TICKET_S_EXCHANGES, 0, 2000));
}

/* What only tells has to work as well: a ticket, counters, abilities. */
static struct nl_msg *make_info(struct _test_data_nomem *self)
{
	struct nl_msg *m = nlc_msg(&self->alice.nl, MIKEY_TICKET_CMD_INFO);

	nla_put_s32(m, MIKEY_TICKET_A_TICKET, self->granted);
	return m;
}

static struct nl_msg *make_stats(struct _test_data_nomem *self)
{
	return nlc_msg(&self->alice.nl, MIKEY_TICKET_CMD_STATS);
}

static struct nl_msg *make_caps(struct _test_data_nomem *self)
{
	return nlc_msg(&self->alice.nl, MIKEY_TICKET_CMD_CAPS);
}

TEST_F_TIMEOUT(nomem, told, 300)
{
	struct trial info = { &self->alice, before_request, make_info };
	struct trial stats = { &self->alice, before_request, make_stats };
	struct trial caps = { &self->alice, before_request, make_caps };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	self->granted = term_grant(&self->alice, BOB, &self->ticket);
	ASSERT_LT(0, self->granted);
	EXPECT_EQ(0, try_all(self, &info));
	EXPECT_EQ(0, try_all(self, &stats));
	EXPECT_EQ(0, try_all(self, &caps));
}

TEST_HARNESS_MAIN
