// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every allocation of every command fails once, in turn: the command fails
 * with an error of memory or works without, it changes nothing that makes the
 * next try fail, and in the end no ticket, exchange or key is left over. Needs
 * a kernel with failslab; with KASAN and kmemleak it says more.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/kselftest/fault.h"
#include "tests/kselftest/quota.h"
#include "tests/kselftest/term.h"

#define TRIES 2000
#define PASSES 2
#define ROUND 16		/* tries after which every key of them has to be gone */
#define REST_MS 20000

/**
 * send_failing() - a command whose @n-th allocation fails
 * @key: the reply's TICKET, if there is one
 *
 * Return: 0 when its reply came, else an error; a request that could not be
 * sent is want of memory, too; -ENOMSG where nothing came back but an ack.
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
		err = fault_explains(-errno) ? -ENOMEM : -errno;
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
			if (((struct nlmsgerr *)nlmsg_data(h))->error)
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

/* A fresh socket has no exchanges, so that their limit is not reached. */
static int fresh_socket(struct term *t)
{
	nlc_close(&t->nl);
	return nlc_open(&t->nl, MIKEY_TICKET_GENL_NAME, MIKEY_TICKET_GENL_VERSION);
}

FIXTURE(nomem)
{
	bool able;		/* the kernel can make allocations fail */
	struct quota quota;	/* with no ticket of a test */
	struct nlc operator;
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
	ASSERT_EQ(0, nlc_open(&self->operator, MIKEY_TICKET_GENL_NAME,
			      MIKEY_TICKET_GENL_VERSION));
	ASSERT_EQ(0, nlc_join(&self->operator, MIKEY_TICKET_GENL_NAME,
			      MIKEY_TICKET_MCGRP_REFUSALS));
	ASSERT_TRUE(quota_of_own());
	term_session();
	ASSERT_EQ(0, term_open(&self->alice, ALICE));
	ASSERT_EQ(0, term_open(&self->bob, BOB));
	self->bob.group = CAROL;
	peer_ticket_plan(&self->ticket, TERM_KMS, ALICE, BOB);
	peer_ticket_write(&self->ticket);
	peer_transfer_plan(&self->x, &self->ticket, BOB);
	peer_transfer_write(&self->x, &self->transfer);
	ASSERT_TRUE(quota_read(&self->quota));
}

FIXTURE_TEARDOWN(nomem)
{
	if (!self->able)
		return;
	EXPECT_EQ(0, term_stat_wait(&self->alice, MIKEY_TICKET_S_TICKETS, 0, REST_MS));
	EXPECT_TRUE(quota_back(&self->quota, REST_MS));
	/* of which each socket has its own */
	ASSERT_EQ(0, fresh_socket(&self->alice));
	ASSERT_EQ(0, fresh_socket(&self->bob));
	EXPECT_EQ(0, term_stat_wait(&self->alice, MIKEY_TICKET_S_EXCHANGES, 0, REST_MS));
	term_close(&self->alice);
	term_close(&self->bob);
	nlc_close(&self->operator);
}

/*
 * What is tried: a command, what has to happen before each try of it and must
 * work behind it, and the error that it ends with when no memory is wanting.
 */
struct trial {
	const char *name;
	struct term *term;
	int (*before)(struct _test_data_nomem *self);
	struct nl_msg *(*make)(struct _test_data_nomem *self);
	int (*after)(struct _test_data_nomem *self);
	int end;
};

/* There was no memory, or not even enough for an ack, all that a refusal is. */
static bool want_of_memory(const struct trial *t, int err)
{
	return err == -ENOMEM || (err == -ENOMSG && t->end);
}

/*
 * One try with the @n-th allocation failing, and if that made it fail one
 * without, which must not. Return: 0, or 1 when there were fewer allocations.
 */
static int try_once(struct _test_data_nomem *self, const struct trial *t, unsigned int n,
		    unsigned int *refused)
{
	key_serial_t key = 0;
	bool failed, other;
	int err;

	err = t->before(self);
	if (err)
		return err;
	err = send_failing(t->term, t->make(self), n, &failed, &key);
	if (failed && want_of_memory(t, err)) {
		++*refused;
		err = send_failing(t->term, t->make(self), 0, &other, &key);
	}
	if (err != t->end)
		return err ? err : -EPROTO;
	if (key && key != self->granted)
		keyctl_unlink(key, KEY_SPEC_SESSION_KEYRING);
	err = t->after ? t->after(self) : 0;
	return err ? err : failed ? 0 : 1;
}

/*
 * A slab that was full needs a page more in one try than in the next, which moves
 * all that follows: what one pass steps over, another meets.
 */
static int try_all(struct _test_data_nomem *self, const struct trial *t)
{
	unsigned int n, pass, refused = 0;
	int err = 0;

	for (pass = 0; pass < PASSES && (!err || err == 1); pass++) {
		err = 0;
		for (n = 1; n < TRIES && !err; n++) {
			err = try_once(self, t, n, &refused);
			if (n % ROUND == 0 && !quota_back(&self->quota, REST_MS))
				err = -EDQUOT;
		}
	}
	fprintf(stderr, "# %s: %u allocations, of which %u refused it, then %d\n", t->name,
		n - 2, refused, err);
	return err == 1 ? 0 : err ? err : -E2BIG;
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

/* An answer of somebody else, with whom the exchange is not over. */
static int before_forged(struct _test_data_nomem *self)
{
	int err = before_grant(self);

	self->answer.p[self->answer.len - 1] ^= 1;
	return err;
}

static int after_forged(struct _test_data_nomem *self)
{
	key_serial_t key;
	struct nlc_reply r;
	int err;

	self->answer.p[self->answer.len - 1] ^= 1;
	err = term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT, self->ex.id, &self->answer, &r);
	key = nlc_s32(r.attr[MIKEY_TICKET_A_TICKET]);
	nlc_free(&r);
	keyctl_unlink(key, KEY_SPEC_SESSION_KEYRING);
	return err;
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
	struct trial t = { "MINT", &self->alice, before_request, make_mint, NULL, 0 };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
}

/* RESOLVE that finds a kept ticket, and leaves it where it is */
static struct nl_msg *make_kept(struct _test_data_nomem *self)
{
	struct nl_msg *m = term_resolve_msg(&self->bob, &self->transfer);

	nla_put_s32(m, MIKEY_TICKET_A_KEYRING, KEY_SPEC_SESSION_KEYRING);
	return m;
}

static void plan_kept(struct _test_data_nomem *self)
{
	peer_ticket_plan_kind(&self->ticket,
			      (struct peer_kind){ MIKEY_PROFILE_ANNEX_I, 0 },
			      TERM_KMS, ALICE, BOB);
	self->ticket.policy.head.flags &= ~MIKEY_FLAG_E;
	peer_ticket_write(&self->ticket);
	peer_transfer_plan(&self->x, &self->ticket, BOB);
	peer_transfer_write(&self->x, &self->transfer);
}

static int before_kept(struct _test_data_nomem *self)
{
	key_serial_t kept;

	plan_kept(self);
	kept = term_admit(&self->bob, &self->ticket, &self->transfer);
	return kept < 0 ? kept : 0;
}

TEST_F_TIMEOUT(nomem, kept, 300)
{
	struct trial t = { "RESOLVE of a kept one", &self->bob, before_kept, make_kept, NULL, 0 };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
}

/* ADMIT of one that is kept, for which the module remembers its user. */
static int before_keeping(struct _test_data_nomem *self)
{
	plan_kept(self);
	return before_admit(self);
}

TEST_F_TIMEOUT(nomem, keeping, 300)
{
	struct trial t = { "ADMIT of one to keep", &self->bob, before_keeping, make_admit,
			   NULL, 0 };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
}

TEST_F_TIMEOUT(nomem, request, 300)
{
	struct trial t = { "REQUEST", &self->alice, before_request, make_request, NULL, 0 };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
}

TEST_F_TIMEOUT(nomem, grant, 300)
{
	struct trial t = { "GRANT", &self->alice, before_grant, make_grant, NULL, 0 };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
}

/* What is refused stays so, and an operator is told or not. */
TEST_F_TIMEOUT(nomem, refused, 300)
{
	struct trial t = { "GRANT, forged", &self->alice, before_forged, make_grant,
			   after_forged, -EKEYREJECTED };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
}

TEST_F_TIMEOUT(nomem, resolve, 300)
{
	struct trial t = { "RESOLVE", &self->bob, before_resolve, make_resolve, NULL, 0 };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
}

TEST_F_TIMEOUT(nomem, admit, 300)
{
	struct trial t = { "ADMIT", &self->bob, before_admit, make_admit, NULL, 0 };

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	EXPECT_EQ(0, try_all(self, &t));
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
	struct trial info = { "INFO", &self->alice, before_request, make_info, NULL, 0 };
	struct trial stats = { "STATS", &self->alice, before_request, make_stats, NULL, 0 };
	struct trial caps = { "CAPS", &self->alice, before_request, make_caps, NULL, 0 };
	struct quota without = self->quota;

	if (!self->able)
		SKIP(return, "this kernel fails no allocations");
	self->granted = term_grant(&self->alice, BOB, &self->ticket);
	ASSERT_LT(0, self->granted);
	ASSERT_TRUE(quota_read(&self->quota));
	EXPECT_EQ(0, try_all(self, &info));
	EXPECT_EQ(0, try_all(self, &stats));
	EXPECT_EQ(0, try_all(self, &caps));
	keyctl_unlink(self->granted, KEY_SPEC_SESSION_KEYRING);
	self->quota = without;
}

TEST_HARNESS_MAIN
