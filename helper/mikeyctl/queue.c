// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * queue: messages that wait to be sent. The file is mikeyd's, which need not run:
 * what is changed here it sees within seconds.
 */
#include "helper/mikeyd/queuestore.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/lib/config.h"
#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/output.h"

#define OPTION_CONFIG { "config", required_argument, NULL, 'C' }
#define OPTION_DIR { "state-dir", required_argument, NULL, 'd' }
#define OPTION_USER { "user", required_argument, NULL, 'u' }

#define OPTIONS_HELP \
"  --config FILE     of mikeyd, whose state-dir counts (" CONFIG_DEFAULT_FILE ")\n" \
"  --state-dir DIR   where queue.db lies (that of the configuration, else\n" \
"                    /var/lib/mikey-mime/USER or ~/.local/state/mikeyd)\n" \
"  --user NAME       whose, where one mikeyd serves several users\n"

struct where {
	const char *config, *dir, *user;
	bool failed, json, all;
};

/* ---- finding it */

/* A directory of a few parts, and in it that of the user. */
static int open_in(struct queue_store **store, const struct where *where, const char *before,
		   const char *name, const char *behind, struct problem *problem)
{
	char dir[4096];

	if (snprintf(dir, sizeof(dir), "%s%s%s%s%s", before, name, behind,
		     where->user ? "/users/" : "", where->user ? where->user : "") >=
	    (int)sizeof(dir))
		return problem_set(problem, -ENAMETOOLONG, "the name of the folder is too long");
	return queue_store_open(store, dir, false, problem);
}

/* The first of the places that has one; without --state-dir or a setting. */
static int look(struct queue_store **store, const struct where *where, struct problem *problem)
{
	const struct passwd *user = getpwuid(geteuid());
	const struct {
		const char *before, *name, *behind;
	} places[] = {
		{ "/var/lib/mikey-mime/", user ? user->pw_name : NULL, "" },
		{ "", getenv("XDG_STATE_HOME"), "/mikeyd" },
		{ "", getenv("HOME"), "/.local/state/mikeyd" },
	};
	int err;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i].name)
			continue;
		err = open_in(store, where, places[i].before, places[i].name, places[i].behind,
			      problem);
		if (err != -ENOENT)
			return err;
	}
	return problem_set(problem, -ENOENT,
			   "there is no queue here: is queue = true in mikeyd.conf? (--state-dir says where it lies)");
}

static int open_store(struct queue_store **store, const struct where *where,
		      struct problem *problem)
{
	struct config config = { 0 };
	int err;

	*store = NULL;
	if (where->dir)
		return open_in(store, where, where->dir, "", "", problem);
	err = config_load(&config, where->config ? where->config : CONFIG_DEFAULT_FILE, problem);
	if (err && where->config)
		return err;
	err = config.state_dir ? open_in(store, where, config.state_dir, "", "", problem) :
		look(store, where, problem);
	config_free(&config);
	return err;
}

/* ---- showing */

struct listing {
	struct json *json;		/* NULL: as text */
	unsigned int count;
	int64_t wanted;			/* 0: all */
};

static int64_t left_of(const struct queue_item *item)
{
	return item->lifetime > item->age ? item->lifetime - item->age : 0;
}

static void json_item(struct json *json, const struct queue_item *item)
{
	json_object(json, NULL);
	json_number(json, "id", item->id);
	json_text(json, "sender", item->sender.text, item->sender.len);
	json_text(json, "recipient", item->recipient.text, item->recipient.len);
	json_string(json, "uri", item->uri);
	json_number(json, "queued", item->queued);
	json_number(json, "age", item->age);
	json_number(json, "remaining", left_of(item));
	json_count(json, "attempts", item->attempts);
	json_bool(json, "may_have_arrived", item->unsure);
	json_number(json, "code", item->code);
	json_string(json, "last", item->words);
	json_object_end(json);
}

static void print_whole(const struct queue_item *item)
{
	printf("message     %lld\nsender      ", (long long)item->id);
	output_text(stdout, item->sender.text, item->sender.len);
	fputs("\nrecipient   ", stdout);
	output_text(stdout, item->recipient.text, item->recipient.len);
	fputs("\nURI         ", stdout);
	output_text(stdout, item->uri, strlen(item->uri));
	fputs("\nqueued      ", stdout);
	output_time(stdout, item->queued);
	fputs("\nremaining   ", stdout);
	output_duration(stdout, left_of(item));
	printf("\nattempts    %u%s\nlast        ", item->attempts,
	       item->unsure ? " (one may have arrived)" : "");
	output_text(stdout, item->words, strlen(item->words));
	putchar('\n');
}

static void list_item(const struct queue_item *item, void *arg)
{
	struct listing *listing = arg;

	if (listing->wanted && item->id != listing->wanted)
		return;
	listing->count++;
	if (listing->json) {
		json_item(listing->json, item);
	} else if (listing->wanted) {
		print_whole(item);
	} else {
		if (listing->count == 1)
			printf("%-8s %-20s %-14s %-8s %s\n", "ID", "QUEUED", "REMAINING",
			       "ATTEMPTS", "RECIPIENT: LAST");
		printf("%-8lld ", (long long)item->id);
		output_time(stdout, item->queued);
		putchar(' ');
		output_duration(stdout, left_of(item));
		printf(" %-8u ", item->attempts);
		output_text(stdout, item->recipient.text, item->recipient.len);
		fputs(": ", stdout);
		output_text(stdout, item->words, strlen(item->words));
		putchar('\n');
	}
}

static void list_failed(const struct queue_failed *failed, void *arg)
{
	struct listing *listing = arg;

	listing->count++;
	if (listing->json) {
		json_object(listing->json, NULL);
		json_number(listing->json, "id", failed->id);
		json_text(listing->json, "sender", failed->sender.text, failed->sender.len);
		json_text(listing->json, "recipient", failed->recipient.text,
			  failed->recipient.len);
		json_number(listing->json, "queued", failed->queued);
		json_number(listing->json, "ended", failed->ended);
		json_number(listing->json, "code", failed->code);
		json_string(listing->json, "last", failed->words);
		json_object_end(listing->json);
		return;
	}
	if (listing->count == 1)
		printf("%-8s %-20s %-20s %s\n", "ID", "QUEUED", "ENDED", "RECIPIENT: WHY");
	printf("%-8lld ", (long long)failed->id);
	output_time(stdout, failed->queued);
	putchar(' ');
	output_time(stdout, failed->ended);
	putchar(' ');
	output_text(stdout, failed->recipient.text, failed->recipient.len);
	fputs(": ", stdout);
	output_text(stdout, failed->words, strlen(failed->words));
	putchar('\n');
}

static int list(struct queue_store *store, const struct where *where, int64_t id,
		struct problem *problem)
{
	struct json json = { .file = stdout };
	struct listing listing = { .json = where->json ? &json : NULL, .wanted = id };
	bool array = where->json && !id;
	int err;

	if (array)
		json_array(&json, NULL);
	err = where->failed ? queue_store_each_failed(store, list_failed, &listing, problem) :
		queue_store_each(store, list_item, &listing, problem);
	if (array)
		json_array_end(&json);
	if (!err && id && !listing.count)
		return problem_set(problem, -ENOENT, "no message %lld waits", (long long)id);
	if (!err && !listing.count && !where->json)
		fprintf(stderr, "mikeyctl: %s\n", where->failed ? "nothing failed" :
			"nothing waits");
	return err;
}

/* ---- changing */

struct ids {
	int64_t all[64];
	unsigned int count;
};

static void note(const struct queue_item *item, void *arg)
{
	struct ids *ids = arg;

	if (ids->count < sizeof(ids->all) / sizeof(ids->all[0]))
		ids->all[ids->count++] = item->id;
}

static int drop_all(struct queue_store *store, struct problem *problem)
{
	struct ids ids;
	int err;

	do {
		ids.count = 0;
		err = queue_store_each(store, note, &ids, problem);
		for (unsigned int i = 0; i < ids.count && !err; i++)
			err = queue_store_end(store, ids.all[i], true, 0, "", problem);
	} while (ids.count && !err);
	return err;
}

struct search {
	int64_t wanted;
	bool found;
};

static void compare(const struct queue_item *item, void *arg)
{
	struct search *search = arg;

	search->found |= item->id == search->wanted;
}

static int drop(struct queue_store *store, const struct where *where, int64_t id,
		struct problem *problem)
{
	struct search search = { .wanted = id };
	int err;

	if (where->all) {
		err = drop_all(store, problem);
	} else {
		err = queue_store_each(store, compare, &search, problem);
		if (!err && !search.found)
			err = problem_set(problem, -ENOENT, "no message %lld waits",
					  (long long)id);
		err = err ?: queue_store_end(store, id, true, 0, "", problem);
	}
	/* whoever waits behind it need not any more */
	return err ?: queue_store_poke(store, problem);
}

static int retry(struct queue_store *store, const struct where *where, int64_t id,
		 struct problem *problem)
{
	(void)where;
	(void)id;
	return queue_store_poke(store, problem);
}

/* ---- */

typedef int (action)(struct queue_store *store, const struct where *where, int64_t id,
		     struct problem *problem);

static int run_on(const struct where *where, action *act, int64_t id)
{
	struct queue_store *store;
	struct problem problem;
	int err = open_store(&store, where, &problem);

	err = err ?: act(store, where, id, &problem);
	queue_store_close(store);
	return err ? command_failed(&problem) : EXIT_DONE;
}

/* Options that are each command's, and the message that it is about. */
static int run(const struct command *command, int argc, char **argv,
	       const struct option *options, action *act, bool one)
{
	struct where where = { 0 };
	uint64_t id = 0;
	int option, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		switch (option) {
		case 'C':
			where.config = optarg;
			break;
		case 'd':
			where.dir = optarg;
			break;
		case 'u':
			where.user = optarg;
			break;
		case 'j':
			where.json = true;
			break;
		case 'f':
			where.failed = true;
			break;
		case 'a':
			where.all = true;
			break;
		}
	}
	if (code >= 0)
		return code;
	if (one && !where.all && (argc - optind != 1 || !command_read_number(argv[optind], &id)))
		return command_usage(command,
				     "name one message by its number (mikeyctl queue list)");
	if ((!one || where.all) && optind < argc)
		return command_usage(command, "takes no arguments%s", one ? " with --all" : "");
	return run_on(&where, act, id);
}

static int run_list(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON, OPTION_CONFIG, OPTION_DIR, OPTION_USER,
		{ "failed", no_argument, NULL, 'f' }, { 0 }
	};

	return run(command, argc, argv, options, list, false);
}

static int run_show(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON, OPTION_CONFIG, OPTION_DIR, OPTION_USER, { 0 }
	};

	return run(command, argc, argv, options, list, true);
}

static int run_retry(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_CONFIG, OPTION_DIR, OPTION_USER, { 0 }
	};

	return run(command, argc, argv, options, retry, false);
}

static int run_drop(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_CONFIG, OPTION_DIR, OPTION_USER,
		{ "all", no_argument, NULL, 'a' }, { 0 }
	};

	return run(command, argc, argv, options, drop, true);
}

const struct command queue_list = {
	.words = "queue list",
	.summary = "list the messages that wait to be sent",
	.help =
"usage: mikeyctl queue list [--failed] [--json] [...]\n"
"\n"
"One line for each message: number, when it came, time until it expires, attempts\n"
"that ended, for whom it is, and why it waits.\n"
"\n"
"  --failed          those that could not be delivered, the last 256\n"
"  --json            as JSON\n"
OPTIONS_HELP,
	.run = run_list,
};

const struct command queue_show = {
	.words = "queue show",
	.summary = "tell all about a message that waits",
	.help =
"usage: mikeyctl queue show [--json] [...] ID\n"
"\n"
"All that is known of a message. What it says is not: it is kept protected.\n"
"\n"
"  --json            as JSON\n"
OPTIONS_HELP,
	.run = run_show,
};

const struct command queue_retry = {
	.words = "queue retry",
	.summary = "try to send what waits now",
	.help =
"usage: mikeyctl queue retry [...]\n"
"\n"
"mikeyd makes the next attempts within seconds, and not when their time comes.\n"
"\n"
OPTIONS_HELP,
	.run = run_retry,
};

const struct command queue_drop = {
	.words = "queue drop",
	.summary = "give up a message that waits",
	.help =
"usage: mikeyctl queue drop [...] ID | --all\n"
"\n"
"It is not sent any more; one that is under way may arrive still.\n"
"\n"
"  --all             all that wait\n"
OPTIONS_HELP,
	.run = run_drop,
};
