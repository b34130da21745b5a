// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All settings of mikeyd.conf(5): one row says what a setting may be, whose it
 * is and where it goes. Another setting is another row, its member in config.h,
 * its default in config.c, and its paragraph in the manual page.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/lists.h"
#include "helper/lib/mime.h"
#include "helper/lib/rules.h"
#include "helper/lib/setting.h"
#include "helper/lib/ticket.h"

#define LENGTH_FOLLOWS(array, length) \
	_Static_assert((length) == (array) + offsetof(struct setting_array, count), \
		       "an array and its length belong together")
#define ARRAY_OF_DAEMON(member) \
	LENGTH_FOLLOWS(offsetof(struct config, member), offsetof(struct config, n_##member))
#define ARRAY_OF_USER(member) \
	LENGTH_FOLLOWS(offsetof(struct config_user, member), \
		       offsetof(struct config_user, n_##member))
ARRAY_OF_DAEMON(inside);
ARRAY_OF_DAEMON(outside);
ARRAY_OF_DAEMON(trusted);
ARRAY_OF_USER(identities);
ARRAY_OF_USER(groups);
ARRAY_OF_USER(list_services);
ARRAY_OF_USER(list_servers);
ARRAY_OF_USER(must_protect);
ARRAY_OF_USER(rules);
ARRAY_OF_USER(clients);
ARRAY_OF_USER(client_users);

static int take_client(void *into, const config_setting_t *given,
		       const struct setting *setting, struct problem *problem)
{
	struct config_user *user = into;

	user->has_client = true;
	if (take_hop(user, given, setting, problem))
		return problem->error;
	/* a client has no name that a certificate could prove */
	if (user->client.transport == ENDPOINT_TLS)
		return problem_set(problem, -EINVAL,
				   "a client over TLS connects itself: write none");
	return 0;
}

/* Read by mikeyd when it starts: others need not be able to. */
static int take_file(void *into, const config_setting_t *given,
		     const struct setting *setting, struct problem *problem)
{
	struct config_path *file = (void *)((char *)into + setting->offset);
	const char *text = config_setting_get_string(given);

	if (!text || *text != '/')
		return problem_set(problem, -EINVAL, "write a file as \"/...\"");
	free(file->path);
	file->path = strdup(text);
	file->line = config_setting_source_line(given);
	return file->path ? 0 : problem_set(problem, -ENOMEM, "no memory");
}

/* The name of a file in the state directory, and of logs and commands. */
static int take_name(void *into, const config_setting_t *given,
		     const struct setting *setting, struct problem *problem)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const char *text = config_setting_get_string(given);
	size_t len = text ? strspn(text, letters) : 0;

	if (!len || text[len] || len > CONFIG_NAME_MAX || *text == '.' || *text == '-')
		return problem_set(problem, -EINVAL,
				   "write a name of letters, digits, '-', '_' and '.'");
	return take_string(into, given, setting, problem);
}

static int take_trusted(void *into, const config_setting_t *given,
			const struct setting *setting, struct problem *problem)
{
	struct config *config = into;
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

#define ROW(name_, take_, where_, member_, scope_, ...) \
	{ .name = name_, .take = take_, .scope = scope_, \
	  .offset = offsetof(struct where_, member_), __VA_ARGS__ }
#define DAEMON(name, take, member, ...) \
	ROW(name, take, config, member, SCOPE_DAEMON, __VA_ARGS__)
#define OWN(name, take, member, ...) \
	ROW(name, take, config_user, member, SCOPE_USER, __VA_ARGS__)
#define SHARED(name, take, member, ...) \
	ROW(name, take, config_user, member, SCOPE_SHARED, __VA_ARGS__)
#define POLICY_SETTING(name, take, member, ...) \
	ROW(name, take, config_user, member, SCOPE_POLICY, __VA_ARGS__)
#define FORMS_OR "\"auth-enveloped\", \"authenticated\" or \"authenticated-enveloped\""
#define FORMS "[\"auth-enveloped\", \"authenticated\", \"authenticated-enveloped\"]"

const struct setting settings[] = {
	OWN("name", take_name, name),
	OWN("identity", take_uids, identities, .needed = true,
	    .words = "[\"alice@example.test\"]"),
	OWN("group", take_uids, groups),
	OWN("list-service", take_uids, list_services),
	OWN("list-server", take_list_servers, list_servers),
	DAEMON("listen", take_endpoints, inside, .needed = true,
	       .words = "[\"udp:127.0.0.1:5062\"]"),
	DAEMON("listen-outside", take_endpoints, outside, .needed = true,
	       .words = "[\"udp:192.0.2.1:5060\", \"tcp:192.0.2.1:5060\"]"),
	SHARED("clients", take_networks, clients),
	DAEMON("trusted", take_trusted, trusted),
	SHARED("client-users", take_users, client_users),
	DAEMON("next-hop", take_hop, next_hop, .needed = true,
	       .words = "\"sip:proxy.example.test\""),
	DAEMON("keep-alive", take_number, keep_alive, .most = 600),
	DAEMON("next-hop-ca", take_file, next_hop_ca),
	DAEMON("certificate", take_file, certificate),
	DAEMON("private-key", take_file, private_key),
	OWN("client", take_client, client, .words = "\"sip:127.0.0.1:5070\""),
	SHARED("kms", take_url, kms_url, .needed = true,
	       .words = "\"https://kms.example.test\""),
	SHARED("kms-ca", take_string, kms_ca),
	SHARED("kms-id", take_id, kms_id, .needed = true,
	       .words = "\"https://kms.example.test\""),
	OWN("psk", take_string, psk, .needed = true,
	    .words = "\"logon:mikey:alice@example.test\""),
	OWN("psk-id", take_id, psk_id, .needed = true, .words = "\"alice\""),
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
	DAEMON("state-dir", take_path, state_dir),
	DAEMON("control-socket", take_path, control_socket),
	OWN("inbox", take_inbox, inbox),
	SHARED("kms-timeout", take_number, kms_timeout, .most = 25),
	DAEMON("retry-after", take_number, retry_after, .most = 86400),
	SHARED("max-waiting", take_number, max_waiting, .most = 4096),
	DAEMON("log-level", take_log_level, log_level,
	       .words = "\"error\", \"warning\", \"info\" or \"debug\""),
};

const size_t n_settings = sizeof(settings) / sizeof(settings[0]);

_Static_assert(sizeof(settings) / sizeof(settings[0]) <= SETTINGS_MAX,
	       "more settings than are kept count of");
