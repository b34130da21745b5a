/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Base64 (RFC 4648 section 4) for SIP bodies and the KMS. Reading is strict
 * but for white space, which MIME lines (RFC 2045 6.8) and HTTP bodies carry:
 * any other foreign character, wrong padding, or bits after the end are an
 * error and not skipped.
 */
#ifndef HELPER_LIB_BASE64_H
#define HELPER_LIB_BASE64_H

#include "helper/lib/bytes.h"

/* Characters that base64_write makes of len bytes, without the final zero. */
size_t base64_size(size_t len, unsigned int line);

/*
 * base64_write - encode into text, which has room for base64_size() + 1
 * @line: bytes encoded in one line that ends with CRLF (a multiple of 3), or
 *	0 for a single line without an end
 *
 * Returns the number of characters written.
 */
size_t base64_write(char *text, const uint8_t *data, size_t len, unsigned int line);

/* MIME lines: 76 characters (RFC 2045 6.8). */
#define BASE64_MIME_LINE 57

/* base64_read - decode; -EBADMSG or -ENOMEM */
int base64_read(struct bytes *out, const char *text, size_t len);

#endif
