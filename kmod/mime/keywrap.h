/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MIKEY_MIME_KEYWRAP_H
#define MIKEY_MIME_KEYWRAP_H

#include <linux/types.h>

/**
 * mime_key_wrap() - AES key wrap (RFC 3394 2.2.1)
 * @key: 16 to 64 bytes, a multiple of 8
 * @wrapped: @key_len + 8 bytes; not overlapping @key
 *
 * Return: 0 or a negative error of the cipher's.
 */
int mime_key_wrap(const u8 *kek, u32 kek_len, const u8 *key, u32 key_len,
		  u8 *wrapped);

/**
 * mime_key_unwrap() - its inverse (RFC 3394 2.2.2)
 * @key: room for @wrapped_len - 8 bytes; zeroes after an error
 *
 * Return: 0, -EBADMSG where the integrity check fails, or a
 * negative error of the cipher's.
 */
int mime_key_unwrap(const u8 *kek, u32 kek_len, const u8 *wrapped,
		    u32 wrapped_len, u8 *key);

int mime_keywrap_init(void);
void mime_keywrap_exit(void);

#endif
