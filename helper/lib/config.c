// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikeyd.conf(5), read with libconfig, which knows types, lists and the line
 * of each setting. What each setting may say is one row of settings.c's table.
 */
#include "helper/lib/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/lists.h"
#include "helper/lib/log.h"
#include "helper/lib/rules.h"
#include "helper/lib/setting.h"
#include "uapi/mikey_mime.h"
#include "uapi/mikey_ticket.h"

#define CONFIG_MAX 65536

/* The name of the group that holds the policy. */
#define POLICY "policy"

/* The name of the list that holds several users. */
#define USERS "users"

static int set_defaults(struct config *config, const char *file, struct problem *problem)
{
	config->retry_after = 30;
	config->keep_alive = 120;
	config->log_level = LOG_LEVEL_INFO;
	config->file = strdup(file);
	config->users = calloc(CONFIG_USERS_MAX, sizeof(*config->users));
	return config->file && config->users ? 0 : problem_set(problem, -ENOMEM, "no memory");
}

static int set_user_defaults(struct config_user *user, struct problem *problem)
{
	static const char * const loopback[] = { "127.0.0.0/8", "::1/128" };

	user->profile = MIKEY_PROFILE_IMMEDIATE;
	user->suite = MIKEY_SUITE_256;
	user->form = MIKEY_FORM_AUTH_ENVELOPED;
	user->accept = 1u << MIKEY_FORM_AUTH_ENVELOPED | 1u << MIKEY_FORM_AUTHENTICATED |
		1u << MIKEY_FORM_AUTHENTICATED_ENVELOPED;
	user->proof = true;
	user->maker = MAKER_KMS;
	user->ticket_lifetime = 86400;
	user->reuse = true;
	user->outgoing = OUTGOING_PROTECT;
	user->unprotected = UNPROTECTED_REFUSE;
	user->replay_sender = 4096;
	user->replay_total = 65536;
	user->queue_ticket = QUEUE_TICKET_NONE;
	user->queue_age = 86400;
	user->queue_messages = 1000;
	user->queue_recipient = 100;
	user->queue_kilobytes = 16384;
	user->kms_timeout = 10;
	user->max_waiting = 256;
	user->name = strdup("");
	user->clients = calloc(2, sizeof(*user->clients));
	if (!user->name || !user->clients)
		return problem_set(problem, -ENOMEM, "no memory");
	for (user->n_clients = 0; user->n_clients < 2; user->n_clients++)
		network_parse(&user->clients[user->n_clients], loopback[user->n_clients],
			      problem);
	return 0;
}

/*
 * One pass over a group of settings: those of some scopes are taken, those of
 * others are another pass's.
 */
struct reading {
	const char *file;
	const char *place;		/* where in the file, for words */
	void *into;
	unsigned int taken, passed;	/* masks of scopes */
	bool seen[SETTINGS_MAX];
};

#define BIT(scope) (1u << (scope))
#define SCOPES_OF_USER (BIT(SCOPE_USER) | BIT(SCOPE_SHARED) | BIT(SCOPE_POLICY))

static int take_one(struct reading *reading, const config_setting_t *given,
		    unsigned int allowed, struct problem *problem)
{
	const char *name = config_setting_name(given);
	int line = config_setting_source_line(given);
	size_t at;

	for (at = 0; at < n_settings && strcmp(settings[at].name, name); at++)
		;
	if (at < n_settings && allowed & reading->passed & BIT(settings[at].scope))
		return 0;
	if (at == n_settings || !(allowed & reading->taken & BIT(settings[at].scope)))
		return problem_set(problem, -EINVAL, "%s:%d: there is no setting \"%s\"%s",
				   reading->file, line, name,
				   allowed == BIT(SCOPE_POLICY) ? " in " POLICY :
				   reading->place);
	if (reading->seen[at])
		return problem_set(problem, -EINVAL, "%s:%d: %s: given twice, in " POLICY
				   " and outside", reading->file, line, name);
	reading->seen[at] = true;
	if (settings[at].take(reading->into, given, &settings[at], problem) < 0)
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
		err = take_one(reading, config_setting_get_elem(group, i), BIT(SCOPE_POLICY),
			       problem);
	return err;
}

static int take_group(struct reading *reading, const config_setting_t *group,
		      struct problem *problem)
{
	int err = 0;

	for (int i = 0; i < config_setting_length(group) && !err; i++) {
		const config_setting_t *given = config_setting_get_elem(group, i);
		const char *name = config_setting_name(given);

		/* before there was the group, its settings stood by themselves */
		if (!strcmp(name, POLICY))
			err = take_policy(reading, given, problem);
		else if (strcmp(name, USERS) || !config_setting_is_root(group))
			err = take_one(reading, given, ~0u, problem);
	}
	return err;
}

/* Is all there that is needed? Either of the two places will do. */
static int check_needed(const char *where, unsigned int scopes, const struct reading *one,
			const struct reading *other, struct problem *problem)
{
	for (size_t at = 0; at < n_settings; at++)
		if (settings[at].needed && scopes & BIT(settings[at].scope) &&
		    !one->seen[at] && !(other && other->seen[at]))
			return problem_set(problem, -EINVAL, "%s: a line is missing: %s = %s;",
					   where, settings[at].name, settings[at].words);
	return 0;
}

/* Settings that are each fine and do not go together. */
static int check_policy(struct config_user *user, const char *where, struct problem *problem)
{
	bool annex_i = user->profile == MIKEY_PROFILE_ANNEX_I;
	const char *wrong = NULL;

	if (annex_i && user->form != MIKEY_FORM_AUTH_ENVELOPED)
		wrong = "profile \"annex-i\" sends the form \"auth-enveloped\" only";
	else if (user->content && user->form != MIKEY_FORM_AUTH_ENVELOPED)
		wrong = "content is of the form \"auth-enveloped\" only";
	else if (user->cacheable && (!annex_i || !user->reuse))
		wrong = "cacheable needs profile \"annex-i\" and reuse";
	else if (user->rekey && user->rekey > user->ticket_lifetime)
		wrong = "rekey is longer than ticket-lifetime";
	else if (user->replay_sender >= user->replay_total)
		wrong = "replay-total is not more than replay-sender";
	else if (user->queue && user->form == MIKEY_FORM_AUTHENTICATED)
		wrong = "queue does not go with form \"authenticated\": texts would be readable";
	if (wrong)
		return problem_set(problem, -EINVAL, "%s: " POLICY ": %s", where, wrong);
	if (!user->profiles)
		user->profiles = 1u << user->profile;
	return 0;
}

/* What a list server protects is protected in its own name. */
static int check_lists(const struct config_user *user, const char *where,
		       struct problem *problem)
{
	for (unsigned int i = 0; i < user->n_list_servers; i++) {
		const struct list_server *list = &user->list_servers[i];
		const struct uid *address = list_server_address(list);

		if ((list->psi.len || list->history == LIST_HISTORY_PROTECT) &&
		    !config_identity(user, address))
			return problem_set(problem, -EINVAL,
					   "%s: list-server: %s has to be an identity, since it protects what it sends",
					   where, address->text);
	}
	return 0;
}

/*
 * One user: first what stands at top level for all, then what stands with the
 * user. @group is the top level itself where the file has no "users".
 */
static int take_user(struct config *config, const config_setting_t *root,
		     const config_setting_t *group, struct problem *problem)
{
	struct config_user *user = &config->users[config->n_users++];
	bool alone = group == root;
	struct reading common = {
		.file = config->file,
		.place = " at top level of a file with \"" USERS "\"",
		.into = user,
		.taken = BIT(SCOPE_SHARED) | BIT(SCOPE_POLICY),
		.passed = BIT(SCOPE_DAEMON),
	};
	struct reading own = {
		.file = config->file,
		.place = alone ? "" : " of a user",
		.into = user,
		.taken = SCOPES_OF_USER,
		.passed = alone ? BIT(SCOPE_DAEMON) : 0,
	};
	char where[512];
	int err;

	if (alone)
		snprintf(where, sizeof(where), "%s", config->file);
	else
		snprintf(where, sizeof(where), "%s:%d", config->file,
			 config_setting_source_line(group));
	err = set_user_defaults(user, problem);
	if (!err && !alone)
		err = take_group(&common, root, problem);
	err = err ?: take_group(&own, group, problem);
	err = err ?: check_needed(where, SCOPES_OF_USER, &own, &common, problem);
	if (!err && alone == !!*user->name)
		err = problem_set(problem, -EINVAL, alone ?
				  "%s: name is for a user in \"" USERS "\"" :
				  "%s: a line is missing: name = \"alice\";", where);
	return err ?: check_policy(user, where, problem) ?: check_lists(user, where, problem);
}

/* Would a message to this one be another user's too? */
static bool is_known_to(const struct config_user *user, const struct uid *uid, bool groups_too)
{
	if (config_identity(user, uid))
		return true;
	for (unsigned int i = 0; groups_too && i < user->n_groups; i++)
		if (uid_equal(&user->groups[i], uid))
			return true;
	return false;
}

/* Users are told apart by name and by identities; groups they may share. */
static int check_apart(const struct config *config, const config_setting_t *group,
		       struct problem *problem)
{
	const struct config_user *user = &config->users[config->n_users - 1];
	int line = config_setting_source_line(group);
	const config_setting_t *identity = config_setting_get_member(group, "identity");

	for (const struct config_user *other = config->users; other < user; other++) {
		if (!strcmp(other->name, user->name))
			return problem_set(problem, -EINVAL,
					   "%s:%d: name: another user is called \"%s\" too",
					   config->file, line, user->name);
		for (unsigned int i = 0; i < user->n_identities; i++)
			if (is_known_to(other, &user->identities[i], true))
				return problem_set(problem, -EINVAL,
						   "%s:%d: identity: %s is user \"%s\"'s",
						   config->file,
						   config_setting_source_line(identity),
						   user->identities[i].text, other->name);
		for (unsigned int i = 0; i < user->n_groups; i++)
			if (is_known_to(other, &user->groups[i], false))
				return problem_set(problem, -EINVAL,
						   "%s:%d: group: %s is user \"%s\"'s identity",
						   config->file, line, user->groups[i].text,
						   other->name);
	}
	return 0;
}

static int take_users_of(struct config *config, const config_setting_t *root,
			 const config_setting_t *users, struct problem *problem)
{
	int line = config_setting_source_line(users), err = 0;

	if (!config_setting_is_list(users) || !config_setting_length(users))
		return problem_set(problem, -EINVAL, "%s:%d: " USERS
				   ": write ( { name = \"alice\"; identity = [...]; ... }, ... );",
				   config->file, line);
	if (config_setting_length(users) > CONFIG_USERS_MAX)
		return problem_set(problem, -E2BIG, "%s:%d: " USERS ": more than %d",
				   config->file, line, CONFIG_USERS_MAX);
	for (int i = 0; i < config_setting_length(users) && !err; i++) {
		const config_setting_t *group = config_setting_get_elem(users, i);

		if (!config_setting_is_group(group))
			return problem_set(problem, -EINVAL,
					   "%s:%d: " USERS ": each stands in { ... }",
					   config->file, config_setting_source_line(group));
		err = take_user(config, root, group, problem) ?:
			check_apart(config, group, problem);
	}
	return err;
}

static bool has_tls(const struct endpoint *endpoints, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (endpoints[i].transport == ENDPOINT_TLS)
			return true;
	return false;
}

/* TLS wants the files that it is made with, and the same on the way back. */
static int check_tls(const struct config *config, const config_setting_t *root,
		     struct problem *problem)
{
	bool inside = has_tls(config->inside, config->n_inside);
	bool outside = has_tls(config->outside, config->n_outside);
	bool hop = config->next_hop.transport == ENDPOINT_TLS;
	bool identified = config->certificate.path && config->private_key.path;
	const char *name, *wrong;

	if (!config->certificate.path != !config->private_key.path) {
		name = config->certificate.path ? "certificate" : "private-key";
		wrong = "certificate and private-key go together";
	} else if ((inside || outside) && !identified) {
		name = inside ? "listen" : "listen-outside";
		wrong = "tls: needs the settings certificate and private-key";
	} else if (hop && !outside) {
		name = "next-hop";
		wrong = "one over TLS needs a tls: address in listen-outside";
	} else if (config->next_hop_ca.path && !hop) {
		name = "next-hop-ca";
		wrong = "next-hop is not over TLS";
	} else {
		return 0;
	}
	return problem_set(problem, -EINVAL, "%s:%d: %s: %s", config->file,
			   config_setting_source_line(config_setting_get_member(root, name)),
			   name, wrong);
}

static int take_all(struct config *config, const config_setting_t *root, struct problem *problem)
{
	const config_setting_t *users = config_setting_get_member(root, USERS);
	struct reading daemon = {
		.file = config->file,
		.place = "",
		.into = config,
		.taken = BIT(SCOPE_DAEMON),
		.passed = SCOPES_OF_USER,
	};
	int err = take_group(&daemon, root, problem);

	err = err ?: check_needed(config->file, BIT(SCOPE_DAEMON), &daemon, NULL, problem);
	err = err ?: check_tls(config, root, problem);
	if (err)
		return err;
	return users ? take_users_of(config, root, users, problem) :
		take_user(config, root, root, problem);
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
			take_all(config, config_root_setting(&parsed), problem);
	config_destroy(&parsed);
	free(text);
	if (err)
		config_free(config);
	return err;
}

static void free_user(struct config_user *user)
{
	free(user->name);
	free(user->identities);
	free(user->groups);
	free(user->list_services);
	list_servers_free(user->list_servers, user->n_list_servers);
	free(user->must_protect);
	rules_free(user->rules, user->n_rules);
	free(user->clients);
	free(user->client_users);
	free(user->kms_url);
	free(user->kms_ca);
	free(user->psk);
	config_inbox_free(&user->inbox);
}

void config_free(struct config *config)
{
	for (unsigned int i = 0; i < config->n_users; i++)
		free_user(&config->users[i]);
	free(config->users);
	free(config->file);
	free(config->inside);
	free(config->outside);
	free(config->control_socket);
	free(config->state_dir);
	free(config->next_hop_ca.path);
	free(config->certificate.path);
	free(config->private_key.path);
	free(config->trusted);
	memset(config, 0, sizeof(*config));
}

struct config_user *config_named(const struct config *config, const char *name)
{
	for (unsigned int i = 0; i < config->n_users; i++)
		if (!name || !strcmp(config->users[i].name, name))
			return &config->users[i];
	return NULL;
}

bool config_identity(const struct config_user *user, const struct uid *uid)
{
	for (unsigned int i = 0; i < user->n_identities; i++)
		if (uid_equal(&user->identities[i], uid))
			return true;
	return false;
}

bool config_must_protect(const struct config_user *user, const struct uid *peer)
{
	for (unsigned int i = 0; i < user->n_must_protect; i++)
		if (uid_matches(&user->must_protect[i], peer))
			return true;
	return false;
}

const char *config_maker_name(uint32_t maker)
{
	return maker == MAKER_SELF ? "self" : maker == MAKER_KMS ? "kms" : NULL;
}
