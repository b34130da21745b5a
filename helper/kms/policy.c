// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What this KMS grants to whom; see policy.h.
 */
#include "helper/kms/policy.h"

void kms_policy_defaults(struct kms_policy *p)
{
	*p = (struct kms_policy) {
		.skew = 60,
		.terms = {
			.max_lifetime = 7 * 24 * 3600,
			.max_responders = 100,
			.reuse = true,
			.groups = true,
			.wildcards = KMS_WILDCARDS_USER,
			.profiles = 1U << MIKEY_PROFILE_ID_IMMEDIATE |
				    1U << MIKEY_PROFILE_ID_ANNEX_I,
			.modes = 1U << MIKEY_MODE_KMS | 1U << MIKEY_MODE_INITIATOR,
			.suites = 1U << MIKEY_SUITE_ID_256,
		},
	};
}

bool kms_policy_is_us(const struct kms_policy *policy, const struct mikey_id *id)
{
	const char *own;
	size_t i;

	for (i = 0; id->type == MIKEY_ID_URI && i < policy->num_identities; i++) {
		own = policy->identities[i];
		if (mikey_blob_eq(id->data, kms_blob(own, strlen(own))))
			return true;
	}
	return false;
}

int kms_owns_uid(struct kms_exchange *ex, s64 user, const struct mikey_id *id)
{
	struct kms_uid uids[KMS_USER_UIDS_MAX];
	u32 num, i;
	int ret;

	ret = ex->store->ops->uids(ex->store, user, uids, &num);
	if (ret)
		return ret;
	for (i = 0; id->type == MIKEY_ID_NAI && i < num; i++)
		if (mikey_blob_eq(id->data, kms_blob(uids[i].data, uids[i].len)))
			return 0;
	return -ENOENT;
}

static struct mikey_blob text(const char *s)
{
	return kms_blob(s, strlen(s));
}

/*
 * '?' in the domain lets everybody resolve the ticket, and a GTGK is readable
 * by every resolver.
 */
static bool wildcards_allowed(enum kms_wildcards allowed, struct mikey_blob to)
{
	const u8 *wild = memchr(to.p, '?', to.len);
	const u8 *at = memchr(to.p, '@', to.len);

	if (!wild || allowed == KMS_WILDCARDS_ANY)
		return true;
	if (allowed == KMS_WILDCARDS_NONE || !at)
		return false;
	return !memchr(at, '?', to.p + to.len - at);
}

int kms_policy_form(struct kms_exchange *ex, const struct mikey_policy *policy,
		    bool requested, const struct mikey_profile **profile)
{
	struct mikey_policy p = *policy;
	struct mikey_diag diag;
	int ret;

	/* K of a request is ignored by the KMS (RFC 6043 6.10). */
	if (requested)
		p.flags &= ~MIKEY_FLAG_K;
	*profile = mikey_profile_of(p.flags);
	if (!*profile)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TPPAR,
				  "the flags are those of no profile");
	ret = mikey_policy_check(&p, *profile, ex->suite, requested, &diag);
	if (ret == -EPROTONOSUPPORT)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET, diag.why);
	if (ret)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TPPAR, diag.why);
	if (!(ex->policy->terms.profiles & 1U << (*profile)->id))
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET,
				  "the ticket's profile is not on");
	if (!(ex->policy->terms.modes & 1U << mikey_mode_of(p.flags)))
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET,
				  "the ticket's mode is not on");
	return 0;
}

/* What one recipient may be, beside whom the rules allow. */
static int object_to_recipient(struct kms_exchange *ex,
			       const struct kms_terms *terms,
			       struct mikey_blob to, const char **why)
{
	int ret;

	if (!wildcards_allowed(terms->wildcards, to)) {
		*why = "a recipient with a wildcard that is not allowed";
		return 0;
	}
	if (terms->groups)
		return 0;
	ret = ex->store->ops->group(ex->store, to);
	if (!ret)
		*why = "a group, which the rule for this user does not allow";
	return ret == -EAGAIN || ret == -EIO ? ret : 0;
}

static const char *object_to_kind(const struct kms_exchange *ex,
				  const struct kms_terms *terms,
				  const struct mikey_policy *wanted)
{
	const struct mikey_profile *profile =
		mikey_profile_of(wanted->flags & ~MIKEY_FLAG_K);

	if (!profile || !(terms->profiles & 1U << profile->id))
		return "a profile that the rule for this user does not allow";
	if (!(terms->modes & 1U << mikey_mode_of(wanted->flags & ~MIKEY_FLAG_K)))
		return "a mode that the rule for this user does not allow";
	if (!(terms->suites & 1U << ex->suite->id))
		return "a suite that the rule for this user does not allow";
	return NULL;
}

/*
 * Every recipient asked for, or none: a part of a group is nobody's wish. The
 * count comes first, since it bounds the work.
 */
int kms_policy_terms(struct kms_exchange *ex, struct mikey_blob from,
		     const struct mikey_policy *wanted, struct kms_terms *terms,
		     struct kms_objection *o)
{
	s64 most = kms_policy_widest(ex->policy).max_responders;
	const struct kms_rule *rule;
	struct mikey_policy_iter it;
	struct kms_terms one;
	struct mikey_id to;
	int ret = 0;

	*o = (struct kms_objection) { MIKEY_ERR_AUTH_FAILURE, NULL };
	kms_terms_all(terms);
	mikey_policy_walk(&it, wanted, MIKEY_IDR_R);
	while (!ret && !o->why && wanted->num_responders <= most &&
	       mikey_policy_next(&it, wanted, &to)) {
		o->why = kms_rules_apply(ex->policy, from, to.data, &one, &rule);
		if (!o->why)
			ret = object_to_recipient(ex, &one, to.data, &o->why);
		kms_terms_narrow(terms, &one);
	}
	if (ret || o->why)
		return ret;
	if (wanted->num_responders > most ||
	    wanted->num_responders > terms->max_responders) {
		o->no = MIKEY_ERR_INVALID_TPPAR;
		o->why = "more recipients than a ticket may have";
	} else {
		o->why = object_to_kind(ex, terms, wanted);
	}
	return 0;
}

/* At most @max_lifetime from now, and not dated back further than the skew. */
static int grant_validity(struct kms_exchange *ex, const struct kms_terms *terms,
			  struct kms_grant *grant)
{
	s64 start, end;

	grant->tr_s = grant->wanted->tr_s;
	grant->tr_e = grant->wanted->tr_e;
	start = mikey_ts_to_unix(&grant->tr_s);
	end = mikey_ts_to_unix(&grant->tr_e);
	if (end <= ex->now)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TPPAR,
				  "the validity period is already over");
	if (start < ex->now - ex->policy->skew) {
		start = ex->now;
		mikey_ts_from_unix(&grant->tr_s, start);
		grant->changed |= KMS_CHANGED_START;
	}
	if (end > ex->now + terms->max_lifetime) {
		end = ex->now + terms->max_lifetime;
		mikey_ts_from_unix(&grant->tr_e, end);
		grant->changed |= KMS_CHANGED_END;
	}
	if (end <= start)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TPPAR,
				  "the validity period begins after the longest one ends");
	return 0;
}

/* A ticket must not be rekeyed less often than asked for, nor than @rekey. */
static void grant_rekey(const struct kms_terms *terms, struct kms_grant *grant)
{
	u32 wanted = mikey_policy_rekey(grant->wanted);
	s64 most = terms->rekey;

	grant->tr_r = grant->wanted->tr_r;
	if (!most || (wanted && wanted <= most))
		return;
	grant->tr_r = (struct mikey_ts) {
		.present = true,
		.type = MIKEY_TS_NTP_UTC_32,
		.value = (u64)most << 32,
	};
	grant->changed |= KMS_CHANGED_REKEY;
}

/*
 * Only the flags that the profile leaves free come here. E0 without J1 would
 * let a responder keep what is of no further use.
 */
static u16 grant_flags(const struct kms_terms *terms, u16 wanted)
{
	u16 flags = wanted & ~MIKEY_FLAG_K;

	if (!terms->reuse)
		flags &= ~MIKEY_FLAG_J;
	if (!terms->cacheable || !(flags & MIKEY_FLAG_J))
		flags |= MIKEY_FLAG_E;
	return flags;
}

/* Granted is exactly PSK/MIME, which no IDRapp at all would include. */
static bool asks_one_app(const struct mikey_policy *wanted)
{
	return wanted->num_app == 1;
}

int kms_policy_grant(struct kms_exchange *ex, struct kms_grant *grant)
{
	const struct mikey_policy *wanted = &ex->in.tp.policy;
	struct kms_objection o;
	struct kms_terms terms;
	u16 other;
	int ret;

	*grant = (struct kms_grant) {
		.wanted = wanted,
		.initiator = ex->in.idr_i.data,
	};
	if (!ex->in.tp.present)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TPPAR,
				  "there is no desired policy");
	ret = kms_policy_form(ex, wanted, true, &grant->profile);
	if (ret)
		return ret;
	if (!kms_policy_is_us(ex->policy, &wanted->idr_kms))
		return kms_refuse(ex, MIKEY_ERR_INVALID_ID,
				  "the policy names another KMS");
	ret = kms_policy_terms(ex, grant->initiator, wanted, &terms, &o);
	if (ret)
		return ret;
	if (o.why)
		return kms_refuse(ex, o.no, o.why);

	if (!mikey_blob_eq(wanted->idr_i.data, grant->initiator))
		grant->changed |= KMS_CHANGED_INITIATOR;
	if (!asks_one_app(wanted))
		grant->changed |= KMS_CHANGED_APP;
	ret = grant_validity(ex, &terms, grant);
	if (ret)
		return ret;
	grant_rekey(&terms, grant);
	grant->head = *wanted;
	grant->head.flags = grant_flags(&terms, wanted->flags);
	other = grant->head.flags ^ wanted->flags;
	if (other & MIKEY_FLAG_J)
		grant->changed |= KMS_CHANGED_REUSE;
	if (other & MIKEY_FLAG_E)
		grant->changed |= KMS_CHANGED_CACHE;
	if (grant->changed)
		grant->head.flags |= MIKEY_FLAG_K;
	return 0;
}

void kms_grant_write(struct mikey_builder *b, const struct kms_grant *grant)
{
	struct mikey_policy_iter it;
	struct mikey_id id;

	mikey_put_idr(b, MIKEY_IDR_KMS, MIKEY_ID_URI,
		      grant->wanted->idr_kms.data);
	mikey_put_idr(b, MIKEY_IDR_I, MIKEY_ID_NAI, grant->initiator);
	mikey_put_tr(b, MIKEY_TR_START, &grant->tr_s);
	mikey_put_tr(b, MIKEY_TR_END, &grant->tr_e);
	if (grant->tr_r.present)
		mikey_put_tr(b, MIKEY_TR_REKEY, &grant->tr_r);
	mikey_put_idr(b, MIKEY_IDR_APP, MIKEY_ID_BYTES, text(MIKEY_APP_PSK_MIME));
	mikey_policy_walk(&it, grant->wanted, MIKEY_IDR_R);
	while (mikey_policy_next(&it, grant->wanted, &id))
		mikey_put_idr(b, MIKEY_IDR_R, id.type, id.data);
}
