// SPDX-License-Identifier: GPL-2.0-or-later
/* inbox, follow: what mikeyd received for a user without a SIP client. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/config.h"
#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/letter.h"
#include "helper/mikeyctl/mailbox.h"

/* What the options of all of these say. */
struct wanted {
	const char *socket, *config;
	enum letter_form form;
	bool keep;
	int64_t timeout;
	uint64_t count, id;	/* 0: not given */
};

enum { ONE_ID = 1, MAYBE_ID = 2 };

static int failed(const struct problem *problem)
{
	command_failed(problem);
	return problem->error == -ENOENT || problem->error == -ETIMEDOUT ? EXIT_NOTHING :
		EXIT_FAILED;
}

/* Returns an exit code, or -1 to go on. */
static int read_arguments(struct wanted *wanted, const struct command *command, int ids,
			  const struct option *options, int argc, char **argv)
{
	int option, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		switch (option) {
		case 'j':
			wanted->form = LETTER_JSON;
			break;
		case 'b':
			wanted->form = LETTER_BODY;
			break;
		case 'k':
			wanted->keep = true;
			break;
		case 's':
			wanted->socket = optarg;
			break;
		case 'C':
			wanted->config = optarg;
			break;
		case 'n':
			if (!command_read_number(optarg, &wanted->count))
				return command_usage(command, "--count is a number from 1");
			break;
		case 'w':
			if (!command_read_seconds(optarg, &wanted->timeout))
				return command_usage(command, "--timeout is a number of seconds");
			break;
		}
	}
	if (code >= 0)
		return code;
	if (ids && optind < argc &&
	    (!command_read_number(argv[optind++], &wanted->id) || wanted->id > INT64_MAX))
		return command_usage(command, "the number of a message is what \"list\" shows");
	if (optind < argc || (ids == ONE_ID && !wanted->id))
		return command_usage(command, ids == ONE_ID ? "takes the number of one message" :
				     ids ? "takes the number of one message at most" :
				     "takes no arguments");
	return -1;
}

/* The oldest message above a number, lent to us. */
static int next(struct mailbox *mailbox, int64_t after, bool wait, bool lend, int64_t seconds,
		json_t **message, struct problem *problem)
{
	json_t *answer;
	int err;

	err = mailbox_ask(mailbox, json_pack("{s:s, s:I, s:b, s:b}", "command", "next", "after",
					     (json_int_t)after, "wait", wait, "lend", lend),
			  seconds, &answer, problem);
	*message = json_incref(json_object_get(answer, "message"));
	json_decref(answer);
	return err;
}

static int show_id(struct mailbox *mailbox, int64_t id, json_t **message,
		   struct problem *problem)
{
	json_t *answer;
	int err;

	err = mailbox_ask(mailbox, json_pack("{s:s, s:I}", "command", "show", "id",
					     (json_int_t)id), 0, &answer, problem);
	*message = json_incref(json_object_get(answer, "message"));
	json_decref(answer);
	return err;
}

/* It is ours when it is written, and not before: at worst it is written twice. */
static int print_and_take(struct mailbox *mailbox, const json_t *message,
			  const struct wanted *wanted, struct problem *problem)
{
	int err = letter_print(message, wanted->form, problem);

	if (err || wanted->keep)
		return err;
	return mailbox_take(mailbox, letter_id(message), problem);
}

static int finish(struct mailbox *mailbox, int err, const struct problem *problem)
{
	mailbox_close(mailbox);
	return err ? failed(problem) : EXIT_DONE;
}

#define OPTION_SOCKET { "socket", required_argument, NULL, 's' }
#define OPTION_CONFIG { "config", required_argument, NULL, 'C' }
#define OPTION_BODY { "body", no_argument, NULL, 'b' }

/* ---- list */

static int list_all(struct mailbox *mailbox, const struct wanted *wanted,
		    struct problem *problem)
{
	json_t *all = json_array(), *answer, *messages, *message;
	int64_t after = 0;
	size_t at, count;
	int err;

	/* mikeyd gives some at a time */
	do {
		err = mailbox_ask(mailbox, json_pack("{s:s, s:I}", "command", "list", "after",
						     (json_int_t)after), 0, &answer, problem);
		messages = json_object_get(answer, "messages");
		count = json_array_size(messages);
		json_array_foreach(messages, at, message) {
			after = letter_id(message);
			if (wanted->form == LETTER_TEXT)
				letter_print_head(message);
			else
				json_array_append(all, message);
		}
		json_decref(answer);
	} while (!err && count);
	if (!err && wanted->form == LETTER_JSON) {
		json_dumpf(all, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	}
	json_decref(all);
	return err;
}

static int run_list(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON, OPTION_SOCKET, OPTION_CONFIG, { 0 }
	};
	struct wanted wanted = { 0 };
	struct mailbox mailbox;
	struct problem problem;
	int code, err;

	code = read_arguments(&wanted, command, 0, options, argc, argv);
	if (code >= 0)
		return code;
	err = mailbox_open(&mailbox, MAILBOX_INBOX, wanted.socket, wanted.config, &problem);
	if (err)
		return command_failed(&problem);
	return finish(&mailbox, list_all(&mailbox, &wanted, &problem), &problem);
}

/* ---- show, take, wait */

static int run_one(const struct command *command, int argc, char **argv, int ids, bool keep,
		   bool wait)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON, OPTION_BODY, OPTION_SOCKET, OPTION_CONFIG, { 0 }
	};
	static const struct option wait_options[] = {
		OPTION_HELP, OPTION_JSON, OPTION_BODY, OPTION_SOCKET, OPTION_CONFIG,
		{ "timeout", required_argument, NULL, 'w' },
		{ 0 }
	};
	struct wanted wanted = { .keep = keep };
	json_t *message = NULL;
	struct mailbox mailbox;
	struct problem problem;
	int code, err;

	code = read_arguments(&wanted, command, ids, wait ? wait_options : options, argc, argv);
	if (code >= 0)
		return code;
	if (mailbox_open(&mailbox, MAILBOX_INBOX, wanted.socket, wanted.config, &problem))
		return command_failed(&problem);
	if (wanted.id)
		err = show_id(&mailbox, wanted.id, &message, &problem);
	else
		err = next(&mailbox, 0, wait, true, wanted.timeout, &message, &problem);
	err = err ?: print_and_take(&mailbox, message, &wanted, &problem);
	json_decref(message);
	return finish(&mailbox, err, &problem);
}

static int run_show(const struct command *command, int argc, char **argv)
{
	return run_one(command, argc, argv, ONE_ID, true, false);
}

static int run_take(const struct command *command, int argc, char **argv)
{
	return run_one(command, argc, argv, MAYBE_ID, false, false);
}

static int run_wait(const struct command *command, int argc, char **argv)
{
	return run_one(command, argc, argv, 0, false, true);
}

/* ---- follow */

static int follow(struct mailbox *mailbox, const struct wanted *wanted, struct problem *problem)
{
	int64_t after = 0;
	json_t *message;
	int err = 0;

	for (uint64_t count = 0; !err && (!wanted->count || count < wanted->count); count++) {
		err = next(mailbox, after, true, !wanted->keep, 0, &message, problem);
		if (err)
			break;
		if (wanted->keep)
			after = letter_id(message);
		err = print_and_take(mailbox, message, wanted, problem);
		json_decref(message);
	}
	return err;
}

static int run_follow(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON, OPTION_SOCKET, OPTION_CONFIG,
		{ "keep", no_argument, NULL, 'k' },
		{ "count", required_argument, NULL, 'n' },
		{ 0 }
	};
	struct wanted wanted = { 0 };
	struct mailbox mailbox;
	struct problem problem;
	int code;

	code = read_arguments(&wanted, command, 0, options, argc, argv);
	if (code >= 0)
		return code;
	if (mailbox_open(&mailbox, MAILBOX_INBOX, wanted.socket, wanted.config, &problem))
		return command_failed(&problem);
	return finish(&mailbox, follow(&mailbox, &wanted, &problem), &problem);
}

#define HELP_SOCKET \
"  --socket PATH      of the inbox (of mikeyd.conf, else the usual one)\n" \
"  --config FILE      (" CONFIG_DEFAULT_FILE ")\n"
#define HELP_FORMS \
"  --json             an object, with the body, in one line\n" \
"  --body             nothing but the body; not to a terminal\n"

const struct command inbox_list = {
	.words = "inbox list",
	.summary = "messages that wait to be taken",
	.help =
"usage: mikeyctl inbox list [--json] [--socket PATH] [--config FILE]\n"
"\n"
"One line for each, the oldest first: number, time, verified sender with what\n"
"was proved, content type, bytes.\n"
"\n"
"  --json             an array of objects\n"
HELP_SOCKET,
	.run = run_list,
};

const struct command inbox_show = {
	.words = "inbox show",
	.summary = "show a message and leave it there",
	.help =
"usage: mikeyctl inbox show [--json | --body] [--socket PATH] [--config FILE] NUMBER\n"
"\n"
HELP_FORMS
HELP_SOCKET,
	.run = run_show,
};

const struct command inbox_take = {
	.words = "inbox take",
	.summary = "take a message out and show it",
	.help =
"usage: mikeyctl inbox take [--json | --body] [--socket PATH] [--config FILE] [NUMBER]\n"
"\n"
"Takes that message, or the oldest. It is gone from the inbox once it was\n"
"written. Exit status 9 if there is none.\n"
"\n"
HELP_FORMS
HELP_SOCKET,
	.run = run_take,
};

const struct command inbox_wait = {
	.words = "inbox wait",
	.summary = "wait for a message and take it",
	.help =
"usage: mikeyctl inbox wait [--json | --body] [--timeout SECONDS] [...]\n"
"\n"
"As \"take\"; where there is none, one is waited for.\n"
"\n"
"  --timeout SECONDS  not longer than that; exit status 9 then\n"
HELP_FORMS
HELP_SOCKET,
	.run = run_wait,
};

const struct command follow_inbox = {
	.words = "follow",
	.summary = "take messages as they arrive",
	.help =
"usage: mikeyctl follow [--json] [--keep] [--count N] [--socket PATH] [...]\n"
"\n"
"Takes and shows what is in the inbox, and then what arrives. A message that\n"
"could not be written stays there.\n"
"\n"
"  --json             an object, with the body, in each line\n"
"  --keep             leave them in the inbox\n"
"  --count N          end after N of them\n"
HELP_SOCKET,
	.run = run_follow,
};
