// SPDX-License-Identifier: GPL-2.0-or-later
/* What the two modules of this kernel can do and may do. */
#include <stdio.h>

#include "helper/lib/mime.h"
#include "helper/lib/netlink.h"
#include "helper/lib/ticket.h"
#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/output.h"

static void warn_age(const char *module, uint32_t theirs, uint32_t ours)
{
	if (theirs == ours)
		return;
	fprintf(stderr,
		"mikeyctl: warning: %s speaks version %u, this program version %u: install modules and programs of the same age\n",
		module, theirs, ours);
}

/* The names of the bits of a mask; a bit without a name is shown as number. */
static void print_mask(uint32_t mask, const char *(*name)(uint32_t value))
{
	for (uint32_t i = 0; i < 32; i++) {
		if (!(mask >> i & 1))
			continue;
		if (name(i))
			printf(" %s", name(i));
		else
			printf(" %u", i);
	}
	putchar('\n');
}

static void json_mask(struct json *json, const char *key, uint32_t mask,
		      const char *(*name)(uint32_t value))
{
	json_array(json, key);
	for (uint32_t i = 0; i < 32; i++) {
		if (!(mask >> i & 1))
			continue;
		if (name(i))
			json_string(json, NULL, name(i));
		else
			json_number(json, NULL, i);
	}
	json_array_end(json);
}

static int read_ticket(struct ticket_caps *caps, struct problem *problem)
{
	struct genl_client *client;
	int err = genl_client_open(&client, MIKEY_TICKET_GENL_NAME, problem);

	if (err < 0)
		return err;
	err = ticket_caps(client, caps, problem);
	genl_client_close(client);
	return err;
}

static int read_mime(struct mime_caps *caps, struct problem *problem)
{
	struct genl_client *client;
	int err = genl_client_open(&client, MIKEY_MIME_GENL_NAME, problem);

	if (err < 0)
		return err;
	err = mime_caps(client, caps, problem);
	genl_client_close(client);
	return err;
}

static void show_ticket(const struct ticket_caps *caps, struct json *json)
{
	if (json) {
		json_object(json, MIKEY_TICKET_GENL_NAME);
		json_string(json, "module_version", caps->module_version);
		json_count(json, "api_version", caps->api_version);
		json_mask(json, "profiles", caps->profiles, ticket_profile_name);
		json_mask(json, "suites", caps->suites, ticket_suite_name);
		json_count(json, "prot_type", caps->prot_type);
		json_count(json, "ext_type", caps->ext_type);
		json_object_end(json);
		return;
	}
	printf("mikey_ticket %s\n  profiles        ", caps->module_version);
	print_mask(caps->profiles, ticket_profile_name);
	printf("  suites          ");
	print_mask(caps->suites, ticket_suite_name);
	printf("  Prot type        %u (PSK/MIME)\n", caps->prot_type);
	printf("  extension type   %u (proof of origin)\n", caps->ext_type);
}

static void show_mime(const struct mime_caps *caps, struct json *json)
{
	if (json) {
		json_object(json, MIKEY_MIME_GENL_NAME);
		json_string(json, "module_version", caps->module_version);
		json_count(json, "api_version", caps->api_version);
		json_mask(json, "forms", caps->forms, mime_form_name);
		json_count(json, "max_entity", caps->max_entity);
		json_object_end(json);
		return;
	}
	printf("mikey_mime %s\n  forms           ", caps->module_version);
	print_mask(caps->forms, mime_form_name);
	printf("  largest entity   %u bytes\n", caps->max_entity);
}

static int run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP, OPTION_JSON, { 0 } };
	struct json json = { .file = stdout }, *as_json = NULL;
	struct ticket_caps ticket;
	struct mime_caps mime;
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
	if (read_ticket(&ticket, &problem) < 0) {
		code = command_failed(&problem);
	} else {
		warn_age(MIKEY_TICKET_GENL_NAME, ticket.api_version, MIKEY_TICKET_GENL_VERSION);
		show_ticket(&ticket, as_json);
	}
	if (read_mime(&mime, &problem) < 0) {
		code = command_failed(&problem);
	} else {
		warn_age(MIKEY_MIME_GENL_NAME, mime.api_version, MIKEY_MIME_GENL_VERSION);
		show_mime(&mime, as_json);
	}
	if (as_json)
		json_object_end(as_json);
	return code;
}

const struct command policy_show = {
	.words = "policy",
	.summary = "show what the modules can and may do",
	.help =
"usage: mikeyctl policy [--json]\n"
"\n"
"Profiles, suites and CMS forms that are allowed here, the numbers in force and\n"
"the largest MIME entity, as both modules tell them.\n"
"\n"
"  --json  as JSON\n",
	.run = run,
};
