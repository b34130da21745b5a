/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys as keyctl(2) tells about them: where to look, what is there, and how
 * much longer.
 */
#ifndef HELPER_MIKEYCTL_KEYS_H
#define HELPER_MIKEYCTL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "helper/lib/problem.h"

struct key {
	int32_t serial;
	char *type, *description;
	char timeout[16];	/* as /proc/keys writes it: "perm", "59m", ... */
};

struct key_list {
	struct key *keys;
	size_t count;
};

/* keys_ring - "user", "session" or a serial number; false if none of these */
bool keys_ring(const char *text, int32_t *ring);

/* keys_serial - a serial number; false if it is none */
bool keys_serial(const char *text, int32_t *serial);

/*
 * keys_reach - possess what a keyring holds, for the time of this process
 *
 * A key found by its serial is possessed, and so usable beyond what its owner
 * may do from anywhere, when a keyring of the process leads to it. The keyring
 * is linked into the process's own one, which goes with it: the session
 * keyring of the caller stays as it is. Where the link is refused nothing
 * changes, and later calls say what is missing.
 */
void keys_reach(int32_t ring);

/*
 * keys_list - all keys of some types in a keyring and in those it holds, each
 * once, by serial; keys that have expired or were revoked are left out
 * @types: ends with NULL
 */
int keys_list(struct key_list *list, int32_t ring, const char * const *types,
	      struct problem *problem);

void keys_free(struct key_list *list);

/*
 * keys_get - one key by its serial; a key of another type is refused in words
 * that name what it is
 *
 * keys_put() the key after success.
 */
int keys_get(struct key *key, int32_t serial, const char * const *types,
	     struct problem *problem);

void keys_put(struct key *key);

#endif
