/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys as userspace may see them: serials, types and descriptions. Nothing
 * here reads the payload of a PSK or a ticket; the kernel has no way to.
 */
#ifndef HELPER_LIB_KEYRING_H
#define HELPER_LIB_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/problem.h"

/*
 * keyring_join - make the user keyring reachable from the session keyring
 *
 * Keys found by their serial count as possessed, and so as usable, only when
 * the session keyring leads to them.
 */
int keyring_join(struct problem *problem);

/*
 * keyring_description - where the description stands in what KEYCTL_DESCRIBE says
 * @text: "type;uid;gid;perm;description"; the description may have a ';' too
 *
 * NULL if there is none.
 */
const char *keyring_description(const char *text);

/*
 * keyring_find_psk - serial of a PSK
 * @name: a serial number, or "type:description" with type logon, trusted or encrypted,
 *	looked for in the session keyring and the user keyring
 */
int keyring_find_psk(const char *name, int32_t *serial, struct problem *problem);

/*
 * keyring_guard - let nobody but the modules use a PSK
 *
 * Who may search a key can have other parts of the kernel use it as well: AF_ALG
 * computes any HMAC with it, and so every key that MIKEY derives from it. Search
 * is taken away, and setattr, which could bring it back; for good.
 */
int keyring_guard(int32_t serial, struct problem *problem);

struct keyring_key {
	int32_t serial;
	char type[32];
	char description[512];
};

/*
 * keyring_each - call back for every key of a type that the user keyring
 * holds; stops when that returns non-zero, and returns it
 */
int keyring_each(const char *type, int (*each)(const struct keyring_key *key, void *arg),
		 void *arg, struct problem *problem);

/*
 * keyring_drop - take a key away: out of the user keyring, and where it has
 * other links it is invalidated, after which they follow
 *
 * Unlinked first: the kernel does not give back what the link of an invalidated
 * key counts in the user's quota of bytes.
 */
int keyring_drop(int32_t serial, struct problem *problem);

/* keyring_key_problem - the words for an errno of keyctl(2) */
const char *keyring_key_problem(int error);

#endif
