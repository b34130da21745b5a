// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules and patterns; see rule.h. In a pattern '?' stands for zero or more
 * characters, as in an IDRr (TS 33.328).
 */
#include "helper/kms/crypto.h"
#include "helper/kms/rule.h"

bool kms_pattern_covers(struct mikey_blob pattern, struct mikey_blob name)
{
	u32 p = 0, n = 0, behind = 0, resume = 0;
	bool wild = false;

	/* A '?' of the name is a character that only a '?' can take in. */
	while (n < name.len) {
		if (p < pattern.len && pattern.p[p] == '?') {
			wild = true;
			behind = ++p;
			resume = n;
		} else if (p < pattern.len && pattern.p[p] == name.p[n]) {
			p++;
			n++;
		} else if (wild) {
			p = behind;
			n = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '?')
		p++;
	return p == pattern.len;
}

static struct mikey_blob text(const char *s)
{
	return kms_blob(s, strlen(s));
}

static bool has_wildcard(struct mikey_blob b)
{
	return b.len && memchr(b.p, '?', b.len);
}

/* Do both begin alike, or both end alike, up to their nearest wildcard? */
static bool ends_agree(struct mikey_blob a, struct mikey_blob b, bool back)
{
	u32 i, from_a, from_b;

	for (i = 0; i < a.len && i < b.len; i++) {
		from_a = back ? a.len - 1 - i : i;
		from_b = back ? b.len - 1 - i : i;
		if (a.p[from_a] == '?' || b.p[from_b] == '?')
			return true;
		if (a.p[from_a] != b.p[from_b])
			return false;
	}
	return true;
}

/*
 * Where both have wildcards, what stands between the first and the last of one
 * fits into a wildcard of the other: only the ends can be at odds.
 */
bool kms_patterns_meet(struct mikey_blob a, struct mikey_blob b)
{
	if (!has_wildcard(a))
		return kms_pattern_covers(b, a);
	if (!has_wildcard(b))
		return kms_pattern_covers(a, b);
	return ends_agree(a, b, false) && ends_agree(a, b, true);
}

void kms_terms_all(struct kms_terms *terms)
{
	*terms = (struct kms_terms) {
		.max_lifetime = INT32_MAX,
		.max_responders = INT32_MAX,
		.reuse = true,
		.cacheable = true,
		.groups = true,
		.wildcards = KMS_WILDCARDS_ANY,
		.profiles = ~0U,
		.modes = ~0U,
		.suites = ~0U,
	};
}

static s64 least(s64 a, s64 b)
{
	return a < b ? a : b;
}

void kms_terms_narrow(struct kms_terms *terms, const struct kms_terms *by)
{
	terms->max_lifetime = least(terms->max_lifetime, by->max_lifetime);
	terms->max_responders = least(terms->max_responders, by->max_responders);
	if (!terms->rekey)
		terms->rekey = by->rekey;
	else if (by->rekey)
		terms->rekey = least(terms->rekey, by->rekey);
	terms->reuse &= by->reuse;
	terms->cacheable &= by->cacheable;
	terms->groups &= by->groups;
	if (terms->wildcards > by->wildcards)
		terms->wildcards = by->wildcards;
	terms->profiles &= by->profiles;
	terms->modes &= by->modes;
	terms->suites &= by->suites;
}

const char *kms_rules_apply(const struct kms_policy *policy,
			    struct mikey_blob from, struct mikey_blob to,
			    struct kms_terms *terms,
			    const struct kms_rule **rule)
{
	bool many = has_wildcard(to), whole;
	const struct kms_rule *r;
	size_t i;

	*rule = NULL;
	kms_terms_all(terms);
	if (!policy->num_rules) {
		kms_terms_narrow(terms, &policy->terms);
		return NULL;
	}
	for (i = 0; i < policy->num_rules; i++) {
		r = &policy->rules[i];
		if (!kms_pattern_covers(text(r->from), from))
			continue;
		whole = kms_pattern_covers(text(r->to), to);
		if (!whole && !(many && kms_patterns_meet(text(r->to), to)))
			continue;
		*rule = r;
		if (r->deny)
			return whole ? "a rule denies this user this recipient" :
			       "a wildcard that also stands for whom a rule denies";
		kms_terms_narrow(terms, &r->terms);
		if (whole)
			return NULL;
	}
	*rule = NULL;
	return "no rule lets this user ask for this recipient";
}

struct kms_terms kms_policy_widest(const struct kms_policy *policy)
{
	struct kms_terms widest = policy->terms;
	const struct kms_terms *t;
	size_t i;

	for (i = 0; i < policy->num_rules; i++) {
		t = &policy->rules[i].terms;
		if (t->max_lifetime > widest.max_lifetime)
			widest.max_lifetime = t->max_lifetime;
		if (t->max_responders > widest.max_responders)
			widest.max_responders = t->max_responders;
	}
	return widest;
}
