// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey-kms.conf(5), read with libconfig like mikeyd.conf(5); see config.h.
 * What each setting may say is one row of a table.
 */
#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "helper/kms/fault.h"
#include "helper/kms/policy.h"
#include "helper/kms/setting.h"
#include "helper/kms/textfile.h"
#include "helper/lib/log.h"

static void *member(struct kms_config *config, const struct setting *setting)
{
	return (char *)config + setting->offset;
}

int setting_no_memory(struct problem *problem)
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
	return *to ? 0 : setting_no_memory(problem);
}

int setting_number(const config_setting_t *given, int least, int most, s64 *value,
		   struct problem *problem)
{
	int number = config_setting_get_int(given);

	if (config_setting_type(given) != CONFIG_TYPE_INT || number < least ||
	    number > most)
		return problem_set(problem, -EINVAL, "write a number from %d to %d",
				   least, most);
	*value = number;
	return 0;
}

int setting_bool(const config_setting_t *given, bool *value,
		 struct problem *problem)
{
	if (config_setting_type(given) != CONFIG_TYPE_BOOL)
		return problem_set(problem, -EINVAL, "write true or false");
	*value = config_setting_get_bool(given);
	return 0;
}

int setting_take_number(struct kms_config *config,
			const config_setting_t *given,
			const struct setting *setting, struct problem *problem)
{
	return setting_number(given, setting->least, setting->most,
			      member(config, setting), problem);
}

int setting_take_bool(struct kms_config *config, const config_setting_t *given,
		      const struct setting *setting, struct problem *problem)
{
	return setting_bool(given, member(config, setting), problem);
}

/* Texts in a list; a lone text is a list of one. 0 if it is anything else. */
int setting_list_length(const config_setting_t *given)
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

const char *setting_list_text(const config_setting_t *given, int i)
{
	return config_setting_type(given) == CONFIG_TYPE_STRING ?
	       config_setting_get_string(given) :
	       config_setting_get_string_elem(given, i);
}

int setting_want_list(struct problem *problem)
{
	return problem_set(problem, -EINVAL,
			   "write a list of texts: [\"...\", \"...\"]");
}

/* A list, whose length stands right behind it in the configuration. */
static int take_texts(struct kms_config *config, const config_setting_t *given,
		      const struct setting *setting, struct problem *problem)
{
	struct {
		char **texts;
		size_t num;
	} *to = member(config, setting);
	int num = setting_list_length(given), i;

	if (!num || to->num)
		return setting_want_list(problem);
	to->texts = calloc(num, sizeof(*to->texts));
	if (!to->texts)
		return setting_no_memory(problem);
	for (i = 0; i < num; i++) {
		to->texts[i] = strdup(setting_list_text(given, i));
		if (!to->texts[i])
			return setting_no_memory(problem);
		to->num++;
	}
	return 0;
}

static int take_identities(struct kms_config *config,
			   const config_setting_t *given,
			   const struct setting *setting,
			   struct problem *problem)
{
	struct kms_policy *policy = &config->policy;
	int num = setting_list_length(given), i;
	const char *url;

	(void)setting;
	if (!num)
		return setting_want_list(problem);
	config->identities = calloc(num, sizeof(*config->identities));
	if (!config->identities)
		return setting_no_memory(problem);
	policy->identities = (const char *const *)config->identities;
	for (i = 0; i < num; i++) {
		url = setting_list_text(given, i);
		if ((strncasecmp(url, "http://", 7) &&
		     strncasecmp(url, "https://", 8)) ||
		    strlen(url) > MIKEY_UID_MAX)
			return problem_set(problem, -EINVAL,
					   "\"%s\": write base URLs, such as https://kms.example.test",
					   url);
		config->identities[i] = strdup(url);
		if (!config->identities[i])
			return setting_no_memory(problem);
		policy->num_identities++;
	}
	return 0;
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

static int take_audit_failure(struct kms_config *config,
			      const config_setting_t *given,
			      const struct setting *setting,
			      struct problem *problem)
{
	const char *text = config_setting_get_string(given);

	(void)setting;
	config->audit_must = text && !strcmp(text, "refuse");
	return config->audit_must || (text && !strcmp(text, "serve")) ? 0 :
	       problem_set(problem, -EINVAL, "write \"refuse\" or \"serve\"");
}

static const struct setting settings[] = {
	SETTING("identity", take_identities, identities),
	SETTING("listen", setting_take_listen, listen),
	SETTING("listen-tls", setting_take_listen_tls, listen),
	SETTING("listen-admin", setting_take_listen_admin, admin),
	SETTING("certificate", take_string, certificate),
	SETTING("private-key", take_string, private_key),
	SETTING("peers", take_string, peers_file),
	SETTING("listen-peers", setting_take_listen_peers, listen),
	SETTING("peer-certificate", take_string, peer_certificate),
	SETTING("peer-private-key", take_string, peer_private_key),
	SETTING("peer-timeout", setting_take_number, peer_timeout, .least = 1, .most = 60),
	SETTING("peer-requests", setting_take_number, peer_requests, .least = 1, .most = 10000),
	SETTING("bsf-url", take_string, bsf.url),
	SETTING("bsf-address", take_string, bsf.address),
	SETTING("bsf-ca", take_string, bsf.ca),
	SETTING("bsf-certificate", take_string, bsf.certificate),
	SETTING("bsf-private-key", take_string, bsf.private_key),
	SETTING("bsf-domains", take_texts, bsf.domains),
	SETTING("bsf-uid-domains", take_texts, bsf.uid_domains),
	SETTING("bsf-timeout", setting_take_number, bsf.timeout, .least = 1, .most = 60),
	SETTING("bsf-requests", setting_take_number, bsf.requests, .least = 1, .most = 10000),
	SETTING("bsf-cache", setting_take_number, bsf.cache, .least = 1, .most = 10000),
	SETTING("naf", take_string, bsf.naf),
	SETTING("store", take_string, store),
	SETTING("store-key", take_string, store_key),
	SETTING("audit", take_string, audit),
	SETTING("audit-sync", setting_take_bool, audit_sync),
	SETTING("audit-on-failure", take_audit_failure, audit_must),
	SETTING("audit-segment", setting_take_number, audit_segment, .least = 4,
		.most = 1024 * 1024),
	SETTING("tpk-lifetime", setting_take_number, tpk_lifetime, .least = 3600,
		.most = 366 * DAY),
	SETTING("threads", setting_take_number, threads, .least = 1, .most = 64),
	SETTING("max-connections", setting_take_number, max_connections, .least = 1,
		.most = 100000),
	SETTING("max-connections-per-address", setting_take_number, max_per_address,
		.least = 1, .most = 100000),
	SETTING("request-timeout", setting_take_number, request_timeout, .least = 1,
		.most = 300),
	SETTING("rate-per-address", setting_take_number, address_rate, .least = 0,
		.most = 1000000),
	SETTING("burst-per-address", setting_take_number, address_burst, .least = 1,
		.most = 1000000),
	SETTING("rate-per-psk", setting_take_number, psk_rate, .least = 0,
		.most = 1000000),
	SETTING("burst-per-psk", setting_take_number, psk_burst, .least = 1,
		.most = 1000000),
	SETTING("log-level", take_log_level, log_level),
	{ 0 }
};

static int set_defaults(struct kms_config *config, struct problem *problem)
{
	kms_policy_defaults(&config->policy);
	config->tpk_lifetime = 30 * DAY;
	config->audit_must = true;
	config->audit_segment = 64 * 1024;
	/* as many can share a commit (batch.h): what a slow disk or database needs */
	config->threads = 16;
	config->max_connections = 1000;
	config->max_per_address = 200;
	config->request_timeout = 10;
	config->address_rate = 1000;
	config->address_burst = 5000;
	config->psk_rate = 100;
	config->psk_burst = 1000;
	config->peer_timeout = 5;
	config->peer_requests = 50;
	config->bsf.timeout = 3;
	config->bsf.requests = 50;
	config->bsf.cache = 1000;
	config->log_level = LOG_LEVEL_INFO;
	config->store = strdup(KMS_CONFIG_DEFAULT_STORE);
	config->store_key = strdup(KMS_CONFIG_DEFAULT_KEY);
	return config->store && config->store_key ? 0 : setting_no_memory(problem);
}

static const struct setting *find(const char *name)
{
	const struct setting *row = settings;

	while (row->name && strcmp(row->name, name))
		row++;
	return row->name ? row : NULL;
}

struct kms_place reading_place(const struct reading *in,
			       const config_setting_t *given)
{
	return kms_source_place(&in->config->sources, in->file, given,
				config_setting_name(given));
}

struct kms_place reading_place_in(const struct reading *in,
				  const config_setting_t *group, const char *name)
{
	const config_setting_t *given = config_setting_get_member(group, name);

	return reading_place(in, given ? given : group);
}

static bool is_among(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

static void not_a_setting(const struct reading *in, const char *name,
			  const struct kms_place *at)
{
	const char *names[ARRAY_SIZE(settings) + 1] = { "policy" }, *meant;
	size_t i;

	for (i = 0; settings[i].name; i++)
		names[i + 1] = settings[i].name;
	meant = kms_meant(name, names);
	if (is_among(policy_names, name))
		kms_fault(in->faults, at,
			  "there is no setting \"%s\" but in policy = { ... };", name);
	else
		kms_fault(in->faults, at, "there is no setting \"%s\"%s%s%s", name,
			  meant ? "; was \"" : "", meant ? meant : "",
			  meant ? "\" meant?" : "");
}

/* The policy comes last: it is held against the rest. */
static void take_all(const struct reading *in, const config_setting_t *root)
{
	const config_setting_t *given, *policy = NULL;
	const struct setting *setting;
	struct kms_place at;
	const char *name;
	int i;

	for (i = 0; i < config_setting_length(root); i++) {
		struct problem problem = { 0 };

		given = config_setting_get_elem(root, i);
		name = config_setting_name(given);
		if (!strcmp(name, "policy")) {
			policy = given;
			continue;
		}
		at = reading_place(in, given);
		setting = find(name);
		if (!setting)
			not_a_setting(in, name, &at);
		else if (setting->take(in->config, given, setting, &problem))
			kms_fault(in->faults, &at, "%s: %s", name, problem.words);
	}
	if (policy)
		reading_policy(in, policy);
}

static void parse(const struct reading *in, const char *text)
{
	struct kms_place at = { .file = in->file };
	config_t parsed;

	config_init(&parsed);
	if (config_read_string(&parsed, text)) {
		take_all(in, config_root_setting(&parsed));
	} else {
		if (config_error_file(&parsed))
			at.file = config_error_file(&parsed);
		at.line = config_error_line(&parsed);
		kms_fault(in->faults, &at, "%s", config_error_text(&parsed));
	}
	config_destroy(&parsed);
	kms_sources_wipe(&in->config->sources);
}

/* A ticket's IDRkms must say whether it is ours or whose else. */
static int take_peers(struct kms_config *config, struct problem *problem)
{
	struct kms_policy *policy = &config->policy;
	struct mikey_id id = { .type = MIKEY_ID_URI };
	const struct kms_peer *peer;
	size_t i, k;
	int ret;

	if (!config->peers_file)
		return 0;
	ret = kms_peers_read(&config->peers, config->peers_file, problem);
	for (i = 0; !ret && i < config->peers.num; i++) {
		peer = config->peers.list[i];
		for (k = 0; !ret && k < peer->num_identities; k++) {
			id.data.p = (const u8 *)peer->identities[k];
			id.data.len = strlen(peer->identities[k]);
			if (kms_policy_is_us(policy, &id))
				ret = problem_set(problem, -EINVAL,
						  "%s: peer \"%s\" has an identity of our own, %s",
						  config->peers_file, peer->name,
						  peer->identities[k]);
		}
	}
	policy->peers = config->peers.list;
	policy->num_peers = config->peers.num;
	return ret;
}

/* Returns 0, or an errno if the file cannot be read; faults are in @faults. */
static int read_all(struct kms_config *config, const char *file,
		    struct kms_faults *faults, struct problem *problem)
{
	struct reading in = { .config = config, .faults = faults, .file = file };
	char *text = NULL;
	int ret;

	ret = set_defaults(config, problem);
	if (!ret && file)
		ret = kms_text_read(file, &text, problem);
	if (!ret && file)
		parse(&in, text);
	kms_text_wipe(text);
	if (!ret && take_peers(config, problem))
		kms_fault(faults, NULL, "%s", problem->words);
	return ret;
}

int kms_config_check(struct kms_config *config, const char *file,
		     struct kms_faults *faults, struct problem *problem)
{
	int ret;

	memset(config, 0, sizeof(*config));
	memset(faults, 0, sizeof(*faults));
	ret = read_all(config, file, faults, problem);
	if (!ret)
		ret = kms_faults_problem(faults, problem);
	if (ret)
		kms_config_free(config);
	return ret;
}

int kms_config_read(struct kms_config *config, const char *file,
		    struct problem *problem)
{
	struct kms_faults *faults = malloc(sizeof(*faults));
	int ret = -ENOMEM;

	memset(config, 0, sizeof(*config));
	if (faults)
		ret = kms_config_check(config, file, faults, problem);
	else
		setting_no_memory(problem);
	free(faults);
	return ret;
}

static void free_bsf(struct kms_bsf_config *bsf)
{
	size_t i;

	for (i = 0; i < bsf->num_domains; i++)
		free(bsf->domains[i]);
	for (i = 0; i < bsf->num_uid_domains; i++)
		free(bsf->uid_domains[i]);
	free(bsf->domains);
	free(bsf->uid_domains);
	free(bsf->url);
	free(bsf->address);
	free(bsf->ca);
	free(bsf->certificate);
	free(bsf->private_key);
	free(bsf->naf);
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
	free(config->admin.text);
	free(config->store);
	free(config->store_key);
	free(config->audit);
	free(config->certificate);
	free(config->private_key);
	free(config->peers_file);
	free(config->peer_certificate);
	free(config->peer_private_key);
	kms_peers_free(&config->peers);
	kms_sources_free(&config->sources);
	free_bsf(&config->bsf);
	memset(config, 0, sizeof(*config));
}
