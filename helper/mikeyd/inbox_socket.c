// SPDX-License-Identifier: GPL-2.0-or-later
/* Those who ask for what is in an inbox, and what each was lent. */
#include "helper/mikeyd/inbox_socket.h"

#include <errno.h>
#include <stdlib.h>

#include "helper/mikeyd/command_socket.h"
#include "helper/mikeyd/inbox_command.h"

struct inbox_socket {
	struct inbox *inbox;
	struct inbox_watch watch;
	inbox_peer_h *allowed;
	void *arg;
	struct list loans;
	struct command_socket *commands;
};

static bool allowed(unsigned int uid, void *arg)
{
	const struct inbox_socket *from = arg;

	return from->allowed(uid, from->arg);
}

static json_t *answer(const json_t *request, void *state, void *arg)
{
	const struct inbox_socket *from = arg;

	return inbox_command(from->inbox, &from->loans, state, request);
}

static void came(void *state, void *arg)
{
	struct inbox_socket *from = arg;
	struct inbox_loan *loan = state;

	list_append(&from->loans, &loan->le, loan);
}

/* What was lent to one who left is there for the others again. */
static bool left(void *state, void *arg)
{
	struct inbox_loan *loan = state;

	(void)arg;
	list_unlink(&loan->le);
	return loan->id;
}

static const struct command_handlers handlers = {
	.state_size = sizeof(struct inbox_loan),
	.allowed = allowed,
	.answer = answer,
	.came = came,
	.left = left,
};

static void changed(void *arg)
{
	struct inbox_socket *from = arg;

	command_socket_again(from->commands);
}

int inbox_socket_open(struct inbox_socket **out, struct inbox *inbox, const char *path,
		      inbox_peer_h *may_ask, void *arg, struct problem *problem)
{
	struct inbox_socket *from = calloc(1, sizeof(*from));

	*out = NULL;
	if (!from)
		return problem_set(problem, -ENOMEM, "no memory");
	from->inbox = inbox;
	from->allowed = may_ask;
	from->arg = arg;
	if (command_socket_open(&from->commands, path, &handlers, from, problem)) {
		free(from);
		return problem_prefix(problem, "inbox: ");
	}
	from->watch.changed = changed;
	from->watch.arg = from;
	inbox_watch(inbox, &from->watch);
	*out = from;
	return 0;
}

void inbox_socket_close(struct inbox_socket *from)
{
	if (!from)
		return;
	list_unlink(&from->watch.le);
	command_socket_close(from->commands);
	free(from);
}
