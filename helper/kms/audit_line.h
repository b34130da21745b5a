/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of the audit trail:
 *
 *	{"seq":N,"prev":"HEX",MEMBERS,"hash":"HEX"}
 *
 * prev is the hash of the line before. hash is SHA-256 over the line's text up
 * to the comma before "hash", and so over prev, too. Everybody can compute it:
 * that a trail was not written anew as a whole is seen only by comparing a hash
 * that was kept elsewhere.
 */
#ifndef HELPER_KMS_AUDIT_LINE_H
#define HELPER_KMS_AUDIT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KMS_AUDIT_HASH_LEN 32
#define KMS_AUDIT_LINE_MAX (512 * 1024)

/**
 * struct kms_audit_line - a line as it was read
 * @intact: @hash is that of the line
 * @members: what stands between prev and hash, inside the text that was read
 */
struct kms_audit_line {
	int64_t seq;
	uint8_t prev[KMS_AUDIT_HASH_LEN];
	uint8_t hash[KMS_AUDIT_HASH_LEN];
	bool intact;
	const char *members;
	size_t members_len;
};

/* 0, or -EBADMSG if the text (without its newline) has not this form. */
int kms_audit_line_read(struct kms_audit_line *line, const char *text,
			size_t len);

/**
 * kms_audit_line_write() - a line with its newline
 * @line: seq, prev and members are given, hash is filled in
 * @size: set to the length; the text is for the caller to free
 *
 * Return: NULL without memory or if it would be too long.
 */
char *kms_audit_line_write(struct kms_audit_line *line, size_t *size);

#define KMS_AUDIT_HEX_LEN (2 * KMS_AUDIT_HASH_LEN)

void kms_audit_hex(char text[KMS_AUDIT_HEX_LEN + 1],
		   const uint8_t hash[KMS_AUDIT_HASH_LEN]);

/* 0, or -EBADMSG: lower case only, so that there is one text for each hash. */
int kms_audit_unhex(uint8_t hash[KMS_AUDIT_HASH_LEN], const char *text);

#endif
