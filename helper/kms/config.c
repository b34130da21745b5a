// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey-kms.conf(5), read with libConfuse; see config.h. The checks run while
 * it reads, so they can name the line.
 */
#include <confuse.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "helper/kms/config.h"
#include "helper/lib/log.h"
#include "helper/lib/uid.h"

#define DAY 86400L

/* libConfuse reports through a function without an argument of ours. */
static struct problem *reader_problem;

__attribute__((format(printf, 2, 0)))
static void report(cfg_t *cfg, const char *format, va_list args)
{
	char words[256];

	if (reader_problem->error)
		return;		/* the first is the cause */
	vsnprintf(words, sizeof(words), format, args);
	problem_set(reader_problem, -EINVAL, "%s:%d: %s",
		    cfg->filename ? cfg->filename : "configuration", cfg->line,
		    words);
}

static int refuse(cfg_t *cfg, cfg_opt_t *opt, const char *words)
{
	cfg_error(cfg, "%s: %s", cfg_opt_name(opt), words);
	return -1;
}

static const char *last(cfg_opt_t *opt)
{
	return cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
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

static int check_listen(cfg_t *cfg, cfg_opt_t *opt)
{
	struct sockaddr_storage address;
	unsigned int i;

	for (i = 0; i < cfg_opt_size(opt); i++)
		if (parse_listen(cfg_opt_getnstr(opt, i), &address))
			return refuse(cfg, opt,
				      "write ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080");
	return 0;
}

static int check_identities(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *url;
	unsigned int i;

	for (i = 0; i < cfg_opt_size(opt); i++) {
		url = cfg_opt_getnstr(opt, i);
		if ((strncasecmp(url, "http://", 7) &&
		     strncasecmp(url, "https://", 8)) ||
		    strlen(url) > MIKEY_UID_MAX)
			return refuse(cfg, opt,
				      "write base URLs, such as https://kms.example.test");
	}
	return 0;
}

static int check_patterns(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text;
	unsigned int i;

	for (i = 0; i < cfg_opt_size(opt); i++) {
		text = cfg_opt_getnstr(opt, i);
		if (!*text || strlen(text) > MIKEY_UID_MAX || strpbrk(text, " :"))
			return refuse(cfg, opt,
				      "write user@domain, with ? for zero or more characters");
	}
	return 0;
}

/*
 * A section without recipients would count for nothing, and if it is the only
 * one, everybody could ask for everybody.
 */
static int check_allow(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *allow = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *from = cfg_title(allow);

	if (!*from || strlen(from) > MIKEY_UID_MAX || strpbrk(from, " :"))
		return refuse(cfg, opt,
			      "write user@domain, with ? for zero or more characters");
	if (!cfg_size(allow, "to"))
		return refuse(cfg, opt, "for whom? to = {\"?@example.test\"}");
	return 0;
}

static int check_suites(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned int i;

	for (i = 0; i < cfg_opt_size(opt); i++)
		if (!mikey_suite_by_name(cfg_opt_getnstr(opt, i)))
			return refuse(cfg, opt, "256, 128 or ts-128");
	return 0;
}

static const char *const wildcard_names[] = {
	[KMS_WILDCARDS_NONE] = "none",
	[KMS_WILDCARDS_USER] = "user",
	[KMS_WILDCARDS_ANY] = "any",
};

static int wildcards_value(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wildcard_names); i++)
		if (!strcmp(wildcard_names[i], name))
			return i;
	return -1;
}

static int check_wildcards(cfg_t *cfg, cfg_opt_t *opt)
{
	return wildcards_value(last(opt)) < 0 ?
	       refuse(cfg, opt, "none, user or any") : 0;
}

static int check_log(cfg_t *cfg, cfg_opt_t *opt)
{
	return log_level_parse(last(opt)) < 0 ?
	       refuse(cfg, opt, "error, warning, info or debug") : 0;
}

static const struct {
	const char *option;
	long least, most;
} ranges[] = {
	{ "skew", 1, 3600 },
	{ "max-lifetime", 1, 366 * DAY },
	{ "max-responders", 1, 1000 },
	{ "tpk-lifetime", 3600, 366 * DAY },
	{ "threads", 1, 64 },
	{ "max-connections", 1, 100000 },
	{ "max-connections-per-address", 1, 100000 },
	{ "request-timeout", 1, 300 },
};

static int check_range(cfg_t *cfg, cfg_opt_t *opt)
{
	long value = cfg_opt_getnint(opt, cfg_opt_size(opt) - 1);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (strcmp(ranges[i].option, cfg_opt_name(opt)))
			continue;
		if (value >= ranges[i].least && value <= ranges[i].most)
			return 0;
		cfg_error(cfg, "%s: a number from %ld to %ld",
			  cfg_opt_name(opt), ranges[i].least, ranges[i].most);
	}
	return -1;
}

static const struct {
	const char *option;
	cfg_validate_callback_t check;
} checks[] = {
	{ "listen", check_listen },
	{ "listen-tls", check_listen },
	{ "identity", check_identities },
	{ "allow|to", check_patterns },
	{ "allow", check_allow },
	{ "suites", check_suites },
	{ "wildcards", check_wildcards },
	{ "log", check_log },
	{ "skew", check_range },
	{ "max-lifetime", check_range },
	{ "max-responders", check_range },
	{ "tpk-lifetime", check_range },
	{ "threads", check_range },
	{ "max-connections", check_range },
	{ "max-connections-per-address", check_range },
	{ "request-timeout", check_range },
};

static int take_listen(struct kms_config *config, cfg_t *cfg, const char *name,
		       bool tls)
{
	struct kms_listen *l;
	unsigned int i;

	for (i = 0; i < cfg_size(cfg, name); i++) {
		l = &config->listen[config->num_listen++];
		l->tls = tls;
		l->text = strdup(cfg_getnstr(cfg, name, i));
		if (!l->text)
			return -ENOMEM;
		parse_listen(l->text, &l->address);
	}
	return 0;
}

static int take_rules(struct kms_config *config, cfg_t *cfg)
{
	struct kms_policy *policy = &config->policy;
	size_t room = 0;
	unsigned int i, n;
	struct kms_rule *r;
	cfg_t *allow;

	for (i = 0; i < cfg_size(cfg, "allow"); i++)
		room += cfg_size(cfg_getnsec(cfg, "allow", i), "to");
	config->rules = calloc(room + 1, sizeof(*config->rules));
	if (!config->rules)
		return -ENOMEM;
	for (i = 0; i < cfg_size(cfg, "allow"); i++) {
		allow = cfg_getnsec(cfg, "allow", i);
		for (n = 0; n < cfg_size(allow, "to"); n++) {
			r = &config->rules[policy->num_rules++];
			r->from = strdup(cfg_title(allow));
			r->to = strdup(cfg_getnstr(allow, "to", n));
			if (!r->from || !r->to)
				return -ENOMEM;
		}
	}
	policy->rules = config->rules;
	return 0;
}

static int take_identities(struct kms_config *config, cfg_t *cfg)
{
	size_t num = cfg_size(cfg, "identity"), i;

	config->identities = calloc(num + 1, sizeof(*config->identities));
	if (!config->identities)
		return -ENOMEM;
	for (i = 0; i < num; i++) {
		config->identities[i] = strdup(cfg_getnstr(cfg, "identity", i));
		if (!config->identities[i])
			return -ENOMEM;
	}
	config->policy.identities = (const char *const *)config->identities;
	config->policy.num_identities = num;
	return 0;
}

static int take_string(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

static u32 suite_bit(const char *name)
{
	return 1U << mikey_suite_by_name(name)->id;
}

static int take(struct kms_config *config, cfg_t *cfg)
{
	struct kms_policy *policy = &config->policy;
	unsigned int i;

	config->store = strdup(cfg_getstr(cfg, "store"));
	config->store_key = strdup(cfg_getstr(cfg, "store-key"));
	config->listen = calloc(cfg_size(cfg, "listen") +
				cfg_size(cfg, "listen-tls") + 1,
				sizeof(*config->listen));
	if (!config->store || !config->store_key || !config->listen ||
	    take_listen(config, cfg, "listen", false) ||
	    take_listen(config, cfg, "listen-tls", true) ||
	    take_identities(config, cfg) || take_rules(config, cfg))
		return -ENOMEM;
	if (take_string(&config->certificate, cfg_getstr(cfg, "certificate")) ||
	    take_string(&config->private_key, cfg_getstr(cfg, "private-key")))
		return -ENOMEM;
	policy->skew = cfg_getint(cfg, "skew");
	policy->max_lifetime = cfg_getint(cfg, "max-lifetime");
	policy->max_responders = cfg_getint(cfg, "max-responders");
	policy->reuse = cfg_getbool(cfg, "reuse");
	policy->wildcards = wildcards_value(cfg_getstr(cfg, "wildcards"));
	policy->suites = 1U << MIKEY_SUITE_ID_256;	/* always on */
	for (i = 0; i < cfg_size(cfg, "suites"); i++)
		policy->suites |= suite_bit(cfg_getnstr(cfg, "suites", i));
	config->tpk_lifetime = cfg_getint(cfg, "tpk-lifetime");
	config->threads = cfg_getint(cfg, "threads");
	config->max_connections = cfg_getint(cfg, "max-connections");
	config->max_per_address = cfg_getint(cfg, "max-connections-per-address");
	config->request_timeout = cfg_getint(cfg, "request-timeout");
	config->log_level = log_level_parse(cfg_getstr(cfg, "log"));
	return 0;
}

int kms_config_read(struct kms_config *config, const char *file,
		    struct problem *problem)
{
	cfg_opt_t allow[] = {
		CFG_STR_LIST("to", "{}", CFGF_NONE),
		CFG_END()
	};
	cfg_opt_t options[] = {
		CFG_STR_LIST("identity", "{}", CFGF_NONE),
		CFG_STR_LIST("listen", "{}", CFGF_NONE),
		CFG_STR_LIST("listen-tls", "{}", CFGF_NONE),
		CFG_STR("certificate", NULL, CFGF_NONE),
		CFG_STR("private-key", NULL, CFGF_NONE),
		CFG_STR("store", KMS_CONFIG_DEFAULT_STORE, CFGF_NONE),
		CFG_STR("store-key", KMS_CONFIG_DEFAULT_KEY, CFGF_NONE),
		CFG_INT("skew", 60, CFGF_NONE),
		CFG_INT("max-lifetime", 7 * DAY, CFGF_NONE),
		CFG_INT("max-responders", 100, CFGF_NONE),
		CFG_BOOL("reuse", cfg_true, CFGF_NONE),
		CFG_STR("wildcards", "user", CFGF_NONE),
		CFG_STR_LIST("suites", "{256}", CFGF_NONE),
		CFG_SEC("allow", allow, CFGF_MULTI | CFGF_TITLE |
			CFGF_NO_TITLE_DUPES),
		CFG_INT("tpk-lifetime", 30 * DAY, CFGF_NONE),
		CFG_INT("threads", 4, CFGF_NONE),
		CFG_INT("max-connections", 1000, CFGF_NONE),
		CFG_INT("max-connections-per-address", 200, CFGF_NONE),
		CFG_INT("request-timeout", 10, CFGF_NONE),
		CFG_STR("log", "info", CFGF_NONE),
		CFG_END()
	};
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	int ret = CFG_SUCCESS;
	size_t i;

	memset(config, 0, sizeof(*config));
	*problem = (struct problem) { 0 };
	if (!cfg)
		return problem_set(problem, -ENOMEM, "no memory");
	reader_problem = problem;
	cfg_set_error_function(cfg, report);
	for (i = 0; i < ARRAY_SIZE(checks); i++)
		cfg_set_validate_func(cfg, checks[i].option, checks[i].check);
	if (file)
		ret = cfg_parse(cfg, file);
	if (ret == CFG_FILE_ERROR)
		problem_set(problem, -errno, "%s: %s", file, strerror(errno));
	else if (ret != CFG_SUCCESS && !problem->error)
		problem_set(problem, -EINVAL, "%s: malformed", file);
	else if (ret == CFG_SUCCESS && take(config, cfg))
		problem_set(problem, -ENOMEM, "no memory");
	cfg_free(cfg);
	if (problem->error)
		kms_config_free(config);
	return problem->error;
}

int kms_config_can_serve(const struct kms_config *config,
			 struct problem *problem)
{
	bool tls = false;
	size_t i;

	if (!config->policy.num_identities)
		return problem_set(problem, -EINVAL,
				   "\"identity\" is missing: the URLs that clients put into IDRkms, identity = {\"https://kms.example.test\"}");
	if (!config->num_listen)
		return problem_set(problem, -EINVAL,
				   "nothing to listen at: listen = {\"127.0.0.1:8080\"} or listen-tls");
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
