// SPDX-License-Identifier: GPL-2.0-or-later
/* Replies of netlink: asked for, and what is in them. */
#include "helper/lib/netlink.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

int genl_unexpected(struct problem *problem)
{
	return problem_set(problem, -EPROTO,
			   "the answer of the module lacks something: modules and programs are of different ages");
}

int genl_ask(struct genl_client *client, struct nl_msg *message, int put,
	     struct bytes *reply, struct nlattr **attrs, int max, struct problem *problem)
{
	int err;

	err = message && !put ? genl_request(client, message, reply, attrs, max, problem) :
		problem_set(problem, -ENOMEM, "no memory");
	if (message)
		genl_message_free(message);
	return err;
}

uint32_t genl_get_u32(struct nlattr *attr)
{
	return attr && nla_len(attr) >= 4 ? nla_get_u32(attr) : 0;
}

int64_t genl_get_s64(struct nlattr *attr)
{
	return attr && nla_len(attr) >= 8 ? nla_get_s64(attr) : 0;
}

int genl_get_uid(struct uid *uid, struct nlattr *attr)
{
	size_t len = attr ? nla_len(attr) : 0;

	if (!len || len > UID_MAX)
		return -EPROTO;
	memcpy(uid->text, nla_data(attr), len);
	uid->text[len] = '\0';
	uid->len = len;
	return 0;
}

/* The first attribute, and how many bytes there are from it on. */
static struct nlattr *attributes(const struct bytes *reply, int *left)
{
	*left = reply->data ? reply->len - NLMSG_HDRLEN - GENL_HDRLEN : 0;
	return (struct nlattr *)(reply->data + NLMSG_HDRLEN + GENL_HDRLEN);
}

int genl_counters(struct genl_client *client, uint8_t command, int type, int pad,
		  uint64_t *stats, int most, struct problem *problem)
{
	struct nlattr *nest, *attr;
	struct bytes reply;
	int err, left;

	memset(stats, 0, sizeof(*stats) * (most + 1));
	err = genl_ask(client, genl_message(client, command, 0), 0, &reply, NULL, 0, problem);
	if (err < 0)
		return err;
	attr = attributes(&reply, &left);
	nest = left ? nla_find(attr, left, type) : NULL;
	if (!nest)
		err = genl_unexpected(problem);
	else
		nla_for_each_nested(attr, nest, left)
			if (nla_type(attr) > pad && nla_type(attr) <= most)
				stats[nla_type(attr)] = genl_get_s64(attr);
	bytes_wipe(&reply);
	return err;
}

int genl_reply_each(const struct bytes *reply, int type,
		    int (*each)(struct nlattr *attr, void *arg), void *arg)
{
	struct nlattr *attr;
	int left, err = 0;

	for (attr = attributes(reply, &left); !err && nla_ok(attr, left);
	     attr = nla_next(attr, &left))
		if (nla_type(attr) == type)
			err = each(attr, arg);
	return err;
}

static int measure(struct nlattr *attr, void *arg)
{
	*(size_t *)arg += nla_len(attr);
	return 0;
}

static int append(struct nlattr *attr, void *arg)
{
	struct bytes *out = arg;

	memcpy(out->data + out->len, nla_data(attr), nla_len(attr));
	out->len += nla_len(attr);
	return 0;
}

int genl_reply_join(const struct bytes *reply, int type, struct bytes *out)
{
	size_t len = 0;

	genl_reply_each(reply, type, measure, &len);
	if (!len)
		return -ENODATA;
	if (bytes_alloc(out, len) < 0)
		return -ENOMEM;
	out->len = 0;
	return genl_reply_each(reply, type, append, out);
}
