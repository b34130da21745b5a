// SPDX-License-Identifier: GPL-2.0-or-later
/* Base64 with OpenSSL's coder, in MIME lines or in one. */
#include "helper/lib/base64.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

size_t base64_size(size_t len, unsigned int line)
{
	size_t size = (len + 2) / 3 * 4;

	if (line)
		size += (len + line - 1) / line * 2;
	return size;
}

size_t base64_write(char *text, const uint8_t *data, size_t len, unsigned int line)
{
	char *start = text;

	if (!line)
		return EVP_EncodeBlock((unsigned char *)text, data, len);
	for (size_t at = 0; at < len; at += line) {
		size_t piece = len - at < line ? len - at : line;

		text += EVP_EncodeBlock((unsigned char *)text, data + at, piece);
		memcpy(text, "\r\n", 3);
		text += 2;
	}
	return text - start;
}

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * EVP_DecodeBlock neither tells how much padding it met nor takes white space
 * inside, and EVP_DecodeUpdate stops silently at a '-'; so the quanta are put
 * together here.
 */
int base64_read(struct bytes *out, const char *text, size_t len)
{
	unsigned int have = 0, pad = 0;
	uint32_t quantum = 0;
	size_t used = 0;

	if (bytes_alloc(out, len / 4 * 3 + 3) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		int value = digit(text[i]);

		if (is_space(text[i]))
			continue;
		if (text[i] == '=' && have >= 2 && have + pad < 4) {
			pad++;
			continue;
		}
		if (value < 0 || pad)
			goto bad;
		quantum = quantum << 6 | value;
		if (++have < 4)
			continue;
		out->data[used++] = quantum >> 16;
		out->data[used++] = quantum >> 8;
		out->data[used++] = quantum;
		have = 0;
		quantum = 0;
	}
	if (have == 2 && pad == 2 && !(quantum & 0xf)) {
		out->data[used++] = quantum >> 4;
	} else if (have == 3 && pad == 1 && !(quantum & 0x3)) {
		out->data[used++] = quantum >> 10;
		out->data[used++] = quantum >> 2;
	} else if (have) {
		goto bad;
	}
	out->len = used;
	return 0;
bad:
	bytes_wipe(out);
	return -EBADMSG;
}
