// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy, read again; see reload.h.
 */
#include <stdlib.h>

#include "helper/kms/fault.h"
#include "helper/kms/reload.h"
#include "helper/lib/log.h"

/* @policy: of @config, and for the rest of what serving began with */
struct renewed {
	struct kms_config config;
	struct kms_policy policy;
	struct kms_faults faults;
};

static void log_faults(const struct kms_faults *faults)
{
	char where[300];
	size_t i;

	for (i = 0; i < faults->num; i++) {
		kms_fault_where(&faults->list[i], where, sizeof(where));
		if (faults->list[i].warning)
			log_event(WARNING, "config-doubt", log_text("at", where),
				  log_text("reason", faults->list[i].words));
		else
			log_event(ERROR, "config-fault", log_text("at", where),
				  log_text("reason", faults->list[i].words));
	}
}

void kms_log_doubts(const char *file)
{
	struct renewed *again = calloc(1, sizeof(*again));
	struct problem problem;

	if (again && !kms_config_check(&again->config, file, &again->faults,
				       &problem)) {
		log_faults(&again->faults);
		kms_config_free(&again->config);
	}
	free(again);
}

static void forget(void *arg)
{
	struct renewed *renewed = arg;

	kms_config_free(&renewed->config);
	free(renewed);
}

static void record(struct kms_recorder *recorder, const char *words)
{
	struct problem problem;

	if (kms_record_event(recorder, "reload", words, &problem))
		log_event(ERROR, "not-recorded", log_text("reason", problem.words));
}

static int take(struct kms *kms, const struct kms_config *running,
		const char *file, struct renewed *renewed, struct problem *problem)
{
	int ret;

	ret = kms_config_check(&renewed->config, file, &renewed->faults, problem);
	log_faults(&renewed->faults);
	if (ret)
		return ret;
	renewed->policy = renewed->config.policy;
	renewed->policy.identities = running->policy.identities;
	renewed->policy.num_identities = running->policy.num_identities;
	renewed->policy.peers = running->policy.peers;
	renewed->policy.num_peers = running->policy.num_peers;
	ret = kms_set_policy(kms, &renewed->policy, forget, renewed);
	if (ret) {
		kms_config_free(&renewed->config);
		problem_set(problem, ret, "no memory");
	}
	return ret;
}

void kms_reload(struct kms *kms, const struct kms_config *running,
		const char *file, struct kms_recorder *recorder)
{
	struct renewed *renewed = calloc(1, sizeof(*renewed));
	struct problem problem = { .words = "no memory" };

	if (renewed && !take(kms, running, file, renewed, &problem)) {
		log_event(INFO, "reloaded", log_text("file", file));
		record(recorder, "policy");
		return;
	}
	free(renewed);
	log_event(ERROR, "not-reloaded", log_text("file", file),
		  log_text("reason", problem.words));
	record(recorder, "not taken");
}
