// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * policy: what is in force, in words and in JSON.
 */
#include "helper/kms/commands.h"
#include "helper/kms/crypto.h"

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

static void json_text(const char *text)
{
	kms_json_string(stdout, kms_blob(text, strlen(text)));
}

static void print_names(const char *label, u32 bits,
			const char *(*name_of)(u32 id), bool as_json)
{
	const char *name, *between = "";
	u32 id;

	if (as_json)
		printf("\n \"%s\": [", label);
	else
		printf("%-24s", label);
	for (id = 0; id < IDS; id++) {
		name = bits & 1U << id ? name_of(id) : NULL;
		if (!name)
			continue;
		fputs(between, stdout);
		if (as_json)
			json_text(name);
		else
			fputs(name, stdout);
		between = ", ";
	}
	fputs(as_json ? "]," : "\n", stdout);
}

static void print_json(const struct kms_policy *p)
{
	size_t i;

	putchar('{');
	print_names("profiles", p->profiles, profile_name, true);
	print_names("modes", p->modes, mode_name, true);
	print_names("suites", p->suites, suite_name, true);
	printf("\n \"reuse\": %s,\n \"cacheable\": %s,\n \"rekey\": %lld,",
	       p->reuse ? "true" : "false", p->cacheable ? "true" : "false",
	       (long long)p->rekey);
	printf("\n \"max_lifetime\": %lld,\n \"max_responders\": %lld,",
	       (long long)p->max_lifetime, (long long)p->max_responders);
	printf("\n \"wildcards\": \"%s\",\n \"skew\": %lld,",
	       kms_wildcard_names[p->wildcards], (long long)p->skew);
	fputs("\n \"identities\": [", stdout);
	for (i = 0; i < p->num_identities; i++) {
		fputs(i ? ", " : "", stdout);
		json_text(p->identities[i]);
	}
	fputs("],\n \"allow\": [", stdout);
	for (i = 0; i < p->num_rules; i++) {
		fputs(i ? ",\n  {\"from\": " : "\n  {\"from\": ", stdout);
		json_text(p->rules[i].from);
		fputs(", \"to\": ", stdout);
		json_text(p->rules[i].to);
		putchar('}');
	}
	puts("]\n}");
}

static void print_words(const struct kms_policy *p)
{
	static const char *const wildcards[KMS_WILDCARDS] = {
		[KMS_WILDCARDS_NONE] = "none",
		[KMS_WILDCARDS_USER] = "in the user part of a recipient",
		[KMS_WILDCARDS_ANY] = "anywhere in a recipient, ?@? too",
	};
	size_t i;

	for (i = 0; i < p->num_identities; i++)
		printf("%-24s%s\n", i ? "" : "this KMS is", p->identities[i]);
	print_names("profiles", p->profiles, profile_name, false);
	print_names("tickets are made by", p->modes, mode_name, false);
	print_names("suites", p->suites, suite_name, false);
	printf("%-24s%s\n", "reuse (J)", p->reuse ? "granted" : "not granted");
	printf("%-24s%s\n", "caching (E0)", !p->cacheable ? "not granted" :
	       p->reuse ? "granted in profile annex-i with reuse" :
	       "not granted without reuse");
	printf("%-24s", "rekeying interval (TRr)");
	if (p->rekey)
		printf("at most %lld s, in every ticket\n", (long long)p->rekey);
	else
		puts("as it is asked for");
	printf("%-24s%lld s\n", "longest validity", (long long)p->max_lifetime);
	printf("%-24s%lld\n", "most recipients", (long long)p->max_responders);
	printf("%-24s%s\n", "wildcards", wildcards[p->wildcards]);
	printf("%-24s%lld s\n", "clocks may differ by", (long long)p->skew);
	for (i = 0; i < p->num_rules; i++)
		printf("%-24s%s for %s\n", i ? "" : "may ask",
		       p->rules[i].from, p->rules[i].to);
	if (!p->num_rules)
		printf("%-24severybody for everybody\n", "may ask");
}

enum kms_exit kms_run_policy(const struct kms_command *self, int argc,
			     char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status;

	if (kms_next_option(self, argc, argv, NULL, &common, &status) == -2)
		return status;
	if (optind != argc)
		return kms_misused(self, "\"%s\" is one argument too many",
				   argv[optind]);
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
