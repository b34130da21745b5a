/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A UNIX socket that takes commands: a JSON object in each line, requests to it and
 * answers back. An asker gets one answer at a time and asks for the next one, so
 * that one who stalls holds up nobody, and nothing piles up.
 */
#ifndef HELPER_MIKEYD_COMMAND_SOCKET_H
#define HELPER_MIKEYD_COMMAND_SOCKET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "helper/lib/problem.h"

struct command_socket;

/* What stands behind a socket; arg is that of command_socket_open(). */
struct command_handlers {
	size_t state_size;		/* of what is kept for each asker, zeroed at first */

	/* may a process of this user of the machine ask? */
	bool (*allowed)(unsigned int uid, void *arg);

	/*
	 * the answer, for json_decref(); NULL: the request has to wait until
	 * command_socket_again()
	 */
	json_t *(*answer)(const json_t *request, void *state, void *arg);

	/* somebody came; or left: true if those who wait are to ask again. Or NULL */
	void (*came)(void *state, void *arg);
	bool (*left)(void *state, void *arg);
};

/*
 * command_socket_open - make the socket and listen
 * @path: where; what another mikeyd left there is removed, one in use is -EADDRINUSE
 * @handlers: have to stay
 */
int command_socket_open(struct command_socket **socket, const char *path,
			const struct command_handlers *handlers, void *arg,
			struct problem *problem);

void command_socket_close(struct command_socket *socket);

/*
 * command_socket_again - something is new: those who wait ask again, the one that
 * waits longest first
 */
void command_socket_again(struct command_socket *socket);

/* command_refusal - {"ok": false, "error": NAME, "reason": ...}; NULL: no memory */
json_t *command_refusal(int error, const char *reason);

#endif
