/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KMS's SQLite file: one connection, its prepared statements, the schema
 * and who may write when. A connection belongs to one thread at a time; any
 * number of connections and processes share the file.
 */
#ifndef HELPER_KMS_DATABASE_H
#define HELPER_KMS_DATABASE_H

#include <sqlite3.h>

#include "helper/kms/seal.h"
#include "helper/kms/store.h"

/* Statements of the exchanges, prepared once for each connection. */
enum kms_statement {
	KMS_SQL_BEGIN,
	KMS_SQL_COMMIT,
	KMS_SQL_ROLLBACK,
	KMS_SQL_PSK,
	KMS_SQL_UIDS,
	KMS_SQL_MEMBER,
	KMS_SQL_SERVER,
	KMS_SQL_TPK_NEWEST,
	KMS_SQL_TPK_KEEP,
	KMS_SQL_TPK,
	KMS_SQL_CLOCK,
	KMS_SQL_CLOCK_SET,
	KMS_SQL_COUNTER,
	KMS_SQL_COUNTER_SET,
	KMS_SQL_REPLAY_ADD,
	KMS_SQL_REPLAY_PURGE,
	KMS_SQL_NUM
};

#define KMS_STORE_ID_LEN 16

struct kms_database {
	struct kms_store store;		/* first: the core's view */
	sqlite3 *db;
	const struct kms_seal *seal;
	struct sqlite3_stmt *sql[KMS_SQL_NUM];
	u8 store_id[KMS_STORE_ID_LEN];
	u8 kms_id[KMS_ID_LEN];
	/* A row for those that do not exist, so that they cost the same. */
	u8 dummy[MIKEY_KEY_MAX + KMS_SEAL_OVERHEAD];
};

/**
 * kms_database_create() - a new, empty store, mode 0600
 *
 * Never overwrites. Return: 0 or a negative errno with words.
 */
int kms_database_create(const char *path, const struct kms_seal *seal,
			struct problem *problem);

/**
 * kms_database_open() - open a store
 * @seal: kept by the caller until kms_database_close()
 *
 * A store of an earlier version of this program is brought up to date.
 * NULL with words if it is missing, no store, of a later schema version, or
 * sealed under another key.
 */
struct kms_database *kms_database_open(const char *path,
				       const struct kms_seal *seal,
				       struct problem *problem);
void kms_database_close(struct kms_database *d);

/*
 * The tables (schema.c). Inside a transaction, make them; is this a store of
 * a version that is known; bring it up to date.
 */
int kms_schema_create(struct kms_database *d, struct problem *problem);
int kms_schema_check(struct kms_database *d, const char *path,
		     struct problem *problem);
int kms_schema_upgrade(struct kms_database *d, const char *path,
		       struct problem *problem);

/* SQLite's result as this project's errno: -EAGAIN when busy, else -EIO. */
int kms_database_error(int sqlite_result);

/* A statement ready for binding; the same one until the next call for it. */
sqlite3_stmt *kms_database_sql(struct kms_database *d, enum kms_statement s);

/* Run a statement that returns no row and reset it. 0, -EAGAIN, -EIO. */
int kms_database_run(sqlite3_stmt *stmt);

/* Prepare for one use; finalise it. NULL with words after an error. */
sqlite3_stmt *kms_database_prepare(struct kms_database *d,
				   struct problem *problem, const char *sql);

/* Words for what SQLite refused. Returns the errno. */
int kms_database_problem(struct kms_database *d, int sqlite_result,
			 struct problem *problem);

/* A transaction of an administrator's command. */
int kms_database_begin(struct kms_database *d, struct problem *problem);

/* Commits if @ret is 0, else rolls back. Returns @ret or commit's error. */
int kms_database_end(struct kms_database *d, int ret, struct problem *problem);

/* What a row is sealed with: one function for each table. */
void kms_aad_psk(struct kms_aad *aad, const struct kms_database *d,
		 struct mikey_blob psk_id, const struct kms_psk *psk);
void kms_aad_uid(struct kms_aad *aad, const struct kms_database *d,
		 struct mikey_blob uid, s64 user, s64 rank);
void kms_aad_member(struct kms_aad *aad, const struct kms_database *d,
		    enum kms_psi_role role, struct mikey_blob psi,
		    struct mikey_blob uid);
void kms_aad_tpk(struct kms_aad *aad, const struct kms_database *d,
		 struct mikey_blob name, s64 created);

/* The table of each role. */
extern const char *const kms_psi_tables[KMS_PSI_ROLES];

/**
 * kms_psk_read() - the PSK in a row of table psk
 * @stmt: has a row
 * @at: column of user; suite, expires, superseded, keep_until and sealed
 *	follow
 *
 * Return: 0, -EKEYREJECTED or -EIO.
 */
int kms_psk_read(struct kms_database *d, sqlite3_stmt *stmt, int at,
		 struct mikey_blob psk_id, struct kms_psk *psk);

/* The core's view of a connection (store_sqlite.c). */
extern const struct kms_store_ops kms_sqlite_ops;

static inline int kms_bind_blob(sqlite3_stmt *stmt, int at,
				struct mikey_blob b)
{
	/* a NULL pointer would bind NULL and not an empty blob */
	return sqlite3_bind_blob(stmt, at, b.p ? b.p : (const u8 *)"", b.len,
				 SQLITE_STATIC);
}

static inline struct mikey_blob kms_column_blob(sqlite3_stmt *stmt, int at)
{
	struct mikey_blob b = { .p = sqlite3_column_blob(stmt, at) };

	b.len = b.p ? sqlite3_column_bytes(stmt, at) : 0;
	return b;
}

#endif
