// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikeyd.conf(5), read with libconfig, which knows types, lists and the line
 * of each setting. What each setting may say is one row of a table.
 */
#include "helper/lib/config.h"

#include <errno.h>
#include <libconfig.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "helper/lib/log.h"
#include "helper/lib/mime.h"
#include "helper/lib/ticket.h"

#define CONFIG_MAX 65536

struct setting;

/* take_h - check what is given and put it into config; a problem has no line yet */
typedef int (take_h)(struct config *config, const config_setting_t *given,
		     const struct setting *setting, struct problem *problem);

/*
 * One setting: how it is taken, where it goes in struct config, what it may
 * be, and what to write if it has to be there and is not.
 */
struct setting {
	const char *name;
	take_h *take;
	size_t offset;
	const char *words;
	bool needed;
	int most;
	uint32_t (*value)(const char *name);
};

#define MEMBER(config, setting, type) ((type *)((char *)(config) + (setting)->offset))

static int take_string(struct config *config, const config_setting_t *given,
		       const struct setting *setting, struct problem *problem)
{
	const char *text = config_setting_get_string(given);

	if (!text || !*text)
		return problem_set(problem, -EINVAL, "write a text in quotation marks");
	*MEMBER(config, setting, char *) = strdup(text);
	if (!*MEMBER(config, setting, char *))
		return problem_set(problem, -ENOMEM, "no memory");
	return 0;
}

static int take_url(struct config *config, const config_setting_t *given,
		    const struct setting *setting, struct problem *problem)
{
	const char *url = config_setting_get_string(given);

	if (!url || (strncasecmp(url, "http://", 7) && strncasecmp(url, "https://", 8)))
		return problem_set(problem, -EINVAL, "write %s", setting->words);
	return take_string(config, given, setting, problem);
}

static int take_id(struct config *config, const config_setting_t *given,
		   const struct setting *setting, struct problem *problem)
{
	struct uid *uid = MEMBER(config, setting, struct uid);
	const char *text = config_setting_get_string(given);
	size_t len = text ? strlen(text) : 0;

	if (!len || len > UID_MAX)
		return problem_set(problem, -EINVAL, "write a text of 1 to 255 bytes");
	memcpy(uid->text, text, len + 1);
	uid->len = len;
	return 0;
}

static int take_number(struct config *config, const config_setting_t *given,
		       const struct setting *setting, struct problem *problem)
{
	int value = config_setting_get_int(given);

	if (config_setting_type(given) != CONFIG_TYPE_INT || value < 1 || value > setting->most)
		return problem_set(problem, -EINVAL, "write a number from 1 to %d",
				   setting->most);
	*MEMBER(config, setting, unsigned int) = value;
	return 0;
}

static int take_bool(struct config *config, const config_setting_t *given,
		     const struct setting *setting, struct problem *problem)
{
	if (config_setting_type(given) != CONFIG_TYPE_BOOL)
		return problem_set(problem, -EINVAL, "write true or false");
	*MEMBER(config, setting, bool) = config_setting_get_bool(given);
	return 0;
}

static int take_word(struct config *config, const config_setting_t *given,
		     const struct setting *setting, struct problem *problem)
{
	const char *text = config_setting_get_string(given);
	uint32_t value = text ? setting->value(text) : 0;

	if (!value)
		return problem_set(problem, -EINVAL, "write %s", setting->words);
	*MEMBER(config, setting, uint32_t) = value;
	return 0;
}

/* The n-th text of a list, a lone text being a list of one; NULL at the end. */
static const char *list_text(const config_setting_t *given, int n)
{
	if (config_setting_type(given) == CONFIG_TYPE_STRING)
		return n ? NULL : config_setting_get_string(given);
	return config_setting_get_string_elem(given, n);
}

static int list_length(const config_setting_t *given)
{
	int count = 0;

	while (list_text(given, count))
		count++;
	if (!config_setting_is_aggregate(given))
		return count;
	/* a number in the list would end it silently */
	return config_setting_length(given) == count ? count : 0;
}

static int take_words(struct config *config, const config_setting_t *given,
		      const struct setting *setting, struct problem *problem)
{
	int count = list_length(given);
	uint32_t mask = 0;

	for (int i = 0; i < count; i++) {
		uint32_t value = setting->value(list_text(given, i));

		if (!value)
			return problem_set(problem, -EINVAL, "write %s", setting->words);
		mask |= 1u << value;
	}
	if (!mask)
		return problem_set(problem, -EINVAL, "write %s", setting->words);
	*MEMBER(config, setting, uint32_t) = mask;
	return 0;
}

/*
 * A list becomes an array and, right behind its pointer in struct config, its
 * length.
 */
struct array {
	void *items;
	unsigned int count;
};

#define ARRAY_OF(member) \
	_Static_assert(offsetof(struct config, n_##member) == \
		       offsetof(struct config, member) + offsetof(struct array, count), \
		       "an array and its length belong together")
ARRAY_OF(identities);
ARRAY_OF(groups);
ARRAY_OF(inside);
ARRAY_OF(outside);
ARRAY_OF(clients);
ARRAY_OF(client_users);

static int take_array(struct config *config, const config_setting_t *given,
		      const struct setting *setting, size_t size,
		      int (*parse)(void *item, const char *text, struct problem *problem),
		      struct problem *problem)
{
	struct array *array = MEMBER(config, setting, struct array);
	int count = list_length(given);

	if (!count)
		return problem_set(problem, -EINVAL, "write a list of texts: [\"...\", \"...\"]");
	free(array->items);
	array->count = 0;
	array->items = calloc(count, size);
	if (!array->items)
		return problem_set(problem, -ENOMEM, "no memory");
	for (int i = 0; i < count; i++) {
		int err = parse((char *)array->items + i * size, list_text(given, i), problem);

		if (err)
			return err;
		array->count++;
	}
	return 0;
}

static int parse_own(void *item, const char *text, struct problem *problem)
{
	if (uid_from_text(item, text) < 0 || !uid_is_own(item))
		return problem_set(problem, -EINVAL, "\"%s\": write user@domain", text);
	return 0;
}

static int take_uids(struct config *config, const config_setting_t *given,
		     const struct setting *setting, struct problem *problem)
{
	return take_array(config, given, setting, sizeof(struct uid), parse_own, problem);
}

static int parse_endpoint(void *item, const char *text, struct problem *problem)
{
	return endpoint_parse(item, text, problem);
}

static int take_endpoints(struct config *config, const config_setting_t *given,
			  const struct setting *setting, struct problem *problem)
{
	return take_array(config, given, setting, sizeof(struct endpoint), parse_endpoint,
			  problem);
}

static int parse_network(void *item, const char *text, struct problem *problem)
{
	return network_parse(item, text, problem);
}

static int take_networks(struct config *config, const config_setting_t *given,
			 const struct setting *setting, struct problem *problem)
{
	return take_array(config, given, setting, sizeof(struct network), parse_network,
			  problem);
}

static int parse_user(void *item, const char *text, struct problem *problem)
{
	const struct passwd *user = getpwnam(text);
	unsigned long number;
	char *end;

	if (user) {
		*(unsigned int *)item = user->pw_uid;
		return 0;
	}
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || number >= UINT32_MAX)
		return problem_set(problem, -EINVAL, "\"%s\": there is no such user", text);
	*(unsigned int *)item = number;
	return 0;
}

static int take_users(struct config *config, const config_setting_t *given,
		      const struct setting *setting, struct problem *problem)
{
	const char *first = list_text(given, 0);

	if (first && !strcmp(first, "*") && !list_text(given, 1)) {
		config->any_client_user = true;
		return 0;
	}
	return take_array(config, given, setting, sizeof(unsigned int), parse_user, problem);
}

static int take_hop(struct config *config, const config_setting_t *given,
		    const struct setting *setting, struct problem *problem)
{
	const char *uri = config_setting_get_string(given);

	if (!uri)
		return problem_set(problem, -EINVAL, "write %s", setting->words);
	return endpoint_from_uri(MEMBER(config, setting, struct endpoint), uri, problem);
}

static int take_client(struct config *config, const config_setting_t *given,
		       const struct setting *setting, struct problem *problem)
{
	config->has_client = true;
	return take_hop(config, given, setting, problem);
}

static uint32_t outgoing_value(const char *name)
{
	return !strcmp(name, "protect") ? OUTGOING_PROTECT :
		!strcmp(name, "pass") ? OUTGOING_PASS : 0;
}

static uint32_t unprotected_value(const char *name)
{
	return !strcmp(name, "refuse") ? UNPROTECTED_REFUSE :
		!strcmp(name, "mark") ? UNPROTECTED_MARK : 0;
}

static int take_log_level(struct config *config, const config_setting_t *given,
			  const struct setting *setting, struct problem *problem)
{
	const char *text = config_setting_get_string(given);
	int level = text ? log_level_parse(text) : -1;

	if (level < 0)
		return problem_set(problem, -EINVAL, "write %s", setting->words);
	*MEMBER(config, setting, int) = level;
	return 0;
}

#define SETTING(name_, take_, member_, ...) \
	{ .name = name_, .take = take_, .offset = offsetof(struct config, member_), __VA_ARGS__ }

static const struct setting settings[] = {
	SETTING("identity", take_uids, identities, .needed = true,
		.words = "[\"alice@example.test\"]"),
	SETTING("group", take_uids, groups),
	SETTING("listen", take_endpoints, inside, .needed = true,
		.words = "[\"udp:127.0.0.1:5062\"]"),
	SETTING("listen-outside", take_endpoints, outside, .needed = true,
		.words = "[\"udp:192.0.2.1:5060\", \"tcp:192.0.2.1:5060\"]"),
	SETTING("clients", take_networks, clients),
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
	SETTING("profile", take_word, profile, .value = ticket_profile_value,
		.words = "\"immediate\""),
	SETTING("suite", take_word, suite, .value = ticket_suite_value,
		.words = "\"256\", \"128\" or \"ts-128\""),
	SETTING("form", take_word, form, .value = mime_form_value,
		.words = "\"auth-enveloped\" or \"authenticated\""),
	SETTING("accept", take_words, accept, .value = mime_form_value,
		.words = "[\"auth-enveloped\", \"authenticated\"]"),
	SETTING("ticket-lifetime", take_number, ticket_lifetime, .most = 366 * 86400),
	SETTING("reuse", take_bool, reuse),
	SETTING("outgoing", take_word, outgoing, .value = outgoing_value,
		.words = "\"protect\" or \"pass\""),
	SETTING("unprotected", take_word, unprotected, .value = unprotected_value,
		.words = "\"refuse\" or \"mark\""),
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
	config->accept = 1u << MIKEY_FORM_AUTH_ENVELOPED | 1u << MIKEY_FORM_AUTHENTICATED;
	config->ticket_lifetime = 86400;
	config->reuse = true;
	config->outgoing = OUTGOING_PROTECT;
	config->unprotected = UNPROTECTED_REFUSE;
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

static int take_all(struct config *config, const config_setting_t *root, const char *file,
		    struct problem *problem)
{
	bool seen[SETTINGS] = { false };
	size_t at;

	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *given = config_setting_get_elem(root, i);
		const char *name = config_setting_name(given);
		int line = config_setting_source_line(given);

		for (at = 0; at < SETTINGS && strcmp(settings[at].name, name); at++)
			;
		if (at == SETTINGS)
			return problem_set(problem, -EINVAL, "%s:%d: there is no setting \"%s\"",
					   file, line, name);
		if (settings[at].take(config, given, &settings[at], problem) < 0)
			return problem_prefix(problem, "%s:%d: %s: ", file, line, name);
		seen[at] = true;
	}
	for (at = 0; at < SETTINGS; at++)
		if (settings[at].needed && !seen[at])
			return problem_set(problem, -EINVAL, "%s: a line is missing: %s = %s;",
					   file, settings[at].name, settings[at].words);
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
			take_all(config, config_root_setting(&parsed), file, problem);
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
	free(config->inside);
	free(config->outside);
	free(config->clients);
	free(config->client_users);
	free(config->kms_url);
	free(config->kms_ca);
	free(config->psk);
	memset(config, 0, sizeof(*config));
}

bool config_identity(const struct config *config, const struct uid *uid)
{
	for (unsigned int i = 0; i < config->n_identities; i++)
		if (uid_equal(&config->identities[i], uid))
			return true;
	return false;
}
