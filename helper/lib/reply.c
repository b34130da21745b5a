// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes that come several times in a netlink reply. */
#include "helper/lib/netlink.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

int genl_reply_each(const struct bytes *reply, int type,
		    int (*each)(struct nlattr *attr, void *arg), void *arg)
{
	struct nlattr *attr;
	int left, err = 0;

	if (!reply->data)
		return 0;
	attr = (struct nlattr *)(reply->data + NLMSG_HDRLEN + GENL_HDRLEN);
	left = reply->len - NLMSG_HDRLEN - GENL_HDRLEN;
	for (; !err && nla_ok(attr, left); attr = nla_next(attr, &left))
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
