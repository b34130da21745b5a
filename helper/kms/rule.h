/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may have tickets for whom, and on which terms: an ordered list of rules.
 *
 * The first rule decides whose "from" takes in the initiator and whose "to"
 * takes in the recipient; where there are rules and none does, nothing is
 * granted. A recipient with wildcards stands for many, of whom some may be an
 * earlier rule's business: that rule has its say, too, so that no wildcard gets
 * past a rule that denies, or grants less.
 */
#ifndef HELPER_KMS_RULE_H
#define HELPER_KMS_RULE_H

#include "helper/kms/kms.h"

/*
 * Does the rule's pattern take in everything that @name stands for, where
 * @name may have wildcards itself?
 */
bool kms_pattern_covers(struct mikey_blob pattern, struct mikey_blob name);

/* Is there a text that both stand for? */
bool kms_patterns_meet(struct mikey_blob a, struct mikey_blob b);

/* Terms that grant everything, to be narrowed. */
void kms_terms_all(struct kms_terms *terms);

/* What both grant. */
void kms_terms_narrow(struct kms_terms *terms, const struct kms_terms *by);

/**
 * kms_rules_apply() - what the rules say of one recipient
 * @from: UID of the initiator
 * @to: UID of the recipient, or a pattern
 * @terms: those for this recipient, after NULL
 * @rule: set to the one that decided; NULL: there is none
 *
 * Return: NULL, or why it is refused.
 */
const char *kms_rules_apply(const struct kms_policy *policy,
			    struct mikey_blob from, struct mikey_blob to,
			    struct kms_terms *terms,
			    const struct kms_rule **rule);

/* The most that any rule grants of lifetime and recipients; the rest is @terms. */
struct kms_terms kms_policy_widest(const struct kms_policy *policy);

#endif
