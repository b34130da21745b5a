// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tickets that their initiator made with its PSK (mode 3, RFC 6043 4.1.1): no
 * Ticket Request came before, so what is checked there is checked when such a
 * ticket is resolved. Here the KMS can change nothing: what it would have
 * changed it refuses.
 *
 * All times are measured from the ticket's own T. Whoever dates it back only
 * makes its end come earlier.
 */
#include "helper/kms/policy.h"

/* The reason against the time that the ticket says it was made at. */
static const char *object_to_age(const struct kms_exchange *ex, s64 made,
				 const struct kms_psk *psk)
{
	s64 skew = ex->policy->skew;

	if (made > ex->now + skew)
		return "the ticket was made later than now";
	if (psk->expires && psk->expires <= ex->now)
		return "the ticket's PSK has expired";
	if (!psk->superseded)
		return NULL;
	if (psk->keep_until < ex->now)
		return "the ticket's PSK was superseded too long ago";
	if (made > psk->superseded + skew)
		return "the ticket was made after its PSK was superseded";
	return NULL;
}

static const char *object_to_validity(const struct kms_exchange *ex, s64 made,
				      const struct mikey_policy *policy,
				      const struct kms_terms *terms)
{
	u32 rekey = mikey_policy_rekey(policy);

	if (mikey_ts_to_unix(&policy->tr_s) < made - ex->policy->skew)
		return "the ticket's validity period is dated back";
	if (mikey_ts_to_unix(&policy->tr_e) > made + terms->max_lifetime)
		return "the ticket is valid for longer than is allowed";
	if (terms->rekey && (!rekey || rekey > terms->rekey))
		return "the rekeying interval (TRr) is too long";
	return NULL;
}

static const char *object_to_flags(const struct kms_terms *terms, u16 flags)
{
	if (flags & MIKEY_FLAG_J && !terms->reuse)
		return "the ticket may be reused, which is not allowed";
	if (!(flags & MIKEY_FLAG_E) &&
	    !(flags & MIKEY_FLAG_J && terms->cacheable))
		return "the ticket need not be resolved each time, which is not allowed";
	return NULL;
}

int kms_minted_object(struct kms_exchange *ex, const struct mikey_policy *policy,
		      s64 made, const char **why)
{
	struct kms_objection o;
	struct kms_terms terms;
	int ret;

	ret = kms_policy_terms(ex, policy->idr_i.data, policy, &terms, &o);
	*why = o.why;
	if (!ret && !*why)
		*why = object_to_validity(ex, made, policy, &terms);
	if (!ret && !*why)
		*why = object_to_flags(&terms, policy->flags);
	return ret;
}

int kms_minted_check(struct kms_exchange *ex, const struct mikey_policy *policy,
		     const struct mikey_ts *made, const struct kms_psk *psk,
		     const char **why)
{
	s64 when = mikey_ts_to_unix(made);
	int ret;

	ret = kms_owns_uid(ex, psk->user, &policy->idr_i);
	if (ret == -EAGAIN || ret == -EIO)
		return ret;
	if (ret)
		*why = "IDRi is not a UID of the owner of the ticket's PSK";
	else if (psk->suite != ex->suite->id)
		*why = "the ticket's suite is not that of its PSK";
	else
		*why = object_to_age(ex, when, psk);
	return *why ? 0 : kms_minted_object(ex, policy, when, why);
}
