// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikeyd.conf(5), read with libconfig, which knows types, lists and the line
 * of each setting. What each setting may say is one row of a table.
 */
#include "helper/lib/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/lists.h"
#include "helper/lib/log.h"
#include "helper/lib/mime.h"
#include "helper/lib/rules.h"
#include "helper/lib/setting.h"
#include "helper/lib/ticket.h"

#define CONFIG_MAX 65536

/* The name of the group that holds the policy. */
#define POLICY "policy"

#define ARRAY_OF(member) \
	_Static_assert(offsetof(struct config, n_##member) == \
		       offsetof(struct config, member) + \
		       offsetof(struct setting_array, count), \
		       "an array and its length belong together")
ARRAY_OF(identities);
ARRAY_OF(groups);
ARRAY_OF(list_services);
ARRAY_OF(list_servers);
ARRAY_OF(must_protect);
ARRAY_OF(rules);
ARRAY_OF(inside);
ARRAY_OF(outside);
ARRAY_OF(clients);
ARRAY_OF(trusted);
ARRAY_OF(client_users);

static int take_client(struct config *config, const config_setting_t *given,
		       const struct setting *setting, struct problem *problem)
{
	config->has_client = true;
	return take_hop(config, given, setting, problem);
}

static int take_trusted(struct config *config, const config_setting_t *given,
			const struct setting *setting, struct problem *problem)
{
	const char *text = config_setting_get_string(given);

	config->trust_nobody = text && !strcmp(text, "none");
	return config->trust_nobody ? 0 : take_networks(config, given, setting, problem);
}

static uint32_t content_value(const char *name)
{
	uint32_t value = mime_content_value(name);

	/* the others are not for a choice */
	return value == MIKEY_CONTENT_AES_GCM || value == MIKEY_CONTENT_AES_CCM ? value : 0;
}

static uint32_t maker_value(const char *name)
{
	return !strcmp(name, "kms") ? MAKER_KMS : !strcmp(name, "self") ? MAKER_SELF : 0;
}

static uint32_t queue_ticket_value(const char *name)
{
	return !strcmp(name, "none") ? QUEUE_TICKET_NONE :
		!strcmp(name, "self") ? QUEUE_TICKET_SELF : 0;
}

#define SETTING(name_, take_, member_, ...) \
	{ .name = name_, .take = take_, .offset = offsetof(struct config, member_), __VA_ARGS__ }

#define POLICY_SETTING(name_, take_, member_, ...) \
	SETTING(name_, take_, member_, .policy = true, __VA_ARGS__)
#define FORMS_OR "\"auth-enveloped\", \"authenticated\" or \"authenticated-enveloped\""
#define FORMS "[\"auth-enveloped\", \"authenticated\", \"authenticated-enveloped\"]"

static const struct setting settings[] = {
	SETTING("identity", take_uids, identities, .needed = true,
		.words = "[\"alice@example.test\"]"),
	SETTING("group", take_uids, groups),
	SETTING("list-service", take_uids, list_services),
	SETTING("list-server", take_list_servers, list_servers),
	SETTING("listen", take_endpoints, inside, .needed = true,
		.words = "[\"udp:127.0.0.1:5062\"]"),
	SETTING("listen-outside", take_endpoints, outside, .needed = true,
		.words = "[\"udp:192.0.2.1:5060\", \"tcp:192.0.2.1:5060\"]"),
	SETTING("clients", take_networks, clients),
	SETTING("trusted", take_trusted, trusted),
	SETTING("client-users", take_users, client_users),
	SETTING("next-hop", take_hop, next_hop, .needed = true,
		.words = "\"sip:proxy.example.test\""),
	SETTING("client", take_client, client, .words = "\"sip:127.0.0.1:5070\""),
	SETTING("kms", take_url, kms_url, .needed = true,
		.words = "\"https://kms.example.test\""),
	SETTING("kms-ca", take_string, kms_ca),
	SETTING("kms-id", take_id, kms_id, .needed = true,
		.words = "\"https://kms.example.test\""),
	SETTING("psk", take_string, psk, .needed = true,
		.words = "\"logon:mikey:alice@example.test\""),
	SETTING("psk-id", take_id, psk_id, .needed = true, .words = "\"alice\""),
	POLICY_SETTING("profile", take_word, profile, .value = ticket_profile_value,
		       .words = "\"immediate\" or \"annex-i\""),
	POLICY_SETTING("accept-profile", take_words, profiles, .value = ticket_profile_value,
		       .words = "[\"immediate\", \"annex-i\"]"),
	POLICY_SETTING("suite", take_word, suite, .value = ticket_suite_value,
		       .words = "\"256\", \"128\" or \"ts-128\""),
	POLICY_SETTING("form", take_word, form, .value = mime_form_value, .words = FORMS_OR),
	POLICY_SETTING("accept", take_words, accept, .value = mime_form_value, .words = FORMS),
	POLICY_SETTING("content", take_word, content, .value = content_value,
		       .words = "\"gcm\" or \"ccm\""),
	POLICY_SETTING("proof", take_bool, proof),
	POLICY_SETTING("ticket", take_word, maker, .value = maker_value,
		       .words = "\"kms\" or \"self\""),
	POLICY_SETTING("ticket-lifetime", take_number, ticket_lifetime, .most = 366 * 86400),
	POLICY_SETTING("reuse", take_bool, reuse),
	POLICY_SETTING("cacheable", take_bool, cacheable),
	POLICY_SETTING("rekey", take_number, rekey, .most = 366 * 86400),
	POLICY_SETTING("outgoing", take_word, outgoing, .value = rules_send_value,
		       .words = "\"protect\" or \"pass\""),
	POLICY_SETTING("unprotected", take_word, unprotected, .value = rules_receive_value,
		       .words = "\"refuse\", \"refuse-415\" or \"mark\""),
	POLICY_SETTING("must-protect", take_patterns, must_protect),
	POLICY_SETTING("rules", take_rules, rules),
	POLICY_SETTING("replay-sender", take_number, replay_sender, .most = 1048576),
	POLICY_SETTING("replay-total", take_number, replay_total, .most = 16777216),
	POLICY_SETTING("queue", take_bool, queue),
	POLICY_SETTING("queue-ticket", take_word, queue_ticket, .value = queue_ticket_value,
		       .words = "\"none\" or \"self\""),
	POLICY_SETTING("queue-age", take_number, queue_age, .most = 366 * 86400),
	POLICY_SETTING("queue-messages", take_number, queue_messages, .most = 10000),
	POLICY_SETTING("queue-recipient", take_number, queue_recipient, .most = 10000),
	POLICY_SETTING("queue-kilobytes", take_number, queue_kilobytes, .most = 1048576),
	SETTING("state-dir", take_path, state_dir),
	SETTING("inbox", take_inbox, inbox),
	SETTING("kms-timeout", take_number, kms_timeout, .most = 25),
	SETTING("retry-after", take_number, retry_after, .most = 86400),
	SETTING("max-waiting", take_number, max_waiting, .most = 4096),
	SETTING("log-level", take_log_level, log_level,
		.words = "\"error\", \"warning\", \"info\" or \"debug\""),
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static int set_defaults(struct config *config, const char *file, struct problem *problem)
{
	static const char * const loopback[] = { "127.0.0.0/8", "::1/128" };

	config->profile = MIKEY_PROFILE_IMMEDIATE;
	config->suite = MIKEY_SUITE_256;
	config->form = MIKEY_FORM_AUTH_ENVELOPED;
	config->accept = 1u << MIKEY_FORM_AUTH_ENVELOPED | 1u << MIKEY_FORM_AUTHENTICATED |
		1u << MIKEY_FORM_AUTHENTICATED_ENVELOPED;
	config->proof = true;
	config->maker = MAKER_KMS;
	config->ticket_lifetime = 86400;
	config->reuse = true;
	config->outgoing = OUTGOING_PROTECT;
	config->unprotected = UNPROTECTED_REFUSE;
	config->replay_sender = 4096;
	config->replay_total = 65536;
	config->queue_ticket = QUEUE_TICKET_NONE;
	config->queue_age = 86400;
	config->queue_messages = 1000;
	config->queue_recipient = 100;
	config->queue_kilobytes = 16384;
	config->kms_timeout = 10;
	config->retry_after = 30;
	config->max_waiting = 256;
	config->log_level = LOG_LEVEL_INFO;
	config->file = strdup(file);
	config->clients = calloc(2, sizeof(*config->clients));
	if (!config->file || !config->clients)
		return problem_set(problem, -ENOMEM, "no memory");
	for (config->n_clients = 0; config->n_clients < 2; config->n_clients++)
		network_parse(&config->clients[config->n_clients], loopback[config->n_clients],
			      problem);
	return 0;
}

struct reading {
	struct config *config;
	const char *file;
	bool seen[SETTINGS];
};

static int take_one(struct reading *reading, const config_setting_t *given, bool in_policy,
		    struct problem *problem)
{
	const char *name = config_setting_name(given);
	int line = config_setting_source_line(given);
	size_t at;

	for (at = 0; at < SETTINGS && strcmp(settings[at].name, name); at++)
		;
	if (at == SETTINGS || (in_policy && !settings[at].policy))
		return problem_set(problem, -EINVAL, "%s:%d: there is no setting \"%s\"%s",
				   reading->file, line, name, in_policy ? " in " POLICY : "");
	if (reading->seen[at])
		return problem_set(problem, -EINVAL, "%s:%d: %s: given twice, in " POLICY
				   " and outside", reading->file, line, name);
	reading->seen[at] = true;
	if (settings[at].take(reading->config, given, &settings[at], problem) < 0)
		return problem_prefix(problem, "%s:%d: %s: ", reading->file, line, name);
	return 0;
}

static int take_policy(struct reading *reading, const config_setting_t *group,
		       struct problem *problem)
{
	int err = 0;

	if (!config_setting_is_group(group))
		return problem_set(problem, -EINVAL, "%s:%d: " POLICY
				   ": write { NAME = VALUE; ... };", reading->file,
				   config_setting_source_line(group));
	for (int i = 0; i < config_setting_length(group) && !err; i++)
		err = take_one(reading, config_setting_get_elem(group, i), true, problem);
	return err;
}

static int take_all(struct config *config, const config_setting_t *root, const char *file,
		    struct problem *problem)
{
	struct reading reading = { .config = config, .file = file };
	int err = 0;

	for (int i = 0; i < config_setting_length(root) && !err; i++) {
		const config_setting_t *given = config_setting_get_elem(root, i);

		/* before there was the group, its settings stood by themselves */
		err = strcmp(config_setting_name(given), POLICY) ?
			take_one(&reading, given, false, problem) :
			take_policy(&reading, given, problem);
	}
	for (size_t at = 0; at < SETTINGS && !err; at++)
		if (settings[at].needed && !reading.seen[at])
			err = problem_set(problem, -EINVAL, "%s: a line is missing: %s = %s;",
					  file, settings[at].name, settings[at].words);
	return err;
}

/* Settings that are each fine and do not go together. */
static int check_policy(struct config *config, const char *file, struct problem *problem)
{
	bool annex_i = config->profile == MIKEY_PROFILE_ANNEX_I;
	const char *wrong = NULL;

	if (annex_i && config->form != MIKEY_FORM_AUTH_ENVELOPED)
		wrong = "profile \"annex-i\" sends the form \"auth-enveloped\" only";
	else if (config->content && config->form != MIKEY_FORM_AUTH_ENVELOPED)
		wrong = "content is of the form \"auth-enveloped\" only";
	else if (config->cacheable && (!annex_i || !config->reuse))
		wrong = "cacheable needs profile \"annex-i\" and reuse";
	else if (config->rekey && config->rekey > config->ticket_lifetime)
		wrong = "rekey is longer than ticket-lifetime";
	else if (config->replay_sender >= config->replay_total)
		wrong = "replay-total is not more than replay-sender";
	else if (config->queue && config->form == MIKEY_FORM_AUTHENTICATED)
		wrong = "queue does not go with form \"authenticated\": texts would be readable";
	if (wrong)
		return problem_set(problem, -EINVAL, "%s: " POLICY ": %s", file, wrong);
	if (!config->profiles)
		config->profiles = 1u << config->profile;
	return 0;
}

/* What a list server protects is protected in its own name. */
static int check_lists(const struct config *config, const char *file, struct problem *problem)
{
	for (unsigned int i = 0; i < config->n_list_servers; i++) {
		const struct list_server *list = &config->list_servers[i];
		const struct uid *address = list_server_address(list);

		if ((list->psi.len || list->history == LIST_HISTORY_PROTECT) &&
		    !config_identity(config, address))
			return problem_set(problem, -EINVAL,
					   "%s: list-server: %s has to be an identity, since it protects what it sends",
					   file, address->text);
	}
	return 0;
}

/*
 * The text of a file. libconfig would open it itself, but tells neither why it
 * could not, nor does its scanner return when reading fails.
 */
static char *read_file(const char *file, struct problem *problem)
{
	FILE *stream = fopen(file, "re");
	char *text = malloc(CONFIG_MAX + 1);
	size_t len = 0;

	if (stream && text)
		len = fread(text, 1, CONFIG_MAX, stream);
	if (!text)
		problem_set(problem, -ENOMEM, "no memory");
	else if (!stream || ferror(stream))
		problem_set(problem, -errno, "%s: %s", file, strerror(errno));
	else if (len == CONFIG_MAX)
		problem_set(problem, -EFBIG, "%s: too large for a configuration", file);
	else if (memchr(text, 0, len))
		problem_set(problem, -EINVAL, "%s: not a text file", file);
	if (stream)
		fclose(stream);
	if (problem->error) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

int config_load(struct config *config, const char *file, struct problem *problem)
{
	config_t parsed;
	char *text;
	int err;

	memset(config, 0, sizeof(*config));
	problem->error = 0;
	text = read_file(file, problem);
	if (!text)
		return problem->error;
	config_init(&parsed);
	if (!config_read_string(&parsed, text))
		err = problem_set(problem, -EINVAL, "%s:%d: %s", file,
				  config_error_line(&parsed), config_error_text(&parsed));
	else
		err = set_defaults(config, file, problem) ?:
			take_all(config, config_root_setting(&parsed), file, problem) ?:
			check_policy(config, file, problem) ?:
			check_lists(config, file, problem);
	config_destroy(&parsed);
	free(text);
	if (err)
		config_free(config);
	return err;
}

void config_free(struct config *config)
{
	free(config->file);
	free(config->identities);
	free(config->groups);
	free(config->list_services);
	list_servers_free(config->list_servers, config->n_list_servers);
	free(config->must_protect);
	rules_free(config->rules, config->n_rules);
	free(config->inside);
	free(config->outside);
	free(config->clients);
	free(config->trusted);
	free(config->client_users);
	free(config->kms_url);
	free(config->kms_ca);
	free(config->psk);
	free(config->state_dir);
	config_inbox_free(&config->inbox);
	memset(config, 0, sizeof(*config));
}

bool config_identity(const struct config *config, const struct uid *uid)
{
	for (unsigned int i = 0; i < config->n_identities; i++)
		if (uid_equal(&config->identities[i], uid))
			return true;
	return false;
}

bool config_must_protect(const struct config *config, const struct uid *peer)
{
	for (unsigned int i = 0; i < config->n_must_protect; i++)
		if (uid_matches(&config->must_protect[i], peer))
			return true;
	return false;
}

const char *config_maker_name(uint32_t maker)
{
	return maker == MAKER_SELF ? "self" : maker == MAKER_KMS ? "kms" : NULL;
}
