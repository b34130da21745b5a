// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tickets: kernel keys of the type that mikey_ticket.ko brings along. Their
 * keyrings say which there are, the module says what they are good for.
 */
#include "helper/lib/ticket.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <string.h>

#include "helper/lib/keyring.h"
#include "helper/lib/netlink.h"
#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/keys.h"
#include "helper/mikeyctl/output.h"

static const char * const ticket_types[] = { MIKEY_TICKET_KEY_TYPE, NULL };

/* RFC 6043 6.10 calls the flags by letters, D highest */
static const char flag_letters[] = "DEFGHIJKLMNO";

static void flags_text(char text[sizeof(flag_letters)], uint32_t flags)
{
	size_t set = 0;

	for (int i = 0; flag_letters[i]; i++)
		if (flags >> (sizeof(flag_letters) - 2 - i) & 1)
			text[set++] = flag_letters[i];
	text[set] = '\0';
}

static const char *or_unknown(const char *name)
{
	return name ? name : "?";
}

static void print_uid(const struct uid *uid)
{
	output_text(stdout, uid->text, uid->len);
}

static void print_row(int32_t serial, const struct ticket_info *info)
{
	const struct ticket_policy *policy = &info->policy;

	printf("%-11d %-10s %-10s %-7s ", serial, or_unknown(ticket_role_name(info->role)),
	       or_unknown(ticket_profile_name(policy->profile)),
	       or_unknown(ticket_suite_name(policy->suite)));
	output_duration(stdout, info->remaining);
	printf(" %c%c%c%c ", policy->reusable ? 'J' : '-', policy->changed ? 'K' : '-',
	       ticket_is_minted(policy) ? '3' : '-', policy->cacheable ? 'C' : '-');
	print_uid(&policy->initiator);
	fputs(" ->", stdout);
	for (unsigned int i = 0; i < policy->n_responders; i++) {
		fputs(i ? ", " : " ", stdout);
		print_uid(&policy->responders[i]);
	}
	putchar('\n');
}

static void print_whole(const struct key *key, const struct ticket_info *info)
{
	const struct ticket_policy *policy = &info->policy;
	char flags[sizeof(flag_letters)];

	flags_text(flags, policy->flags);
	printf("ticket      %d\n", key->serial);
	printf("role        %s\n", or_unknown(ticket_role_name(info->role)));
	printf("profile     %s\n", or_unknown(ticket_profile_name(policy->profile)));
	printf("suite       %s\n", or_unknown(ticket_suite_name(policy->suite)));
	printf("flags       %s%s%s%s\n", flags, policy->reusable ? " (reusable)" : " (single use)",
	       policy->cacheable ? " (recipients may keep it)" : "",
	       policy->changed ? " (changed by the KMS)" : "");
	printf("made by     %s\n", ticket_is_minted(policy) ? "the initiator (mode 3)" :
	       "the KMS (mode 1)");
	fputs("KMS         ", stdout);
	print_uid(&policy->kms);
	fputs("\ninitiator   ", stdout);
	print_uid(&policy->initiator);
	for (unsigned int i = 0; i < policy->n_responders; i++) {
		fputs(i ? "\n            " : "\nresponders  ", stdout);
		print_uid(&policy->responders[i]);
	}
	fputs("\nvalid       ", stdout);
	output_time(stdout, policy->valid_from);
	fputs(" to ", stdout);
	output_time(stdout, policy->valid_until);
	if (policy->rekey)
		printf("\nrekeying    after %u s", policy->rekey);
	fputs("\nremaining   ", stdout);
	output_duration(stdout, info->remaining);
	putchar('\n');
}

static void json_ticket(struct json *json, const struct key *key, const struct ticket_info *info)
{
	const struct ticket_policy *policy = &info->policy;
	char flags[sizeof(flag_letters)];

	flags_text(flags, policy->flags);
	json_object(json, NULL);
	json_number(json, "serial", key->serial);
	json_string(json, "description", key->description);
	json_string(json, "role", ticket_role_name(info->role));
	json_string(json, "profile", ticket_profile_name(policy->profile));
	json_string(json, "suite", ticket_suite_name(policy->suite));
	json_string(json, "flags", flags);
	json_bool(json, "reusable", policy->reusable);
	json_bool(json, "changed", policy->changed);
	json_bool(json, "cacheable", policy->cacheable);
	json_number(json, "mode", ticket_is_minted(policy) ? 3 : 1);
	json_count(json, "rekey", policy->rekey);
	json_text(json, "kms", policy->kms.text, policy->kms.len);
	json_text(json, "initiator", policy->initiator.text, policy->initiator.len);
	json_array(json, "responders");
	for (unsigned int i = 0; i < policy->n_responders; i++)
		json_text(json, NULL, policy->responders[i].text, policy->responders[i].len);
	json_array_end(json);
	json_number(json, "valid_from", policy->valid_from);
	json_number(json, "valid_until", policy->valid_until);
	json_number(json, "remaining", info->remaining);
	json_object_end(json);
}

/* One key of the list; a ticket that refuses to tell is shown with its words. */
static void list_one(struct genl_client *client, const struct key *key, struct json *json)
{
	struct ticket_info info = { 0 };
	struct problem problem;

	if (!ticket_info(client, key->serial, 0, &info, &problem)) {
		if (json)
			json_ticket(json, key, &info);
		else
			print_row(key->serial, &info);
		ticket_policy_free(&info.policy);
		return;
	}
	if (json) {
		json_object(json, NULL);
		json_number(json, "serial", key->serial);
		json_string(json, "description", key->description);
		json_string(json, "error", problem.words);
		json_object_end(json);
		return;
	}
	printf("%-11d ", key->serial);
	output_text(stdout, key->description, strlen(key->description));
	printf(": %s\n", problem.words);
}

static int list(int32_t ring, bool as_json)
{
	struct json json = { .file = stdout };
	struct genl_client *client;
	struct problem problem;
	struct key_list tickets;

	keys_reach(ring);
	if (genl_client_open(&client, MIKEY_TICKET_GENL_NAME, &problem) < 0)
		return command_failed(&problem);
	if (keys_list(&tickets, ring, ticket_types, &problem) < 0) {
		genl_client_close(client);
		return command_failed(&problem);
	}
	if (as_json)
		json_array(&json, NULL);
	else if (tickets.count)
		printf("%-11s %-10s %-10s %-7s %-14s %s %s\n",
		       "SERIAL", "ROLE", "PROFILE", "SUITE", "REMAINING", "JK3C",
		       "INITIATOR -> RESPONDERS");
	else
		fprintf(stderr, "mikeyctl: no tickets here\n");
	for (size_t i = 0; i < tickets.count; i++)
		list_one(client, &tickets.keys[i], as_json ? &json : NULL);
	if (as_json)
		json_array_end(&json);
	keys_free(&tickets);
	genl_client_close(client);
	return EXIT_DONE;
}

static int run_list(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON, OPTION_KEYRING, { 0 }
	};
	int32_t ring = KEY_SPEC_USER_KEYRING;
	bool as_json = false;
	int option, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		if (option == 'j')
			as_json = true;
		else if (option == 'k' && !keys_ring(optarg, &ring))
			return command_usage(command,
					     "--keyring is user, session or a serial number");
	}
	if (code >= 0)
		return code;
	if (optind < argc)
		return command_usage(command, "takes no arguments (ticket show does)");
	return list(ring, as_json);
}

const struct command ticket_list = {
	.words = "ticket list",
	.summary = "list the tickets in a keyring",
	.help =
"usage: mikeyctl ticket list [--keyring KEYRING] [--json]\n"
"\n"
"One line for each ticket: serial number, role, profile, suite, time until its\n"
"keys are wiped, J (reusable), K (changed by the KMS), 3 (made by the initiator,\n"
"mode 3) and C (recipients may keep it), and for whom it is.\n"
"\n"
"  --keyring KEYRING  user, session, or a serial number (user)\n"
"  --json             as JSON\n",
	.run = run_list,
};

/* The one argument of the commands below: a ticket; keys_put() it if 0. */
static int read_ticket(const struct command *command, int argc, char **argv, struct key *key)
{
	struct problem problem;
	int32_t serial;

	if (argc - optind != 1 || !keys_serial(argv[optind], &serial))
		return command_usage(command,
				     "name one ticket by its serial number (mikeyctl ticket list)");
	keys_reach(KEY_SPEC_USER_KEYRING);
	if (keys_get(key, serial, ticket_types, &problem) < 0)
		return command_failed(&problem);
	return EXIT_DONE;
}

static int show(const struct key *key, bool as_json)
{
	struct json json = { .file = stdout };
	struct ticket_info info = { 0 };
	struct genl_client *client;
	struct problem problem;
	int err;

	if (genl_client_open(&client, MIKEY_TICKET_GENL_NAME, &problem) < 0)
		return command_failed(&problem);
	err = ticket_info(client, key->serial, 0, &info, &problem);
	genl_client_close(client);
	if (err < 0)
		return command_failed(&problem);
	if (as_json)
		json_ticket(&json, key, &info);
	else
		print_whole(key, &info);
	ticket_policy_free(&info.policy);
	return EXIT_DONE;
}

static int run_show(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP, OPTION_JSON, { 0 } };
	bool as_json = false;
	struct key key;
	int option, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1)
		if (option == 'j')
			as_json = true;
	if (code >= 0)
		return code;
	code = read_ticket(command, argc, argv, &key);
	if (code)
		return code;
	code = show(&key, as_json);
	keys_put(&key);
	return code;
}

const struct command ticket_show = {
	.words = "ticket show",
	.summary = "show what a ticket is good for",
	.help =
"usage: mikeyctl ticket show [--json] SERIAL\n"
"\n"
"Shows the whole policy of a ticket. No command shows its keys.\n"
"\n"
"  --json  as JSON\n",
	.run = run_show,
};

/* revoke and invalidate differ in one call */
static int end_ticket(const struct command *command, int argc, char **argv,
		      int (*end)(int32_t serial, struct problem *problem))
{
	static const struct option options[] = { OPTION_HELP, { 0 } };
	struct problem problem;
	struct key key;
	int code = -1;

	while (command_option(command, argc, argv, options, &code) != -1)
		;
	if (code >= 0)
		return code;
	code = read_ticket(command, argc, argv, &key);
	if (code)
		return code;
	if (end(key.serial, &problem))
		code = command_failed(&problem);
	keys_put(&key);
	return code;
}

static int revoke(int32_t serial, struct problem *problem)
{
	if (keyctl_revoke(serial))
		return problem_set(problem, -errno, "ticket %d: %s", serial,
				   keyring_key_problem(errno));
	return 0;
}

static int run_revoke(const struct command *command, int argc, char **argv)
{
	return end_ticket(command, argc, argv, revoke);
}

const struct command ticket_revoke = {
	.words = "ticket revoke",
	.summary = "wipe a ticket's keys and leave it behind as revoked",
	.help =
"usage: mikeyctl ticket revoke SERIAL\n"
"\n"
"Wipes the ticket's keys at once. Whoever uses its number is told that it was\n"
"revoked, until the kernel takes it away some minutes later.\n",
	.run = run_revoke,
};

static int run_invalidate(const struct command *command, int argc, char **argv)
{
	return end_ticket(command, argc, argv, keyring_drop);
}

const struct command ticket_invalidate = {
	.words = "ticket invalidate",
	.summary = "wipe a ticket's keys and forget it",
	.help =
"usage: mikeyctl ticket invalidate SERIAL\n"
"\n"
"Wipes the ticket's keys and takes it out of all keyrings. A new one is asked\n"
"for when the next message needs it.\n",
	.run = run_invalidate,
};
