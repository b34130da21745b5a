/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic netlink for tests: one call, and everything that the kernel said to
 * it: errno, the words of the extended ack, which attribute it blames, the
 * reply's attributes. Nothing is checked on the way out, so that a test can
 * send any attribute of any length.
 */
#ifndef MIKEY_TEST_NL_H
#define MIKEY_TEST_NL_H

#include <netlink/genl/genl.h>

#include "kmod/wire/wire.h"

#define NLC_ATTR_MAX 64
#define NLC_MANY_MAX 300

/* A socket for one family. */
struct nlc {
	struct nl_sock *sock;
	int family;
	u8 version;
};

/**
 * struct nlc_reply - what came back
 * @err: 0 or a negative errno
 * @words: of the extended ack, "" if there are none
 * @blamed: type of the attribute that the extended ack points at, 0 if none
 * @missing: type that it calls missing (NLMSGERR_ATTR_MISS_TYPE)
 * @attr: the last attribute of each type of a reply; point into @msg
 * @many: all top-level attributes in order, @num of them
 */
struct nlc_reply {
	int err;
	char words[256];
	int blamed;
	int missing;
	int cmd;
	struct nlattr *attr[NLC_ATTR_MAX];
	struct nlattr *many[NLC_MANY_MAX];
	u32 num;
	struct nl_msg *msg;
};

/*
 * Open a socket for a family. Return: 0 or a negative errno; -ENOENT when the
 * module is not loaded.
 */
int nlc_open(struct nlc *c, const char *family, u8 version);
void nlc_close(struct nlc *c);

/*
 * A request, to which attributes are added with libnl's nla_put*(). There is
 * room for the largest that there is, or for @room bytes, which costs less.
 */
struct nl_msg *nlc_msg(struct nlc *c, u8 cmd);
struct nl_msg *nlc_msg_room(struct nlc *c, u8 cmd, u32 room);

/* A copy of @msg for @c, to be sent a second time. */
struct nl_msg *nlc_again(struct nlc *c, struct nl_msg *msg);

/*
 * Send @msg and give it back to libnl; wait for the answer. What a former
 * call left in @r must have been freed. Return: @r->err.
 */
int nlc_call(struct nlc *c, struct nl_msg *msg, struct nlc_reply *r);
void nlc_free(struct nlc_reply *r);

/*
 * Join a multicast group of the family / wait for a notification at most
 * @timeout milliseconds. Return: 0 or a negative errno; -ETIMEDOUT.
 */
int nlc_join(struct nlc *c, const char *family, const char *group);
int nlc_listen(struct nlc *c, struct nlc_reply *r, int timeout);

/* Values of a reply's attribute; 0 where it is missing or too short. */
int nlc_s32(const struct nlattr *a);
u32 nlc_u32(const struct nlattr *a);
s64 nlc_s64(const struct nlattr *a);

/* The attribute @type inside a nested one, the @nth (from 0), or NULL. */
struct nlattr *nlc_in(const struct nlattr *nest, int type, int nth);

#endif
