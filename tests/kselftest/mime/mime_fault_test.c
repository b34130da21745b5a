// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_mime" without memory: each allocation of a command fails in
 * turn. It is refused then, nothing is spent, counted or remembered for
 * nothing, the same command works at once when none fails, and in the end no
 * key is left over. Needs a kernel with fail-nth and failslab (and is of most
 * use with KASAN and kmemleak); skipped on others.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "body.h"
#include "tests/kselftest/fault.h"
#include "tests/kselftest/quota.h"

#define HEAD "Content-Type: text/plain\r\n\r\n"
#define MOST 2000		/* allocations of one command */

/*
 * @text: an entity
 * @form: in which it is sent, and @proof with what
 * @send, @receive: the tickets of this round
 * @letter: what the second opens
 */
struct scene {
	struct lane lane;
	struct quota quota;
	struct letter letter;
	struct nlc_reply r;
	char *text;
	u32 form;
	enum letter_proof proof;
	key_serial_t send;
	key_serial_t receive;
	bool able;
};

FIXTURE(fault)
{
	struct scene sc;
};

FIXTURE_SETUP(fault)
{
	struct scene *sc = &self->sc;

	sc->able = fault_able();
	if (!sc->able)
		return;			/* and each test skips itself */
	ASSERT_EQ(0, lane_open(&sc->lane));
	sc->send = sc->lane.send;
	ASSERT_TRUE(quota_read(&sc->quota));
}

FIXTURE_TEARDOWN(fault)
{
	struct scene *sc = &self->sc;

	if (!sc->able)
		return;
	nlc_free(&sc->r);
	free(sc->text);
	EXPECT_TRUE(quota_back(&sc->quota, 10000));
	lane_close(&sc->lane);
}

/*
 * Send @m with its @nth allocation failing (0: none) and look for a reply.
 * Return: 0 with one in sc->r, or the error, where a request that could not be
 * sent is want of memory, too; *@hit: has one failed?
 */
static int call_with_fault(struct scene *sc, struct nl_msg *m, int nth, bool *hit)
{
	int fd = nl_socket_get_fd(sc->lane.mime.sock);
	struct nlmsghdr *h;
	char byte;
	int n, err = 0;

	nl_complete_msg(sc->lane.mime.sock, m);
	h = nlmsg_hdr(m);
	h->nlmsg_flags &= ~NLM_F_ACK;
	h->nlmsg_seq = 0;	/* as nlc_listen() wants it */
	fault_set(nth);
	n = send(fd, h, h->nlmsg_len, 0);
	if (n < 0)
		err = fault_explains(-errno) ? -ENOMEM : -errno;
	*hit = fault_hit();
	fault_set(0);

	nlc_free(&sc->r);
	if (n > 0) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		err = nlc_listen(&sc->lane.mime, &sc->r, 100);
		if (!err)
			err = sc->r.err;
		if (!err && !sc->r.msg)
			err = -ENOMSG;
		while (recv(fd, &byte, 1, 0) >= 0 || errno == ENOBUFS)
			;
		fcntl(fd, F_SETFL, 0);
	}
	nlmsg_free(m);
	return err;
}

/*
 * A command, what has to happen before each round, what must be true behind it, and
 * the error that it ends with when no memory is wanting
 */
struct trial {
	const char *name;
	struct nl_msg *(*make)(struct scene *sc);
	int (*before)(struct scene *sc);
	bool (*after)(struct scene *sc);
	int end;
};

/* There was no memory, or not even enough for an ack, all that a refusal is. */
static bool want_of_memory(const struct trial *t, int err)
{
	return err == -ENOMEM || (err == -ENOBUFS && t->end);
}

/*
 * A round for each allocation: the command with that one failing, and if this
 * made it fail the same command once more, which ends as it should. Return: how many
 * times it did, or an error.
 */
static int each_fails(struct scene *sc, const struct trial *t)
{
	bool hit = true, none;
	int nth = 0, refused = 0, err = 0;

	while (hit && !err && nth < MOST) {
		err = t->before ? t->before(sc) : 0;
		if (err)
			break;
		err = call_with_fault(sc, t->make(sc), ++nth, &hit);
		if (hit && want_of_memory(t, err)) {
			refused++;
			err = call_with_fault(sc, t->make(sc), 0, &none);
		}
		if (err == t->end)
			err = t->after && !t->after(sc) ? -EPROTO : 0;
		else
			err = err ? err : -EPROTO;
	}
	fprintf(stderr, "# %s, form %u, %zu bytes: %d allocations, of which %d refused it%s\n",
		t->name, sc->form, sc->text ? strlen(sc->text) : 0, nth - 1, refused,
		err ? ", then" : "");
	if (err)
		fprintf(stderr, "# %d %s\n", err, sc->r.words);
	nlc_free(&sc->r);
	return err ? err : hit ? -E2BIG : nth;
}

/* An entity with a body of @len bytes */
static void set_text(struct scene *sc, u32 form, u32 len)
{
	free(sc->text);
	sc->form = form;
	sc->proof = PROOF_HASH;
	sc->text = malloc(sizeof(HEAD) + len);
	if (!sc->text)
		abort();
	strcpy(sc->text, HEAD);
	memset(sc->text + strlen(HEAD), 'x', len);
	sc->text[strlen(HEAD) + len] = '\0';
}

static struct nl_msg *make_protect(struct scene *sc)
{
	struct mikey_blob entity = { (const u8 *)sc->text, strlen(sc->text) };
	struct nl_msg *m = body_protect_msg(&sc->lane.mime, sc->send, BOB, entity);

	nla_put_u32(m, MIKEY_MIME_A_FORM, sc->form);
	return m;
}

static bool has_cms(struct scene *sc)
{
	return sc->r.attr[MIKEY_MIME_A_CMS] && sc->r.attr[MIKEY_MIME_A_TRANSFER];
}

static int grant_for_one(struct scene *sc)
{
	sc->lane.alice.reusable = false;
	sc->send = term_grant(&sc->lane.alice, BOB, &sc->lane.ticket);
	return sc->send < 0 ? sc->send : 0;
}

/* It has served its message and serves no other. */
static bool is_spent(struct scene *sc)
{
	struct nlc_reply r;
	bool good = has_cms(sc);
	int err;

	err = nlc_call(&sc->lane.mime, make_protect(sc), &r);
	nlc_free(&r);
	keyctl_unlink(sc->send, KEY_SPEC_SESSION_KEYRING);
	return good && (err == -EPERM || err == -EKEYEXPIRED || err == -ENOKEY);
}

static void protect(struct __test_metadata *_metadata, struct scene *sc, bool once)
{
	const struct trial t = {
		.name = once ? "PROTECT once" : "PROTECT",
		.make = make_protect,
		.before = once ? grant_for_one : NULL,
		.after = once ? is_spent : has_cms,
	};
	u64 protected = body_stat(&sc->lane.mime, MIKEY_MIME_S_PROTECTED);
	int worked = each_fails(sc, &t);

	EXPECT_LT(10, worked);
	EXPECT_EQ(protected + worked, body_stat(&sc->lane.mime, MIKEY_MIME_S_PROTECTED));
}

TEST_F_TIMEOUT(fault, protect, 300)
{
	struct scene *sc = &self->sc;

	if (!sc->able)
		SKIP(return, "no fail-nth in this kernel");
	for (u32 form = MIKEY_FORM_AUTH_ENVELOPED;
	     form <= MIKEY_FORM_AUTHENTICATED_ENVELOPED; form++) {
		set_text(sc, form, 100);
		protect(_metadata, sc, false);
	}
	set_text(sc, MIKEY_FORM_AUTH_ENVELOPED, 200000);
	protect(_metadata, sc, false);
}

TEST_F_TIMEOUT(fault, protect_once, 300)
{
	struct scene *sc = &self->sc;

	if (!sc->able)
		SKIP(return, "no fail-nth in this kernel");
	set_text(sc, MIKEY_FORM_AUTH_ENVELOPED, 100);
	protect(_metadata, sc, true);
}

static int admit(struct scene *sc)
{
	letter_write(&sc->letter, &sc->lane, sc->form, sc->proof, sc->text, 0, NULL);
	sc->receive = letter_admit(&sc->letter, &sc->lane);
	return sc->receive < 0 ? sc->receive : 0;
}

static struct nl_msg *make_unprotect(struct scene *sc)
{
	return body_unprotect_msg(&sc->lane.mime, sc->receive, letter_transfer(&sc->letter),
				  letter_cms(&sc->letter));
}

static bool has_entity(struct scene *sc)
{
	struct mikey_blob entity = body_join(&sc->r, MIKEY_MIME_A_ENTITY);
	bool good = body_is(entity, sc->text);

	free((void *)entity.p);
	return good;
}

/* It came out, and does not come out again. */
static bool is_delivered(struct scene *sc)
{
	bool good = has_entity(sc);
	key_serial_t again;

	keyctl_unlink(sc->receive, KEY_SPEC_SESSION_KEYRING);
	again = letter_admit(&sc->letter, &sc->lane);

	good = again > 0 &&
	       letter_open(&sc->letter, &sc->lane.mime, again, NULL) == -EALREADY && good;
	keyctl_unlink(again, KEY_SPEC_SESSION_KEYRING);
	return good;
}

static bool is_delivered_and_kept(struct scene *sc)
{
	bool good = has_entity(sc) &&
		    letter_open(&sc->letter, &sc->lane.mime, sc->receive, NULL) == -EALREADY;

	keyctl_unlink(sc->receive, KEY_SPEC_SESSION_KEYRING);
	return good;
}

static void unprotect(struct __test_metadata *_metadata, struct scene *sc, bool kept)
{
	const struct trial t = {
		.name = kept ? "UNPROTECT kept" : "UNPROTECT",
		.make = make_unprotect,
		.before = admit,
		.after = kept ? is_delivered_and_kept : is_delivered,
	};
	u64 opened = body_stat(&sc->lane.mime, MIKEY_MIME_S_OPENED);
	u64 known = body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES);
	int worked = each_fails(sc, &t);

	EXPECT_LT(10, worked);
	EXPECT_EQ(opened + worked, body_stat(&sc->lane.mime, MIKEY_MIME_S_OPENED));
	EXPECT_EQ(known + worked, body_stat(&sc->lane.mime, MIKEY_MIME_S_REPLAY_ENTRIES));
}

TEST_F_TIMEOUT(fault, unprotect, 400)
{
	struct scene *sc = &self->sc;

	if (!sc->able)
		SKIP(return, "no fail-nth in this kernel");
	for (u32 form = MIKEY_FORM_AUTH_ENVELOPED;
	     form <= MIKEY_FORM_AUTHENTICATED_ENVELOPED; form++) {
		set_text(sc, form, 100);
		unprotect(_metadata, sc, false);
	}
	set_text(sc, MIKEY_FORM_AUTH_ENVELOPED, 7000);	/* in pages of its own */
	unprotect(_metadata, sc, false);
}

TEST_F_TIMEOUT(fault, unprotect_kept, 300)
{
	struct scene *sc = &self->sc;
	key_serial_t send;

	if (!sc->able)
		SKIP(return, "no fail-nth in this kernel");
	sc->lane.alice.kind.profile = MIKEY_PROFILE_ANNEX_I;
	sc->lane.alice.cacheable = true;
	send = term_grant(&sc->lane.alice, BOB, &sc->lane.ticket);
	ASSERT_LT(0, send);
	set_text(sc, MIKEY_FORM_AUTH_ENVELOPED, 100);
	unprotect(_metadata, sc, true);
	keyctl_unlink(send, KEY_SPEC_SESSION_KEYRING);
}

/* Somebody changed the last byte on the way: the MAC or ICV does not fit. */
static struct nl_msg *make_damaged(struct scene *sc)
{
	struct mikey_blob cms = letter_cms(&sc->letter);
	u8 *last = (u8 *)cms.p + cms.len - 1;
	struct nl_msg *m;

	*last ^= 1;
	m = make_unprotect(sc);
	*last ^= 1;
	return m;
}

/* The true one still opens, once. */
static bool true_one_opens(struct scene *sc)
{
	bool good = !letter_open(&sc->letter, &sc->lane.mime, sc->receive, NULL);

	keyctl_unlink(sc->receive, KEY_SPEC_SESSION_KEYRING);
	return good;
}

TEST_F_TIMEOUT(fault, unprotect_refused, 400)
{
	const struct trial t = {
		.name = "UNPROTECT, damaged",
		.make = make_damaged,
		.before = admit,
		.after = true_one_opens,
		.end = -EBADMSG,
	};
	struct scene *sc = &self->sc;
	u64 opened;
	int ended;

	if (!sc->able)
		SKIP(return, "no fail-nth in this kernel");
	opened = body_stat(&sc->lane.mime, MIKEY_MIME_S_OPENED);
	/* without proof of origin, so that the form's own check refuses it */
	for (u32 form = MIKEY_FORM_AUTH_ENVELOPED;
	     form <= MIKEY_FORM_AUTHENTICATED_ENVELOPED; form++) {
		set_text(sc, form, 100);
		sc->proof = PROOF_NONE;
		ended = each_fails(sc, &t);
		EXPECT_LT(10, ended);
		opened += ended;
		EXPECT_EQ(opened, body_stat(&sc->lane.mime, MIKEY_MIME_S_OPENED));
	}
}

static struct nl_msg *make_stats(struct scene *sc)
{
	return nlc_msg(&sc->lane.mime, MIKEY_MIME_CMD_STATS);
}

static struct nl_msg *make_caps(struct scene *sc)
{
	return nlc_msg(&sc->lane.mime, MIKEY_MIME_CMD_CAPS);
}

TEST_F_TIMEOUT(fault, told, 60)
{
	const struct trial stats = { .name = "STATS", .make = make_stats };
	const struct trial caps = { .name = "CAPS", .make = make_caps };

	if (!self->sc.able)
		SKIP(return, "no fail-nth in this kernel");
	EXPECT_LT(1, each_fails(&self->sc, &stats));
	EXPECT_LT(1, each_fails(&self->sc, &caps));
}

TEST_HARNESS_MAIN
