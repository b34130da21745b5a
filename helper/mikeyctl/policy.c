// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy in force: what the two modules of this kernel can and may do, and
 * what mikeyd.conf makes of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "helper/lib/config.h"
#include "helper/lib/mime.h"
#include "helper/lib/netlink.h"
#include "helper/lib/rules.h"
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
		json_count(json, "clock_skew", caps->clock_skew);
		json_bool(json, "user_master", caps->user_master);
		json_object_end(json);
		return;
	}
	printf("mikey_ticket %s\n  profiles        ", caps->module_version);
	print_mask(caps->profiles, ticket_profile_name);
	printf("  suites          ");
	print_mask(caps->suites, ticket_suite_name);
	printf("  Prot type        %u (PSK/MIME)\n", caps->prot_type);
	printf("  extension type   %u (proof of origin)\n", caps->ext_type);
	printf("  clock skew       %u s\n", caps->clock_skew);
	printf("  user master keys %s\n", caps->user_master ? "accepted" : "refused");
}

static void show_mime(const struct mime_caps *caps, struct json *json)
{
	if (json) {
		json_object(json, MIKEY_MIME_GENL_NAME);
		json_string(json, "module_version", caps->module_version);
		json_count(json, "api_version", caps->api_version);
		json_mask(json, "forms", caps->forms, mime_form_name);
		json_mask(json, "contents", caps->content_algs, mime_content_name);
		json_count(json, "max_entity", caps->max_entity);
		json_object_end(json);
		return;
	}
	printf("mikey_mime %s\n  forms           ", caps->module_version);
	print_mask(caps->forms, mime_form_name);
	printf("  encryption      ");
	print_mask(caps->content_algs, mime_content_name);
	printf("  largest entity   %u bytes\n", caps->max_entity);
}

/* ---- mikeyd.conf, as far as the modules let it */

static void json_uids(struct json *json, const char *name, const struct uid *uids,
		      unsigned int count)
{
	json_array(json, name);
	for (unsigned int i = 0; i < count; i++)
		json_text(json, NULL, uids[i].text, uids[i].len);
	json_array_end(json);
}

/* A rule has what it says, and nothing of a direction that it leaves to others. */
static void json_rules(struct json *json, const struct config_user *user)
{
	json_array(json, "rules");
	for (unsigned int i = 0; i < user->n_rules; i++) {
		const struct policy_rule *rule = &user->rules[i];

		json_object(json, NULL);
		json_uids(json, "peer", rule->peers, rule->n_peers);
		if (rule->send)
			json_string(json, "send", rules_send_name(rule->send));
		if (rule->receive)
			json_string(json, "receive", rules_receive_name(rule->receive));
		json_object_end(json);
	}
	json_array_end(json);
}

static const char *sent(uint32_t rule)
{
	return rule == OUTGOING_PROTECT ? "protected or refused" : "sent as it is";
}

static const char *taken(uint32_t rule)
{
	return rule == UNPROTECTED_MARK ? "let through, marked" :
		rule == UNPROTECTED_REFUSE ? "refused" : "refused with 415";
}

static void print_rules(const struct config_user *user)
{
	for (unsigned int i = 0; i < user->n_rules; i++) {
		const struct policy_rule *rule = &user->rules[i];

		printf("  rule %-2u          ", i + 1);
		for (unsigned int j = 0; j < rule->n_peers; j++) {
			fputs(j ? ", " : "", stdout);
			output_text(stdout, rule->peers[j].text, rule->peers[j].len);
		}
		if (rule->send)
			printf("; to them: %s", sent(rule->send));
		if (rule->receive)
			printf("; unprotected from them: %s", taken(rule->receive));
		putchar('\n');
	}
}

static const char *content_of(const struct config_user *user)
{
	return mime_content_name(mime_content_of(user->form, user->content));
}

/* Annex K's extension goes with profile immediate only. */
static bool proves_body(const struct config_user *user)
{
	return user->proof && user->profile == MIKEY_PROFILE_IMMEDIATE;
}

static void json_config(const char *file, const struct config_user *user, struct json *json)
{
	json_object(json, *user->name ? NULL : "mikeyd");
	json_string(json, "file", file);
	if (*user->name)
		json_string(json, "user", user->name);
	json_string(json, "profile", ticket_profile_name(user->profile));
	json_string(json, "suite", ticket_suite_name(user->suite));
	json_string(json, "form", mime_form_name(user->form));
	json_string(json, "content", content_of(user));
	json_bool(json, "proof", proves_body(user));
	json_string(json, "ticket", config_maker_name(user->maker));
	json_count(json, "ticket_lifetime", user->ticket_lifetime);
	json_count(json, "rekey", user->rekey);
	json_bool(json, "reuse", user->reuse);
	json_bool(json, "cacheable", user->cacheable);
	json_mask(json, "accept_profile", user->profiles, ticket_profile_name);
	json_mask(json, "accept", user->accept, mime_form_name);
	json_rules(json, user);
	json_string(json, "outgoing", rules_send_name(user->outgoing));
	json_string(json, "unprotected", rules_receive_name(user->unprotected));
	json_uids(json, "must_protect", user->must_protect, user->n_must_protect);
	json_count(json, "replay_sender", user->replay_sender);
	json_count(json, "replay_total", user->replay_total);
	json_object_end(json);
}

static void print_config(const char *file, const struct config_user *user)
{
	printf("mikeyd, by ");
	output_text(stdout, file, strlen(file));
	if (*user->name)
		printf(", user %s", user->name);
	printf("\n  sends            profile %s, suite %s, form %s",
	       ticket_profile_name(user->profile), ticket_suite_name(user->suite),
	       mime_form_name(user->form));
	if (content_of(user))
		printf(" (%s)", content_of(user));
	printf(", %s\n", proves_body(user) ? "body tied to the sender" :
	       "body not tied to the sender");
	printf("  tickets          %s, for %u s, %s%s",
	       user->maker == MAKER_SELF ? "made here (mode 3)" : "of the KMS (mode 1)",
	       user->ticket_lifetime, user->reuse ? "used again" : "for one message each",
	       user->cacheable ? ", kept by recipients" : "");
	if (user->rekey)
		printf(", another one after %u s", user->rekey);
	printf("\n  accepts profiles");
	print_mask(user->profiles, ticket_profile_name);
	printf("  accepts forms   ");
	print_mask(user->accept, mime_form_name);
	print_rules(user);
	printf("  from the client  %s\n", sent(user->outgoing));
	printf("  unprotected      %s\n", taken(user->unprotected));
	for (unsigned int i = 0; i < user->n_must_protect; i++) {
		fputs(i ? "                   " : "  never plain with ", stdout);
		output_text(stdout, user->must_protect[i].text, user->must_protect[i].len);
		putchar('\n');
	}
	printf("  record           %u messages of a sender, %u in all\n",
	       user->replay_sender, user->replay_total);
}

static void warn_forbidden(const char *module, const char *what, const char *name)
{
	fprintf(stderr, "mikeyctl: warning: %s does not allow %s %s: mikeyd does not start\n",
		module, what, name);
}

/* What the configuration accepts and the modules do not is not accepted. */
static void limit(struct config_user *user, const struct ticket_caps *ticket,
		  const struct mime_caps *mime)
{
	if (ticket) {
		user->profiles &= ticket->profiles;
		if (!(ticket->profiles >> user->profile & 1))
			warn_forbidden(MIKEY_TICKET_GENL_NAME, "profile",
				       ticket_profile_name(user->profile));
		if (!(ticket->suites >> user->suite & 1))
			warn_forbidden(MIKEY_TICKET_GENL_NAME, "suite",
				       ticket_suite_name(user->suite));
	}
	if (mime) {
		user->accept &= mime->forms;
		if (!(mime->forms >> user->form & 1))
			warn_forbidden(MIKEY_MIME_GENL_NAME, "form",
				       mime_form_name(user->form));
		if (content_of(user) &&
		    !(mime->content_algs >> mime_content_of(user->form, user->content) & 1))
			warn_forbidden(MIKEY_MIME_GENL_NAME, "content", content_of(user));
	}
}

/* A file that was not asked for may be missing: then there is only the modules' part. */
static int show_config(const char *file, const struct ticket_caps *ticket,
		       const struct mime_caps *mime, struct json *json)
{
	struct problem problem;
	struct config config;
	bool several;

	if (config_load(&config, file ? file : CONFIG_DEFAULT_FILE, &problem) < 0) {
		if (!file && problem.error == -ENOENT)
			return EXIT_DONE;
		return command_failed(&problem);
	}
	several = *config.users[0].name;
	if (json && several)
		json_array(json, "users");
	for (unsigned int i = 0; i < config.n_users; i++) {
		limit(&config.users[i], ticket, mime);
		if (json)
			json_config(config.file, &config.users[i], json);
		else
			print_config(config.file, &config.users[i]);
	}
	if (json && several)
		json_array_end(json);
	config_free(&config);
	return EXIT_DONE;
}

static int show(const char *file, struct json *json)
{
	struct ticket_caps ticket, *with_ticket = NULL;
	struct mime_caps mime, *with_mime = NULL;
	struct problem problem;
	int code = EXIT_DONE;

	if (json)
		json_object(json, NULL);
	if (read_ticket(&ticket, &problem) < 0) {
		code = command_failed(&problem);
	} else {
		with_ticket = &ticket;
		warn_age(MIKEY_TICKET_GENL_NAME, ticket.api_version, MIKEY_TICKET_GENL_VERSION);
		show_ticket(&ticket, json);
	}
	if (read_mime(&mime, &problem) < 0) {
		code = command_failed(&problem);
	} else {
		with_mime = &mime;
		warn_age(MIKEY_MIME_GENL_NAME, mime.api_version, MIKEY_MIME_GENL_VERSION);
		show_mime(&mime, json);
	}
	if (show_config(file, with_ticket, with_mime, json) != EXIT_DONE)
		code = EXIT_FAILED;
	if (json)
		json_object_end(json);
	return code;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON, { "config", required_argument, NULL, 'C' }, { 0 }
	};
	struct json json = { .file = stdout }, *as_json = NULL;
	const char *file = NULL;
	int option, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		if (option == 'j')
			as_json = &json;
		else if (option == 'C')
			file = optarg;
	}
	if (code >= 0)
		return code;
	if (optind < argc)
		return command_usage(command, "takes no arguments");
	return show(file, as_json);
}

const struct command policy_show = {
	.words = "policy",
	.summary = "show the policy in force",
	.help =
"usage: mikeyctl policy [--config FILE] [--json]\n"
"\n"
"What the modules allow: profiles, suites, CMS forms and what they encrypt with,\n"
"the numbers in force, the largest MIME entity, clock skew. And what mikeyd does\n"
"within that: how messages are sent, what is accepted, what becomes of unprotected\n"
"ones.\n"
"\n"
"  --config FILE  mikeyd.conf (" CONFIG_DEFAULT_FILE ")\n"
"  --json         as JSON\n",
	.run = run,
};
