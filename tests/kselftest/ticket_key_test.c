// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket" and the kernel's keys: where a ticket goes and who may
 * use it, and what keyctl(2), add_key(2) and request_key(2) can do to it. Its
 * keys must be wiped when it is revoked, invalidated, unlinked or expires,
 * at once and not when the key garbage collector gets round to it.
 */
#include <kselftest_harness.h>

#include <time.h>

#include "clock.h"
#include "term.h"

#define SOMEBODY 4711
#define SOMEBODY_ELSE 4712

FIXTURE(key)
{
	struct term alice;
	struct term_exchange ex;
	struct peer_answer a;
	struct peer_ticket ticket;
	struct peer_msg msg;
	struct nlc_reply r;
	u64 tickets;
	u64 wipes;
};

FIXTURE_SETUP(key)
{
	term_session();
	ASSERT_EQ(0, term_open(&self->alice, ALICE));
	self->tickets = term_tickets(&self->alice);
	self->wipes = term_stat(&self->alice, MIKEY_TICKET_S_WIPES);
}

FIXTURE_TEARDOWN(key)
{
	nlc_free(&self->r);
	term_close(&self->alice);
}

/* --- somebody else's ticket ---------------------------------------------- */

/* Return: 0 if INFO was refused. */
static int try_foreign(void *arg)
{
	key_serial_t *serial = arg;
	struct nlc_reply r;
	struct term t;

	if (term_open(&t, CAROL))
		return 1;
	term_info(&t, *serial, &r);
	return term_refused("somebody else", &r, -EACCES, "permissions",
			    MIKEY_TICKET_A_TICKET) ? 0 : 2;
}

TEST_F(key, ticket_of_another_user)
{
	key_serial_t ticket = term_grant(&self->alice, BOB, &self->ticket);

	ASSERT_LT(0, ticket);
	EXPECT_EQ(0, term_as_user(SOMEBODY, try_foreign, &ticket));
}

/* It does not become one's own by linking it either. */
static int link_and_use(void *arg)
{
	key_serial_t *serial = arg;

	if (keyctl_link(*serial, KEY_SPEC_SESSION_KEYRING) == 0)
		return 3;
	return try_foreign(arg);
}

TEST_F(key, ticket_of_another_user_linked)
{
	key_serial_t ticket = term_grant(&self->alice, BOB, &self->ticket);

	ASSERT_LT(0, ticket);
	EXPECT_EQ(0, term_as_user(SOMEBODY_ELSE, link_and_use, &ticket));
}

/* --- where a ticket goes ------------------------------------------------- */

static int to_keyring(struct _test_data_key *f, key_serial_t ring)
{
	int err;

	f->alice.keyring = ring;
	err = term_request(&f->alice, BOB, &f->ex);
	if (!err)
		err = peer_grant_plan(&f->a, &f->ticket, &f->alice.psk,
				      f->ex.msg, f->ex.len);
	if (err)
		return err;
	peer_answer_write(&f->a, &f->msg);
	nlc_free(&f->r);
	return term_answer(&f->alice, MIKEY_TICKET_CMD_GRANT, f->ex.id,
			   &f->msg, &f->r);
}

TEST_F(key, keyring)
{
	key_serial_t ring, shut, ticket;
	char *list;

	ring = add_key("keyring", "mikey-tickets", NULL, 0,
		       KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, ring);
	ASSERT_EQ(0, to_keyring(self, ring));
	ticket = nlc_s32(self->r.attr[MIKEY_TICKET_A_TICKET]);
	ASSERT_EQ(4, keyctl_read_alloc(ring, (void **)&list));
	EXPECT_EQ(0, memcmp(list, &ticket, 4));
	free(list);

	/* refused keyrings; the exchange stays open */
	shut = add_key("keyring", "mikey-shut", NULL, 0,
		       KEY_SPEC_SESSION_KEYRING);
	ASSERT_EQ(0, keyctl_setperm(shut, KEY_POS_VIEW | KEY_POS_SEARCH |
				    KEY_POS_SETATTR));
	EXPECT_EQ(-EACCES, to_keyring(self, shut));
	EXPECT_EQ(MIKEY_TICKET_A_KEYRING, self->r.blamed);
	EXPECT_NE('\0', self->r.words[0]);
	EXPECT_EQ(-EINVAL, to_keyring(self, self->alice.psk_serial));
	EXPECT_EQ(MIKEY_TICKET_A_KEYRING, self->r.blamed);
	EXPECT_STREQ("the key is not a keyring", self->r.words);
	EXPECT_EQ(-ENOKEY, to_keyring(self, 0x7ffffff2));
	EXPECT_EQ(MIKEY_TICKET_A_KEYRING, self->r.blamed);
	self->alice.keyring = ring;
	EXPECT_EQ(0, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				 self->ex.id, &self->msg, NULL));
	/* the default */
	EXPECT_EQ(0, to_keyring(self, 0));
	EXPECT_EQ(0, keyctl_unlink(nlc_s32(self->r.attr[MIKEY_TICKET_A_TICKET]),
				   KEY_SPEC_USER_KEYRING));
}

/* The same responders again: the new ticket takes the old one's place. */
TEST_F(key, replaced)
{
	key_serial_t first, second;

	first = term_grant(&self->alice, BOB, &self->ticket);
	second = term_grant(&self->alice, BOB, &self->ticket);
	ASSERT_LT(0, first);
	ASSERT_LT(0, second);
	EXPECT_NE(first, second);
	EXPECT_EQ(self->tickets + 1,
		  term_stat_wait(&self->alice, MIKEY_TICKET_S_TICKETS,
				 self->tickets + 1, 20000));
	EXPECT_EQ(0, term_info(&self->alice, second, &self->r));
	nlc_free(&self->r);
	EXPECT_EQ(-ENOKEY, term_info(&self->alice, first, &self->r));
}

/* An ordinary user's quota of keys ends it, in words; nothing is left. */
static int fill_quota(void *arg)
{
	static struct peer_ticket ticket;
	char name[16];
	struct term t;
	u64 tickets;
	int i, err;

	(void)arg;
	if (term_open(&t, ALICE))
		return 1;
	for (i = 0; i < 1000; i++) {
		sprintf(name, "fill-%d", i);
		if (add_key("user", name, "x", 1, KEY_SPEC_SESSION_KEYRING) < 0)
			break;
	}
	if (errno != EDQUOT)
		return 2;
	tickets = term_stat(&t, MIKEY_TICKET_S_TICKETS);
	err = term_grant(&t, BOB, &ticket);
	if (err != -EDQUOT)
		return 3;
	return term_stat(&t, MIKEY_TICKET_S_TICKETS) == tickets ? 0 : 4;
}

TEST_F(key, quota)
{
	EXPECT_EQ(0, term_as_user(SOMEBODY, fill_quota, NULL));
}

/* --- what keyctl(2) can do to it ----------------------------------------- */

TEST_F(key, ticket_gives_nothing_away)
{
	key_serial_t ticket = term_grant(&self->alice, BOB, &self->ticket);
	char buf[4096];

	ASSERT_LT(0, ticket);
	EXPECT_EQ(-1, keyctl_read(ticket, buf, sizeof(buf)));
	EXPECT_TRUE(errno == EOPNOTSUPP || errno == EACCES);
	EXPECT_EQ(-1, keyctl_update(ticket, "x", 1));
	EXPECT_TRUE(errno == EOPNOTSUPP || errno == EACCES);
	EXPECT_EQ(-1, keyctl_update(ticket, NULL, 0));
	EXPECT_EQ(-1, keyctl_set_timeout(ticket, 0));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, keyctl_set_timeout(ticket, 1 << 30));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, keyctl_setperm(ticket, KEY_POS_ALL | KEY_USR_ALL));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, keyctl_instantiate(ticket, "x", 1, 0));
	EXPECT_EQ(-1, keyctl_negate(ticket, 1, 0));
	EXPECT_EQ(-1, keyctl_reject(ticket, 1, EKEYREVOKED, 0));
	EXPECT_EQ(-1, keyctl_dh_compute(ticket, ticket, ticket, buf, 100));
	EXPECT_EQ(-1, keyctl_pkey_encrypt(ticket, "", "x", 1, buf, 100));
	/* and is as it was */
	EXPECT_EQ(0, term_info(&self->alice, ticket, &self->r));
}

/* root's SETATTR by capability: chown and setperm are CAP_SYS_ADMIN's too. */
TEST_F(key, ticket_stays_the_users)
{
	key_serial_t ticket = term_grant(&self->alice, BOB, &self->ticket);

	ASSERT_LT(0, ticket);
	EXPECT_EQ(-1, keyctl_chown(ticket, SOMEBODY, -1));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(key, ticket_cannot_be_forged)
{
	key_serial_t ticket, forged;
	char *desc, *name;

	ticket = term_grant(&self->alice, BOB, &self->ticket);
	ASSERT_LT(0, ticket);
	ASSERT_LT(0, keyctl_describe_alloc(ticket, &desc));
	name = strrchr(desc, ';') + 1;

	forged = add_key(MIKEY_TICKET_KEY_TYPE, name, "x", 1,
			 KEY_SPEC_SESSION_KEYRING);
	EXPECT_EQ(-1, forged);
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, add_key(MIKEY_TICKET_KEY_TYPE, name, NULL, 0,
			      KEY_SPEC_SESSION_KEYRING));
	EXPECT_EQ(-1, add_key(MIKEY_TICKET_KEY_TYPE, "i:x:y", "x", 1,
			      KEY_SPEC_SESSION_KEYRING));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, request_key(MIKEY_TICKET_KEY_TYPE, "i:new:one", "callout",
				  KEY_SPEC_SESSION_KEYRING));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, request_key(MIKEY_TICKET_KEY_TYPE, "i:new:one", NULL,
				  KEY_SPEC_SESSION_KEYRING));
	EXPECT_EQ(ENOKEY, errno);

	/* the true one is found as before, by either way */
	EXPECT_EQ(ticket, keyctl_search(KEY_SPEC_SESSION_KEYRING,
					MIKEY_TICKET_KEY_TYPE, name, 0));
	EXPECT_EQ(ticket, request_key(MIKEY_TICKET_KEY_TYPE, name, NULL, 0));
	/* no key of a failed try was left behind, negative or not */
	EXPECT_EQ(-1, keyctl_search(KEY_SPEC_SESSION_KEYRING,
				    MIKEY_TICKET_KEY_TYPE, "i:new:one", 0));
	EXPECT_EQ(ENOKEY, errno);
	free(desc);
}

/* --- the end of its keys ------------------------------------------------- */

/* Are the keys of exactly one more ticket wiped within @ms? */
static bool wiped(struct _test_data_key *f, int ms)
{
	u64 wipes = term_stat_wait(&f->alice, MIKEY_TICKET_S_WIPES,
				   f->wipes + 1, ms);

	return wipes == f->wipes + 1 &&
	       term_stat(&f->alice, MIKEY_TICKET_S_TICKETS) == f->tickets;
}

TEST_F(key, wiped_when_revoked)
{
	key_serial_t ticket = term_grant(&self->alice, BOB, &self->ticket);

	ASSERT_LT(0, ticket);
	ASSERT_EQ(0, keyctl_revoke(ticket));
	EXPECT_TRUE(wiped(self, 0));
	EXPECT_EQ(-EKEYREVOKED, term_info(&self->alice, ticket, &self->r));
	EXPECT_EQ(MIKEY_TICKET_A_TICKET, self->r.blamed);
	nlc_free(&self->r);
	EXPECT_EQ(-1, keyctl_revoke(ticket));
	EXPECT_TRUE(wiped(self, 0));
	EXPECT_EQ(0, keyctl_unlink(ticket, KEY_SPEC_SESSION_KEYRING));
	usleep(200000);
	EXPECT_TRUE(wiped(self, 0));
}

TEST_F(key, wiped_when_invalidated)
{
	key_serial_t ticket = term_grant(&self->alice, BOB, &self->ticket);

	ASSERT_LT(0, ticket);
	ASSERT_EQ(0, keyctl_invalidate(ticket));
	EXPECT_TRUE(wiped(self, 20000));
	EXPECT_EQ(-ENOKEY, term_info(&self->alice, ticket, &self->r));
}

TEST_F(key, wiped_when_unlinked)
{
	key_serial_t ticket, ring;

	ticket = term_grant(&self->alice, BOB, &self->ticket);
	ring = add_key("keyring", "mikey-second", NULL, 0,
		       KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, ticket);
	ASSERT_EQ(0, keyctl_link(ticket, ring));
	ASSERT_EQ(0, keyctl_unlink(ticket, KEY_SPEC_SESSION_KEYRING));
	/* one link is left, so it lives */
	usleep(200000);
	EXPECT_EQ(0, term_info(&self->alice, ticket, &self->r));
	nlc_free(&self->r);
	EXPECT_EQ(self->wipes, term_stat(&self->alice, MIKEY_TICKET_S_WIPES));
	ASSERT_EQ(0, keyctl_clear(ring));
	EXPECT_TRUE(wiped(self, 20000));
	EXPECT_EQ(-ENOKEY, term_info(&self->alice, ticket, &self->r));
}

static int leave_a_ticket(void *arg)
{
	static struct peer_ticket ticket;
	struct term t;

	(void)arg;
	if (term_open(&t, ALICE))
		return 1;
	return term_grant(&t, BOB, &ticket) > 0 ? 0 : 2;
}

TEST_F(key, wiped_when_the_session_ends)
{
	ASSERT_EQ(0, term_as_user(SOMEBODY, leave_a_ticket, NULL));
	EXPECT_TRUE(wiped(self, 2000));
}

TEST_F(key, wiped_when_it_expires)
{
	key_serial_t ticket;
	struct timespec now;

	self->alice.valid = 5;
	ticket = term_grant(&self->alice, BOB, &self->ticket);
	ASSERT_LT(0, ticket);
	EXPECT_EQ(0, term_info(&self->alice, ticket, &self->r));
	EXPECT_LE(nlc_s64(self->r.attr[MIKEY_TICKET_A_REMAINING]), 5);
	nlc_free(&self->r);
	EXPECT_EQ(self->wipes, term_stat(&self->alice, MIKEY_TICKET_S_WIPES));
	EXPECT_TRUE(wiped(self, 8000));
	/* the garbage collector would take minutes */
	clock_gettime(CLOCK_REALTIME, &now);
	EXPECT_LE(mikey_ts_to_unix(&self->ticket.policy.head.tr_e), now.tv_sec);
	EXPECT_GE(mikey_ts_to_unix(&self->ticket.policy.head.tr_e) + 5,
		  now.tv_sec);
	EXPECT_EQ(-EKEYEXPIRED, term_info(&self->alice, ticket, &self->r))
		TH_LOG("%s", self->r.words);
}

/* The clock jumps past TRe, and back again: dead is dead. */
TEST_F(key, wiped_when_the_clock_jumps)
{
	key_serial_t ticket = term_grant(&self->alice, BOB, &self->ticket);
	int err;

	ASSERT_LT(0, ticket);
	clock_jump(self->alice.valid + 10);
	EXPECT_TRUE(wiped(self, 20000));
	err = term_info(&self->alice, ticket, &self->r);
	clock_jump(-(self->alice.valid + 10));
	EXPECT_EQ(-EKEYEXPIRED, err);
	nlc_free(&self->r);
	EXPECT_EQ(-EKEYEXPIRED, term_info(&self->alice, ticket, &self->r));
	EXPECT_TRUE(wiped(self, 0));
}

/* Who sets it back before TRe comes wins no time. */
TEST_F(key, dead_though_the_clock_is_set_back)
{
	key_serial_t ticket;

	self->alice.valid = 5;
	ticket = term_grant(&self->alice, BOB, &self->ticket);
	ASSERT_LT(0, ticket);
	clock_jump(-3600);
	EXPECT_EQ(0, term_info(&self->alice, ticket, &self->r));
	/* a second is not told from the next before it has begun */
	EXPECT_GE(6, nlc_s64(self->r.attr[MIKEY_TICKET_A_REMAINING]));
	nlc_free(&self->r);
	sleep(7);
	EXPECT_EQ(-EKEYEXPIRED, term_info(&self->alice, ticket, &self->r))
		TH_LOG("%s", self->r.words);
	EXPECT_TRUE(wiped(self, 0));
	clock_jump(3600);
}

TEST_HARNESS_MAIN
