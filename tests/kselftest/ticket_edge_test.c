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

#include "fault.h"
#include "term.h"

#define MANY MIKEY_TICKET_RESPONDERS_MAX
#define LONG_UID 255

FIXTURE(edge)
{
	struct term alice;
	struct term bob;
	struct term_exchange ex;
	struct peer_answer a;
	struct peer_ticket ticket;
	struct peer_transfer x;
	struct peer_msg msg;
	struct nlc_reply r;
	char uid[MANY][LONG_UID + 1];
};

FIXTURE_SETUP(edge)
{
	term_session();
	ASSERT_EQ(0, term_open(&self->alice, ALICE));
	ASSERT_EQ(0, term_open(&self->bob, BOB));
}

FIXTURE_TEARDOWN(edge)
{
	nlc_free(&self->r);
	if (self->alice.nl.sock)
		term_close(&self->alice);
	if (self->bob.nl.sock)
		term_close(&self->bob);
}

/* An exchange of alice's and a good answer to it, with a ticket for bob. */
static int ask(struct _test_data_edge *f)
{
	int err = term_request(&f->alice, BOB, &f->ex);

	if (!err)
		err = peer_grant_plan(&f->a, &f->ticket, &f->alice.psk, f->ex.msg, f->ex.len);
	if (!err)
		peer_answer_write(&f->a, &f->msg);
	return err;
}

static int grant(struct _test_data_edge *f)
{
	nlc_free(&f->r);
	return term_answer(&f->alice, MIKEY_TICKET_CMD_GRANT, f->ex.id, &f->msg, &f->r);
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
	nlc_call(&self->alice.nl, term_request_msg(&self->alice, responders), &self->r);
	EXPECT_TRUE(term_refused("REQUEST", &self->r, -EMSGSIZE, "do not fit",
				 MIKEY_TICKET_A_RESPONDER));
	nlc_free(&self->r);
	for (i = 0; i < MANY; i++)
		responders[i] = long_uid(self, i, LONG_UID - 10);
	EXPECT_EQ(0, nlc_call(&self->alice.nl, term_request_msg(&self->alice, responders),
			      &self->r)) TH_LOG("%s", self->r.words);
}

/*
 * A TRANSFER_INIT of nearly all bytes that there may be: what RESOLVE_INIT says
 * of the one who asks does not fit any more.
 */
TEST_F(edge, resolve)
{
	char psk_id[LONG_UID + 1] = "";
	int i;

	peer_ticket_plan(&self->ticket, TERM_KMS, ALICE, BOB);
	for (i = 0; i < 248; i++)
		self->ticket.policy.responder[i + 1] = peer_nai(long_uid(self, i, 254));
	self->ticket.policy.responder[i + 1] = peer_nai(long_uid(self, i, 100));
	self->ticket.policy.num_responders = i + 2;
	peer_ticket_write(&self->ticket);
	peer_transfer_plan(&self->x, &self->ticket, BOB);
	peer_transfer_write(&self->x, &self->msg);
	ASSERT_GE(MIKEY_MSG_MAX, self->msg.len);
	ASSERT_LT(MIKEY_MSG_MAX - LONG_UID, self->msg.len);

	EXPECT_EQ(0, term_resolve(&self->bob, &self->msg, &self->ex, &self->r))
		TH_LOG("%s", self->r.words);
	nlc_free(&self->r);
	memset(psk_id, 'p', LONG_UID);
	self->bob.psk.id = peer_bytes(psk_id);
	term_resolve(&self->bob, &self->msg, &self->ex, &self->r);
	EXPECT_TRUE(term_refused("RESOLVE", &self->r, -EMSGSIZE, "does not fit",
				 MIKEY_TICKET_A_MESSAGE));
}

/* --- not what is wanted -------------------------------------------------- */

/* REQUEST_INIT in TRANSFER_INIT's place */
TEST_F(edge, another_message)
{
	ASSERT_EQ(0, term_request(&self->alice, BOB, &self->ex));
	memcpy(self->msg.p, self->ex.msg, self->ex.len);
	self->msg.len = self->ex.len;
	term_resolve(&self->bob, &self->msg, &self->ex, &self->r);
	EXPECT_TRUE(term_refused("RESOLVE", &self->r, -EBADMSG, "not a TRANSFER_INIT",
				 MIKEY_TICKET_A_MESSAGE));
}

/* TRs has to lie before TRe (6.10), whoever makes the ticket. */
TEST_F(edge, ends_before_it_begins)
{
	const char *const responders[] = { BOB, NULL };
	struct nl_msg *m;

	m = term_request_msg(&self->alice, responders);
	nla_put_s64(m, MIKEY_TICKET_A_VALID_FROM, time(NULL) + 2 * self->alice.valid);
	nlc_call(&self->alice.nl, m, &self->r);
	EXPECT_TRUE(term_refused("REQUEST", &self->r, -EINVAL, "validity period", 0));
	nlc_free(&self->r);
	m = term_mint_msg(&self->alice, responders);
	nla_put_s64(m, MIKEY_TICKET_A_VALID_FROM, time(NULL) + 2 * self->alice.valid);
	nlc_call(&self->alice.nl, m, &self->r);
	EXPECT_TRUE(term_refused("MINT", &self->r, -EINVAL, "validity period", 0));
}

/* --- keys and keyrings --------------------------------------------------- */

/* A keyring that takes no more keys: the ticket is gone, the exchange open. */
TEST_F(edge, closed_ring)
{
	u64 tickets = term_stat(&self->alice, MIKEY_TICKET_S_TICKETS);
	const char *const responders[] = { BOB, NULL };
	key_serial_t ring;

	ring = add_key("keyring", "mikey-closed", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, ring);
	ASSERT_EQ(0, keyctl_restrict_keyring(ring, NULL, NULL));
	ASSERT_EQ(0, ask(self));
	self->alice.keyring = ring;
	grant(self);
	EXPECT_TRUE(term_refused("GRANT", &self->r, -EPERM, "cannot be linked",
				 MIKEY_TICKET_A_KEYRING));
	nlc_free(&self->r);
	nlc_call(&self->alice.nl, term_mint_msg(&self->alice, responders), &self->r);
	EXPECT_TRUE(term_refused("MINT", &self->r, -EPERM, "cannot be linked",
				 MIKEY_TICKET_A_KEYRING));
	EXPECT_EQ(tickets, term_stat(&self->alice, MIKEY_TICKET_S_TICKETS));
	self->alice.keyring = KEY_SPEC_SESSION_KEYRING;
	EXPECT_EQ(0, grant(self)) TH_LOG("%s", self->r.words);
}

TEST_F(edge, no_such_ring)
{
	ASSERT_EQ(0, ask(self));
	self->alice.keyring = -100;
	grant(self);
	EXPECT_TRUE(term_refused("GRANT", &self->r, -EINVAL, "cannot be used",
				 MIKEY_TICKET_A_KEYRING));
	self->alice.keyring = KEY_SPEC_GROUP_KEYRING;
	grant(self);
	EXPECT_TRUE(term_refused("GRANT", &self->r, -EINVAL, "cannot be used",
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
	self->alice.psk_serial = keys[0];
	nlc_call(&self->alice.nl, term_request_msg(&self->alice, responders), &self->r);
	EXPECT_TRUE(term_refused("REQUEST", &self->r, -ENOKEY, "no key", MIKEY_TICKET_A_PSK));
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

	key = term_grant(&self->alice, BOB, &self->ticket);
	ASSERT_LT(0, key);
	ASSERT_TRUE(in_proc_keys(key, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, " mikey_tic i:" ALICE ":")) TH_LOG("%s", line);
	EXPECT_NE(NULL, strstr(line, ": immediate 256 reusable\n")) TH_LOG("%s", line);
	self->alice.reusable = false;
	self->alice.kind.profile = MIKEY_PROFILE_ANNEX_I;
	key = term_grant(&self->alice, BOB, &self->ticket);
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
	u64 pending = term_stat(&self->bob, MIKEY_TICKET_S_EXCHANGES);
	u64 requests = term_stat(&self->bob, MIKEY_TICKET_S_REQUESTS);
	const char *const responders[] = { BOB, NULL };

	fill(&self->alice.nl);
	send_blindly(&self->alice.nl, term_request_msg(&self->alice, responders));
	EXPECT_EQ(pending, term_stat(&self->bob, MIKEY_TICKET_S_EXCHANGES));
	EXPECT_EQ(requests, term_stat(&self->bob, MIKEY_TICKET_S_REQUESTS));
}

/* A ticket of which nobody was told does not stay. */
TEST_F(edge, unheard_grant)
{
	/* those of processes that have ended go by and by */
	u64 tickets = term_stat_wait(&self->bob, MIKEY_TICKET_S_TICKETS, 0, 5000);
	u64 grants = term_stat(&self->bob, MIKEY_TICKET_S_GRANTS);

	ASSERT_EQ(0, ask(self));
	fill(&self->alice.nl);
	send_blindly(&self->alice.nl,
		     term_answer_msg(&self->alice, MIKEY_TICKET_CMD_GRANT, self->ex.id,
				     self->msg.p, self->msg.len));
	EXPECT_EQ(grants, term_stat(&self->bob, MIKEY_TICKET_S_GRANTS));
	EXPECT_EQ(tickets, term_stat_wait(&self->bob, MIKEY_TICKET_S_TICKETS, tickets, 5000));
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

	peer_ticket_plan_kind(&f->ticket, (struct peer_kind){ MIKEY_PROFILE_ANNEX_I, 0 },
			      TERM_KMS, ALICE, BOB);
	f->ticket.policy.head.flags &= ~MIKEY_FLAG_E;
	peer_ticket_write(&f->ticket);
	peer_transfer_plan(&f->x, &f->ticket, BOB);
	peer_transfer_write(&f->x, &f->msg);
	err = term_resolve(&f->bob, &f->msg, &f->ex, NULL);
	if (!err)
		err = peer_resolve_plan(&f->a, &f->ticket, &f->bob.psk, f->ex.msg, f->ex.len,
					true);
	if (!err)
		peer_answer_write(&f->a, &f->msg);
	return err;
}

/* ADMIT, in vain as often as a user may have kept tickets. Return: as the last of them */
static int admit_in_vain(struct _test_data_edge *f, unsigned int nth, bool *hit)
{
	key_serial_t key = 0;
	int i, err = -ENOMEM;

	for (i = 0; i < MIKEY_TICKET_KEPT_MAX && *hit && want_of_memory(err); i++)
		err = send_failing(&f->bob.nl,
				   term_answer_msg(&f->bob, MIKEY_TICKET_CMD_ADMIT, f->ex.id,
						   f->msg.p, f->msg.len), nth, hit, &key);
	if (key > 0)
		keyctl_revoke(key);
	return err;
}

/*
 * A ticket that there was no memory for is not counted among those that are
 * kept: in the end there is room for one.
 */
TEST_F_TIMEOUT(edge, kept_in_vain, 300)
{
	bool hit = true;
	struct nl_msg *m;
	int n, err = 0;

	if (!fault_able())
		SKIP(return, "this kernel fails no allocations");
	for (n = 1; hit && n < 300; n++) {
		if (!err)
			ASSERT_EQ(0, resolve_to_keep(self));
		err = admit_in_vain(self, n, &hit);
		ASSERT_TRUE(!err || want_of_memory(err)) TH_LOG("%d", err);
	}
	EXPECT_FALSE(hit);
	ASSERT_EQ(0, resolve_to_keep(self));
	ASSERT_EQ(0, term_answer(&self->bob, MIKEY_TICKET_CMD_ADMIT, self->ex.id, &self->msg,
				 NULL));
	peer_transfer_plan(&self->x, &self->ticket, BOB);
	peer_transfer_write(&self->x, &self->msg);
	m = term_resolve_msg(&self->bob, &self->msg);
	nla_put_s32(m, MIKEY_TICKET_A_KEYRING, KEY_SPEC_SESSION_KEYRING);
	ASSERT_EQ(0, nlc_call(&self->bob.nl, m, &self->r));
	EXPECT_LT(0, nlc_s32(self->r.attr[MIKEY_TICKET_A_TICKET]));
}

TEST_HARNESS_MAIN
