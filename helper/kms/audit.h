/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit trail: a folder with segments of lines (audit_line.h), which are
 * only ever appended to, and the file "head", which says where the chain is.
 *
 * All processes that use the folder write one chain: each line is written
 * under a lock on "head". A chain for each process would cost less waiting, but
 * whoever removed a whole one would leave no gap.
 */
#ifndef HELPER_KMS_AUDIT_H
#define HELPER_KMS_AUDIT_H

#include <sys/types.h>

#include "helper/kms/audit_line.h"
#include "helper/lib/problem.h"

#define KMS_AUDIT_HEAD "head"
#define KMS_AUDIT_SEGMENT_MAX_DEFAULT (64 * 1024 * 1024)

/**
 * struct kms_audit_settings - see mikey-kms.conf(5)
 * @directory: made if it is not there (but not what it is in)
 * @segment_max: a new segment is begun when one has reached this many bytes
 * @sync: each line is on the disk before kms_audit_write() returns; else a
 *	power cut, and only that, may lose the last ones
 */
struct kms_audit_settings {
	const char *directory;
	int64_t segment_max;
	bool sync;
};

/**
 * struct kms_audit_head - where the chain is
 * @segment: number of the last segment, from 1
 * @offset: its length
 * @seq: of the last line; 0 before the first
 * @hash: of the last line; zeros before the first
 */
struct kms_audit_head {
	uint32_t segment;
	int64_t offset;
	int64_t seq;
	uint8_t hash[KMS_AUDIT_HASH_LEN];
};

struct kms_audit;

/* NULL with words. What root makes belongs to the owner of the folder. */
struct kms_audit *kms_audit_open(const struct kms_audit_settings *settings,
				 struct problem *problem);
void kms_audit_close(struct kms_audit *audit);

/**
 * kms_audit_write() - append one line
 * @members: of a JSON object, such as "event":"start"
 *
 * Any number of threads at once. Where the end of the trail is not as the last
 * writer left it, a line of event "break" comes first and says so.
 * Return: 0 or a negative errno with words; then there is no such line.
 */
int kms_audit_write(struct kms_audit *audit, const char *members, size_t len,
		    struct problem *problem);

/**
 * kms_audit_probe() - whether there is room for a line
 *
 * Nothing is written; where the file system can, room is set aside for what is
 * written next. Return: 0 or a negative errno with words.
 */
int kms_audit_probe(struct kms_audit *audit, struct problem *problem);

/* What "head" says; -ENOENT if there is none yet. */
int kms_audit_head_read(int directory, struct kms_audit_head *head);

/* Name of a segment, "00000001.jsonl". */
#define KMS_AUDIT_NAME_MAX 24
void kms_audit_segment_name(char name[KMS_AUDIT_NAME_MAX], uint32_t segment);

#endif
