// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The terms of a ticket in mikey-kms.conf(5): in policy = { ... } for everybody,
 * in one of its rules for whom that is for.
 */
#include <errno.h>
#include <string.h>

#include "helper/kms/fault.h"
#include "helper/kms/setting.h"

const char *const kms_wildcard_names[KMS_WILDCARDS + 1] = {
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

/* Names that are bits (1 << id) of a set. */
struct kind {
	id_fn *id_of;
	const char *words;
	const char *names[4];
};

static const struct kind suites = {
	suite_id, "\"256\", \"128\" or \"ts-128\"", { "256", "128", "ts-128" },
};

static const struct kind profiles = {
	profile_id, "\"immediate\" or \"annex-i\"", { "immediate", "annex-i" },
};

static const struct kind modes = {
	mode_id, "\"kms\" or \"initiator\"", { "kms", "initiator" },
};

struct term {
	const char *name;
	int (*take)(void *to, const config_setting_t *given,
		    const struct term *term, struct problem *problem);
	size_t offset;
	int least, most;
	const struct kind *kind;
};

/* "all": write ..., and which of them may have been meant. */
static int not_a_name(const char *text, const char *words,
		      const char *const *names, struct problem *problem)
{
	const char *meant = text ? kms_meant(text, names) : NULL;

	if (!text)
		return problem_set(problem, -EINVAL, "write %s", words);
	return problem_set(problem, -EINVAL, "\"%s\": write %s%s%s%s", text, words,
			   meant ? "; was \"" : "", meant ? meant : "",
			   meant ? "\" meant?" : "");
}

static int take_names(void *to, const config_setting_t *given,
		      const struct term *term, struct problem *problem)
{
	int num = setting_list_length(given), i;
	u32 bits = 0, id;

	if (!num)
		return setting_want_list(problem);
	for (i = 0; i < num; i++) {
		id = term->kind->id_of(setting_list_text(given, i));
		if (!id)
			return not_a_name(setting_list_text(given, i),
					  term->kind->words, term->kind->names,
					  problem);
		bits |= 1U << id;
	}
	*(u32 *)to = bits;
	return 0;
}

static int take_wildcards(void *to, const config_setting_t *given,
			  const struct term *term, struct problem *problem)
{
	const char *text = config_setting_get_string(given);
	u32 i;

	(void)term;
	for (i = 0; text && i < KMS_WILDCARDS; i++) {
		if (!strcmp(kms_wildcard_names[i], text)) {
			*(enum kms_wildcards *)to = i;
			return 0;
		}
	}
	return not_a_name(text, "\"none\", \"user\" or \"any\"",
			  kms_wildcard_names, problem);
}

static int take_number(void *to, const config_setting_t *given,
		       const struct term *term, struct problem *problem)
{
	return setting_number(given, term->least, term->most, to, problem);
}

static int take_bool(void *to, const config_setting_t *given,
		     const struct term *term, struct problem *problem)
{
	(void)term;
	return setting_bool(given, to, problem);
}

#define TERM(name_, take_, member_, ...) \
	{ .name = name_, .take = take_, .offset = offsetof(struct kms_terms, member_), \
	  __VA_ARGS__ }

static const struct term terms_[] = {
	TERM("max-lifetime", take_number, max_lifetime, .least = 1, .most = 366 * DAY),
	TERM("max-responders", take_number, max_responders, .least = 1, .most = 1000),
	TERM("rekey", take_number, rekey, .least = 0, .most = 366 * DAY),
	TERM("reuse", take_bool, reuse),
	TERM("cacheable", take_bool, cacheable),
	TERM("groups", take_bool, groups),
	TERM("wildcards", take_wildcards, wildcards),
	TERM("profiles", take_names, profiles, .kind = &profiles),
	TERM("modes", take_names, modes, .kind = &modes),
	TERM("suites", take_names, suites, .kind = &suites),
};

const char *const term_names[] = {
	"max-lifetime", "max-responders", "rekey", "reuse", "cacheable", "groups",
	"wildcards", "profiles", "modes", "suites", NULL
};

int term_take(struct kms_terms *terms, const config_setting_t *given,
	      struct problem *problem)
{
	const char *name = config_setting_name(given);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(terms_); i++)
		if (!strcmp(terms_[i].name, name))
			return terms_[i].take((char *)terms + terms_[i].offset,
					      given, &terms_[i], problem);
	return -ENOENT;
}

static bool is_written(const config_setting_t *group, const char *name)
{
	return config_setting_get_member(group, name);
}

/*
 * Only of what is written here, so that it is told once. A number that is too
 * large for what it belongs to is nobody's wish, but it does no harm.
 */
void term_doubts(const struct reading *in, const config_setting_t *group,
		 const struct kms_terms *t)
{
	const struct kms_config *config = in->config;
	bool lifetime = is_written(group, "max-lifetime");
	bool caching = is_written(group, "cacheable") && t->cacheable;
	struct kms_place at;

	at = reading_place_in(in, group, "max-lifetime");
	if (lifetime && t->max_lifetime > config->tpk_lifetime)
		kms_doubt(in->faults, &at,
			  "max-lifetime: longer than tpk-lifetime (%lld s): tickets outlive what protects them, which is kept for them",
			  (long long)config->tpk_lifetime);
	if (lifetime && t->max_lifetime <= config->policy.skew)
		kms_doubt(in->faults, &at,
			  "max-lifetime: no longer than skew (%lld s): a ticket may be over before it arrives",
			  (long long)config->policy.skew);
	at = reading_place_in(in, group, "rekey");
	if ((lifetime || is_written(group, "rekey")) && t->rekey > t->max_lifetime)
		kms_doubt(in->faults, &at,
			  "rekey: longer than max-lifetime (%lld s): it never comes to that",
			  (long long)t->max_lifetime);
	at = reading_place_in(in, group, "cacheable");
	if (caching && !t->reuse)
		kms_doubt(in->faults, &at,
			  "cacheable: of no effect without reuse");
	if (caching && !(t->profiles & 1U << MIKEY_PROFILE_ID_ANNEX_I))
		kms_doubt(in->faults, &at,
			  "cacheable: of no effect without profile annex-i");
}
