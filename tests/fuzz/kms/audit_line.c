// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line of the audit trail that anybody may have changed. What is read is
 * written again: an intact line is the same, byte for byte. With an odd first
 * byte the hash is mended before, so that what it covers can be anything.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "helper/kms/audit_line.h"

#define TAIL (sizeof(",\"hash\":\"\"}") - 1 + KMS_AUDIT_HEX_LEN)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend(char *text, size_t len)
{
	uint8_t hash[KMS_AUDIT_HASH_LEN];
	char hex[KMS_AUDIT_HEX_LEN + 1];

	if (len < TAIL)
		return;
	SHA256((uint8_t *)text, len - TAIL, hash);
	kms_audit_hex(hex, hash);
	memcpy(text + len - KMS_AUDIT_HEX_LEN - 2, hex, KMS_AUDIT_HEX_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kms_audit_line line, again;
	size_t len = size - 1, written;
	char *text, *out;

	if (!size)
		return 0;
	/* of exactly its length, so that a read behind it is seen */
	text = malloc(len ? len : 1);
	if (!text)
		abort();
	memcpy(text, data + 1, len);
	if (data[0] & 1)
		mend(text, len);
	if (!kms_audit_line_read(&line, text, len)) {
		if (line.members < text || line.members + line.members_len > text + len)
			abort();
		again = line;
		out = kms_audit_line_write(&again, &written);
		if (!out || out[written - 1] != '\n')
			abort();
		/* leading zeros of seq are not written: that is another text */
		if (line.intact && written == len + 1 &&
		    (memcmp(out, text, len) || memcmp(again.hash, line.hash, sizeof(line.hash))))
			abort();
		free(out);
	}
	free(text);
	return 0;
}
