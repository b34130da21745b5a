/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pre-shared key on its way into the kernel: read with read(2) into memory
 * that is locked, left out of core dumps and of children, and wiped. Nothing
 * of it passes through stdio, the heap or an error message.
 */
#ifndef HELPER_MIKEYCTL_SECRET_H
#define HELPER_MIKEYCTL_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "helper/lib/problem.h"

/*
 * Bytes of a PSK. A suite wants at least its own key length (16, 20 or 32);
 * more than the block of HMAC-SHA-256 adds nothing.
 */
#define SECRET_MIN 16
#define SECRET_MAX 64

enum secret_form {
	SECRET_HEX,
	SECRET_BASE64,
	SECRET_RAW,
};

struct secret {
	uint8_t *data;
	size_t len;
	size_t size;		/* of the mapping */
};

/*
 * secret_open - make an empty one
 *
 * Fails where memory cannot be locked: the key would reach the swap area.
 */
int secret_open(struct secret *secret, struct problem *problem);

/* secret_close - wipe and unmap; an unopened { 0 } is fine */
void secret_close(struct secret *secret);

/*
 * secret_source - file descriptor to read a key from
 * @file: a name, or "-" for standard input
 * @force: take a file that others can read or write, or that another user owns
 *
 * Returns a descriptor for close(2), standard input as a copy.
 */
int secret_source(const char *file, bool force, struct problem *problem);

/*
 * secret_read - read to the end of the file, or a line of a terminal, whose
 * echo is off meanwhile
 */
int secret_read(struct secret *secret, int fd, struct problem *problem);

/*
 * secret_decode - turn text into bytes, in place
 *
 * White space is skipped; any other foreign character, half a byte, wrong
 * padding and a length out of range are refused, by position, never by value.
 */
int secret_decode(struct secret *secret, enum secret_form form, struct problem *problem);

/* secret_take - the three above, one after the other */
int secret_take(struct secret *secret, const char *file, bool force, enum secret_form form,
		struct problem *problem);

/* secret_form - what the options --hex (x), --base64 (b) and --raw (r) say */
enum secret_form secret_form(int option);

#endif
