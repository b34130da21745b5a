/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGHUP: the policy is read again, checked as a whole, and taken; or nothing
 * is.
 */
#ifndef HELPER_KMS_RELOAD_H
#define HELPER_KMS_RELOAD_H

#include "helper/kms/audit_record.h"
#include "helper/kms/config.h"

/* What is odd in a file that is in force, into the log. */
void kms_log_doubts(const char *file);

/**
 * kms_reload() - take the policy that the file now has
 * @running: what serving began with, whose identities and peers stay
 * @recorder: gets a line, whether it was taken or not
 *
 * Whatever is wrong with the file, also outside its policy, leaves the policy as
 * it is. What happened is in the log.
 */
void kms_reload(struct kms *kms, const struct kms_config *running,
		const char *file, struct kms_recorder *recorder);

#endif
