// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey-kms.conf(5), read with libconfig like mikeyd.conf(5); see config.h.
 * What each setting may say is one row of a table.
 */
#include <errno.h>
#include <libconfig.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "helper/kms/config.h"
#include "helper/kms/textfile.h"
#include "helper/lib/log.h"

#define DAY 86400

struct setting;

/* take_fn - check what is given and keep it; a problem has no line yet */
typedef int (take_fn)(struct kms_config *config, const config_setting_t *given,
		      const struct setting *setting, struct problem *problem);

/* @offset says where it goes; @least and @most what a number, an s64, may be. */
struct setting {
	const char *name;
	take_fn *take;
	size_t offset;
	int least, most;
};

static void *member(struct kms_config *config, const struct setting *setting)
{
	return (char *)config + setting->offset;
}

static int no_memory(struct problem *problem)
{
	return problem_set(problem, -ENOMEM, "no memory");
}

static int take_string(struct kms_config *config, const config_setting_t *given,
		       const struct setting *setting, struct problem *problem)
{
	const char *text = config_setting_get_string(given);
	char **to = member(config, setting);

	if (!text || !*text)
		return problem_set(problem, -EINVAL,
				   "write a text in quotation marks");
	free(*to);
	*to = strdup(text);
	return *to ? 0 : no_memory(problem);
}

static int take_number(struct kms_config *config, const config_setting_t *given,
		       const struct setting *setting, struct problem *problem)
{
	int value = config_setting_get_int(given);

	if (config_setting_type(given) != CONFIG_TYPE_INT ||
	    value < setting->least || value > setting->most)
		return problem_set(problem, -EINVAL,
				   "write a number from %d to %d",
				   setting->least, setting->most);
	*(s64 *)member(config, setting) = value;
	return 0;
}

static int take_bool(struct kms_config *config, const config_setting_t *given,
		     const struct setting *setting, struct problem *problem)
{
	if (config_setting_type(given) != CONFIG_TYPE_BOOL)
		return problem_set(problem, -EINVAL, "write true or false");
	*(bool *)member(config, setting) = config_setting_get_bool(given);
	return 0;
}

/* Texts in a list; a lone text is a list of one. 0 if it is anything else. */
static int list_length(const config_setting_t *given)
{
	int i, num;

	if (config_setting_type(given) == CONFIG_TYPE_STRING)
		return 1;
	if (!config_setting_is_array(given) && !config_setting_is_list(given))
		return 0;
	num = config_setting_length(given);
	for (i = 0; i < num; i++)
		if (!config_setting_get_string_elem(given, i))
			return 0;
	return num;
}

static const char *list_text(const config_setting_t *given, int i)
{
	return config_setting_type(given) == CONFIG_TYPE_STRING ?
	       config_setting_get_string(given) :
	       config_setting_get_string_elem(given, i);
}

static int want_list(struct problem *problem)
{
	return problem_set(problem, -EINVAL,
			   "write a list of texts: [\"...\", \"...\"]");
}

static int take_identities(struct kms_config *config,
			   const config_setting_t *given,
			   const struct setting *setting,
			   struct problem *problem)
{
	struct kms_policy *policy = &config->policy;
	int num = list_length(given), i;
	const char *url;

	(void)setting;
	if (!num)
		return want_list(problem);
	config->identities = calloc(num, sizeof(*config->identities));
	if (!config->identities)
		return no_memory(problem);
	policy->identities = (const char *const *)config->identities;
	for (i = 0; i < num; i++) {
		url = list_text(given, i);
		if ((strncasecmp(url, "http://", 7) &&
		     strncasecmp(url, "https://", 8)) ||
		    strlen(url) > MIKEY_UID_MAX)
			return problem_set(problem, -EINVAL,
					   "\"%s\": write base URLs, such as https://kms.example.test",
					   url);
		config->identities[i] = strdup(url);
		if (!config->identities[i])
			return no_memory(problem);
		policy->num_identities++;
	}
	return 0;
}

/* "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:443"; port 0 is any free one. */
static int parse_listen(const char *text, struct sockaddr_storage *address)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(text, ':');
	struct addrinfo *found;
	char host[64];
	char *end;
	size_t len;

	/* getaddrinfo() takes ports modulo 65536 */
	if (!colon || strtoul(colon + 1, &end, 10) > UINT16_MAX || *end)
		return -EINVAL;
	len = colon - text;
	if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return -EINVAL;
	}
	if (!len || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found))
		return -EINVAL;
	memset(address, 0, sizeof(*address));
	memcpy(address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static int add_listeners(struct kms_config *config,
			 const config_setting_t *given, bool tls,
			 struct problem *problem)
{
	int num = list_length(given), i;
	struct kms_listen *more;

	if (!num)
		return want_list(problem);
	more = reallocarray(config->listen, config->num_listen + num,
			    sizeof(*more));
	if (!more)
		return no_memory(problem);
	config->listen = more;
	for (i = 0; i < num; i++) {
		more = &config->listen[config->num_listen];
		if (parse_listen(list_text(given, i), &more->address))
			return problem_set(problem, -EINVAL,
					   "\"%s\": write ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080",
					   list_text(given, i));
		more->tls = tls;
		more->text = strdup(list_text(given, i));
		if (!more->text)
			return no_memory(problem);
		config->num_listen++;
	}
	return 0;
}

static int take_listen(struct kms_config *config, const config_setting_t *given,
		       const struct setting *setting, struct problem *problem)
{
	(void)setting;
	return add_listeners(config, given, false, problem);
}

static int take_listen_tls(struct kms_config *config,
			   const config_setting_t *given,
			   const struct setting *setting,
			   struct problem *problem)
{
	(void)setting;
	return add_listeners(config, given, true, problem);
}

static int take_suites(struct kms_config *config, const config_setting_t *given,
		       const struct setting *setting, struct problem *problem)
{
	const struct mikey_suite *suite;
	int num = list_length(given), i;

	(void)setting;
	if (!num)
		return want_list(problem);
	for (i = 0; i < num; i++) {
		suite = mikey_suite_by_name(list_text(given, i));
		if (!suite)
			return problem_set(problem, -EINVAL,
					   "\"%s\": write \"256\", \"128\" or \"ts-128\"",
					   list_text(given, i));
		config->policy.suites |= 1U << suite->id;
	}
	return 0;
}

static int take_wildcards(struct kms_config *config,
			  const config_setting_t *given,
			  const struct setting *setting,
			  struct problem *problem)
{
	static const char *const names[] = {
		[KMS_WILDCARDS_NONE] = "none",
		[KMS_WILDCARDS_USER] = "user",
		[KMS_WILDCARDS_ANY] = "any",
	};
	const char *text = config_setting_get_string(given);
	size_t i;

	(void)setting;
	for (i = 0; text && i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], text)) {
			config->policy.wildcards = i;
			return 0;
		}
	}
	return problem_set(problem, -EINVAL,
			   "write \"none\", \"user\" or \"any\"");
}

static int take_log_level(struct kms_config *config,
			  const config_setting_t *given,
			  const struct setting *setting,
			  struct problem *problem)
{
	const char *text = config_setting_get_string(given);

	(void)setting;
	config->log_level = text ? log_level_parse(text) : -1;
	return config->log_level >= 0 ? 0 :
	       problem_set(problem, -EINVAL,
			   "write \"error\", \"warning\", \"info\" or \"debug\"");
}

static bool is_pattern(const char *text)
{
	return text && *text && strlen(text) <= MIKEY_UID_MAX &&
	       !strpbrk(text, " :");
}

static int add_rule(struct kms_config *config, const char *from,
		    const char *to, struct problem *problem)
{
	struct kms_policy *policy = &config->policy;
	struct kms_rule *more;

	if (!is_pattern(from) || !is_pattern(to))
		return problem_set(problem, -EINVAL,
				   "\"%s\": write user@domain, with ? for zero or more characters",
				   is_pattern(from) ? to : from);
	more = reallocarray(config->rules, policy->num_rules + 1, sizeof(*more));
	if (!more)
		return no_memory(problem);
	config->rules = more;
	policy->rules = more;
	more += policy->num_rules;
	more->from = strdup(from);
	more->to = strdup(to);
	if (!more->from || !more->to) {
		free((char *)more->from);
		free((char *)more->to);
		return no_memory(problem);
	}
	policy->num_rules++;
	return 0;
}

/*
 * A group with nobody in "to" would count for nothing, and if it is the only
 * one, everybody could ask for everybody.
 */
static int take_allow_group(struct kms_config *config,
			    const config_setting_t *group,
			    struct problem *problem)
{
	const config_setting_t *to = config_setting_get_member(group, "to");
	const char *from = NULL;
	int num, i, ret = 0;

	if (!config_setting_is_group(group) || config_setting_length(group) != 2 ||
	    !config_setting_lookup_string(group, "from", &from) || !to)
		return problem_set(problem, -EINVAL,
				   "write { from = \"?@example.test\"; to = [\"?@example.test\"]; }");
	num = list_length(to);
	if (!num)
		return problem_set(problem, -EINVAL,
				   "for whom? to = [\"?@example.test\"]");
	for (i = 0; !ret && i < num; i++)
		ret = add_rule(config, from, list_text(to, i), problem);
	return ret;
}

static int take_allow(struct kms_config *config, const config_setting_t *given,
		      const struct setting *setting, struct problem *problem)
{
	int num = config_setting_length(given), i, ret = 0;

	(void)setting;
	if (!config_setting_is_list(given) || !num)
		return problem_set(problem, -EINVAL,
				   "write ( { from = \"...\"; to = [\"...\"]; }, ... )");
	for (i = 0; !ret && i < num; i++)
		ret = take_allow_group(config, config_setting_get_elem(given, i),
				       problem);
	return ret;
}

#define SETTING(name_, take_, member_, ...) \
	{ .name = name_, .take = take_, .offset = offsetof(struct kms_config, member_), \
	  __VA_ARGS__ }

static const struct setting settings[] = {
	SETTING("identity", take_identities, identities),
	SETTING("listen", take_listen, listen),
	SETTING("listen-tls", take_listen_tls, listen),
	SETTING("certificate", take_string, certificate),
	SETTING("private-key", take_string, private_key),
	SETTING("store", take_string, store),
	SETTING("store-key", take_string, store_key),
	SETTING("skew", take_number, policy.skew, .least = 1, .most = 3600),
	SETTING("max-lifetime", take_number, policy.max_lifetime, .least = 1,
		.most = 366 * DAY),
	SETTING("max-responders", take_number, policy.max_responders, .least = 1,
		.most = 1000),
	SETTING("reuse", take_bool, policy.reuse),
	SETTING("wildcards", take_wildcards, policy.wildcards),
	SETTING("suites", take_suites, policy.suites),
	SETTING("allow", take_allow, rules),
	SETTING("tpk-lifetime", take_number, tpk_lifetime, .least = 3600,
		.most = 366 * DAY),
	SETTING("threads", take_number, threads, .least = 1, .most = 64),
	SETTING("max-connections", take_number, max_connections, .least = 1,
		.most = 100000),
	SETTING("max-connections-per-address", take_number, max_per_address,
		.least = 1, .most = 100000),
	SETTING("request-timeout", take_number, request_timeout, .least = 1,
		.most = 300),
	SETTING("log-level", take_log_level, log_level),
};

static int set_defaults(struct kms_config *config, struct problem *problem)
{
	kms_policy_defaults(&config->policy);
	config->tpk_lifetime = 30 * DAY;
	config->threads = 4;
	config->max_connections = 1000;
	config->max_per_address = 200;
	config->request_timeout = 10;
	config->log_level = LOG_LEVEL_INFO;
	config->store = strdup(KMS_CONFIG_DEFAULT_STORE);
	config->store_key = strdup(KMS_CONFIG_DEFAULT_KEY);
	return config->store && config->store_key ? 0 : no_memory(problem);
}

static int take_one(struct kms_config *config, const config_setting_t *given,
		    const char *file, struct problem *problem)
{
	const char *name = config_setting_name(given);
	const char *from = config_setting_source_file(given);
	int line = config_setting_source_line(given);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (!strcmp(settings[i].name, name))
			break;
	if (i == ARRAY_SIZE(settings))
		return problem_set(problem, -EINVAL,
				   "%s:%d: there is no setting \"%s\"",
				   from ? from : file, line, name);
	if (!settings[i].take(config, given, &settings[i], problem))
		return 0;
	return problem_prefix(problem, "%s:%d: %s: ", from ? from : file, line,
			      name);
}

static int take_all(struct kms_config *config, const char *file,
		    const char *text, struct problem *problem)
{
	config_setting_t *root;
	config_t parsed;
	int i, ret = 0;

	config_init(&parsed);
	if (!config_read_string(&parsed, text))
		ret = problem_set(problem, -EINVAL, "%s:%d: %s",
				  config_error_file(&parsed) ?
				  config_error_file(&parsed) : file,
				  config_error_line(&parsed),
				  config_error_text(&parsed));
	root = config_root_setting(&parsed);
	for (i = 0; !ret && i < config_setting_length(root); i++)
		ret = take_one(config, config_setting_get_elem(root, i), file,
			       problem);
	config_destroy(&parsed);
	return ret;
}

int kms_config_read(struct kms_config *config, const char *file,
		    struct problem *problem)
{
	char *text = NULL;
	int ret;

	memset(config, 0, sizeof(*config));
	ret = set_defaults(config, problem);
	if (!ret && file)
		ret = kms_text_read(file, &text, problem);
	if (!ret && file)
		ret = take_all(config, file, text, problem);
	kms_text_wipe(text);
	if (ret)
		kms_config_free(config);
	return ret;
}

int kms_config_can_serve(const struct kms_config *config,
			 struct problem *problem)
{
	bool tls = false;
	size_t i;

	if (!config->policy.num_identities)
		return problem_set(problem, -EINVAL,
				   "\"identity\" is missing: the URLs that clients put into IDRkms, identity = [\"https://kms.example.test\"];");
	if (!config->num_listen)
		return problem_set(problem, -EINVAL,
				   "nothing to listen at: listen = [\"127.0.0.1:8080\"]; or listen-tls");
	for (i = 0; i < config->num_listen; i++)
		tls |= config->listen[i].tls;
	if (tls && (!config->certificate || !config->private_key))
		return problem_set(problem, -EINVAL,
				   "listen-tls needs \"certificate\" and \"private-key\"");
	return 0;
}

void kms_config_free(struct kms_config *config)
{
	size_t i;

	for (i = 0; i < config->policy.num_identities; i++)
		free(config->identities[i]);
	for (i = 0; i < config->policy.num_rules; i++) {
		free((char *)config->rules[i].from);
		free((char *)config->rules[i].to);
	}
	for (i = 0; i < config->num_listen; i++)
		free(config->listen[i].text);
	free(config->identities);
	free(config->rules);
	free(config->listen);
	free(config->store);
	free(config->store_key);
	free(config->certificate);
	free(config->private_key);
	memset(config, 0, sizeof(*config));
}
