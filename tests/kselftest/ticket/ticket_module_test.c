// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey_ticket.ko as a module: its parameters and its tracepoint. Reloads the
 * module from MIKEY_MODULES; skipped without it.
 */
#include <kselftest_harness.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "module.h"
#include "tests/kselftest/term.h"

FIXTURE(module)
{
	struct term alice;
	struct term bob;
	struct peer_ticket ticket;
	struct peer_transfer x;
	struct peer_msg transfer;
	struct term_exchange ex;
	struct nlc_reply r;
};

FIXTURE_SETUP(module)
{
	if (!getenv("MIKEY_MODULES"))
		SKIP(return, "MIKEY_MODULES is not set");
	term_session();
	module_unload("mikey_mime");
	ASSERT_EQ(0, module_unload("mikey_ticket"));
}

FIXTURE_TEARDOWN(module)
{
	if (!getenv("MIKEY_MODULES"))
		return;
	term_close(&self->alice);
	term_close(&self->bob);
	module_unload("mikey_ticket");
	module_load("mikey_ticket", "");
	module_load("mikey_mime", "");
}

static int open_terms(struct _test_data_module *self)
{
	int err = term_open(&self->alice, ALICE);

	return err ? err : term_open(&self->bob, BOB);
}

/* RESOLVE of a TRANSFER_INIT with another Prot type or another time. */
static int resolve(struct _test_data_module *self, u8 prot_type, int seconds)
{
	peer_ticket_plan(&self->ticket, TERM_KMS, ALICE, BOB);
	peer_ticket_write(&self->ticket);
	peer_transfer_plan(&self->x, &self->ticket, BOB);
	self->x.prot_type = prot_type;
	self->x.t = peer_time(time(NULL) + seconds);
	peer_transfer_write(&self->x, &self->transfer);
	return term_resolve(&self->bob, &self->transfer, &self->ex, NULL);
}

TEST_F(module, parameters_out_of_range)
{
	static const char *const bad[] = {
		"prot_type=0", "ext_type=0", "prot_type=256", "suites=0",
		"suites=4", "suites=0x12", "suites=0x100000002", "profiles=0",
		"profiles=3", "profiles=0xe",
		"clock_skew=3601", "clock_skew=-1", "user_master=maybe",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		int err = module_load("mikey_ticket", bad[i]);

		if (err != -EINVAL && err != -ERANGE)
			TH_LOG("%s: %d", bad[i], err);
		EXPECT_TRUE(err == -EINVAL || err == -ERANGE);
	}
}

TEST_F(module, private_numbers)
{
	ASSERT_EQ(0, module_load("mikey_ticket", "prot_type=250 ext_type=251"));
	ASSERT_EQ(0, open_terms(self));

	ASSERT_EQ(0, nlc_call(&self->alice.nl,
			      nlc_msg(&self->alice.nl, MIKEY_TICKET_CMD_CAPS), &self->r));
	EXPECT_EQ(250, *(u8 *)nla_data(self->r.attr[MIKEY_TICKET_A_PROT_TYPE]));
	EXPECT_EQ(251, *(u8 *)nla_data(self->r.attr[MIKEY_TICKET_A_EXT_TYPE]));
	nlc_free(&self->r);

	EXPECT_EQ(0, resolve(self, 250, 0));
	EXPECT_EQ(-EPROTONOSUPPORT,
		  resolve(self, MIKEY_PROT_PSK_MIME_DEFAULT, 0));
}

TEST_F(module, clock_skew)
{
	ASSERT_EQ(0, module_load("mikey_ticket", "clock_skew=20 user_master=0"));
	ASSERT_EQ(0, open_terms(self));
	ASSERT_EQ(0, nlc_call(&self->alice.nl,
			      nlc_msg(&self->alice.nl, MIKEY_TICKET_CMD_CAPS), &self->r));
	EXPECT_EQ(20, nlc_u32(self->r.attr[MIKEY_TICKET_A_CLOCK_SKEW]));
	EXPECT_EQ(NULL, self->r.attr[MIKEY_TICKET_A_USER_MASTER]);
	nlc_free(&self->r);
	EXPECT_EQ(0, resolve(self, MIKEY_PROT_PSK_MIME_DEFAULT, 10));
	EXPECT_EQ(-EKEYREJECTED, resolve(self, MIKEY_PROT_PSK_MIME_DEFAULT, 30));
	EXPECT_EQ(0, resolve(self, MIKEY_PROT_PSK_MIME_DEFAULT, -30));
}

/* What the parameters do not allow is refused, sent or received. */
TEST_F(module, profiles)
{
	const char *const responders[] = { BOB, NULL };

	ASSERT_EQ(0, module_load("mikey_ticket", "profiles=0x4"));
	ASSERT_EQ(0, open_terms(self));
	EXPECT_EQ(-EPROTONOSUPPORT,
		  nlc_call(&self->alice.nl,
			   term_request_msg(&self->alice, responders), &self->r));
	EXPECT_NE(NULL, strstr(self->r.words, "not allowed"));
	nlc_free(&self->r);
	EXPECT_EQ(-EPROTONOSUPPORT,
		  nlc_call(&self->alice.nl,
			   term_mint_msg(&self->alice, responders), &self->r));
	nlc_free(&self->r);
	EXPECT_EQ(-EPROTONOSUPPORT,
		  resolve(self, MIKEY_PROT_PSK_MIME_DEFAULT, 0));
	self->alice.kind.profile = MIKEY_PROFILE_ANNEX_I;
	EXPECT_EQ(0, nlc_call(&self->alice.nl,
			      term_request_msg(&self->alice, responders), &self->r));
	nlc_free(&self->r);
}

/* A PSK with all rights that add_key(2) gives. */
static key_serial_t bare_psk(struct _test_data_module *self)
{
	return self->alice.psk_serial =
		term_logon_bare("bare", self->alice.psk.key, self->alice.psk.len,
				KEY_SPEC_SESSION_KEYRING);
}

static int request(struct _test_data_module *self)
{
	const char *const responders[] = { BOB, NULL };

	nlc_free(&self->r);
	return nlc_call(&self->alice.nl, term_request_msg(&self->alice, responders),
			&self->r);
}

/* A PSK that other parts of the kernel can use, and one that they cannot */
TEST_F(module, guarded_psk)
{
	static const struct {
		key_perm_t perm;
		int err;
	} tries[] = {
		{ KEY_POS_ALL | KEY_USR_ALL, -EACCES },
		{ KEY_USR_ALL & ~KEY_USR_SEARCH, -EACCES },
		{ KEY_USR_VIEW | KEY_USR_LINK | KEY_OTH_SEARCH | KEY_USR_SETATTR,
		  -EACCES },
		{ KEY_USR_VIEW | KEY_USR_WRITE | KEY_USR_LINK, 0 },
	};

	ASSERT_EQ(0, module_load("mikey_ticket", "guarded_psk=1"));
	ASSERT_EQ(0, open_terms(self));
	ASSERT_LT(0, bare_psk(self));
	for (unsigned int i = 0; i < ARRAY_SIZE(tries); i++) {
		ASSERT_EQ(0, keyctl_setperm(self->alice.psk_serial,
					    tries[i].perm));
		EXPECT_EQ(tries[i].err, request(self));
		if (tries[i].err)
			EXPECT_NE(NULL, strstr(self->r.words, "other parts"));
	}
	nlc_free(&self->r);
}

static bool since_6_2(void)
{
	unsigned int major, minor;
	struct utsname name;

	return !uname(&name) &&
	       sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 2));
}

/* From 6.2 on AF_ALG can use such a key: there it is refused without being asked to. */
TEST_F(module, guarded_psk_by_default)
{
	ASSERT_EQ(0, module_load("mikey_ticket", ""));
	ASSERT_EQ(0, open_terms(self));
	EXPECT_EQ(0, request(self));
	ASSERT_LT(0, bare_psk(self));
	EXPECT_EQ(since_6_2() ? -EACCES : 0, request(self));
	if (since_6_2()) {
		EXPECT_TRUE(term_refused("REQUEST", &self->r, -EACCES, "keyctl setperm",
					 MIKEY_TICKET_A_PSK));
		/* what the words say to do helps */
		ASSERT_EQ(0, keyctl_setperm(self->alice.psk_serial, 0x15150000));
		EXPECT_EQ(0, request(self));
	}
	nlc_free(&self->r);
}

/* Without the guard such a key is taken, and may even go while it is needed. */
TEST_F(module, guarded_psk_off)
{
	struct peer_answer a;

	ASSERT_EQ(0, module_load("mikey_ticket", "guarded_psk=0"));
	ASSERT_EQ(0, open_terms(self));
	ASSERT_LT(0, bare_psk(self));
	ASSERT_EQ(0, term_request(&self->alice, BOB, &self->ex));
	ASSERT_EQ(0, peer_grant_plan(&a, &self->ticket, &self->alice.psk,
				     self->ex.msg, self->ex.len));
	peer_answer_write(&a, &self->transfer);
	ASSERT_EQ(0, keyctl_invalidate(self->alice.psk_serial));
	EXPECT_EQ(-ENOKEY, term_answer(&self->alice, MIKEY_TICKET_CMD_GRANT,
				       self->ex.id, &self->transfer, &self->r));
	EXPECT_NE(NULL, strstr(self->r.words, "invalidated meanwhile"));
	nlc_free(&self->r);
}

/* An encrypted key under a master that its owner can read */
TEST_F(module, user_master)
{
	const char *const responders[] = { BOB, NULL };
	key_serial_t psk;

	ASSERT_LT(0, add_key("user", "kmk", "0123456789abcdef0123456789abcdef", 32,
			     KEY_SPEC_SESSION_KEYRING));
	psk = add_key("encrypted", "psk", "new user:kmk 32", 15,
		      KEY_SPEC_SESSION_KEYRING);
	if (psk < 0)
		SKIP(return, "this kernel has no encrypted keys");
	ASSERT_EQ(0, term_guard(psk));

	ASSERT_EQ(0, module_load("mikey_ticket", ""));
	ASSERT_EQ(0, open_terms(self));
	self->alice.psk_serial = psk;
	EXPECT_EQ(0, nlc_call(&self->alice.nl,
			      term_request_msg(&self->alice, responders), &self->r));
	nlc_free(&self->r);

	ASSERT_EQ(0, module_unload("mikey_ticket"));
	ASSERT_EQ(0, module_load("mikey_ticket", "user_master=0"));
	nlc_close(&self->alice.nl);
	ASSERT_EQ(0, nlc_open(&self->alice.nl, MIKEY_TICKET_GENL_NAME,
			      MIKEY_TICKET_GENL_VERSION));
	EXPECT_EQ(-EOPNOTSUPP,
		  nlc_call(&self->alice.nl,
			   term_request_msg(&self->alice, responders), &self->r));
	EXPECT_NE(NULL, strstr(self->r.words, "master"));
	EXPECT_EQ(MIKEY_TICKET_A_PSK, self->r.blamed);
	nlc_free(&self->r);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/*
 * Of a cache that is one with others, or that others may yet become one with, sysfs
 * has a link by its name (SLAB_MERGE_DEFAULT).
 */
TEST_F(module, a_slab_of_their_own)
{
	struct stat st;

	if (lstat("/sys/kernel/slab", &st))
		SKIP(return, "this kernel does not show its slab caches");
	ASSERT_EQ(0, module_load("mikey_ticket", ""));
	ASSERT_EQ(0, open_terms(self));
	ASSERT_EQ(0, lstat("/sys/kernel/slab/mikey_secrets", &st));
	EXPECT_TRUE(S_ISDIR(st.st_mode));
}

#define TRACING "/sys/kernel/tracing/"

/* A refusal is traced, with its words and without anybody's name. */
TEST_F(module, tracepoint)
{
	char text[4096] = "";
	ssize_t len;
	int fd;

	ASSERT_EQ(0, module_load("mikey_ticket", ""));
	ASSERT_EQ(0, open_terms(self));
	mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (write_file(TRACING "events/mikey_ticket/mikey_refused/enable", "1"))
		SKIP(return, "this kernel traces no events");
	EXPECT_EQ(-EPROTONOSUPPORT, resolve(self, 1, 0));

	fd = open(TRACING "trace_pipe", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ASSERT_LE(0, fd);
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	EXPECT_EQ(0, write_file(TRACING "events/mikey_ticket/mikey_refused/enable", "0"));
	ASSERT_LT(0, len);
	EXPECT_NE(NULL, strstr(text, "mikey_refused: uid=0 error=-93"));
	EXPECT_NE(NULL, strstr(text, "PSK/MIME"));
	EXPECT_EQ(NULL, strstr(text, "example.test"));
}

TEST_HARNESS_MAIN
