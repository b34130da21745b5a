/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that kernel and KMS share: suites, profiles, the flags' mutual
 * dependence, validity periods and who a ticket is addressed to. Tables, so
 * that another suite or profile is another row.
 */
#ifndef MIKEY_WIRE_PROFILE_H
#define MIKEY_WIRE_PROFILE_H

#include "message.h"

/* Values are those of uapi MIKEY_SUITE_* and MIKEY_PROFILE_*. */
enum mikey_suite_id {
	MIKEY_SUITE_ID_256 = 1,
	MIKEY_SUITE_ID_128 = 2,
	MIKEY_SUITE_ID_TS_128 = 3,
};

enum mikey_profile_id {
	MIKEY_PROFILE_ID_IMMEDIATE = 1,
	MIKEY_PROFILE_ID_ANNEX_I = 2,
};

/**
 * struct mikey_suite - algorithms that go together; sizes in bytes
 */
struct mikey_suite {
	enum mikey_suite_id id;
	const char *name;
	enum mikey_prf prf;
	enum mikey_encr_alg encr_alg;
	enum mikey_auth_alg auth_alg;
	u8 key_len;			/* PSK, MPK, traffic key, encr_key */
	u8 mac_len;			/* MAC and auth_key */
	u8 rand_len;			/* RANDs sent; the least accepted */
};

/* NULL for an unknown number. */
const struct mikey_suite *mikey_suite_by_id(u32 id);

/* NULL for an unknown name ("256", "128", "ts-128"). */
const struct mikey_suite *mikey_suite_by_name(const char *name);

/* Who makes the ticket (RFC 6043 4.1.1); modes with public keys are not here. */
enum mikey_mode {
	MIKEY_MODE_KMS = 1,		/* the KMS: D1, L0 */
	MIKEY_MODE_INITIATOR = 3,	/* the initiator, PSK as TPK: D0, L1, K0 */
};

/* The mode that D, K and L say, or 0 where they fit none. */
u32 mikey_mode_of(u16 flags);

/**
 * struct mikey_profile - what TS 33.328 fixes for one use
 * @flags_set: must be 1, beside those of the mode
 * @flags_clear: must be 0, beside those of the mode; flags in neither are
 *	free (J, K; E for annex-i)
 * @traffic_key: the one traffic key's type
 * @forked: MPKr is carried and forked (I flag)
 */
struct mikey_profile {
	enum mikey_profile_id id;
	const char *name;
	u16 flags_set;
	u16 flags_clear;
	enum mikey_key_type traffic_key;
	bool forked;
};

const struct mikey_profile *mikey_profile_by_id(u32 id);
const struct mikey_profile *mikey_profile_by_name(const char *name);

/* The least flags that a ticket of profile and mode has. */
u16 mikey_profile_flags(const struct mikey_profile *profile, u32 mode);

/* The profile whose flag rows a policy fits in one of the modes, or NULL. */
const struct mikey_profile *mikey_profile_of(u16 flags);

/**
 * mikey_flags_check() - RFC 6043 6.10's dependences between the flags
 *
 * Return: 0, or -EBADMSG and @d->why says which rule is broken.
 */
int mikey_flags_check(u16 flags, struct mikey_diag *d);

/**
 * mikey_policy_check() - is a Ticket Policy one of a profile and suite?
 * @p: parsed policy
 * @profile: whose flags it must have
 * @suite: whose PRF it must have
 * @requested: true for TP (mode 1, K must be 0, KEMAC must be there with NULL
 *	algorithms and one traffic key of the profile and suite), false for
 *	TICKET (no KEMAC)
 *
 * Which mode is acceptable is the caller's to say, with mikey_mode_of().
 * Ticket Type (2 or 1, subtype and version 1), PRF, flags, IDRkms (URI),
 * IDRi (NAI, no '?', 1..MIKEY_UID_MAX), TRs and TRe there, of an NTP-UTC
 * type and TRs < TRe, TRr, where there is one, in whole seconds and not 0, IDRapp either
 * absent or naming PSK/MIME, at least one IDRr, each NAI of 1..MIKEY_UID_MAX
 * bytes; no NAI with control characters.
 * Return: 0; -EPROTONOSUPPORT (ticket type or PRF not known), -EBADMSG.
 */
int mikey_policy_check(const struct mikey_policy *p,
		       const struct mikey_profile *profile,
		       const struct mikey_suite *suite, bool requested,
		       struct mikey_diag *d);

/**
 * mikey_uid_match() - does an IDRr name this user?
 * @pattern: IDRr of a ticket; '?' stands for zero or more characters
 * @uid: a user's own UID, in which '?' is never special and never valid
 *
 * Domain names are already in lower case. Linear in both for any number of
 * wildcards (greedy with one backtrack point: at most |pattern| * |uid|
 * steps, both bounded by MIKEY_UID_MAX).
 */
bool mikey_uid_match(struct mikey_blob pattern, struct mikey_blob uid);

/* TRr in seconds, 0 where there is none. */
u32 mikey_policy_rekey(const struct mikey_policy *p);

/* Is @uid addressed by one of the policy's IDRr, wildcards included? */
bool mikey_policy_names(const struct mikey_policy *p, struct mikey_blob uid);

/*
 * NTP seconds to Unix time and back; 32-bit times are extended as RFC 4330
 * section 3 says: top bit set 1968-2036, clear 2036-2104. A COUNTER is no time.
 * A time that NTP cannot say becomes the nearest one that it can.
 */
s64 mikey_ts_to_unix(const struct mikey_ts *ts);
void mikey_ts_from_unix(struct mikey_ts *ts, s64 unix_seconds);

#endif
