// SPDX-License-Identifier: GPL-2.0-or-later
/* A user's inbox. */
#include "helper/mikeyd/inbox_user.h"

#include <errno.h>
#include <unistd.h>

#include "helper/lib/log.h"
#include "helper/lib/socket_path.h"
#include "helper/mikeyd/inbox.h"
#include "helper/mikeyd/inbox_socket.h"
#include "helper/mikeyd/record.h"

/* Those who may be the user's client may have the messages, too. */
static bool may_ask(unsigned int uid, void *arg)
{
	const struct user *user = arg;
	const struct config_user *config = user->config;

	if (!uid || uid == geteuid() || config->any_client_user)
		return true;
	for (unsigned int i = 0; i < config->n_client_users; i++)
		if (config->client_users[i] == uid)
			return true;
	return false;
}

static int record_kept(struct user *user, struct problem *problem)
{
	struct inbox_message message;
	int64_t at = 0;
	int err;

	while (!(err = inbox_store_next(inbox_store(user->inbox), at, &message, problem))) {
		at = message.id;
		if (message.mac.len)
			record_answer(user->record, &message.sender, &message.mac, 200);
		inbox_message_wipe(&message);
	}
	return err == -ENOENT ? 0 : err;
}

static int open_socket(struct user *user, struct problem *problem)
{
	const char *given = user->config->inbox.socket;
	char path[4096];

	/* several users cannot all have the one that is found by itself */
	if (!given && (*user->config->name || socket_path_made(path, sizeof(path), SOCKET_INBOX)))
		return problem_set(problem, -EINVAL,
				   "inbox: socket is missing: where programs ask for messages");
	return inbox_socket_open(&user->inbox_socket, user->inbox, given ? given : path,
				 may_ask, user, problem);
}

int inbox_user_open(struct user *user, struct problem *problem)
{
	const struct config_inbox *config = &user->config->inbox;
	int err;

	if (config->program && access(config->program[0], X_OK))
		log_event(WARNING, "program-missing", log_text("program", config->program[0]));
	/* --check beside the mikeyd that runs */
	if (config->when == INBOX_NEVER || user->mikeyd->only_check)
		return 0;
	err = inbox_open(&user->inbox, config, problem);
	err = err ?: record_kept(user, problem);
	return err ?: open_socket(user, problem);
}

void inbox_user_close(struct user *user)
{
	struct inbox *inbox = user->inbox;

	inbox_socket_close(user->inbox_socket);
	user->inbox_socket = NULL;
	inbox_close(inbox);
	user->inbox = NULL;
}
