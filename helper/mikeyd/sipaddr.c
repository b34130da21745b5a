// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading addresses. */
#include "helper/mikeyd/sipaddr.h"

#include <errno.h>
#include <string.h>

#include "helper/mikeyd/sipmsg.h"

const char *sipaddr_behind_name(const struct pl *value)
{
	const char *at = value->p, *end = at + value->l;

	if (at == end || *at != '"')
		return at;
	for (at++; at < end; at++) {
		if (*at == '\\' && end - at > 1)
			at++;
		else if (*at == '"')
			return at + 1;
	}
	return NULL;
}

int sipaddr_decode(struct sip_addr *address, const struct pl *value)
{
	const char *behind = sipaddr_behind_name(value);
	struct pl rest = *value;
	int err;

	memset(address, 0, sizeof(*address));
	if (!behind)
		return -EBADMSG;
	pl_advance(&rest, behind - value->p);
	while (rest.l && strchr(" \t\r\n", *rest.p))
		pl_advance(&rest, 1);
	if (behind == value->p)
		return sip_addr_decode(address, &rest);
	/* behind a name there is no URI without angle brackets */
	if (!rest.l || *rest.p != '<')
		return -EBADMSG;
	err = sip_addr_decode(address, &rest);
	address->dname.p = value->p;
	address->dname.l = behind - value->p;
	return err;
}

bool sipaddr_is_plain(const struct pl *name, const struct pl *params)
{
	return sipmsg_is_one(params) && (!name->l || (!memchr(name->p, '<', name->l) &&
						      !memchr(name->p, '>', name->l)));
}
