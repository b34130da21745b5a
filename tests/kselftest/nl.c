// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generic netlink for tests. libnl builds and sends; the answer is read here,
 * because libnl turns errnos into its own numbers and drops extended acks.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>

#include "nl.h"

#define RECEIVE_MAX (512 * 1024)

int nlc_open(struct nlc *c, const char *family, u8 version)
{
	int fd, on = 1;

	c->version = version;
	c->sock = nl_socket_alloc();
	if (!c->sock)
		return -ENOMEM;
	if (genl_connect(c->sock)) {
		nlc_close(c);
		return -EIO;
	}
	nl_socket_disable_seq_check(c->sock);
	nl_socket_set_buffer_size(c->sock, RECEIVE_MAX, RECEIVE_MAX);
	fd = nl_socket_get_fd(c->sock);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	c->family = genl_ctrl_resolve(c->sock, family);
	if (c->family < 0) {
		nlc_close(c);
		return -ENOENT;
	}
	return 0;
}

void nlc_close(struct nlc *c)
{
	nl_socket_free(c->sock);
	c->sock = NULL;
}

struct nl_msg *nlc_msg_room(struct nlc *c, u8 cmd, u32 room)
{
	struct nl_msg *msg = nlmsg_alloc_size(room);

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, c->family, 0,
				 NLM_F_REQUEST | NLM_F_ACK, cmd, c->version))
		abort();
	return msg;
}

struct nl_msg *nlc_msg(struct nlc *c, u8 cmd)
{
	return nlc_msg_room(c, cmd, RECEIVE_MAX);
}

struct nl_msg *nlc_again(struct nlc *c, struct nl_msg *msg)
{
	struct genlmsghdr *g = nlmsg_data(nlmsg_hdr(msg));
	struct nl_msg *copy = nlc_msg(c, g->cmd);
	int len = genlmsg_attrlen(g, 0);
	void *to = nlmsg_reserve(copy, len, NLMSG_ALIGNTO);

	if (!to)
		abort();
	memcpy(to, genlmsg_attrdata(g, 0), len);
	return copy;
}

/* Type of the attribute that starts @offset bytes into the request. */
static int type_at(struct nl_msg *request, u32 offset)
{
	struct nlmsghdr *h = nlmsg_hdr(request);
	struct genlmsghdr *g = nlmsg_data(h);
	struct nlattr *a;
	int rem;

	nla_for_each_attr(a, genlmsg_attrdata(g, 0), genlmsg_attrlen(g, 0),
			  rem) {
		if ((u32)((char *)a - (char *)h) == offset)
			return nla_type(a);
	}
	return 0;
}

static void read_ack(struct nlmsghdr *h, struct nl_msg *request,
		     struct nlc_reply *r)
{
	struct nlmsgerr *e = nlmsg_data(h);
	struct nlattr *a, *from;
	int rem, skip;

	r->err = e->error;
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	skip = sizeof(*e);
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	from = (struct nlattr *)((char *)e + NLMSG_ALIGN(skip));
	rem = (char *)h + h->nlmsg_len - (char *)from;
	nla_for_each_attr(a, from, rem, rem) {
		switch (nla_type(a)) {
		case NLMSGERR_ATTR_MSG:
			nla_strlcpy(r->words, a, sizeof(r->words));
			break;
		case NLMSGERR_ATTR_OFFS:
			r->blamed = request ? type_at(request, nla_get_u32(a)) : 0;
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			r->missing = nla_get_u32(a);
			break;
		}
	}
}

static void read_reply(struct nlmsghdr *h, struct nlc_reply *r)
{
	struct genlmsghdr *g;
	struct nlattr *a;
	int rem;

	nlmsg_free(r->msg);
	r->msg = nlmsg_convert(h);
	if (!r->msg)
		abort();
	g = nlmsg_data(nlmsg_hdr(r->msg));
	r->cmd = g->cmd;
	r->num = 0;
	nla_for_each_attr(a, genlmsg_attrdata(g, 0), genlmsg_attrlen(g, 0),
			  rem) {
		if (nla_type(a) < NLC_ATTR_MAX)
			r->attr[nla_type(a)] = a;
		if (r->num < NLC_MANY_MAX)
			r->many[r->num++] = a;
	}
}

/*
 * Read datagrams until one is (or, without a request, has) what is waited
 * for. Return: 0 or a negative errno of reading.
 */
static int receive(struct nlc *c, struct nl_msg *request, struct nlc_reply *r)
{
	static __thread char buf[RECEIVE_MAX];
	u32 seq = request ? nlmsg_hdr(request)->nlmsg_seq : 0;
	struct nlmsghdr *h;
	int len;

	for (;;) {
		len = recv(nl_socket_get_fd(c->sock), buf, sizeof(buf), 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		for (h = (struct nlmsghdr *)buf; nlmsg_ok(h, len);
		     h = nlmsg_next(h, &len)) {
			if (h->nlmsg_seq != seq)
				continue;
			if (h->nlmsg_type == NLMSG_ERROR) {
				read_ack(h, request, r);
				return 0;
			}
			if (h->nlmsg_type == c->family) {
				read_reply(h, r);
				if (!request)
					return 0;
			}
		}
	}
}

int nlc_call(struct nlc *c, struct nl_msg *msg, struct nlc_reply *r)
{
	int err;

	memset(r, 0, sizeof(*r));
	err = nl_send_auto(c->sock, msg);
	if (err < 0)
		r->err = -EIO;
	else
		err = receive(c, msg, r);
	if (err < 0)
		r->err = err;
	nlmsg_free(msg);
	return r->err;
}

void nlc_free(struct nlc_reply *r)
{
	nlmsg_free(r->msg);
	memset(r, 0, sizeof(*r));
}

int nlc_join(struct nlc *c, const char *family, const char *group)
{
	int id = genl_ctrl_resolve_grp(c->sock, family, group);

	if (id < 0)
		return -ENOENT;
	return nl_socket_add_membership(c->sock, id) ? -EIO : 0;
}

int nlc_listen(struct nlc *c, struct nlc_reply *r, int timeout)
{
	struct pollfd p = { .fd = nl_socket_get_fd(c->sock), .events = POLLIN };

	memset(r, 0, sizeof(*r));
	if (poll(&p, 1, timeout) != 1)
		return -ETIMEDOUT;
	return receive(c, NULL, r);
}

int nlc_s32(const struct nlattr *a)
{
	return a && nla_len(a) == 4 ? nla_get_s32((struct nlattr *)a) : 0;
}

u32 nlc_u32(const struct nlattr *a)
{
	return a && nla_len(a) == 4 ? nla_get_u32((struct nlattr *)a) : 0;
}

s64 nlc_s64(const struct nlattr *a)
{
	return a && nla_len(a) == 8 ? nla_get_s64((struct nlattr *)a) : 0;
}

struct nlattr *nlc_in(const struct nlattr *nest, int type, int nth)
{
	struct nlattr *a;
	int rem;

	if (!nest)
		return NULL;
	nla_for_each_nested(a, (struct nlattr *)nest, rem) {
		if (nla_type(a) == type && !nth--)
			return a;
	}
	return NULL;
}
