// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_mime" without memory: each allocation of a command fails in
 * turn. It is refused then, nothing is spent or remembered for nothing, and
 * as soon as none fails it works. Needs a kernel with fail-nth and failslab
 * (and is of most use with KASAN and kmemleak); skipped on others.
 */
#include <kselftest_harness.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "body.h"
#include "tests/kselftest/fault.h"

#define HELLO "Content-Type: text/plain\r\n\r\nhello"
#define MOST 2000		/* allocations of one command */

struct scene {
	struct lane lane;
	struct letter letter;
	struct nlc_reply r;
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
}

FIXTURE_TEARDOWN(fault)
{
	struct scene *sc = &self->sc;

	if (!sc->able)
		return;
	nlc_free(&sc->r);
	lane_close(&sc->lane);
}

/*
 * Send @m with its @nth allocation failing and look for a reply. Return: 0
 * with one in sc->r, or the error; *@hit: has any allocation failed?
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
		err = -errno;
	*hit = fault_hit();
	fault_set(0);

	nlc_free(&sc->r);
	/* an error whose message failed, too, is one read that fails */
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

/* Or there is no answer, since that would have wanted memory, too. */
static bool explains(int err)
{
	return fault_explains(err) || err == -ETIMEDOUT;
}

static void protect_with_faults(struct __test_metadata *_metadata, struct scene *sc, u32 form,
				u32 len)
{
	struct mikey_blob entity = body_entity(len);
	bool hit = true;
	int nth;

	for (nth = 1; hit && nth < MOST; nth++) {
		struct nl_msg *m = body_protect_msg(&sc->lane.mime, sc->lane.send, BOB, entity);
		int err;

		nla_put_u32(m, MIKEY_MIME_A_FORM, form);
		/* most faults are fatal to the call, some are made up for */
		err = call_with_fault(sc, m, nth, &hit);
		if (err)
			EXPECT_TRUE(hit && explains(err))
				TH_LOG("fault %d: %d, %s", nth, err, sc->r.words);
	}
	EXPECT_LT(10, nth);
	EXPECT_GT(MOST, nth);
	EXPECT_NE(NULL, sc->r.attr[MIKEY_MIME_A_CMS]);
	free((void *)entity.p);
}

TEST_F_TIMEOUT(fault, protect, 600)
{
	struct scene *sc = &self->sc;

	if (!sc->able)
		SKIP(return, "no fail-nth in this kernel");
	protect_with_faults(_metadata, sc, MIKEY_FORM_AUTH_ENVELOPED, 100);
	protect_with_faults(_metadata, sc, MIKEY_FORM_AUTH_ENVELOPED, 100000);
	protect_with_faults(_metadata, sc, MIKEY_FORM_AUTHENTICATED, 100);
	protect_with_faults(_metadata, sc, MIKEY_FORM_AUTHENTICATED_ENVELOPED, 100);
}

/* A letter that could not be opened for want of memory opens afterwards. */
static void unprotect_with_faults(struct __test_metadata *_metadata, struct scene *sc, u32 form)
{
	bool hit = true;
	int nth;

	for (nth = 1; hit && nth < MOST; nth++) {
		key_serial_t receive;
		struct nl_msg *m;
		int err;

		letter_write(&sc->letter, &sc->lane, form, PROOF_HASH, HELLO, 0, NULL);
		receive = letter_admit(&sc->letter, &sc->lane);
		ASSERT_LT(0, receive);
		m = body_unprotect_msg(&sc->lane.mime, receive, letter_transfer(&sc->letter),
				       letter_cms(&sc->letter));
		err = call_with_fault(sc, m, nth, &hit);
		if (err)
			EXPECT_TRUE(hit && explains(err))
				TH_LOG("fault %d: %d, %s", nth, err, sc->r.words);
		if (err)
			EXPECT_EQ(0, letter_open(&sc->letter, &sc->lane.mime, receive, &sc->r))
				TH_LOG("fault %d: %s", nth, sc->r.words);
		EXPECT_TRUE(body_is(body_attr(&sc->r, MIKEY_MIME_A_ENTITY), HELLO));
		nlc_free(&sc->r);

		receive = letter_admit(&sc->letter, &sc->lane);
		ASSERT_LT(0, receive);
		EXPECT_EQ(-EALREADY, letter_open(&sc->letter, &sc->lane.mime, receive, NULL));
	}
	EXPECT_LT(10, nth);
	EXPECT_GT(MOST, nth);
}

TEST_F_TIMEOUT(fault, unprotect, 600)
{
	if (!self->sc.able)
		SKIP(return, "no fail-nth in this kernel");
	unprotect_with_faults(_metadata, &self->sc, MIKEY_FORM_AUTH_ENVELOPED);
	unprotect_with_faults(_metadata, &self->sc, MIKEY_FORM_AUTHENTICATED);
	unprotect_with_faults(_metadata, &self->sc, MIKEY_FORM_AUTHENTICATED_ENVELOPED);
}

TEST_HARNESS_MAIN
