// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": which keys serve as PSK, and for whom.
 */
#include <kselftest_harness.h>

#include <linux/if_alg.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/socket.h>

#include "term.h"

/* since 6.2, which libc's headers need not know */
#ifndef ALG_SET_KEY_BY_KEY_SERIAL
#define ALG_SET_KEY_BY_KEY_SERIAL 7
#endif

#define SOMEBODY 4711

FIXTURE(psk)
{
	struct term alice;
	struct term_exchange ex;
	struct peer_answer a;
	struct peer_ticket ticket;
	struct peer_msg msg;
	struct nlc_reply r;
};

FIXTURE_SETUP(psk)
{
	term_session();
	ASSERT_EQ(0, term_open(&self->alice, ALICE));
}

FIXTURE_TEARDOWN(psk)
{
	nlc_free(&self->r);
	term_close(&self->alice);
}

/* REQUEST with another PSK. */
static int request_with(struct term *t, key_serial_t psk, struct nlc_reply *r)
{
	const char *const responders[] = { BOB, NULL };
	key_serial_t kept = t->psk_serial;

	t->psk_serial = psk;
	nlc_call(&t->nl, term_request_msg(t, responders), r);
	t->psk_serial = kept;
	return r->err;
}

static bool psk_refused(struct term *t, const char *what, key_serial_t psk,
			int err, const char *words)
{
	struct nlc_reply r;
	bool ok;

	request_with(t, psk, &r);
	ok = term_refused(what, &r, err, words, MIKEY_TICKET_A_PSK);
	nlc_free(&r);
	return ok;
}

TEST_F(psk, of_a_type_that_can_be_read)
{
	key_serial_t user, ring;

	user = add_key("user", "mikey:psk", self->alice.psk.key, 32,
		       KEY_SPEC_SESSION_KEYRING);
	ring = add_key("keyring", "mikey-ring", NULL, 0,
		       KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, user);
	ASSERT_LT(0, ring);
	EXPECT_TRUE(psk_refused(&self->alice, "user", user, -EOPNOTSUPP,
				"which userspace can read"));
	EXPECT_TRUE(psk_refused(&self->alice, "keyring", ring, -EOPNOTSUPP,
				"logon, trusted or encrypted"));
}

TEST_F(psk, of_a_wrong_length)
{
	static const u32 lens[] = { 1, 16, 31, 33, 64 };
	key_serial_t psk;
	char name[16];
	u8 bytes[64];
	u32 i;

	peer_random(bytes, sizeof(bytes));
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		sprintf(name, "len-%u", lens[i]);
		psk = term_logon(name, bytes, lens[i],
				 KEY_SPEC_SESSION_KEYRING);
		ASSERT_LT(0, psk);
		EXPECT_TRUE(psk_refused(&self->alice, name, psk, -EINVAL,
					"length"));
	}
}

TEST_F(psk, that_is_not_there)
{
	static const key_serial_t serials[] = {
		0x7ffffff1, 0, -1, KEY_SPEC_SESSION_KEYRING, INT32_MIN,
		INT32_MAX,
	};
	char what[32];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(serials); i++) {
		sprintf(what, "serial %d", serials[i]);
		EXPECT_TRUE(psk_refused(&self->alice, what, serials[i], -ENOKEY,
					"no key"));
	}
}

TEST_F(psk, that_is_dead)
{
	u64 bad = term_stat(&self->alice, MIKEY_TICKET_S_BAD_PSK);
	key_serial_t revoked, expired;

	revoked = term_logon("revoked", self->alice.psk.key, 32,
			     KEY_SPEC_SESSION_KEYRING);
	ASSERT_EQ(0, keyctl_revoke(revoked));
	EXPECT_TRUE(psk_refused(&self->alice, "revoked", revoked, -EKEYREVOKED,
				"revoked"));
	expired = term_logon_bare("expired", self->alice.psk.key, 32,
				  KEY_SPEC_SESSION_KEYRING);
	ASSERT_EQ(0, keyctl_set_timeout(expired, 1));
	ASSERT_EQ(0, term_guard(expired));
	sleep(2);
	EXPECT_TRUE(psk_refused(&self->alice, "expired", expired, -EKEYEXPIRED,
				"expired"));
	EXPECT_EQ(bad + 2, term_stat(&self->alice, MIKEY_TICKET_S_BAD_PSK));
}

/* A key that dies between REQUEST and GRANT takes the exchange's hope along. */
TEST_F(psk, that_dies_meanwhile)
{
	u64 grants = term_stat(&self->alice, MIKEY_TICKET_S_GRANTS);

	ASSERT_EQ(0, term_request(&self->alice, BOB, &self->ex));
	ASSERT_EQ(0, peer_grant_plan(&self->a, &self->ticket, &self->alice.psk,
				     self->ex.msg, self->ex.len));
	peer_answer_write(&self->a, &self->msg);
	ASSERT_EQ(0, keyctl_revoke(self->alice.psk_serial));
	EXPECT_EQ(-EKEYREVOKED, term_answer(&self->alice,
					    MIKEY_TICKET_CMD_GRANT,
					    self->ex.id, &self->msg, &self->r));
	EXPECT_NE('\0', self->r.words[0]);
	EXPECT_EQ(grants, term_stat(&self->alice, MIKEY_TICKET_S_GRANTS));
}

/*
 * The plain text of an encrypted key, for one who knows the master key:
 * "default user:mikey-master 32" and then, in hexadecimal, IV and a zero byte,
 * AES-256-CBC under SHA-256("ENC_KEY", zero, master key, zero), and a MAC.
 */
static bool decrypt(key_serial_t key, const u8 master[32], u8 plain[32])
{
	u8 text[41] = "ENC_KEY", aes[32], blob[17 + 32];
	EVP_CIPHER_CTX *ctx;
	char *all, *hex;
	bool ok = true;
	u32 i;
	int n;

	memcpy(text + 8, master, 32);
	SHA256(text, sizeof(text), aes);
	if (keyctl_read_alloc(key, (void **)&all) < 0)
		return false;
	hex = strrchr(all, ' ');
	for (i = 0; hex && ok && i < sizeof(blob); i++)
		ok = sscanf(hex + 1 + 2 * i, "%2hhx", &blob[i]) == 1;
	free(all);
	ctx = EVP_CIPHER_CTX_new();
	ok = hex && ok && ctx &&
	     EVP_DecryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, aes, blob) &&
	     EVP_CIPHER_CTX_set_padding(ctx, 0) &&
	     EVP_DecryptUpdate(ctx, plain, &n, blob + 17, 32) && n == 32;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

TEST_F(psk, encrypted)
{
	static const char update[] = "new user:mikey-master 32";
	key_serial_t psk;
	u8 master[32];

	peer_random(master, sizeof(master));
	ASSERT_LT(0, add_key("user", "mikey-master", master, sizeof(master),
			     KEY_SPEC_SESSION_KEYRING));
	psk = add_key("encrypted", "mikey-psk", update, sizeof(update) - 1,
		      KEY_SPEC_SESSION_KEYRING);
	if (psk < 0 && (errno == ENODEV || errno == ENOENT))
		SKIP(return, "this kernel has no encrypted keys");
	ASSERT_LT(0, psk) TH_LOG("%s", strerror(errno));
	ASSERT_TRUE(decrypt(psk, master, self->alice.psk.key));
	ASSERT_EQ(0, term_guard(psk));
	self->alice.psk_serial = psk;
	EXPECT_LT(0, term_grant(&self->alice, BOB, &self->ticket));

	/* 20 bytes is the shortest that there is */
	psk = add_key("encrypted", "mikey-short", "new user:mikey-master 20",
		      24, KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, psk);
	ASSERT_EQ(0, term_guard(psk));
	EXPECT_TRUE(psk_refused(&self->alice, "encrypted", psk, -EINVAL,
				"length"));
}

/* --- somebody else's ----------------------------------------------------- */

struct foreign {
	key_serial_t serial;
	int want;
};

/* Return: 0 if the kernel answered as wanted. */
static int try_foreign(void *arg)
{
	struct foreign *f = arg;
	struct nlc_reply r;
	struct term t;

	if (term_open(&t, CAROL))
		return 1;
	request_with(&t, f->serial, &r);
	if (!f->want)
		return r.err ? 2 : 0;
	return term_refused("somebody else", &r, f->want, "permissions",
			    MIKEY_TICKET_A_PSK) ? 0 : 3;
}

TEST_F(psk, of_another_user)
{
	struct foreign f = { self->alice.psk_serial, -EACCES };

	EXPECT_EQ(0, term_as_user(SOMEBODY, try_foreign, &f));
	/* permissions decide, not users: LINK for others is enough */
	f.serial = term_logon_bare("shared", self->alice.psk.key, 32,
				   KEY_SPEC_SESSION_KEYRING);
	ASSERT_EQ(0, keyctl_setperm(f.serial, KEY_POS_LINK | KEY_OTH_LINK));
	f.want = 0;
	EXPECT_EQ(0, term_as_user(SOMEBODY, try_foreign, &f));
}

/* --- whose tickets are they? --------------------------------------------- */

static int info_with(struct term *t, key_serial_t ticket, key_serial_t psk,
		     struct nlc_reply *r)
{
	struct nl_msg *m = nlc_msg(&t->nl, MIKEY_TICKET_CMD_INFO);

	nla_put_s32(m, MIKEY_TICKET_A_TICKET, ticket);
	nla_put_s32(m, MIKEY_TICKET_A_PSK, psk);
	nlc_free(r);
	return nlc_call(&t->nl, m, r);
}

/*
 * A program of the user plays the KMS: with a PSK of its own, or with its own bytes
 * in the key of the true one. It knows the keys of such a ticket.
 */
TEST_F(psk, tells_its_tickets_from_others)
{
	/* not Bob: the keyring has one ticket of each initiator and responders */
	const char *const responders[] = { CAROL, NULL };
	key_serial_t granted, minted, other;
	u8 bytes[32];

	granted = term_grant(&self->alice, BOB, &self->ticket);
	ASSERT_LT(0, granted);
	ASSERT_EQ(0, nlc_call(&self->alice.nl,
			      term_mint_msg(&self->alice, responders),
			      &self->r));
	minted = nlc_s32(self->r.attr[MIKEY_TICKET_A_TICKET]);
	EXPECT_EQ(0, info_with(&self->alice, granted, self->alice.psk_serial,
			       &self->r));
	EXPECT_NE(NULL, self->r.attr[MIKEY_TICKET_A_POLICY]);
	EXPECT_EQ(0, info_with(&self->alice, minted, self->alice.psk_serial,
			       &self->r));

	peer_random(bytes, sizeof(bytes));
	other = term_logon("other", bytes, sizeof(bytes),
			   KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, other);
	info_with(&self->alice, granted, other, &self->r);
	EXPECT_TRUE(term_refused("granted", &self->r, -EKEYREJECTED,
				 "another pre-shared key", MIKEY_TICKET_A_PSK));
	info_with(&self->alice, minted, other, &self->r);
	EXPECT_TRUE(term_refused("minted", &self->r, -EKEYREJECTED,
				 "another pre-shared key", MIKEY_TICKET_A_PSK));
	EXPECT_EQ(-ENOKEY, info_with(&self->alice, granted, 0x7ffffff1,
				     &self->r));

	ASSERT_EQ(0, keyctl_update(self->alice.psk_serial, bytes,
				   sizeof(bytes)));
	EXPECT_EQ(-EKEYREJECTED, info_with(&self->alice, granted,
					   self->alice.psk_serial, &self->r));
}

/* --- what else there is in the kernel ------------------------------------ */

/* Will AF_ALG compute HMACs with this key? 0 or a negative errno. */
static int alg_takes(key_serial_t key)
{
	struct sockaddr_alg addr = {
		.salg_family = AF_ALG,
		.salg_type = "hash",
		.salg_name = "hmac(sha256)",
	};
	int fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(fd, SOL_ALG, ALG_SET_KEY_BY_KEY_SERIAL, &key,
		       sizeof(key)))
		err = -errno;
	close(fd);
	return err;
}

static bool has_alg(int err)
{
	return err != -ENOPROTOOPT && err != -EAFNOSUPPORT && err != -ENOENT;
}

/*
 * With SEARCH any program of the user has AF_ALG compute the PRF, and so the keys
 * of each exchange. Without it the module alone uses the key.
 */
TEST_F(psk, guarded)
{
	struct foreign f = { self->alice.psk_serial, -EACCES };
	key_serial_t psk = self->alice.psk_serial, bare;
	int alg;

	bare = term_logon_bare("bare", self->alice.psk.key, 32,
			       KEY_SPEC_SESSION_KEYRING);
	alg = alg_takes(bare);
	if (!has_alg(alg))
		TH_LOG("this kernel's AF_ALG takes no keys: %d", alg);
	else
		EXPECT_EQ(0, alg);
	/* where it can be used so, that is why it is refused */
	if (!alg)
		EXPECT_TRUE(psk_refused(&self->alice, "bare", bare, -EACCES,
					"other parts of the kernel"));
	EXPECT_LT(0, term_grant(&self->alice, BOB, &self->ticket));
	if (has_alg(alg))
		EXPECT_EQ(-EACCES, alg_takes(psk));
	EXPECT_EQ(-1, request_key("logon", "mikey:" ALICE, NULL, 0));
	EXPECT_EQ(EACCES, errno);
	/* root can neither bring it back nor be somebody else with it */
	EXPECT_EQ(-1, keyctl_setperm(psk, KEY_POS_ALL | KEY_USR_ALL));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, keyctl_chown(psk, SOMEBODY, -1));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, term_as_user(SOMEBODY, try_foreign, &f));
	EXPECT_EQ(0, keyctl_revoke(psk));
}

TEST_HARNESS_MAIN
