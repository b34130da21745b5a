/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this KMS grants to whom (RFC 6043 4.2.1.4: "possibly with a modified
 * Ticket Policy").
 */
#ifndef HELPER_KMS_POLICY_H
#define HELPER_KMS_POLICY_H

#include "helper/kms/exchange.h"

/**
 * struct kms_grant - a granted Ticket Policy, before it is written
 * @head: ticket type, PRF and flags (K where anything was changed)
 * @wanted: the requested policy, whose IDRkms and IDRr are granted
 * @initiator: the authenticated IDRi
 */
struct kms_grant {
	struct mikey_policy head;
	const struct mikey_policy *wanted;
	const struct mikey_profile *profile;
	struct mikey_blob initiator;
	struct mikey_ts tr_s;
	struct mikey_ts tr_e;
};

/**
 * kms_policy_grant() - decide on a requested policy
 * @ex: the exchange, IDRi authenticated
 * @grant: filled in after 0
 *
 * Return: 0, or KMS_REFUSED and the Error noted.
 */
int kms_policy_grant(struct kms_exchange *ex, struct kms_grant *grant);

/* TP Data of a granted policy, between mikey_open_policy() and its close. */
void kms_grant_write(struct mikey_builder *b, const struct kms_grant *grant);

/**
 * kms_policy_form() - is a policy one that this KMS handles at all?
 * @requested: from TP rather than TICKET
 * @profile: set after 0
 *
 * Ticket types, modes and parameters that are not supported are answered with
 * Invalid TICKET and Invalid TPpar; they are no secret.
 * Return: 0, or KMS_REFUSED and the Error noted.
 */
int kms_policy_form(struct kms_exchange *ex, const struct mikey_policy *policy,
		    bool requested, const struct mikey_profile **profile);

/* Is @id one of our own IDRkms values? */
bool kms_policy_is_us(const struct kms_policy *policy,
		      const struct mikey_id *id);

/*
 * Does the rule's pattern take in everything that @name stands for, where
 * @name may have wildcards itself?
 */
bool kms_pattern_covers(struct mikey_blob pattern, struct mikey_blob name);

/* Is @uid one of the requester's own? 0, -ENOENT, or an error of the store. */
int kms_owns_uid(struct kms_exchange *ex, const struct mikey_id *id);

#endif
