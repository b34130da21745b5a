/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KMS's database: one connection, its prepared statements, the schema and
 * who may write when. A connection belongs to one thread at a time; any number
 * of connections and processes share the database.
 */
#ifndef HELPER_KMS_DATABASE_H
#define HELPER_KMS_DATABASE_H

#include "helper/kms/batch.h"
#include "helper/kms/seal.h"
#include "helper/kms/sql.h"
#include "helper/kms/store.h"

/* Statements of the exchanges, prepared once for each connection. */
enum kms_statement {
	KMS_SQL_PSK,
	KMS_SQL_UIDS,
	KMS_SQL_MEMBER,
	KMS_SQL_SERVER,
	KMS_SQL_GROUP,
	KMS_SQL_TPK_NEWEST,
	KMS_SQL_TPK_KEEP,
	KMS_SQL_TPK,
	KMS_SQL_CLOCK,
	KMS_SQL_CLOCK_SET,
	KMS_SQL_COUNTER_SET,
	KMS_SQL_REPLAY_ADD,
	KMS_SQL_REPLAY_PURGE,
	KMS_SQL_NUM
};

#define KMS_STORE_ID_LEN 16

/* Statements of administrators that are kept, so that an import need not care. */
#define KMS_KEPT_MAX 32

struct kms_kept {
	const char *text;
	struct sql_stmt *stmt;
};

struct kms_database {
	struct kms_store store;		/* first: the core's view */
	struct sql *sql;
	/* Admissions of the connections of a pool (pool.h), or NULL. */
	struct kms_batch *admissions;
	const struct kms_seal *seal;
	struct sql_stmt *stmts[KMS_SQL_NUM];
	struct kms_kept kept[KMS_KEPT_MAX];
	unsigned int turn;
	bool opened;
	u8 store_id[KMS_STORE_ID_LEN];
	u8 kms_id[KMS_ID_LEN];
	/* A row for those that do not exist, so that they cost the same. */
	u8 dummy[MIKEY_KEY_MAX + KMS_SEAL_OVERHEAD];
};

/**
 * kms_database_create() - a new, empty store: a file of mode 0600, or tables in
 *	a PostgreSQL database
 * @where: path, or postgresql://... (sql.h)
 *
 * Never overwrites. Return: 0 or a negative errno with words.
 */
int kms_database_create(const char *where, const struct kms_seal *seal,
			struct problem *problem);

/* What goes into a new store, the key's proof included. */
typedef int (kms_fill_fn)(struct kms_database *d, void *arg,
			  struct problem *problem);

/* The same with what @fill puts into it, in one transaction. */
int kms_database_make(const char *where, const struct kms_seal *seal,
		      kms_fill_fn *fill, void *arg, struct problem *problem);

/**
 * kms_database_open() - open a store
 * @seal: kept by the caller until kms_database_close()
 *
 * A store of an earlier version of this program is brought up to date.
 * NULL with words if it is missing, no store, of a later schema version, or
 * sealed under another key.
 */
struct kms_database *kms_database_open(const char *where,
				       const struct kms_seal *seal,
				       struct problem *problem);
void kms_database_close(struct kms_database *d);

/*
 * The proof that a key belongs to the store: verify it (-EKEYREJECTED: the
 * store is under another key, maybe since a moment ago), or write it anew.
 */
int kms_database_check_key(struct kms_database *d, struct problem *problem);
int kms_database_write_check(struct kms_database *d, struct problem *problem);

/*
 * The tables (schema.c). Inside a transaction, make them; is this a store of
 * a version that is known; bring it up to date.
 */
int kms_schema_create(struct kms_database *d, struct problem *problem);
int kms_schema_check(struct kms_database *d, struct problem *problem);
int kms_schema_upgrade(struct kms_database *d, struct problem *problem);

/* The versions whose backups go into a new store of this one. */
bool kms_schema_can_restore(s64 version);

/**
 * kms_database_ask() - a statement with its values, to be stepped through
 * @text: lasts as long as the program
 *
 * It stays the database's: sql_reset() when done, before the same text is used
 * again. NULL with words after an error.
 */
struct sql_stmt *kms_database_ask(struct kms_database *d,
				  struct problem *problem, const char *text,
				  struct sql_values values);

/*
 * Such a statement many times (sql_many()), inside a transaction. Errors without
 * words get some.
 */
int kms_database_many(struct kms_database *d, struct problem *problem,
		      const char *text, const struct sql_many *many);

/* Step once: 1 and a row, 0, or a negative errno with words. */
int kms_database_step(struct kms_database *d, struct sql_stmt *stmt,
		      struct problem *problem);

/*
 * Run a statement that gives no rows: how many it changed, or a negative errno
 * with words; those for -EEXIST are the caller's to choose.
 */
s64 kms_database_change(struct kms_database *d, struct problem *problem,
			const char *text, struct sql_values values);

/* The number in the first column of the first row; @none if there is none. */
int kms_database_number(struct kms_database *d, struct problem *problem,
			s64 *number, s64 none, const char *text,
			struct sql_values values);

/* Words for what the database refused. Returns @ret. */
int kms_database_problem(struct kms_database *d, int ret,
			 struct problem *problem);

/* A transaction of an administrator's command: one at a time, everywhere. */
int kms_database_begin(struct kms_database *d, struct problem *problem);

/* Commits if @ret is 0, else rolls back. Returns @ret or commit's error. */
int kms_database_end(struct kms_database *d, int ret, struct problem *problem);

/* Named values beside the tables. @len must be the value's length. */
int kms_meta_put(struct kms_database *d, const char *name,
		 struct mikey_blob value, struct problem *problem);
int kms_meta_get(struct kms_database *d, const char *name, u8 *value, u32 len,
		 struct problem *problem);

/* What a row is sealed with: one function for each table. */
void kms_aad_psk(struct kms_aad *aad, const struct kms_database *d,
		 struct mikey_blob psk_id, const struct kms_psk *psk);
void kms_aad_uid(struct kms_aad *aad, const struct kms_database *d,
		 struct mikey_blob uid, s64 user, s64 rank);
void kms_aad_member(struct kms_aad *aad, const struct kms_database *d,
		    enum kms_psi_role role, struct mikey_blob psi,
		    struct mikey_blob uid);
void kms_aad_tpk(struct kms_aad *aad, const struct kms_database *d,
		 struct mikey_blob name, s64 created, s64 revoked);

/* The table of each role. */
extern const char *const kms_psi_tables[KMS_PSI_ROLES];

/**
 * kms_psk_read() - the PSK in a row of table psk
 * @stmt: has a row
 * @at: column of owner; suite, expires, superseded, keep_until and sealed
 *	follow
 *
 * Return: 0, -EKEYREJECTED or -EIO.
 */
int kms_psk_read(struct kms_database *d, const struct sql_stmt *stmt, int at,
		 struct mikey_blob psk_id, struct kms_psk *psk);

/* The core's view of a connection (store_sql.c). */
extern const struct kms_store_ops kms_sql_ops;

#endif
