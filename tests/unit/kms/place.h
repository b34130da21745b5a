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
	char where[192];		/* the store: a path or a URL */
	unsigned int schema;		/* in PostgreSQL, or 0 */
	struct kms_seal *seal;
	struct kms_database *d;
	struct problem problem;
};

/*
 * Both stores: place_setup() and what builds upon it make a store in
 * PostgreSQL if that is the test's initial state, else in SQLite. Of a test
 * whose state is place_both, place_run() makes two, and of one whose state is
 * place_only_pgsql one in PostgreSQL. A server is started when
 * the first test wants it, and ended with the last.
 */
extern int place_both, place_only_pgsql;
int place_run(const char *name, const struct CMUnitTest *tests, size_t num);

int place_setup(void **state);		/* a folder */
int place_store_setup(void **state);	/* a folder and an open store */
int place_teardown(void **state);

/* Path of a file in the folder; good until the fourth call after this one. */
const char *place_file(const struct place *p, const char *name);

void place_write(const struct place *p, const char *name, const char *text);

/* Another connection to the store; the caller closes it. */
struct kms_database *place_open(struct place *p);

/*
 * How long a store waits for PostgreSQL. A busy machine may need more than the
 * program's own three seconds; where the server is to be away it waits no longer.
 */
extern unsigned int place_pgsql_seconds;

/* A server of PostgreSQL's crashes, and is there again. */
void place_pgsql_kill(void);
void place_pgsql_start(void);

/* Run SQL behind the program's back. */
void place_sql(struct place *p, const char *sql);

/* Add a user whose PSK is 32 times @key. */
int place_user(struct place *p, const char *uid, const char *psk_id, u8 key);

void place_uid(struct uid *uid, const char *text);

#endif
