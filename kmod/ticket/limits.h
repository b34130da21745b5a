/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hard limits of this machine: module parameters, checked once at load
 * and constant from then on. What a caller asks for can only be stricter.
 */
#ifndef MIKEY_TICKET_LIMITS_H
#define MIKEY_TICKET_LIMITS_H

#include <linux/bits.h>
#include <linux/types.h>

/* What there is, 1 << number; the parameters say what of it is allowed. */
#define MIKEY_SUITES_IMPLEMENTED (BIT(MIKEY_SUITE_256) | \
				  BIT(MIKEY_SUITE_128) | \
				  BIT(MIKEY_SUITE_TS_128))
#define MIKEY_PROFILES_IMPLEMENTED (BIT(MIKEY_PROFILE_IMMEDIATE) | \
				    BIT(MIKEY_PROFILE_ANNEX_I))

u8 mikey_prot_type(void);
u8 mikey_ext_type(void);
s64 mikey_clock_skew(void);
bool mikey_suite_allowed(u32 id);
bool mikey_profile_allowed(u32 id);
bool mikey_user_master_allowed(void);
bool mikey_guarded_psk_only(void);

/* Are the parameters usable? Says in the log which one is not. */
int mikey_limits_check(void);

#endif
