// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suites, profiles and what a Ticket Policy of theirs looks like (TS 33.328
 * Annex I, RFC 6043 6.10).
 */
#include "profile.h"

static const struct mikey_suite suites[] = {
	{ .id = MIKEY_SUITE_ID_256, .name = "256",
	  .prf = MIKEY_PRF_HMAC_SHA_256, .encr_alg = MIKEY_ENCR_AES_CM_256,
	  .auth_alg = MIKEY_AUTH_HMAC_SHA_256_256,
	  .key_len = 32, .mac_len = 32, .rand_len = 32 },
	{ .id = MIKEY_SUITE_ID_128, .name = "128",
	  .prf = MIKEY_PRF_MIKEY_1, .encr_alg = MIKEY_ENCR_AES_CM_128,
	  .auth_alg = MIKEY_AUTH_HMAC_SHA_1_160,
	  .key_len = 16, .mac_len = 20, .rand_len = 16 },
	{ .id = MIKEY_SUITE_ID_TS_128, .name = "ts-128",
	  .prf = MIKEY_PRF_HMAC_SHA_256, .encr_alg = MIKEY_ENCR_AES_CM_128,
	  .auth_alg = MIKEY_AUTH_HMAC_SHA_256_256,
	  .key_len = 16, .mac_len = 32, .rand_len = 16 },
};

static const struct mode {
	enum mikey_mode mode;
	u16 flags_set;
	u16 flags_clear;
} modes[] = {
	{ MIKEY_MODE_KMS, MIKEY_FLAG_D, MIKEY_FLAG_L },
	{ MIKEY_MODE_INITIATOR, MIKEY_FLAG_L, MIKEY_FLAG_D | MIKEY_FLAG_K },
};

#define ALWAYS (MIKEY_FLAG_H | MIKEY_FLAG_N | MIKEY_FLAG_O)
#define NEVER (MIKEY_FLAG_F | MIKEY_FLAG_G | MIKEY_FLAG_M)

static const struct mikey_profile profiles[] = {
	{ .id = MIKEY_PROFILE_ID_IMMEDIATE, .name = "immediate",
	  .flags_set = ALWAYS | MIKEY_FLAG_E | MIKEY_FLAG_I,
	  .flags_clear = NEVER,
	  .traffic_key = MIKEY_KEY_GTGK, .forked = true },
	{ .id = MIKEY_PROFILE_ID_ANNEX_I, .name = "annex-i",
	  .flags_set = ALWAYS,
	  .flags_clear = NEVER | MIKEY_FLAG_I,
	  .traffic_key = MIKEY_KEY_TGK, .forked = false },
};

const struct mikey_suite *mikey_suite_by_id(u32 id)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		if (suites[i].id == id)
			return &suites[i];
	}
	return NULL;
}

const struct mikey_suite *mikey_suite_by_name(const char *name)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		if (!strcmp(suites[i].name, name))
			return &suites[i];
	}
	return NULL;
}

const struct mikey_profile *mikey_profile_by_id(u32 id)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(profiles); i++) {
		if (profiles[i].id == id)
			return &profiles[i];
	}
	return NULL;
}

const struct mikey_profile *mikey_profile_by_name(const char *name)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(profiles); i++) {
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	}
	return NULL;
}

static bool has_flags(u16 flags, u16 set, u16 clear)
{
	return (flags & set) == set && !(flags & clear);
}

u32 mikey_mode_of(u16 flags)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (has_flags(flags, modes[i].flags_set, modes[i].flags_clear))
			return modes[i].mode;
	}
	return 0;
}

u16 mikey_profile_flags(const struct mikey_profile *profile, u32 mode)
{
	u16 flags = profile->flags_set;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (modes[i].mode == mode)
			flags |= modes[i].flags_set;
	}
	return flags;
}

static bool has_flags_of(u16 flags, const struct mikey_profile *p)
{
	return has_flags(flags, p->flags_set, p->flags_clear) &&
	       mikey_mode_of(flags);
}

const struct mikey_profile *mikey_profile_of(u16 flags)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(profiles); i++) {
		if (has_flags_of(flags, &profiles[i]))
			return &profiles[i];
	}
	return NULL;
}

static int refuse(struct mikey_diag *d, int err, const char *why)
{
	d->why = why;
	d->offset = 0;
	return err;
}

/* @flag being @set implies @implied being @implied_set (6.10). */
static const struct flag_rule {
	u16 flag;
	bool set;
	u16 implied;
	bool implied_set;
	const char *why;
} flag_rules[] = {
	{ MIKEY_FLAG_D, false, MIKEY_FLAG_L, true,
	  "a ticket not made by the KMS (D0) must have L1" },
	{ MIKEY_FLAG_G, true, MIKEY_FLAG_F, true,
	  "a random value of the responder (G1) needs a response (F1)" },
	{ MIKEY_FLAG_G, false, MIKEY_FLAG_H, true,
	  "without RANDRr (G0) RANDRi must be used (H1)" },
	{ MIKEY_FLAG_H, false, MIKEY_FLAG_G, true,
	  "without RANDRi (H0) RANDRr must be used (G1)" },
	{ MIKEY_FLAG_I, true, MIKEY_FLAG_E, true,
	  "key forking (I1) needs the ticket to be resolved (E1)" },
	{ MIKEY_FLAG_K, true, MIKEY_FLAG_D, true,
	  "only a KMS that made the ticket (D1) can have changed it (K1)" },
	{ MIKEY_FLAG_M, true, MIKEY_FLAG_F, true,
	  "keys of the responder (M1) need a response (F1)" },
};

int mikey_flags_check(u16 flags, struct mikey_diag *d)
{
	const struct flag_rule *r;

	for (r = flag_rules; r < flag_rules + ARRAY_SIZE(flag_rules); r++) {
		if (!(flags & r->flag) == !r->set &&
		    !(flags & r->implied) != !r->implied_set)
			return refuse(d, -EBADMSG, r->why);
	}
	return 0;
}

static bool is_time(const struct mikey_ts *ts)
{
	return ts->present && (ts->type == MIKEY_TS_NTP_UTC ||
			       ts->type == MIKEY_TS_NTP_UTC_32);
}

static bool is_before(const struct mikey_ts *a, const struct mikey_ts *b)
{
	s64 sa = mikey_ts_to_unix(a), sb = mikey_ts_to_unix(b);

	return sa < sb || (sa == sb && a->value < b->value);
}

/*
 * Control characters are no part of a SIP user or domain name, and identities
 * end up in headers and logs.
 */
static bool is_uid(const struct mikey_id *id)
{
	u32 i;

	if (!id->present || id->type != MIKEY_ID_NAI || !id->data.len ||
	    id->data.len > MIKEY_UID_MAX)
		return false;
	for (i = 0; i < id->data.len; i++) {
		if (id->data.p[i] < ' ' || id->data.p[i] == 0x7f)
			return false;
	}
	return true;
}

/* No IDRapp at all means every application (6.10). */
static bool names_app(const struct mikey_policy *p)
{
	static const struct mikey_blob wanted = {
		.p = (const u8 *)MIKEY_APP_PSK_MIME,
		.len = sizeof(MIKEY_APP_PSK_MIME) - 1,
	};
	struct mikey_policy_iter it;
	struct mikey_id id;

	mikey_policy_walk(&it, p, MIKEY_IDR_APP);
	while (mikey_policy_next(&it, p, &id)) {
		if (id.type == MIKEY_ID_BYTES && mikey_blob_eq(id.data, wanted))
			return true;
	}
	return !p->num_app;
}

static bool has_responders(const struct mikey_policy *p)
{
	struct mikey_policy_iter it;
	struct mikey_id id;

	mikey_policy_walk(&it, p, MIKEY_IDR_R);
	while (mikey_policy_next(&it, p, &id)) {
		if (!is_uid(&id))
			return false;
	}
	return p->num_responders;
}

u32 mikey_policy_rekey(const struct mikey_policy *p)
{
	return p->tr_r.present ? p->tr_r.value >> 32 : 0;
}

/* What is asked for: one traffic key of the right kind and length, no keys. */
static int wish_check(const struct mikey_kemac *k,
		      const struct mikey_profile *profile,
		      const struct mikey_suite *suite, struct mikey_diag *d)
{
	struct mikey_key_data key;
	u32 num;
	int err;

	if (!k->present)
		return refuse(d, -EBADMSG,
			      "the desired policy does not say which key is wanted");
	if (k->encr_alg != MIKEY_ENCR_NULL || k->mac_alg != MIKEY_AUTH_NULL)
		return refuse(d, -EBADMSG,
			      "the KEMAC of a desired policy has an algorithm");
	err = mikey_key_data_parse(k->encr_data, &key, 1, &num, d);
	if (err)
		return err == -E2BIG ? -EBADMSG : err;
	if (key.type != profile->traffic_key ||
	    key.key.len != suite->key_len || key.kv != MIKEY_KV_SPI)
		return refuse(d, -EBADMSG,
			      "the wanted key is not one of the profile and suite");
	return 0;
}

int mikey_policy_check(const struct mikey_policy *p,
		       const struct mikey_profile *profile,
		       const struct mikey_suite *suite, bool requested,
		       struct mikey_diag *d)
{
	int err;

	if ((p->ticket_type != MIKEY_TICKET_TYPE_3GPP_BASE &&
	     p->ticket_type != MIKEY_TICKET_TYPE_MIKEY_BASE) ||
	    p->subtype != MIKEY_TICKET_SUBTYPE ||
	    p->version != MIKEY_TICKET_VERSION)
		return refuse(d, -EPROTONOSUPPORT,
			      "the ticket type is not known");
	if (p->prf != suite->prf)
		return refuse(d, -EPROTONOSUPPORT,
			      "the ticket's PRF is not that of the suite");
	err = mikey_flags_check(p->flags, d);
	if (err)
		return err;
	if (!has_flags_of(p->flags, profile))
		return refuse(d, -EBADMSG,
			      "the ticket's flags are not those of the profile");
	if (requested && mikey_mode_of(p->flags) != MIKEY_MODE_KMS)
		return refuse(d, -EBADMSG,
			      "a desired policy is for a ticket that the KMS makes (D1)");
	if (requested && p->flags & MIKEY_FLAG_K)
		return refuse(d, -EBADMSG,
			      "a desired policy has the KMS's own flag (K)");
	if (!p->idr_kms.present || p->idr_kms.type != MIKEY_ID_URI ||
	    !p->idr_kms.data.len)
		return refuse(d, -EBADMSG,
			      "the KMS (IDRkms) is not named by a URI");
	if (!is_uid(&p->idr_i) ||
	    memchr(p->idr_i.data.p, '?', p->idr_i.data.len))
		return refuse(d, -EBADMSG,
			      "the initiator (IDRi) is not named by a user identity");
	if (!is_time(&p->tr_s) || !is_time(&p->tr_e) ||
	    !is_before(&p->tr_s, &p->tr_e))
		return refuse(d, -EBADMSG,
			      "the validity period (TRs, TRe) is missing or empty");
	if (p->tr_r.present && (p->tr_r.type != MIKEY_TS_NTP_UTC_32 ||
				!mikey_policy_rekey(p)))
		return refuse(d, -EBADMSG,
			      "the rekeying interval (TRr) is not one or more whole seconds");
	if (!names_app(p))
		return refuse(d, -EBADMSG,
			      "the ticket is not for PSK/MIME (IDRapp)");
	if (!has_responders(p))
		return refuse(d, -EBADMSG,
			      "a responder (IDRr) is not named by a user identity");
	if (requested)
		return wish_check(&p->kemac, profile, suite, d);
	if (p->kemac.present)
		return refuse(d, -EBADMSG,
			      "a granted policy has a KEMAC");
	return 0;
}
