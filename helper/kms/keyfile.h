/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys in files and on standard input: one line of hexadecimal digits.
 */
#ifndef HELPER_KMS_KEYFILE_H
#define HELPER_KMS_KEYFILE_H

#include "helper/lib/problem.h"
#include "kmod/wire/wire.h"

/**
 * kms_keyfile_read() - read a key
 * @path: a file that only owner and group can read and only the owner can
 *	write; "-" is standard input
 * @key: room for @size bytes
 * @len: bytes read
 *
 * Return: 0 or a negative errno with words; then @key is wiped.
 */
int kms_keyfile_read(const char *path, u8 *key, size_t size, size_t *len,
		     struct problem *problem);

/**
 * kms_keyfile_write() - write a key to a new file, mode 0600, synced
 *
 * Never overwrites; "-" is standard output. Return: 0 or a negative errno
 * with words; a file that could not be completed is removed.
 */
int kms_keyfile_write(const char *path, const u8 *key, size_t len,
		      struct problem *problem);

#define KMS_KEYFILE_URI_MAX 512

/*
 * A key that is wrapped by a token (token.h): the token key's URI and a line of
 * hexadecimal digits. Reading returns -ENOMSG, without words, for a file that
 * is no such one; otherwise both are as above.
 */
int kms_keyfile_read_wrapped(const char *path, char *uri, u8 *wrapped, size_t size,
			     size_t *len, struct problem *problem);
int kms_keyfile_write_wrapped(const char *path, const char *uri, const u8 *wrapped,
			      size_t len, struct problem *problem);

#endif
