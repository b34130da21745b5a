/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy in force, which may be replaced while exchanges go on: each holds
 * the one that it began with.
 */
#ifndef HELPER_KMS_HELD_H
#define HELPER_KMS_HELD_H

#include "helper/kms/kms.h"

/* @holders: the core, while it is in force, and exchanges; under the core's lock */
struct kms_held {
	const struct kms_policy *policy;
	unsigned int holders;
	kms_policy_done_fn *done;
	void *arg;
};

/* For a new core. 0 or -ENOMEM. */
int kms_held_begin(struct kms *kms, const struct kms_policy *policy);

/* The core's, when nothing else goes on. */
void kms_held_end(struct kms *kms);

/* The one in force, until kms_let_go(); NULL is let go without effect. */
struct kms_held *kms_hold(struct kms *kms);
void kms_let_go(struct kms *kms, struct kms_held *held);

/* The same once more, for another holder. */
void kms_hold_too(struct kms *kms, struct kms_held *held);

#endif
