/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UNIX socket of an inbox, for the requests of inbox_command.h. */
#ifndef HELPER_MIKEYD_INBOX_SOCKET_H
#define HELPER_MIKEYD_INBOX_SOCKET_H

#include "helper/lib/problem.h"
#include "helper/mikeyd/inbox.h"

struct inbox_socket;

/* inbox_peer_h - may a process of this user of the machine ask? */
typedef bool (inbox_peer_h)(unsigned int uid, void *arg);

/*
 * inbox_socket_open - make the socket and listen
 * @path: where; what another mikeyd left there is removed, one in use is -EADDRINUSE
 *
 * It goes before the inbox does.
 */
int inbox_socket_open(struct inbox_socket **socket, struct inbox *inbox, const char *path,
		      inbox_peer_h *allowed, void *arg, struct problem *problem);

void inbox_socket_close(struct inbox_socket *socket);

#endif
