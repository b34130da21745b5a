// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * policy = { ... } in mikey-kms.conf(5): what this KMS grants, and its names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/kms/setting.h"

const char *const kms_wildcard_names[KMS_WILDCARDS] = {
	[KMS_WILDCARDS_NONE] = "none",
	[KMS_WILDCARDS_USER] = "user",
	[KMS_WILDCARDS_ANY] = "any",
};

const char *const kms_mode_names[KMS_MODES] = {
	[MIKEY_MODE_KMS] = "kms",
	[MIKEY_MODE_INITIATOR] = "initiator",
};

/* 0 for a name that is none. */
typedef u32 (id_fn)(const char *name);

static u32 suite_id(const char *name)
{
	const struct mikey_suite *suite = mikey_suite_by_name(name);

	return suite ? suite->id : 0;
}

static u32 profile_id(const char *name)
{
	const struct mikey_profile *profile = mikey_profile_by_name(name);

	return profile ? profile->id : 0;
}

static u32 mode_id(const char *name)
{
	u32 mode;

	for (mode = 1; mode < KMS_MODES; mode++)
		if (kms_mode_names[mode] && !strcmp(kms_mode_names[mode], name))
			return mode;
	return 0;
}

/* Names as bits (1 << id), more in @bits than there were. */
static int take_names(u32 *bits, const config_setting_t *given, id_fn *id_of,
		      const char *words, struct problem *problem)
{
	int num = setting_list_length(given), i;
	u32 id;

	if (!num)
		return setting_want_list(problem);
	for (i = 0; i < num; i++) {
		id = id_of(setting_list_text(given, i));
		if (!id)
			return problem_set(problem, -EINVAL, "\"%s\": write %s",
					   setting_list_text(given, i), words);
		*bits |= 1U << id;
	}
	return 0;
}

/* 256 stays on, whatever is written. */
static int take_suites(struct kms_config *config, const config_setting_t *given,
		       const struct setting *setting, struct problem *problem)
{
	(void)setting;
	return take_names(&config->policy.suites, given, suite_id,
			  "\"256\", \"128\" or \"ts-128\"", problem);
}

static int take_profiles(struct kms_config *config,
			 const config_setting_t *given,
			 const struct setting *setting, struct problem *problem)
{
	(void)setting;
	config->policy.profiles = 0;
	return take_names(&config->policy.profiles, given, profile_id,
			  "\"immediate\" or \"annex-i\"", problem);
}

static int take_modes(struct kms_config *config, const config_setting_t *given,
		      const struct setting *setting, struct problem *problem)
{
	(void)setting;
	config->policy.modes = 0;
	return take_names(&config->policy.modes, given, mode_id,
			  "\"kms\" or \"initiator\"", problem);
}

static int take_wildcards(struct kms_config *config,
			  const config_setting_t *given,
			  const struct setting *setting,
			  struct problem *problem)
{
	const char *text = config_setting_get_string(given);
	u32 i;

	(void)setting;
	for (i = 0; text && i < KMS_WILDCARDS; i++) {
		if (!strcmp(kms_wildcard_names[i], text)) {
			config->policy.wildcards = i;
			return 0;
		}
	}
	return problem_set(problem, -EINVAL,
			   "write \"none\", \"user\" or \"any\"");
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
		return setting_no_memory(problem);
	config->rules = more;
	policy->rules = more;
	more += policy->num_rules;
	more->from = strdup(from);
	more->to = strdup(to);
	if (!more->from || !more->to) {
		free((char *)more->from);
		free((char *)more->to);
		return setting_no_memory(problem);
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
	num = setting_list_length(to);
	if (!num)
		return problem_set(problem, -EINVAL,
				   "for whom? to = [\"?@example.test\"]");
	for (i = 0; !ret && i < num; i++)
		ret = add_rule(config, from, setting_list_text(to, i), problem);
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

const struct setting policy_settings[] = {
	SETTING("skew", setting_take_number, policy.skew, .least = 1, .most = 3600),
	SETTING("max-lifetime", setting_take_number, policy.max_lifetime, .least = 1,
		.most = 366 * DAY),
	SETTING("max-responders", setting_take_number, policy.max_responders, .least = 1,
		.most = 1000),
	SETTING("rekey", setting_take_number, policy.rekey, .least = 0, .most = 366 * DAY),
	SETTING("reuse", setting_take_bool, policy.reuse),
	SETTING("cacheable", setting_take_bool, policy.cacheable),
	SETTING("wildcards", take_wildcards, policy.wildcards),
	SETTING("profiles", take_profiles, policy.profiles),
	SETTING("modes", take_modes, policy.modes),
	SETTING("suites", take_suites, policy.suites),
	SETTING("allow", take_allow, rules),
	{ 0 }
};
