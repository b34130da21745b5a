// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy in force and who holds it; see held.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "helper/kms/exchange.h"

int kms_set_policy(struct kms *kms, const struct kms_policy *policy,
		   kms_policy_done_fn *done, void *arg)
{
	struct kms_held *held = calloc(1, sizeof(*held)), *before;

	if (!held)
		return -ENOMEM;
	held->policy = policy;
	held->holders = 1;
	held->done = done;
	held->arg = arg;
	pthread_mutex_lock(&kms->policy_lock);
	before = kms->policy;
	kms->policy = held;
	pthread_mutex_unlock(&kms->policy_lock);
	kms_let_go(kms, before);
	return 0;
}

int kms_held_begin(struct kms *kms, const struct kms_policy *policy)
{
	pthread_mutex_init(&kms->policy_lock, NULL);
	return kms_set_policy(kms, policy, NULL, NULL);
}

void kms_held_end(struct kms *kms)
{
	kms_let_go(kms, kms->policy);
	pthread_mutex_destroy(&kms->policy_lock);
}

struct kms_held *kms_hold(struct kms *kms)
{
	struct kms_held *held;

	pthread_mutex_lock(&kms->policy_lock);
	held = kms->policy;
	held->holders++;
	pthread_mutex_unlock(&kms->policy_lock);
	return held;
}

void kms_hold_too(struct kms *kms, struct kms_held *held)
{
	pthread_mutex_lock(&kms->policy_lock);
	held->holders++;
	pthread_mutex_unlock(&kms->policy_lock);
}

void kms_let_go(struct kms *kms, struct kms_held *held)
{
	bool last;

	if (!held)
		return;
	pthread_mutex_lock(&kms->policy_lock);
	last = !--held->holders;
	pthread_mutex_unlock(&kms->policy_lock);
	if (!last)
		return;
	if (held->done)
		held->done(held->arg);
	free(held);
}
