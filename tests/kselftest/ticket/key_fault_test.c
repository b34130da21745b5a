// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * add_key(2), request_key(2) and keyctl(2) with a ticket's key while memory is
 * wanting: each allocation of a call fails in turn. A call may want memory then,
 * and otherwise ends as it does with enough; the ticket lives or is dead as the
 * call said, and in the end no key is left over. Needs a kernel with fail-nth
 * and failslab; skipped on others.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/kselftest/fault.h"
#include "tests/kselftest/quota.h"
#include "tests/kselftest/term.h"

#define MOST 2000
#define ROUND 16		/* calls after which every key of them has to be gone */
#define REST_MS 20000

/*
 * @ring: where the ticket is linked
 * @other: where it is not
 * @name: what the ticket's key is called
 */
FIXTURE(key)
{
	bool able;
	struct quota quota;
	struct term alice;
	key_serial_t ring;
	key_serial_t other;
	key_serial_t ticket;
	char *description;
	const char *name;
};

static key_serial_t new_ring(const char *name)
{
	return add_key("keyring", name, NULL, 0, KEY_SPEC_SESSION_KEYRING);
}

FIXTURE_SETUP(key)
{
	self->able = fault_able();
	if (!self->able)
		return;			/* and each test skips itself */
	ASSERT_TRUE(quota_of_own());
	term_session();
	ASSERT_EQ(0, term_open(&self->alice, ALICE));
	self->ring = new_ring("ring");
	self->other = new_ring("other");
	ASSERT_LT(0, self->ring);
	ASSERT_LT(0, self->other);
	self->alice.keyring = self->ring;
	ASSERT_TRUE(quota_read(&self->quota));
}

FIXTURE_TEARDOWN(key)
{
	if (!self->able)
		return;
	EXPECT_EQ(0, term_stat_wait(&self->alice, MIKEY_TICKET_S_TICKETS, 0, REST_MS));
	EXPECT_TRUE(quota_back(&self->quota, REST_MS));
	term_close(&self->alice);
}

/*
 * A call: what it returns is not negative, or errno says why
 *
 * @end: how it ends when no memory is wanting, 0 or a negative errno
 * @then: what INFO of the ticket says when it has ended so
 */
struct trial {
	const char *name;
	long (*call)(struct _test_data_key *self);
	int end;
	int then;
};

static int mint(struct _test_data_key *self)
{
	const char *const responders[] = { BOB, NULL };
	struct nlc_reply r;
	int err;

	err = nlc_call(&self->alice.nl, term_mint_msg(&self->alice, responders), &r);
	self->ticket = nlc_s32(r.attr[MIKEY_TICKET_A_TICKET]);
	nlc_free(&r);
	if (!err && keyctl_describe_alloc(self->ticket, &self->description) < 0)
		err = -errno;
	if (!err)
		self->name = strrchr(self->description, ';') + 1;
	return err;
}

static int info(struct _test_data_key *self)
{
	struct nlc_reply r;
	int err = term_info(&self->alice, self->ticket, &r);

	nlc_free(&r);
	return err;
}

/* What is unlinked dies when a grace period of RCU is over. */
static int info_wait(struct _test_data_key *self, int want, int ms)
{
	int err;

	while ((err = info(self)) != want && ms > 0) {
		usleep(10000);
		ms -= 10;
	}
	return err;
}

/*
 * Out of both keyrings, if it is still there. Where the collector was sooner what its
 * link counted stays in the quota until its keyring is cleared.
 */
static void forget(struct _test_data_key *self)
{
	keyctl_clear(self->ring);
	keyctl_clear(self->other);
	free(self->description);
	self->description = NULL;
}

/*
 * A call with its @nth allocation failing, and once more if it wanted memory.
 * Return: how it ended, 0 or a negative errno; what failed has changed nothing.
 */
static int call_with_fault(struct _test_data_key *self, const struct trial *t, int nth,
			   bool *hit, int *refused)
{
	int err;

	fault_set(nth);
	err = t->call(self) < 0 ? -errno : 0;
	*hit = fault_hit();
	fault_set(0);
	if (!*hit || (err != -ENOMEM && err != -EFAULT))
		return err;
	++*refused;
	if (info(self)) {
		fprintf(stderr, "# %s: the ticket did not outlive a call that failed\n", t->name);
		return -EPROTO;
	}
	return t->call(self) < 0 ? -errno : 0;
}

/* Return: how many calls there were, or a negative errno. */
static int each_fails(struct _test_data_key *self, const struct trial *t)
{
	int nth = 0, refused = 0, err = 0, end, then;
	bool hit = true;

	while (hit && !err && nth < MOST) {
		err = mint(self);
		if (err)
			break;
		end = call_with_fault(self, t, ++nth, &hit, &refused);
		then = info_wait(self, t->then, REST_MS);
		if (end != t->end || then != t->then) {
			fprintf(stderr, "# %s: ended with %d and not %d, then %d and not %d\n",
				t->name, end, t->end, then, t->then);
			err = -EPROTO;
		}
		forget(self);
		if (nth % ROUND == 0 && !quota_back(&self->quota, REST_MS))
			err = -EDQUOT;
	}
	fprintf(stderr, "# %s: %d allocations, of which %d refused it, then %d\n", t->name,
		nth - 1, refused, err);
	return err ? err : hit ? -E2BIG : nth;
}

/* --- nobody makes a ticket, and nobody changes one ------------------------ */

static long call_forge(struct _test_data_key *self)
{
	return add_key(MIKEY_TICKET_KEY_TYPE, self->name, "x", 1, self->ring);
}

static long call_request(struct _test_data_key *self)
{
	return request_key(MIKEY_TICKET_KEY_TYPE, "i:new:one", "callout", self->ring);
}

static long call_update(struct _test_data_key *self)
{
	return keyctl_update(self->ticket, "x", 1);
}

static long call_instantiate(struct _test_data_key *self)
{
	return keyctl_instantiate(self->ticket, "x", 1, self->other);
}

static long call_chown(struct _test_data_key *self)
{
	return keyctl_chown(self->ticket, geteuid(), -1);
}

static long call_read(struct _test_data_key *self)
{
	char buf[512];

	return keyctl_read(self->ticket, buf, sizeof(buf));
}

TEST_F_TIMEOUT(key, refused, 200)
{
	static const struct trial trials[] = {
		{ "add_key", call_forge, -EPERM, 0 },
		{ "request_key", call_request, -EPERM, 0 },
		{ "update", call_update, -EOPNOTSUPP, 0 },
		{ "instantiate", call_instantiate, -EPERM, 0 },
		{ "chown", call_chown, -EACCES, 0 },
		{ "read", call_read, -EOPNOTSUPP, 0 },
	};

	if (!self->able)
		SKIP(return, "no fail-nth in this kernel");
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++)
		EXPECT_LT(0, each_fails(self, &trials[i]));
}

/* --- it is found and told of ----------------------------------------------- */

static long is_ticket(struct _test_data_key *self, key_serial_t key)
{
	if (key >= 0 && key != self->ticket)
		errno = ESTALE;
	return key == self->ticket ? 0 : -1;
}

static long call_search(struct _test_data_key *self)
{
	return is_ticket(self, keyctl_search(KEY_SPEC_SESSION_KEYRING, MIKEY_TICKET_KEY_TYPE,
					     self->name, 0));
}

static long call_find(struct _test_data_key *self)
{
	return is_ticket(self, request_key(MIKEY_TICKET_KEY_TYPE, self->name, NULL, 0));
}

static long call_describe(struct _test_data_key *self)
{
	char buf[512];

	return keyctl_describe(self->ticket, buf, sizeof(buf));
}

/* Lines of all keys, of which the types say something. */
static long call_list(struct _test_data_key *self)
{
	int fd = open("/proc/keys", O_RDONLY | O_CLOEXEC), keep;
	char buf[4096];
	long n;

	(void)self;
	if (fd < 0)
		return -1;
	do
		n = read(fd, buf, sizeof(buf));
	while (n > 0);
	keep = errno;
	close(fd);
	errno = keep;
	return n;
}

TEST_F_TIMEOUT(key, told, 200)
{
	static const struct trial trials[] = {
		{ "search", call_search, 0, 0 },
		{ "request_key of one that is there", call_find, 0, 0 },
		{ "describe", call_describe, 0, 0 },
		{ "/proc/keys", call_list, 0, 0 },
	};

	if (!self->able)
		SKIP(return, "no fail-nth in this kernel");
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++)
		EXPECT_LT(0, each_fails(self, &trials[i]));
}

/* --- it is linked and ended ------------------------------------------------- */

static long call_link(struct _test_data_key *self)
{
	return keyctl_link(self->ticket, self->other);
}

static long call_unlink(struct _test_data_key *self)
{
	return keyctl_unlink(self->ticket, self->ring);
}

static long call_clear(struct _test_data_key *self)
{
	return keyctl_clear(self->ring);
}

static long call_revoke(struct _test_data_key *self)
{
	return keyctl_revoke(self->ticket);
}

static long call_invalidate(struct _test_data_key *self)
{
	return keyctl_invalidate(self->ticket);
}

TEST_F_TIMEOUT(key, ended, 200)
{
	static const struct trial trials[] = {
		{ "link", call_link, 0, 0 },
		{ "unlink", call_unlink, 0, -ENOKEY },
		{ "clear", call_clear, 0, -ENOKEY },
		{ "revoke", call_revoke, 0, -EKEYREVOKED },
		{ "invalidate", call_invalidate, 0, -ENOKEY },
	};

	if (!self->able)
		SKIP(return, "no fail-nth in this kernel");
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++)
		EXPECT_LT(0, each_fails(self, &trials[i]));
}

TEST_HARNESS_MAIN
