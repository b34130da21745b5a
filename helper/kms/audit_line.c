// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One line of the audit trail; see audit_line.h.
 */
#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/kms/audit_line.h"

#define SEQ_LABEL "{\"seq\":"
#define PREV_LABEL ",\"prev\":\""
#define HASH_LABEL ",\"hash\":\""
#define TAIL_LEN (sizeof(HASH_LABEL) - 1 + KMS_AUDIT_HEX_LEN + 2)
#define SEQ_DIGITS 18

void kms_audit_hex(char text[KMS_AUDIT_HEX_LEN + 1],
		   const uint8_t hash[KMS_AUDIT_HASH_LEN])
{
	size_t i;

	for (i = 0; i < KMS_AUDIT_HASH_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int kms_audit_unhex(uint8_t hash[KMS_AUDIT_HASH_LEN], const char *text)
{
	int high, low;
	size_t i;

	for (i = 0; i < KMS_AUDIT_HASH_LEN; i++) {
		high = digit(text[2 * i]);
		low = high < 0 ? -1 : digit(text[2 * i + 1]);
		if (low < 0)
			return -EBADMSG;
		hash[i] = high << 4 | low;
	}
	return 0;
}

/* Where @at points to, if there is @label. */
static bool skip(const char **at, const char *end, const char *label)
{
	size_t len = strlen(label);

	if ((size_t)(end - *at) < len || memcmp(*at, label, len))
		return false;
	*at += len;
	return true;
}

int kms_audit_line_read(struct kms_audit_line *line, const char *text,
			size_t len)
{
	const char *at = text, *end = text + len, *tail;
	uint8_t hash[KMS_AUDIT_HASH_LEN];
	int digits = 0;

	if (len < TAIL_LEN || len > KMS_AUDIT_LINE_MAX ||
	    !skip(&at, end, SEQ_LABEL))
		return -EBADMSG;
	line->seq = 0;
	for (; at < end && *at >= '0' && *at <= '9' && digits < SEQ_DIGITS; digits++)
		line->seq = 10 * line->seq + (*at++ - '0');
	if (!digits || !skip(&at, end, PREV_LABEL) ||
	    (size_t)(end - at) < KMS_AUDIT_HEX_LEN + 2 + TAIL_LEN ||
	    kms_audit_unhex(line->prev, at))
		return -EBADMSG;
	at += KMS_AUDIT_HEX_LEN;
	tail = end - TAIL_LEN;
	if (!skip(&at, end, "\",") || at > tail)
		return -EBADMSG;
	line->members = at;
	line->members_len = tail - at;
	at = tail;
	if (!skip(&at, end, HASH_LABEL) || kms_audit_unhex(line->hash, at) ||
	    memcmp(end - 2, "\"}", 2))
		return -EBADMSG;
	SHA256((const uint8_t *)text, tail - text, hash);
	line->intact = !memcmp(hash, line->hash, sizeof(hash));
	return 0;
}

char *kms_audit_line_write(struct kms_audit_line *line, size_t *size)
{
	char hex[KMS_AUDIT_HEX_LEN + 1];
	char *text = NULL;
	FILE *f;

	f = open_memstream(&text, size);
	if (!f)
		return NULL;
	kms_audit_hex(hex, line->prev);
	fprintf(f, SEQ_LABEL "%lld" PREV_LABEL "%s\",", (long long)line->seq, hex);
	fwrite(line->members, line->members_len, 1, f);
	if (!fflush(f) && text) {
		SHA256((const uint8_t *)text, *size, line->hash);
		kms_audit_hex(hex, line->hash);
		fprintf(f, HASH_LABEL "%s\"}\n", hex);
	}
	if (fclose(f) || *size > KMS_AUDIT_LINE_MAX) {
		free(text);
		return NULL;
	}
	return text;
}
