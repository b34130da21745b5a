/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the audit trail: line by line, and whether the chain holds.
 */
#ifndef HELPER_KMS_AUDIT_VERIFY_H
#define HELPER_KMS_AUDIT_VERIFY_H

#include "helper/kms/audit.h"

/* A line that was kept elsewhere, as `mikey-kms audit head` prints it. */
struct kms_audit_anchor {
	int64_t seq;
	uint8_t hash[KMS_AUDIT_HASH_LEN];
};

/* "SEQ:HASH"; 0 or -EINVAL. */
int kms_audit_anchor_parse(struct kms_audit_anchor *anchor, const char *text);

/**
 * struct kms_audit_reader - what is told about a trail while it is read
 * @line: each line that is intact, in order; may be NULL
 * @finding: what is not as it was written: where ("00000001.jsonl:17") and what.
 *	@fault is false for what only explains itself: the rest of a line that a
 *	killed process had begun, which nobody was answered after
 */
struct kms_audit_reader {
	void (*line)(const struct kms_audit_line *line, void *arg);
	void (*finding)(const char *where, const char *what, bool fault, void *arg);
	void *arg;
};

/* What was read: numbers of the first and the last line, and faults found. */
struct kms_audit_result {
	int64_t first, last;
	uint8_t hash[KMS_AUDIT_HASH_LEN];
	uint64_t lines, faults;
};

/**
 * kms_audit_verify() - read a trail, all its segments
 * @anchor: the trail must have this line; may be NULL
 *
 * The trail may be written meanwhile. Segments before the first that is there
 * may have been put away; none may be missing in between.
 * Return: 0 and @result, or a negative errno with words if it cannot be read.
 */
int kms_audit_verify(const char *directory, const struct kms_audit_anchor *anchor,
		     const struct kms_audit_reader *reader,
		     struct kms_audit_result *result, struct problem *problem);

#endif
