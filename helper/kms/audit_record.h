/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is put down in the audit trail, and how much of it: mikey-kms(8) lists
 * the members of each event. There is no secret in any of them.
 */
#ifndef HELPER_KMS_AUDIT_RECORD_H
#define HELPER_KMS_AUDIT_RECORD_H

#include "helper/kms/audit.h"
#include "helper/kms/kms.h"

/*
 * Whoever can reach the service can have requests refused whose MAC does not
 * verify. So many of them are put down each second, the others counted.
 */
#define KMS_AUDIT_STRANGERS 20

struct kms_recorder;

/**
 * kms_recorder_new() - what writes records of one process
 * @audit: kept by the caller; NULL: nothing is put down
 * @must: what cannot be put down is not answered either
 */
struct kms_recorder *kms_recorder_new(struct kms_audit *audit, bool must);
void kms_recorder_free(struct kms_recorder *r);

/**
 * kms_record_exchange() - an exchange, before its answer leaves
 * @peer: the address that it came from
 * @result: what kms_handle() returned
 *
 * Return: 0 if the answer may be sent, else a negative errno with words.
 */
int kms_record_exchange(struct kms_recorder *r, const char *peer,
			enum kms_exchange_kind kind, int result,
			const struct kms_answer *answer, struct problem *problem);

/* About once a second: what was only counted. */
void kms_record_counted(struct kms_recorder *r);

/* Whether a line could be put down now: 0 or negative with words. */
int kms_record_probe(struct kms_recorder *r, struct problem *problem);

/* How many lines could not be put down since the start. */
unsigned long long kms_record_errors(struct kms_recorder *r);

/* "event" and an explanation: start, stop, tpk. 0 or negative with words. */
int kms_record_event(struct kms_recorder *r, const char *event,
		     const char *words, struct problem *problem);

/* An administrator's command before it does anything, and its outcome. */
int kms_record_command(struct kms_audit *audit, const char *name, int argc,
		       char **argv, struct problem *problem);
int kms_record_outcome(struct kms_audit *audit, const char *name,
		       const char *failure, struct problem *problem);

#endif
