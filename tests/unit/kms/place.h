/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A folder of its own for a test of what surrounds the core, with a store in
 * it, and removed afterwards.
 */
#ifndef TESTS_UNIT_KMS_PLACE_H
#define TESTS_UNIT_KMS_PLACE_H

#include "helper/kms/admin.h"
#include "tests/unit/kms/support.h"

struct place {
	char dir[64];
	struct kms_seal *seal;
	struct kms_database *d;
	struct problem problem;
};

int place_setup(void **state);		/* a folder */
int place_store_setup(void **state);	/* a folder and an open store */
int place_teardown(void **state);

/* Path of a file in the folder; good until the fourth call after this one. */
const char *place_file(const struct place *p, const char *name);

void place_write(const struct place *p, const char *name, const char *text);

/* Another connection to the store; the caller closes it. */
struct kms_database *place_open(struct place *p);

/* Run SQL behind the program's back. */
void place_sql(struct place *p, const char *sql);

/* Add a user whose PSK is 32 times @key. */
int place_user(struct place *p, const char *uid, const char *psk_id, u8 key);

void place_uid(struct uid *uid, const char *text);

#endif
