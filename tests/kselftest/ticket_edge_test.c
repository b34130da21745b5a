// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket" at its edges: messages that are just too long, keyrings
 * and keys that cannot be used, answers that nobody hears, and what
 * /proc/keys says of a ticket.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "pair.h"
#include "quota.h"

#define MANY MIKEY_TICKET_RESPONDERS_MAX
#define LONG_UID 255
#define REST_MS 20000

FIXTURE(edge)
{
	struct pair p;
	char uid[MANY][LONG_UID + 1];
};

FIXTURE_SETUP(edge)
{
	ASSERT_EQ(0, pair_open(&self->p));
}

FIXTURE_TEARDOWN(edge)
{
	pair_close(&self->p);
}

static int grant(struct _test_data_edge *f)
{
	nlc_free(&f->p.r);
	return term_answer(&f->p.alice, MIKEY_TICKET_CMD_GRANT, f->p.ex.id, &f->p.msg, &f->p.r);
}

/* The @nth of many UIDs of @len bytes */
static const char *long_uid(struct _test_data_edge *f, int nth, int len)
{
	char *uid = f->uid[nth];

	memset(uid, 'x', len);
	uid[snprintf(uid, len, "%d@", nth)] = 'x';
	uid[len] = '\0';
	return uid;
}

/* --- too long ------------------------------------------------------------ */

/* As many responders as there may be, each as long as it may be: one message less. */
TEST_F(edge, request)
{
	const char *responders[MANY + 1] = {};
	int i;

	for (i = 0; i < MANY; i++)
		responders[i] = long_uid(self, i, LONG_UID);
	nlc_call(&self->p.alice.nl, term_request_msg(&self->p.alice, responders), &self->p.r);
	EXPECT_TRUE(term_refused("REQUEST", &self->p.r, -EMSGSIZE, "do not fit",
				 MIKEY_TICKET_A_RESPONDER));
	nlc_free(&self->p.r);
	for (i = 0; i < MANY; i++)
		responders[i] = long_uid(self, i, LONG_UID - 10);
	EXPECT_EQ(0, nlc_call(&self->p.alice.nl, term_request_msg(&self->p.alice, responders),
			      &self->p.r)) TH_LOG("%s", self->p.r.words);
}

/*
 * A TRANSFER_INIT of nearly all bytes that there may be: what RESOLVE_INIT says
 * of the one who asks does not fit any more.
 */
TEST_F(edge, resolve)
{
	char psk_id[LONG_UID + 1] = "";
	int i;

	peer_ticket_plan(&self->p.ticket, TERM_KMS, ALICE, BOB);
	for (i = 0; i < 248; i++)
		self->p.ticket.policy.responder[i + 1] = peer_nai(long_uid(self, i, 254));
	self->p.ticket.policy.responder[i + 1] = peer_nai(long_uid(self, i, 100));
	self->p.ticket.policy.num_responders = i + 2;
	peer_ticket_write(&self->p.ticket);
	peer_transfer_plan(&self->p.x, &self->p.ticket, BOB);
	peer_transfer_write(&self->p.x, &self->p.msg);
	ASSERT_GE(MIKEY_MSG_MAX, self->p.msg.len);
	ASSERT_LT(MIKEY_MSG_MAX - LONG_UID, self->p.msg.len);

	EXPECT_EQ(0, term_resolve(&self->p.bob, &self->p.msg, &self->p.ex, &self->p.r))
		TH_LOG("%s", self->p.r.words);
	nlc_free(&self->p.r);
	memset(psk_id, 'p', LONG_UID);
	self->p.bob.psk.id = peer_bytes(psk_id);
	term_resolve(&self->p.bob, &self->p.msg, &self->p.ex, &self->p.r);
	EXPECT_TRUE(term_refused("RESOLVE", &self->p.r, -EMSGSIZE, "does not fit",
				 MIKEY_TICKET_A_MESSAGE));
}

/* --- not what is wanted -------------------------------------------------- */

/* REQUEST_INIT in TRANSFER_INIT's place */
TEST_F(edge, another_message)
{
	ASSERT_EQ(0, term_request(&self->p.alice, BOB, &self->p.ex));
	memcpy(self->p.msg.p, self->p.ex.msg, self->p.ex.len);
	self->p.msg.len = self->p.ex.len;
	term_resolve(&self->p.bob, &self->p.msg, &self->p.ex, &self->p.r);
	EXPECT_TRUE(term_refused("RESOLVE", &self->p.r, -EBADMSG, "not a TRANSFER_INIT",
				 MIKEY_TICKET_A_MESSAGE));
}

/* TRs has to lie before TRe (6.10), whoever makes the ticket. */
TEST_F(edge, ends_before_it_begins)
{
	const char *const responders[] = { BOB, NULL };
	struct nl_msg *m;

	m = term_request_msg(&self->p.alice, responders);
	nla_put_s64(m, MIKEY_TICKET_A_VALID_FROM, time(NULL) + 2 * self->p.alice.valid);
	nlc_call(&self->p.alice.nl, m, &self->p.r);
	EXPECT_TRUE(term_refused("REQUEST", &self->p.r, -EINVAL, "validity period", 0));
	nlc_free(&self->p.r);
	m = term_mint_msg(&self->p.alice, responders);
	nla_put_s64(m, MIKEY_TICKET_A_VALID_FROM, time(NULL) + 2 * self->p.alice.valid);
	nlc_call(&self->p.alice.nl, m, &self->p.r);
	EXPECT_TRUE(term_refused("MINT", &self->p.r, -EINVAL, "validity period", 0));
}

/* --- keys and keyrings --------------------------------------------------- */

/* A keyring that takes no more keys: the ticket is gone, the exchange open. */
TEST_F(edge, closed_ring)
{
	u64 tickets = term_stat(&self->p.alice, MIKEY_TICKET_S_TICKETS);
	const char *const responders[] = { BOB, NULL };
	key_serial_t ring;

	ring = add_key("keyring", "mikey-closed", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, ring);
	ASSERT_EQ(0, keyctl_restrict_keyring(ring, NULL, NULL));
	ASSERT_EQ(0, pair_ask(&self->p));
	self->p.alice.keyring = ring;
	grant(self);
	EXPECT_TRUE(term_refused("GRANT", &self->p.r, -EPERM, "cannot be linked",
				 MIKEY_TICKET_A_KEYRING));
	nlc_free(&self->p.r);
	nlc_call(&self->p.alice.nl, term_mint_msg(&self->p.alice, responders), &self->p.r);
	EXPECT_TRUE(term_refused("MINT", &self->p.r, -EPERM, "cannot be linked",
				 MIKEY_TICKET_A_KEYRING));
	EXPECT_EQ(tickets, term_stat(&self->p.alice, MIKEY_TICKET_S_TICKETS));
	self->p.alice.keyring = KEY_SPEC_SESSION_KEYRING;
	EXPECT_EQ(0, grant(self)) TH_LOG("%s", self->p.r.words);
}

TEST_F(edge, no_such_ring)
{
	ASSERT_EQ(0, pair_ask(&self->p));
	self->p.alice.keyring = -100;
	grant(self);
	EXPECT_TRUE(term_refused("GRANT", &self->p.r, -EINVAL, "cannot be used",
				 MIKEY_TICKET_A_KEYRING));
	self->p.alice.keyring = KEY_SPEC_GROUP_KEYRING;
	grant(self);
	EXPECT_TRUE(term_refused("GRANT", &self->p.r, -EINVAL, "cannot be used",
				 MIKEY_TICKET_A_KEYRING));
}

/* A key that was asked for and that nobody could give is there, but is none. */
TEST_F(edge, negative_key)
{
	const char *const responders[] = { BOB, NULL };
	key_serial_t ring, keys[4];
	long len;

	ring = add_key("keyring", "mikey-negative", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, ring);
	ASSERT_EQ(-1, request_key("user", "mikey:none", "none", ring));
	len = keyctl_read(ring, (char *)keys, sizeof(keys));
	if (len != sizeof(keys[0]))
		SKIP(return, "this machine remembers no refused keys");
	self->p.alice.psk_serial = keys[0];
	nlc_call(&self->p.alice.nl, term_request_msg(&self->p.alice, responders), &self->p.r);
	EXPECT_TRUE(term_refused("REQUEST", &self->p.r, -ENOKEY, "no key", MIKEY_TICKET_A_PSK));
}

/* "...: DESCRIPTION: PROFILE SUITE [reusable]" of a key, in @line. */
static bool in_proc_keys(key_serial_t key, char *line, int size)
{
	FILE *f = fopen("/proc/keys", "r");
	bool found = false;

	while (f && !found && fgets(line, size, f))
		found = strtoul(line, NULL, 16) == (unsigned long)key;
	if (f)
		fclose(f);
	return found;
}

TEST_F(edge, proc_keys)
{
	char line[512];
	key_serial_t key;

	key = term_grant(&self->p.alice, BOB, &self->p.ticket);
	ASSERT_LT(0, key);
	ASSERT_TRUE(in_proc_keys(key, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, " mikey_tic i:" ALICE ":")) TH_LOG("%s", line);
	EXPECT_NE(NULL, strstr(line, ": immediate 256 reusable\n")) TH_LOG("%s", line);
	self->p.alice.reusable = false;
	self->p.alice.kind.profile = MIKEY_PROFILE_ANNEX_I;
	key = term_grant(&self->p.alice, BOB, &self->p.ticket);
	ASSERT_LT(0, key);
	ASSERT_TRUE(in_proc_keys(key, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, ": annex-i 256\n")) TH_LOG("%s", line);
}

/* --- nobody hears -------------------------------------------------------- */

/* Without waiting for an answer */
static void send_blindly(struct nlc *c, struct nl_msg *m)
{
	struct nlmsghdr *h = nlmsg_hdr(m);

	nl_complete_msg(c->sock, m);
	if (send(nl_socket_get_fd(c->sock), h, h->nlmsg_len, 0) != (ssize_t)h->nlmsg_len)
		abort();
	nlmsg_free(m);
}

/* Until there is no room for one more answer, and for the next one some. */
static void fill(struct nlc *c)
{
	nl_socket_set_buffer_size(c->sock, 2048, 0);
	for (int i = 0; i < 20; i++)
		send_blindly(c, nlc_msg_room(c, MIKEY_TICKET_CMD_STATS, 100));
}

/* The exchange of a REQUEST whose answer did not arrive is closed. */
TEST_F(edge, unheard_request)
{
	u64 pending = term_stat(&self->p.bob, MIKEY_TICKET_S_EXCHANGES);
	u64 requests = term_stat(&self->p.bob, MIKEY_TICKET_S_REQUESTS);
	const char *const responders[] = { BOB, NULL };

	fill(&self->p.alice.nl);
	send_blindly(&self->p.alice.nl, term_request_msg(&self->p.alice, responders));
	EXPECT_EQ(pending, term_stat(&self->p.bob, MIKEY_TICKET_S_EXCHANGES));
	EXPECT_EQ(requests, term_stat(&self->p.bob, MIKEY_TICKET_S_REQUESTS));
}

/* A ticket of which nobody was told does not stay. */
TEST_F(edge, unheard_grant)
{
	/* those of processes that have ended go by and by */
	u64 tickets = term_stat_wait(&self->p.bob, MIKEY_TICKET_S_TICKETS, 0, 20000);
	u64 grants = term_stat(&self->p.bob, MIKEY_TICKET_S_GRANTS);

	ASSERT_EQ(0, pair_ask(&self->p));
	fill(&self->p.alice.nl);
	send_blindly(&self->p.alice.nl,
		     term_answer_msg(&self->p.alice, MIKEY_TICKET_CMD_GRANT, self->p.ex.id,
				     self->p.msg.p, self->p.msg.len));
	EXPECT_EQ(grants, term_stat(&self->p.bob, MIKEY_TICKET_S_GRANTS));
	EXPECT_EQ(tickets, term_stat_wait(&self->p.bob, MIKEY_TICKET_S_TICKETS, tickets, 20000));
}

/* More than quota_back() lets pass */
#define UNHEARD 20

/* Nor does anything of it in its user's quota. */
static int grant_unheard(void *arg)
{
	struct pair *p = arg;
	struct quota quota;
	char uid[32];
	int err;

	err = pair_open(p);
	if (err || !quota_read(&quota))
		return 1;
	for (int i = 0; i < UNHEARD && !err; i++) {
		/* each with a name of its own, so that it takes no other's place */
		snprintf(uid, sizeof(uid), "alice%d@example.test", i);
		p->alice.uid = uid;
		err = pair_ask(p);
		fill(&p->alice.nl);
		send_blindly(&p->alice.nl,
			     term_answer_msg(&p->alice, MIKEY_TICKET_CMD_GRANT, p->ex.id,
					     p->msg.p, p->msg.len));
		term_close(&p->alice);
		err = err ? err : nlc_open(&p->alice.nl, MIKEY_TICKET_GENL_NAME,
					   MIKEY_TICKET_GENL_VERSION);
	}
	if (err)
		return 2;
	return quota_back(&quota, REST_MS) ? 0 : 3;
}

TEST_F_TIMEOUT(edge, unheard_grants_quota, 60)
{
	static struct pair p;

	EXPECT_EQ(0, term_as_user(100000 + getpid(), grant_unheard, &p));
}

/* --- want of memory ------------------------------------------------------ */

/*
 * Send @m with the @nth allocation failing. Return: what the kernel says, or 0
 * and a reply's TICKET, if it has one, in *@key.
 */
static int send_failing(struct nlc *c, struct nl_msg *m, unsigned int nth, bool *hit,
			key_serial_t *key)
{
	int fd = nl_socket_get_fd(c->sock), err = -ENOMSG;
	static char buf[1 << 17];
	struct nlmsghdr *h;
	ssize_t len;

	nl_complete_msg(c->sock, m);
	h = nlmsg_hdr(m);
	fault_set(nth);
	if (send(fd, h, h->nlmsg_len, 0) < 0)
		err = -errno;
	*hit = fault_hit();
	fault_set(0);
	nlmsg_free(m);
	/* an answer that there was no memory for shows as ENOBUFS, once */
	while ((len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0 || errno == ENOBUFS) {
		h = (struct nlmsghdr *)buf;
		if (len > 0 && h->nlmsg_type == NLMSG_ERROR) {
			err = ((struct nlmsgerr *)nlmsg_data(h))->error;
		} else if (len > 0) {
			err = 0;
			*key = nlc_s32(nla_find(genlmsg_attrdata(nlmsg_data(h), 0),
						genlmsg_attrlen(nlmsg_data(h), 0),
						MIKEY_TICKET_A_TICKET));
		}
		errno = 0;
	}
	return err;
}

static bool want_of_memory(int err)
{
	return fault_explains(err) || err == -ENOMSG;
}

/* A message of a ticket that bob may keep, and its exchange with a good answer */
static int resolve_to_keep(struct _test_data_edge *f)
{
	int err;

	peer_ticket_plan_kind(&f->p.ticket, (struct peer_kind){ MIKEY_PROFILE_ANNEX_I, 0 },
			      TERM_KMS, ALICE, BOB);
	f->p.ticket.policy.head.flags &= ~MIKEY_FLAG_E;
	peer_ticket_write(&f->p.ticket);
	peer_transfer_plan(&f->p.x, &f->p.ticket, BOB);
	peer_transfer_write(&f->p.x, &f->p.msg);
	err = term_resolve(&f->p.bob, &f->p.msg, &f->p.ex, NULL);
	if (!err)
		err = peer_resolve_plan(&f->p.a, &f->p.ticket, &f->p.bob.psk, f->p.ex.msg,
					f->p.ex.len, true);
	if (!err)
		peer_answer_write(&f->p.a, &f->p.msg);
	return err;
}

static int admit(struct _test_data_edge *f)
{
	return term_answer(&f->p.bob, MIKEY_TICKET_CMD_ADMIT, f->p.ex.id, &f->p.msg, NULL);
}

/* With the @nth allocation failing; what succeeds makes room again. */
static int admit_failing(struct _test_data_edge *f, unsigned int nth, bool *hit)
{
	key_serial_t key = 0;
	int err;

	err = send_failing(&f->p.bob.nl,
			   term_answer_msg(&f->p.bob, MIKEY_TICKET_CMD_ADMIT, f->p.ex.id,
					   f->p.msg.p, f->p.msg.len), nth, hit, &key);
	if (key > 0)
		keyctl_revoke(key);
	return err;
}

/*
 * A ticket that there was no memory for is not counted among those that are kept:
 * where there is room for one more there still is when each allocation of its ADMIT
 * has failed, twice, since what an allocation takes shifts from one try to the next.
 */
TEST_F_TIMEOUT(edge, kept_in_vain, 100)
{
	struct nl_msg *m;
	bool hit;
	int i, n, err = 0;

	if (!fault_able())
		SKIP(return, "this kernel fails no allocations");
	pair_close(&self->p);
	/* former tests' tickets may still count for theirs */
	ASSERT_TRUE(quota_of_own());
	ASSERT_EQ(0, pair_open(&self->p));
	for (i = 1; i < MIKEY_TICKET_KEPT_MAX; i++) {
		ASSERT_EQ(0, resolve_to_keep(self));
		ASSERT_EQ(0, admit(self));
	}
	for (i = 0; i < 2; i++) {
		for (n = 1, hit = true; hit && n < 300; n++) {
			if (!err)
				ASSERT_EQ(0, resolve_to_keep(self));
			err = admit_failing(self, n, &hit);
			ASSERT_TRUE(!err || want_of_memory(err)) TH_LOG("%d", err);
		}
		EXPECT_FALSE(hit);
	}
	ASSERT_EQ(0, resolve_to_keep(self));
	ASSERT_EQ(0, admit(self));
	peer_transfer_plan(&self->p.x, &self->p.ticket, BOB);
	peer_transfer_write(&self->p.x, &self->p.msg);
	m = term_resolve_msg(&self->p.bob, &self->p.msg);
	nla_put_s32(m, MIKEY_TICKET_A_KEYRING, KEY_SPEC_SESSION_KEYRING);
	ASSERT_EQ(0, nlc_call(&self->p.bob.nl, m, &self->p.r));
	EXPECT_LT(0, nlc_s32(self->p.r.attr[MIKEY_TICKET_A_TICKET]));
}

TEST_HARNESS_MAIN
