// SPDX-License-Identifier: GPL-2.0-or-later
/* The counters of the two modules since they were loaded. */
#include <inttypes.h>
#include <stdio.h>

#include "helper/lib/mime.h"
#include "helper/lib/netlink.h"
#include "helper/lib/ticket.h"
#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/output.h"

static void show(const char *family, const uint64_t *stats, int max,
		 const char *(*name)(int stat), struct json *json)
{
	if (json)
		json_object(json, family);
	else
		printf("%s\n", family);
	for (int i = 0; i <= max; i++) {
		if (!name(i))
			continue;
		if (json)
			json_count(json, name(i), stats[i]);
		else
			printf("  %-18s %12" PRIu64 "\n", name(i), stats[i]);
	}
	if (json)
		json_object_end(json);
}

static int show_ticket(struct json *json, struct problem *problem)
{
	uint64_t stats[MIKEY_TICKET_S_MAX + 1];
	struct genl_client *client;
	int err = genl_client_open(&client, MIKEY_TICKET_GENL_NAME, problem);

	if (err < 0)
		return err;
	err = ticket_stats(client, stats, problem);
	genl_client_close(client);
	if (!err)
		show(MIKEY_TICKET_GENL_NAME, stats, MIKEY_TICKET_S_MAX, ticket_stat_name, json);
	return err;
}

static int show_mime(struct json *json, struct problem *problem)
{
	uint64_t stats[MIKEY_MIME_S_MAX + 1];
	struct genl_client *client;
	int err = genl_client_open(&client, MIKEY_MIME_GENL_NAME, problem);

	if (err < 0)
		return err;
	err = mime_stats(client, stats, problem);
	genl_client_close(client);
	if (!err)
		show(MIKEY_MIME_GENL_NAME, stats, MIKEY_MIME_S_MAX, mime_stat_name, json);
	return err;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP, OPTION_JSON, { 0 } };
	struct json json = { .file = stdout }, *as_json = NULL;
	struct problem problem;
	int option, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1)
		if (option == 'j')
			as_json = &json;
	if (code >= 0)
		return code;
	if (optind < argc)
		return command_usage(command, "takes no arguments");

	code = EXIT_DONE;
	if (as_json)
		json_object(as_json, NULL);
	if (show_ticket(as_json, &problem) < 0)
		code = command_failed(&problem);
	if (show_mime(as_json, &problem) < 0)
		code = command_failed(&problem);
	if (as_json)
		json_object_end(as_json);
	return code;
}

const struct command stats_show = {
	.words = "stats",
	.summary = "show the counters of the modules",
	.help =
"usage: mikeyctl stats [--json]\n"
"\n"
"What both modules have done since they were loaded, and what they refused.\n"
"\n"
"  --json  as JSON\n",
	.run = run,
};
