// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * policy = { ... } in mikey-kms.conf(5): what this KMS grants.
 */
#include <errno.h>
#include <string.h>

#include "helper/kms/fault.h"
#include "helper/kms/setting.h"

const char *const policy_names[] = {
	"skew", "allow", "max-lifetime", "max-responders", "rekey", "reuse",
	"cacheable", "groups", "wildcards", "profiles", "modes", "suites", NULL
};

static int take(struct kms_config *config, const config_setting_t *given,
		struct problem *problem)
{
	struct kms_policy *policy = &config->policy;
	int ret;

	if (!strcmp(config_setting_name(given), "skew"))
		return setting_number(given, 1, 3600, &policy->skew, problem);
	ret = term_take(&policy->terms, given, problem);
	/* 256 stays on, whatever is written. */
	policy->terms.suites |= 1U << MIKEY_SUITE_ID_256;
	return ret;
}

static void take_one(const struct reading *in, const config_setting_t *given)
{
	const char *name = config_setting_name(given), *meant;
	struct kms_place at = reading_place(in, given);
	struct problem problem = { 0 };
	int ret = take(in->config, given, &problem);

	if (ret == -ENOENT) {
		meant = kms_meant(name, policy_names);
		kms_fault(in->faults, &at,
			  "there is no setting \"%s\" in policy%s%s%s", name,
			  meant ? "; was \"" : "", meant ? meant : "",
			  meant ? "\" meant?" : "");
	} else if (ret) {
		kms_fault(in->faults, &at, "%s: %s", name, problem.words);
	}
}

/* The rules come last, since they begin with what stands beside them. */
void reading_policy(const struct reading *in, const config_setting_t *group)
{
	const config_setting_t *given, *rules = NULL;
	struct kms_place at;
	int i;

	if (!config_setting_is_group(group)) {
		at = reading_place(in, group);
		kms_fault(in->faults, &at, "policy: write { ... }");
		return;
	}
	for (i = 0; i < config_setting_length(group); i++) {
		given = config_setting_get_elem(group, i);
		if (!strcmp(config_setting_name(given), "allow"))
			rules = given;
		else
			take_one(in, given);
	}
	term_doubts(in, group, &in->config->policy.terms);
	if (rules)
		reading_rules(in, rules);
}
