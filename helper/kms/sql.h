/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection to a database and its statements: SQLite by a path (nothing
 * to set up), PostgreSQL by a URL. The rest of the program writes SQL that both
 * understand and asks the dialect where they differ.
 *
 * A connection belongs to one thread at a time; any number of connections and
 * processes share a database.
 *
 * Calls that may fail return a negative errno:
 *
 *	-EAGAIN		busy, out of time, or the connection is gone: try later
 *	-EEXIST		a constraint refused it: there is one already
 *	-EIO		anything else; sql_words() says what
 */
#ifndef HELPER_KMS_SQL_H
#define HELPER_KMS_SQL_H

#include "helper/lib/problem.h"
#include "kmod/wire/wire.h"

#define SQL_VALUES_MAX 12

/**
 * struct sql_dialect - where the two differ
 * @blob, @integer, @serial: column types; a serial counts up by itself and is
 *	the primary key
 * @strict, @keyed: what ends CREATE TABLE, and that of a table without a serial
 * @one_writer: transactions that write exclude each other as a whole
 */
struct sql_dialect {
	const char *name;
	const char *blob, *integer, *serial;
	const char *strict, *keyed;
	bool one_writer;
};

struct sql {
	const struct sql_ops *ops;
	const struct sql_dialect *dialect;
	bool in_transaction;
};

struct sql_stmt {
	struct sql *sql;
};

/* What a transaction is for. */
enum sql_purpose {
	SQL_READ,		/* one unchanging view of everything */
	SQL_EXCHANGE,		/* one exchange's writes */
	SQL_ADMIN,		/* excludes all other SQL_ADMIN everywhere */
};

/* A value for ?1, ?2, ...; a blob must last until the statement was run. */
struct sql_value {
	enum { SQL_IS_INT, SQL_IS_BLOB, SQL_IS_TEXT } kind;
	s64 n;
	struct mikey_blob b;
};

#define SQL_INT(n_) ((struct sql_value) { .kind = SQL_IS_INT, .n = (n_) })
#define SQL_BLOB(b_) ((struct sql_value) { .kind = SQL_IS_BLOB, .b = (b_) })
#define SQL_TEXT(b_) ((struct sql_value) { .kind = SQL_IS_TEXT, .b = (b_) })

/* Several of them, in order. */
struct sql_values {
	const struct sql_value *values;
	size_t num;
};

#define SQL_VALUES(...) ((struct sql_values) { \
	.values = (const struct sql_value[]) { __VA_ARGS__ }, \
	.num = sizeof((const struct sql_value[]) { __VA_ARGS__ }) / \
	       sizeof(struct sql_value), \
})
#define SQL_NO_VALUES ((struct sql_values) { 0 })

/**
 * struct sql_many - what a statement is to be run for, many times
 * @bind: sql_bind() the values of number @i. What they point to is not needed
 *	any more when it is called again
 * @result: of number @i, in order: @ret is what sql_step() would return, and
 *	@stmt has the row, if there is one; only the first one is seen
 *
 * Both return 0, or a negative errno, which ends it.
 */
struct sql_many {
	size_t num;
	int (*bind)(void *arg, size_t i, struct sql_stmt *stmt);
	int (*result)(void *arg, size_t i, struct sql_stmt *stmt, int ret);
	void *arg;
};

/* What a back-end does; the words are those of the functions below. */
struct sql_ops {
	void (*close)(struct sql *sql);
	int (*exec)(struct sql *sql, const char *text);
	int (*begin)(struct sql *sql, enum sql_purpose purpose);
	int (*end)(struct sql *sql, bool commit);
	struct sql_stmt *(*prepare)(struct sql *sql, const char *text);
	void (*finalize)(struct sql_stmt *stmt);
	int (*bind)(struct sql_stmt *stmt, int at, const struct sql_value *v);
	int (*step)(struct sql_stmt *stmt);
	int (*many)(struct sql_stmt *stmt, const struct sql_many *many);
	void (*reset)(struct sql_stmt *stmt);
	s64 (*get_int)(const struct sql_stmt *stmt, int column);
	struct mikey_blob (*get_blob)(const struct sql_stmt *stmt, int column);
	s64 (*changes)(const struct sql_stmt *stmt);
	const char *(*words)(const struct sql *sql);
	int (*get_version)(struct sql *sql, s64 *version);
	int (*set_version)(struct sql *sql, s64 version);
};

/* Does this name a PostgreSQL database rather than a file? */
bool sql_is_url(const char *where);

/*
 * The same without a password that it may contain, for messages; good until the
 * fourth call after this one.
 */
const char *sql_name(const char *where);

/**
 * sql_open() - connect
 * @create: a file that must not exist yet; a database must exist in any case
 *
 * NULL with words, which begin with sql_name(), after an error.
 */
struct sql *sql_open(const char *where, bool create, struct problem *problem);
void sql_close(struct sql *sql);

/* Failures that a library reports on its own (a full disk) go to the log. */
void sql_setup_log(void);

/* Statements without values or rows, separated by semicolons. */
int sql_exec(struct sql *sql, const char *text);

int sql_begin(struct sql *sql, enum sql_purpose purpose);

/* Whatever it returns, the transaction is over. */
int sql_end(struct sql *sql, bool commit);

/* NULL after an error. Values are written ?1, ?2, up to SQL_VALUES_MAX. */
struct sql_stmt *sql_prepare(struct sql *sql, const char *text);
void sql_finalize(struct sql_stmt *stmt);

/* Anew, with these values. */
int sql_bind(struct sql_stmt *stmt, struct sql_values values);

/* 1: there is a row. 0: there is none any more. */
int sql_step(struct sql_stmt *stmt);

/**
 * sql_many() - one statement for many values, without waiting for each
 *
 * Inside a transaction. A result may be known only when later statements have
 * been sent, so that after an error the transaction is to be rolled back.
 * Return: 0, or the first error, a callback's among them.
 */
int sql_many(struct sql_stmt *stmt, const struct sql_many *many);

/* Forget rows; what they gave is gone. */
void sql_reset(struct sql_stmt *stmt);

/* Columns of the row, from 0. A blob lasts until the next step or reset. */
s64 sql_int(const struct sql_stmt *stmt, int column);
struct mikey_blob sql_blob(const struct sql_stmt *stmt, int column);

/* How many rows the statement changed, once it has ended. */
s64 sql_changes(const struct sql_stmt *stmt);

/* Version of our tables, -1 if there are none; set inside a transaction. */
int sql_get_version(struct sql *sql, s64 *version);
int sql_set_version(struct sql *sql, s64 version);

/* What the database says about the last error. */
const char *sql_words(const struct sql *sql);

/* The back-ends. */
struct sql *sql_open_sqlite(const char *path, bool create,
			    struct problem *problem);
struct sql *sql_open_pgsql(const char *url, struct problem *problem);

#endif
