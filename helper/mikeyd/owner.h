/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose socket is it? The loopback address is everybody's on a machine: without
 * this any user could send in the name of the one whose keys mikeyd may use.
 * The kernel tells the owner of a local socket over NETLINK_SOCK_DIAG.
 */
#ifndef HELPER_MIKEYD_OWNER_H
#define HELPER_MIKEYD_OWNER_H

#include "helper/lib/config.h"
#include "helper/mikeyd/transport.h"

struct owner;

/*
 * owner_open - get ready, and try it on one of our own listeners
 *
 * -EOPNOTSUPP, in words, if the kernel cannot tell.
 */
int owner_open(struct owner **owner, const struct config *config,
	       const struct transport *transport, struct problem *problem);

void owner_close(struct owner *owner);

/*
 * owner_allows - may this client send? On this machine it has to belong to our
 * own user, to root, or to a user in the configuration. A client on another
 * machine is the business of the setting "clients" alone.
 * @user: for whom; NULL: for any of them
 * @local: the address of ours that it sent to
 */
bool owner_allows(struct owner *owner, const struct config_user *user,
		  const struct flow *client, const struct sa *local);

/*
 * owner_listens - would what is sent to this client reach one of these users?
 * False as well if nobody listens there: a client that is gone.
 */
bool owner_listens(struct owner *owner, const struct config_user *user,
		   const struct flow *client, const struct sa *local);

#endif
