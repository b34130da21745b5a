// SPDX-License-Identifier: GPL-2.0-or-later
/* The counters of the two modules since they were loaded, and of mikeyd since its start. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "helper/lib/config.h"
#include "helper/lib/mime.h"
#include "helper/lib/netlink.h"
#include "helper/lib/ticket.h"
#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/counts.h"
#include "helper/mikeyctl/mailbox.h"

/* Seconds for mikeyd to answer. */
#define PATIENCE 10

static int ask_ticket(json_t **all, struct problem *problem)
{
	uint64_t stats[MIKEY_TICKET_S_MAX + 1];
	struct genl_client *client;
	int err = genl_client_open(&client, MIKEY_TICKET_GENL_NAME, problem);

	if (err < 0)
		return err;
	err = ticket_stats(client, stats, problem);
	genl_client_close(client);
	if (err)
		return err;
	*all = json_array();
	for (int i = 0; i <= MIKEY_TICKET_S_MAX; i++)
		if (ticket_stat_name(i))
			counts_add(*all, ticket_stat_name(i), i == MIKEY_TICKET_S_TICKETS ||
				   i == MIKEY_TICKET_S_EXCHANGES, stats[i]);
	return 0;
}

static int ask_mime(json_t **all, struct problem *problem)
{
	uint64_t stats[MIKEY_MIME_S_MAX + 1];
	struct genl_client *client;
	int err = genl_client_open(&client, MIKEY_MIME_GENL_NAME, problem);

	if (err < 0)
		return err;
	err = mime_stats(client, stats, problem);
	genl_client_close(client);
	if (err)
		return err;
	*all = json_array();
	for (int i = 0; i <= MIKEY_MIME_S_MAX; i++)
		if (mime_stat_name(i))
			counts_add(*all, mime_stat_name(i), i == MIKEY_MIME_S_REPLAY_ENTRIES,
				   stats[i]);
	return 0;
}

/* That there is no mikeyd is a fault only if one was named. */
static int ask_mikeyd(json_t **all, const char *socket, const char *config,
		      struct problem *problem)
{
	struct mailbox mailbox;
	json_t *answer;
	int err = mailbox_open(&mailbox, MAILBOX_CONTROL, socket, config, problem);

	if (err)
		return !socket && !config && (err == -ENOENT || err == -ECONNREFUSED) ? 0 : err;
	err = mailbox_ask(&mailbox, json_pack("{s:s}", "command", "stats"), PATIENCE, &answer,
			  problem);
	*all = json_incref(json_object_get(answer, "counters"));
	json_decref(answer);
	mailbox_close(&mailbox);
	return err;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON,
		{ "prometheus", no_argument, NULL, 'p' },
		{ "socket", required_argument, NULL, 's' },
		{ "config", required_argument, NULL, 'C' },
		{ 0 }
	};
	struct counts counts[] = {
		{ .source = MIKEY_TICKET_GENL_NAME },
		{ .source = MIKEY_MIME_GENL_NAME },
		{ .source = "mikeyd" },
	};
	const char *socket = NULL, *config = NULL;
	counts_form *form = counts_text;
	struct problem problem;
	int option, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		switch (option) {
		case 'j':
			form = counts_json;
			break;
		case 'p':
			form = counts_prometheus;
			break;
		case 's':
			socket = optarg;
			break;
		case 'C':
			config = optarg;
			break;
		}
	}
	if (code >= 0)
		return code;
	if (optind < argc)
		return command_usage(command, "takes no arguments");

	code = EXIT_DONE;
	if (ask_ticket(&counts[0].all, &problem) < 0)
		code = command_failed(&problem);
	if (ask_mime(&counts[1].all, &problem) < 0)
		code = command_failed(&problem);
	if (ask_mikeyd(&counts[2].all, socket, config, &problem) < 0)
		code = command_failed(&problem);
	form(stdout, counts, 3);
	for (int i = 0; i < 3; i++)
		json_decref(counts[i].all);
	return code;
}

const struct command stats_show = {
	.words = "stats",
	.summary = "show the counters of the modules and of mikeyd",
	.help =
"usage: mikeyctl stats [--json | --prometheus] [--socket PATH] [--config FILE]\n"
"\n"
"What both modules have done since they were loaded, and what they refused; and,\n"
"where mikeyd runs, what passed through it since it was started. mikeyd tells its\n"
"own user and root.\n"
"\n"
"  --json             as JSON\n"
"  --prometheus       as metrics in the text format of Prometheus\n"
"  --socket PATH      mikeyd's control socket (of mikeyd.conf, else the usual one)\n"
"  --config FILE      (" CONFIG_DEFAULT_FILE ")\n",
	.run = run,
};
