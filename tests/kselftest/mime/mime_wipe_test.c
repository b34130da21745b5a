// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What PROTECT leaves of the entity in the request, which netlink frees as it is.
 * The error message of a socket without NETLINK_CAP_ACK has the request in it, as
 * it was when the command was through.
 */
#include <kselftest_harness.h>

#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "body.h"

#define HELLO "Content-Type: text/plain\r\n\r\nhello"
#define ECHO_MAX (256 * 1024)

/* @echo: @len bytes of the last answer */
struct scene {
	struct lane lane;
	u8 *echo;
	ssize_t len;
};

FIXTURE(wipe)
{
	struct scene sc;
};

FIXTURE_SETUP(wipe)
{
	struct scene *sc = &self->sc;
	int off = 0;

	ASSERT_EQ(0, lane_open(&sc->lane));
	ASSERT_EQ(0, setsockopt(nl_socket_get_fd(sc->lane.mime.sock), SOL_NETLINK,
				NETLINK_CAP_ACK, &off, sizeof(off)));
	sc->echo = malloc(ECHO_MAX);
	ASSERT_NE(NULL, sc->echo);
}

FIXTURE_TEARDOWN(wipe)
{
	struct scene *sc = &self->sc;

	free(sc->echo);
	lane_close(&sc->lane);
}

/* Send a request that is refused, and keep what came back. */
static void refused(struct __test_metadata *_metadata, struct scene *sc,
		    struct nl_msg *m, int err)
{
	struct nl_sock *sock = sc->lane.mime.sock;
	struct nlmsghdr *h = (struct nlmsghdr *)sc->echo;
	struct nlmsgerr *e = nlmsg_data(h);

	ASSERT_LT(0, nl_send_auto(sock, m));
	sc->len = recv(nl_socket_get_fd(sock), sc->echo, ECHO_MAX, 0);
	ASSERT_LT((ssize_t)(NLMSG_HDRLEN + sizeof(*e)), sc->len);
	ASSERT_EQ(NLMSG_ERROR, h->nlmsg_type);
	EXPECT_EQ(err, e->error);
	EXPECT_EQ(nlmsg_hdr(m)->nlmsg_len, e->msg.nlmsg_len);
	nlmsg_free(m);
}

static bool echoed(const struct scene *sc, const void *bytes, size_t len)
{
	return memmem(sc->echo, sc->len, bytes, len);
}

TEST_F(wipe, before_the_ticket)
{
	struct scene *sc = &self->sc;
	const struct mikey_blob entity = { (const u8 *)HELLO, strlen(HELLO) };
	struct nl_msg *m = body_protect_msg(&sc->lane.mime, sc->lane.send, BOB, entity);

	nla_put_u32(m, MIKEY_MIME_A_FORM, 99);
	refused(_metadata, sc, m, -EPROTONOSUPPORT);
	EXPECT_TRUE(echoed(sc, BOB, strlen(BOB)));
	EXPECT_FALSE(echoed(sc, "hello", 5));
	EXPECT_FALSE(echoed(sc, "Content", 7));
}

TEST_F(wipe, with_the_ticket)
{
	struct scene *sc = &self->sc;
	const struct mikey_blob entity = { (const u8 *)HELLO, strlen(HELLO) };

	refused(_metadata, sc, body_protect_msg(&sc->lane.mime, sc->lane.send, CAROL, entity),
		-EADDRNOTAVAIL);
	EXPECT_TRUE(echoed(sc, CAROL, strlen(CAROL)));
	EXPECT_FALSE(echoed(sc, "hello", 5));
}

TEST_F(wipe, every_segment)
{
	struct scene *sc = &self->sc;
	struct mikey_blob entity = body_entity(150000);
	u32 at;

	refused(_metadata, sc, body_protect_msg(&sc->lane.mime, sc->lane.send, CAROL, entity),
		-EADDRNOTAVAIL);
	ASSERT_LT((ssize_t)entity.len, sc->len);
	for (at = 0; at + 16 <= entity.len; at += 1000)
		EXPECT_FALSE(echoed(sc, entity.p + at, 16))
			TH_LOG("byte %u of the entity", at);
	free((void *)entity.p);
}

TEST_HARNESS_MAIN
