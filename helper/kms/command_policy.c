// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * policy show: what is in force, in words and in JSON.
 */
#include "helper/kms/command_policy.h"

#define IDS 32			/* bits of a set of ids */

static const char *suite_name(u32 id)
{
	const struct mikey_suite *suite = mikey_suite_by_id(id);

	return suite ? suite->name : NULL;
}

static const char *profile_name(u32 id)
{
	const struct mikey_profile *profile = mikey_profile_by_id(id);

	return profile ? profile->name : NULL;
}

static const char *mode_name(u32 id)
{
	return id < KMS_MODES ? kms_mode_names[id] : NULL;
}

typedef const char *(name_fn)(u32 id);

static void json_names(const char *label, u32 bits, name_fn *name_of)
{
	const char *between = "", *name;
	u32 id;

	printf("\"%s\": [", label);
	for (id = 0; id < IDS; id++) {
		name = bits & 1U << id ? name_of(id) : NULL;
		if (!name)
			continue;
		fputs(between, stdout);
		kms_json_text(stdout, name);
		between = ", ";
	}
	fputs("], ", stdout);
}

static const char *truth(bool b)
{
	return b ? "true" : "false";
}

static void json_terms(const struct kms_terms *t)
{
	json_names("profiles", t->profiles, profile_name);
	json_names("modes", t->modes, mode_name);
	json_names("suites", t->suites, suite_name);
	printf("\"reuse\": %s, \"cacheable\": %s, \"rekey\": %lld, ",
	       truth(t->reuse), truth(t->cacheable), (long long)t->rekey);
	printf("\"max_lifetime\": %lld, \"max_responders\": %lld, ",
	       (long long)t->max_lifetime, (long long)t->max_responders);
	printf("\"wildcards\": \"%s\", \"groups\": %s",
	       kms_wildcard_names[t->wildcards], truth(t->groups));
}

void kms_policy_json_place(const struct kms_rule *rule)
{
	fputs("\"file\": ", stdout);
	kms_json_text(stdout, rule->place.file);
	printf(", \"line\": %u, \"column\": %u", rule->place.line,
	       rule->place.column);
}

static void json_rule(const struct kms_rule *rule)
{
	fputs("{\"from\": ", stdout);
	kms_json_text(stdout, rule->from);
	fputs(", \"to\": ", stdout);
	kms_json_text(stdout, rule->to);
	printf(", \"deny\": %s, ", truth(rule->deny));
	if (!rule->deny) {
		json_terms(&rule->terms);
		fputs(", ", stdout);
	}
	kms_policy_json_place(rule);
	putchar('}');
}

static void print_json(const struct kms_policy *p)
{
	size_t i;

	putchar('{');
	json_terms(&p->terms);
	printf(", \"skew\": %lld,\n \"identities\": [", (long long)p->skew);
	for (i = 0; i < p->num_identities; i++) {
		fputs(i ? ", " : "", stdout);
		kms_json_text(stdout, p->identities[i]);
	}
	fputs("],\n \"allow\": [", stdout);
	for (i = 0; i < p->num_rules; i++) {
		fputs(i ? ",\n  " : "\n  ", stdout);
		json_rule(&p->rules[i]);
	}
	puts("]\n}");
}

static void print_names(const char *label, u32 bits, name_fn *name_of)
{
	const char *between = "", *name;
	u32 id;

	fputs(label, stdout);
	for (id = 0; id < IDS; id++) {
		name = bits & 1U << id ? name_of(id) : NULL;
		if (!name)
			continue;
		printf("%s%s", between, name);
		between = ", ";
	}
	if (!*between)
		fputs("none", stdout);
}

static const char *granted(bool b)
{
	return b ? "granted" : "not granted";
}

static const char *caching(const struct kms_terms *t)
{
	return !t->cacheable ? "not granted" :
	       t->reuse ? "granted in profile annex-i with reuse" :
	       "not granted without reuse";
}

static void print_terms(const struct kms_terms *t)
{
	static const char *const wildcards[KMS_WILDCARDS] = {
		[KMS_WILDCARDS_NONE] = "none",
		[KMS_WILDCARDS_USER] = "in the user part of a recipient",
		[KMS_WILDCARDS_ANY] = "anywhere in a recipient, ?@? too",
	};

	print_names("profiles                ", t->profiles, profile_name);
	print_names("\ntickets are made by     ", t->modes, mode_name);
	print_names("\nsuites                  ", t->suites, suite_name);
	printf("\n%-24s%s\n", "reuse (J)", granted(t->reuse));
	printf("%-24s%s\n", "caching (E0)", caching(t));
	printf("%-24s", "rekeying interval (TRr)");
	if (t->rekey)
		printf("at most %lld s, in every ticket\n", (long long)t->rekey);
	else
		puts("as it is asked for");
	printf("%-24s%lld s\n", "longest validity", (long long)t->max_lifetime);
	printf("%-24s%lld\n", "most recipients", (long long)t->max_responders);
	printf("%-24s%s\n", "wildcards", wildcards[t->wildcards]);
	printf("%-24s%s\n", "groups", t->groups ? "yes" : "no");
}

/* Of a rule's terms only what is not as it is for everybody. */
static void print_others(const struct kms_terms *t, const struct kms_terms *all)
{
#define MARGIN "\n                          "
	if (t->profiles != all->profiles)
		print_names(MARGIN "profiles: ", t->profiles, profile_name);
	if (t->modes != all->modes)
		print_names(MARGIN "made by: ", t->modes, mode_name);
	if (t->suites != all->suites)
		print_names(MARGIN "suites: ", t->suites, suite_name);
	if (t->reuse != all->reuse)
		printf(MARGIN "reuse: %s", granted(t->reuse));
	if (t->cacheable != all->cacheable)
		printf(MARGIN "caching: %s", caching(t));
	if (t->rekey != all->rekey)
		printf(t->rekey ? MARGIN "rekeying interval: at most %lld s" :
		       MARGIN "rekeying interval: as it is asked for",
		       (long long)t->rekey);
	if (t->max_lifetime != all->max_lifetime)
		printf(MARGIN "longest validity: %lld s", (long long)t->max_lifetime);
	if (t->max_responders != all->max_responders)
		printf(MARGIN "most recipients: %lld", (long long)t->max_responders);
	if (t->wildcards != all->wildcards)
		printf(MARGIN "wildcards: %s", kms_wildcard_names[t->wildcards]);
	if (t->groups != all->groups)
		printf(MARGIN "groups: %s", t->groups ? "yes" : "no");
	putchar('\n');
#undef MARGIN
}

static void print_words(const struct kms_policy *p)
{
	const struct kms_rule *rule;
	size_t i;

	for (i = 0; i < p->num_identities; i++)
		printf("%-24s%s\n", i ? "" : "this KMS is", p->identities[i]);
	print_terms(&p->terms);
	printf("%-24s%lld s\n", "clocks may differ by", (long long)p->skew);
	for (i = 0; i < p->num_rules; i++) {
		rule = &p->rules[i];
		printf("%-24s%s%s for %s (line %u)", i ? "" : "may ask, first to fit",
		       rule->deny ? "not " : "", rule->from, rule->to,
		       rule->place.line);
		print_others(rule->deny ? &p->terms : &rule->terms, &p->terms);
	}
	printf("%-24s%s\n", p->num_rules ? "" : "may ask", p->num_rules ?
	       "nobody else for anybody else" : "everybody for everybody");
}

enum kms_exit kms_run_policy(const struct kms_command *self, int argc,
			     char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status;

	if (!kms_no_arguments(self, argc, argv, &common, &status))
		return status;
	status = KMS_EXIT_DONE;
	if (kms_open_config(&o, &common, &problem))
		status = kms_failed(&problem);
	else if (common.json)
		print_json(&o.config.policy);
	else
		print_words(&o.config.policy);
	kms_close(&o);
	return status;
}
