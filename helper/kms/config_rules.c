// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * allow = ( ... ) in policy = { ... }: the rules, in their order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/kms/fault.h"
#include "helper/kms/rule.h"
#include "helper/kms/setting.h"

/* Each "to" counts. Every request is held against them one by one. */
#define RULES_MAX 1000

#define HOW "{ from = \"?@example.test\"; to = [\"?@example.test\"]; }"

static const char *const rule_names[] = {
	"from", "to", "deny", "max-lifetime", "max-responders", "rekey", "reuse",
	"cacheable", "groups", "wildcards", "profiles", "modes", "suites", NULL
};

static bool is_pattern(const char *text)
{
	return *text && strlen(text) <= MIKEY_UID_MAX && !strpbrk(text, " :") &&
	       (strchr(text, '@') || strchr(text, '?'));
}

/* Domains of UIDs are in lower case: what is not matches nobody. */
static bool is_in_lower_case(const char *text)
{
	const char *p = strchr(text, '@');

	for (; p && *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			return false;
	return true;
}

static bool check_pattern(const struct reading *in, const struct kms_place *at,
			  const char *name, const char *text)
{
	if (!is_pattern(text))
		kms_fault(in->faults, at,
			  "%s: \"%s\": write user@domain, with ? for zero or more characters",
			  name, text);
	else if (!is_in_lower_case(text))
		kms_doubt(in->faults, at,
			  "%s: \"%s\" is nobody: domains are in lower case", name, text);
	else
		return true;
	return is_pattern(text);
}

static void add(const struct reading *in, const struct kms_rule *as,
		const char *to, const struct kms_place *at)
{
	struct kms_config *config = in->config;
	struct kms_policy *policy = &config->policy;
	struct kms_rule *more;

	if (policy->num_rules == RULES_MAX) {
		kms_fault(in->faults, at, "allow: more than %d rules", RULES_MAX);
		return;
	}
	more = reallocarray(config->rules, policy->num_rules + 1, sizeof(*more));
	if (more) {
		config->rules = more;
		policy->rules = more;
		more += policy->num_rules;
		*more = *as;
		more->place = *at;
		more->from = strdup(as->from);
		more->to = strdup(to);
	}
	if (more && more->from && more->to) {
		policy->num_rules++;
		return;
	}
	if (more) {
		free((char *)more->from);
		free((char *)more->to);
	}
	kms_fault(in->faults, at, "no memory");
}

/* What is off for everybody cannot be on for some. */
static void check_sets(const struct reading *in, const config_setting_t *group,
		       const struct kms_terms *terms)
{
	const struct kms_terms *all = &in->config->policy.terms;
	const struct {
		const char *name;
		u32 here, there;
	} sets[] = {
		{ "profiles", terms->profiles, all->profiles },
		{ "modes", terms->modes, all->modes },
		{ "suites", terms->suites, all->suites },
	};
	struct kms_place at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		if (!(sets[i].here & ~sets[i].there))
			continue;
		at = reading_place_in(in, group, sets[i].name);
		kms_fault(in->faults, &at,
			  "%s: one of them is not on: %s of policy does not have it",
			  sets[i].name, sets[i].name);
	}
}

/* from, to, deny and terms. */
static void take_member(const struct reading *in, const config_setting_t *given,
			struct kms_rule *rule, bool *terms)
{
	const char *name = config_setting_name(given), *meant;
	struct kms_place at = reading_place(in, given);
	struct problem problem = { 0 };
	int ret;

	if (!strcmp(name, "to"))
		return;		/* element by element, with their places */
	if (!strcmp(name, "from")) {
		rule->from = config_setting_get_string(given);
		if (!rule->from)
			kms_fault(in->faults, &at, "from: write a text in quotation marks");
		else if (!check_pattern(in, &at, "from", rule->from))
			rule->from = NULL;
		return;
	}
	if (!strcmp(name, "deny")) {
		ret = setting_bool(given, &rule->deny, &problem);
	} else {
		ret = term_take(&rule->terms, given, &problem);
		*terms = true;
	}
	if (ret == -ENOENT) {
		meant = kms_meant(name, rule_names);
		kms_fault(in->faults, &at,
			  "there is no \"%s\" in a rule, which is " HOW " and terms%s%s%s",
			  name, meant ? "; was \"" : "", meant ? meant : "",
			  meant ? "\" meant?" : "");
	} else if (ret) {
		kms_fault(in->faults, &at, "%s: %s", name, problem.words);
	}
}

static struct kms_place place_of_text(const struct reading *in,
				      const config_setting_t *list, int i,
				      const char *text)
{
	const config_setting_t *given =
		config_setting_type(list) == CONFIG_TYPE_STRING ? list :
		config_setting_get_elem(list, i);
	struct kms_place at;
	char *token;

	if (asprintf(&token, "\"%s\"", text) < 0)
		token = NULL;
	at = kms_source_place(&in->config->sources, in->file, given, token);
	free(token);
	return at;
}

static void take_to(const struct reading *in, const config_setting_t *to,
		    const struct kms_rule *rule)
{
	struct kms_place at = reading_place(in, to);
	int num = setting_list_length(to), i;
	const char *text;

	/* Nobody in "to" would count for nothing. */
	if (!num)
		kms_fault(in->faults, &at,
			  "to: for whom? to = [\"?@example.test\"]");
	for (i = 0; i < num; i++) {
		text = setting_list_text(to, i);
		at = place_of_text(in, to, i, text);
		if (check_pattern(in, &at, "to", text) && rule->from)
			add(in, rule, text, &at);
	}
}

static void take_rule(const struct reading *in, const config_setting_t *group)
{
	struct kms_place at = kms_source_place(&in->config->sources, in->file,
					       group, "{");
	struct kms_rule rule = { .terms = in->config->policy.terms };
	const config_setting_t *to = NULL;
	bool terms = false;
	int i;

	if (config_setting_is_group(group))
		to = config_setting_get_member(group, "to");
	if (!to || !config_setting_get_member(group, "from"))
		kms_fault(in->faults, &at, "allow: write " HOW);
	if (!config_setting_is_group(group))
		return;
	for (i = 0; i < config_setting_length(group); i++)
		take_member(in, config_setting_get_elem(group, i), &rule, &terms);
	if (rule.deny && terms)
		kms_fault(in->faults, &at,
			  "allow: a rule that denies grants nothing: it has no terms");
	check_sets(in, group, &rule.terms);
	term_doubts(in, group, &rule.terms);
	if (to)
		take_to(in, to, &rule);
}

static struct mikey_blob blob(const char *text)
{
	return (struct mikey_blob) { .p = (const u8 *)text, .len = strlen(text) };
}

static bool is_behind(const struct kms_rule *rule, const struct kms_rule *first)
{
	return kms_pattern_covers(blob(first->from), blob(rule->from)) &&
	       kms_pattern_covers(blob(first->to), blob(rule->to));
}

/* Rules that nobody gets to: an earlier one decides all that they are for. */
static void find_shadowed(const struct reading *in)
{
	const struct kms_policy *policy = &in->config->policy;
	const struct kms_rule *rule, *first;
	size_t i, k;

	for (i = 0; i < policy->num_rules; i++) {
		rule = &policy->rules[i];
		for (k = 0; k < i; k++) {
			first = &policy->rules[k];
			if (!is_behind(rule, first))
				continue;
			kms_doubt(in->faults, &rule->place,
				  "allow: nothing gets to this rule: \"%s\" for \"%s\" is decided in line %u (\"%s\" for \"%s\")",
				  rule->from, rule->to, first->place.line,
				  first->from, first->to);
			break;
		}
	}
}

void reading_rules(const struct reading *in, const config_setting_t *list)
{
	int num = config_setting_length(list), i;
	struct kms_place at = reading_place(in, list);

	if (!config_setting_is_list(list) || !num) {
		kms_fault(in->faults, &at,
			  "allow: write ( { from = \"...\"; to = [\"...\"]; }, ... )");
		return;
	}
	for (i = 0; i < num; i++)
		take_rule(in, config_setting_get_elem(list, i));
	find_shadowed(in);
}
