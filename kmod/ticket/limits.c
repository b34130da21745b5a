// SPDX-License-Identifier: GPL-2.0
/*
 * Module parameters. None can be written after load: a policy that changes
 * between two checks of one message would be no policy.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>

#include "../../uapi/mikey_ticket.h"
#include "../compat.h"
#include "../wire/numbers.h"
#include "limits.h"

#define SKEW_DEFAULT 60
#define SKEW_MAX 3600

static unsigned char prot_type = MIKEY_PROT_PSK_MIME_DEFAULT;
module_param(prot_type, byte, 0444);
MODULE_PARM_DESC(prot_type,
		 "Prot type PSK/MIME in TRANSFER_INIT; not registered with IANA (1 to 255, default 242)");

static unsigned char ext_type = MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT;
module_param(ext_type, byte, 0444);
MODULE_PARM_DESC(ext_type,
		 "general extension type of the proof of origin; not registered with IANA (1 to 255, default 241)");

static unsigned int suites = BIT(MIKEY_SUITE_256);
module_param(suites, uint, 0444);
MODULE_PARM_DESC(suites,
		 "mask of allowed suites, 1 << number: 256 (0x2) is always on, 128 is 0x4, ts-128 0x8 (default 0x2)");

static unsigned int profiles = MIKEY_PROFILES_IMPLEMENTED;
module_param(profiles, uint, 0444);
MODULE_PARM_DESC(profiles,
		 "mask of allowed profiles, 1 << number; immediate is 0x2, annex-i 0x4 (default 0x6)");

static unsigned int clock_skew = SKEW_DEFAULT;
module_param(clock_skew, uint, 0444);
MODULE_PARM_DESC(clock_skew,
		 "seconds by which another clock may be ahead of ours (0 to 3600, default 60)");

static bool user_master = true;
module_param(user_master, bool, 0444);
MODULE_PARM_DESC(user_master,
		 "accept a PSK of type encrypted whose master key is of type user, which its owner can read (default Y)");

static bool guarded_psk = MIKEY_ALG_TAKES_KEYS;
module_param(guarded_psk, bool, 0444);
MODULE_PARM_DESC(guarded_psk,
		 "refuse a PSK with permission search or setattr, by which other parts of the kernel can use it (default Y from Linux 6.2 on, where AF_ALG can; N before)");

u8 mikey_prot_type(void)
{
	return prot_type;
}

u8 mikey_ext_type(void)
{
	return ext_type;
}

s64 mikey_clock_skew(void)
{
	return clock_skew;
}

bool mikey_suite_allowed(u32 id)
{
	return id < BITS_PER_TYPE(suites) && (suites & BIT(id));
}

bool mikey_profile_allowed(u32 id)
{
	return id < BITS_PER_TYPE(profiles) && (profiles & BIT(id));
}

bool mikey_user_master_allowed(void)
{
	return user_master;
}

bool mikey_guarded_psk_only(void)
{
	return guarded_psk;
}

int mikey_limits_check(void)
{
	if (!prot_type || !ext_type) {
		pr_err("prot_type and ext_type must not be 0\n");
		return -EINVAL;
	}
	if (!(suites & BIT(MIKEY_SUITE_256)) ||
	    (suites & ~MIKEY_SUITES_IMPLEMENTED)) {
		pr_err("suites must be within %#lx and include %#lx\n",
		       MIKEY_SUITES_IMPLEMENTED, BIT(MIKEY_SUITE_256));
		return -EINVAL;
	}
	if (!profiles || (profiles & ~MIKEY_PROFILES_IMPLEMENTED)) {
		pr_err("profiles must be within %#lx and not empty\n",
		       MIKEY_PROFILES_IMPLEMENTED);
		return -EINVAL;
	}
	if (clock_skew > SKEW_MAX) {
		pr_err("clock_skew must be at most %d seconds\n", SKEW_MAX);
		return -EINVAL;
	}
	return 0;
}
