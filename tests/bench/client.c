// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The leanest netlink client.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bench.h"
#include "client.h"

struct request request_of(struct nlc *c, struct nl_msg *msg, bool answered)
{
	struct nlmsghdr *h;
	struct request r;

	nl_complete_msg(c->sock, msg);
	h = nlmsg_hdr(msg);
	if (answered)
		h->nlmsg_flags &= ~NLM_F_ACK;
	r.len = h->nlmsg_len;
	r.p = malloc(r.len);
	if (!r.p)
		bench_die("no memory");
	memcpy(r.p, h, r.len);
	nlmsg_free(msg);
	return r;
}

void request_free(struct request *r)
{
	free(r->p);
	r->p = NULL;
	r->len = 0;
}

u32 client_call(struct nlc *c, const struct request *r, u8 *room)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)room;
	int fd = nl_socket_get_fd(c->sock);
	ssize_t len;

	if (send(fd, r->p, r->len, 0) != (ssize_t)r->len)
		bench_die("send: %m");
	len = recv(fd, room, CLIENT_ROOM, 0);
	if (len < (ssize_t)sizeof(*h))
		bench_die("recv: %m");
	if (h->nlmsg_type == NLMSG_ERROR && ((const struct nlmsgerr *)(h + 1))->error)
		bench_die("the kernel says: %s",
			  strerror(-((const struct nlmsgerr *)(h + 1))->error));
	return len;
}

struct request client_bytes(const u8 *answer, u32 len, int type)
{
	struct genlmsghdr *g = nlmsg_data((struct nlmsghdr *)answer);
	struct request r = { malloc(len), 0 };
	struct nlattr *a;
	int rem;

	if (!r.p)
		bench_die("no memory");
	nla_for_each_attr(a, genlmsg_attrdata(g, 0), genlmsg_attrlen(g, 0), rem) {
		if (nla_type(a) != type)
			continue;
		memcpy(r.p + r.len, nla_data(a), nla_len(a));
		r.len += nla_len(a);
	}
	return r;
}
