/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run of bytes of its own, which may be a user's plaintext: whoever is done
 * with one wipes it.
 */
#ifndef HELPER_LIB_BYTES_H
#define HELPER_LIB_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *data;
	size_t len;
};

/* bytes_alloc - make room for len bytes (len 0 is fine); -ENOMEM */
int bytes_alloc(struct bytes *bytes, size_t len);

/* bytes_wipe - overwrite, free, and leave an empty one */
void bytes_wipe(struct bytes *bytes);

#endif
