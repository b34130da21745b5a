// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests to an inbox. */
#include "helper/mikeyd/inbox_command.h"

#include <errno.h>
#include <string.h>

#include "helper/mikeyd/command_socket.h"
#include "helper/mikeyd/inbox_json.h"

struct question {
	struct inbox *inbox;
	const struct list *loans;
	struct inbox_loan *loan;
	json_int_t id, after;
	int wait, lend;
};

static json_t *failed(const struct problem *problem)
{
	return command_refusal(problem->error, problem->words);
}

static json_t *with(const char *key, json_t *value)
{
	if (!value)
		return command_refusal(-ENOMEM, "no memory");
	return json_pack("{s:b, s:o}", "ok", 1, key, value);
}

static json_t *list(struct question *question)
{
	struct inbox_store *store = inbox_store(question->inbox);
	json_t *messages = json_array();
	struct inbox_message message;
	struct problem problem;
	int64_t at = question->after;
	int err = 0;

	for (int i = 0; i < INBOX_LIST_MOST && !err; i++) {
		err = inbox_store_next(store, at, &message, &problem);
		if (err)
			break;
		at = message.id;
		err = json_array_append_new(messages, inbox_json(&message, false));
		inbox_message_wipe(&message);
	}
	if (!err || err == -ENOENT)
		return with("messages", messages);
	json_decref(messages);
	return failed(&problem);
}

static json_t *show(struct question *question)
{
	struct inbox_message message;
	struct problem problem;
	json_t *answer;

	if (inbox_store_get(inbox_store(question->inbox), question->id, &message, &problem))
		return failed(&problem);
	answer = with("message", inbox_json(&message, true));
	inbox_message_wipe(&message);
	return answer;
}

static bool is_lent(const struct question *question, int64_t id)
{
	struct le *le;

	LIST_FOREACH(question->loans, le) {
		const struct inbox_loan *loan = le->data;

		if (loan != question->loan && loan->id == id)
			return true;
	}
	return false;
}

static json_t *next(struct question *question)
{
	struct inbox_store *store = inbox_store(question->inbox);
	int64_t at = question->after;
	struct inbox_message message;
	struct problem problem;
	json_t *answer;

	if (!inbox_keeps(question->inbox))
		return command_refusal(-EOPNOTSUPP, "a program gets this user's messages");
	question->loan->id = 0;
	for (;;) {
		if (inbox_store_next(store, at, &message, &problem)) {
			if (problem.error == -ENOENT && question->wait)
				return NULL;
			return failed(&problem);
		}
		if (!question->lend || !is_lent(question, message.id))
			break;
		/* at most as many rounds as there are askers */
		at = message.id;
		inbox_message_wipe(&message);
	}
	if (question->lend)
		question->loan->id = message.id;
	answer = with("message", inbox_json(&message, true));
	inbox_message_wipe(&message);
	return answer;
}

static json_t *take(struct question *question)
{
	struct problem problem;

	if (is_lent(question, question->id))
		return command_refusal(-EBUSY, "somebody else is taking this message");
	if (inbox_store_take(inbox_store(question->inbox), question->id, &problem))
		return failed(&problem);
	if (question->loan->id == question->id)
		question->loan->id = 0;
	return json_pack("{s:b}", "ok", 1);
}

static const struct {
	const char *name;
	json_t *(*answer)(struct question *question);
} commands[] = {
	{ "list", list },
	{ "show", show },
	{ "next", next },
	{ "take", take },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

json_t *inbox_command(struct inbox *inbox, const struct list *loans, struct inbox_loan *loan,
		      const json_t *request)
{
	struct question question = { .inbox = inbox, .loans = loans, .loan = loan };
	const char *name;
	size_t at;

	if (json_unpack((json_t *)request, "{s:s, s?I, s?I, s?b, s?b}", "command", &name,
			"id", &question.id, "after", &question.after, "wait", &question.wait,
			"lend", &question.lend))
		return command_refusal(-EINVAL, "no such request");
	for (at = 0; at < COMMANDS && strcmp(commands[at].name, name); at++)
		;
	if (at == COMMANDS)
		return command_refusal(-EINVAL, "no such command");
	/* cppcheck-suppress returnDanglingLifetime ; an answer holds nothing of the question */
	return commands[at].answer(&question);
}
