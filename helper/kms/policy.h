/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this KMS grants to whom (RFC 6043 4.2.1.4: "possibly with a modified
 * Ticket Policy").
 */
#ifndef HELPER_KMS_POLICY_H
#define HELPER_KMS_POLICY_H

#include "helper/kms/exchange.h"
#include "helper/kms/rule.h"

/**
 * struct kms_grant - a granted Ticket Policy, before it is written
 * @head: ticket type, PRF and flags (K where anything was changed)
 * @wanted: the requested policy, whose IDRkms and IDRr are granted
 * @initiator: the authenticated IDRi
 * @changed: enum kms_change bits: what @wanted had otherwise
 */
struct kms_grant {
	struct mikey_policy head;
	const struct mikey_policy *wanted;
	const struct mikey_profile *profile;
	struct mikey_blob initiator;
	struct mikey_ts tr_s;
	struct mikey_ts tr_e;
	struct mikey_ts tr_r;
	u32 changed;
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
 * Ticket types, modes, profiles and parameters that are not supported or not
 * on are answered with Invalid TICKET and Invalid TPpar; they are no secret.
 * Return: 0, or KMS_REFUSED and the Error noted.
 */
int kms_policy_form(struct kms_exchange *ex, const struct mikey_policy *policy,
		    bool requested, const struct mikey_profile **profile);

/* Is @id one of our own IDRkms values? */
bool kms_policy_is_us(const struct kms_policy *policy,
		      const struct mikey_id *id);

/**
 * struct kms_objection - why a policy is not granted
 * @no: to be told to who asked for it
 * @why: NULL if there is none
 */
struct kms_objection {
	enum mikey_err_no no;
	const char *why;
};

/**
 * kms_policy_terms() - on which terms there may be this ticket
 * @from: UID of its initiator
 * @wanted: as asked for, or that of a ticket which its initiator made
 * @terms: what the rules for all its recipients leave, after 0 without @o->why
 *
 * Objections to its recipients, who may ask for them, their number, profile,
 * mode and suite; lifetime and flags are the caller's to hold against @terms.
 * Return: 0, -EAGAIN or -EIO.
 */
int kms_policy_terms(struct kms_exchange *ex, struct mikey_blob from,
		     const struct mikey_policy *wanted, struct kms_terms *terms,
		     struct kms_objection *o);

/**
 * kms_minted_check() - may there be this ticket, which its initiator made?
 * @psk: what it is protected with; where there is no such PSK, the
 *	requester's own, so that the work is the same
 * @why: set to the reason against it, or to NULL
 *
 * Nobody asked for it, so that everything is checked now that is otherwise
 * checked when a ticket is asked for. Without the check of IDRi anybody could
 * make tickets in everybody's name.
 * Return: 0, -EAGAIN or -EIO.
 */
int kms_minted_check(struct kms_exchange *ex, const struct mikey_policy *policy,
		     const struct mikey_ts *made, const struct kms_psk *psk,
		     const char **why);

/**
 * kms_minted_object() - kms_minted_check() without what the PSK says
 * @made: when, in Unix seconds
 *
 * Return: 0, -EAGAIN or -EIO.
 */
int kms_minted_object(struct kms_exchange *ex, const struct mikey_policy *policy,
		      s64 made, const char **why);

/* Is @id one of this user's own? 0, -ENOENT, or an error of the store. */
int kms_owns_uid(struct kms_exchange *ex, s64 user, const struct mikey_id *id);

#endif
