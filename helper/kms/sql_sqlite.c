// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SQLite behind sql.h: a file, and one writer at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/kms/event.h"
#include "helper/kms/sql.h"

#define BUSY_MS 2000
#define APPLICATION_ID 0x4d4b4d53	/* "MKMS" */

struct lite {
	struct sql sql;
	sqlite3 *db;
};

struct lite_stmt {
	struct sql_stmt stmt;
	sqlite3_stmt *handle;
	s64 changes;
};

static const struct sql_dialect dialect = {
	.name = "SQLite",
	.blob = "BLOB",
	.integer = "INTEGER",
	.serial = "INTEGER PRIMARY KEY AUTOINCREMENT",
	.strict = " STRICT",
	.keyed = " STRICT, WITHOUT ROWID",
	.one_writer = true,
};

static sqlite3 *db_of(const struct sql *sql)
{
	return ((const struct lite *)sql)->db;
}

static struct lite_stmt *of(const struct sql_stmt *stmt)
{
	return (struct lite_stmt *)stmt;
}

static int error_of(int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EAGAIN;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	default:
		return -EIO;
	}
}

static void lite_close(struct sql *sql)
{
	sqlite3_close(db_of(sql));
	free(sql);
}

static int lite_exec(struct sql *sql, const char *text)
{
	return error_of(sqlite3_exec(db_of(sql), text, NULL, NULL, NULL));
}

static int lite_begin(struct sql *sql, enum sql_purpose purpose)
{
	return lite_exec(sql, purpose == SQL_READ ? "BEGIN" : "BEGIN IMMEDIATE");
}

static int lite_end(struct sql *sql, bool commit)
{
	int ret = commit ? lite_exec(sql, "COMMIT") : 0;

	if (ret || !commit)
		sqlite3_exec(db_of(sql), "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

static struct sql_stmt *lite_prepare(struct sql *sql, const char *text)
{
	struct lite_stmt *stmt = calloc(1, sizeof(*stmt));

	if (!stmt)
		return NULL;
	stmt->stmt.sql = sql;
	if (sqlite3_prepare_v3(db_of(sql), text, -1, SQLITE_PREPARE_PERSISTENT,
			       &stmt->handle, NULL) == SQLITE_OK)
		return &stmt->stmt;
	free(stmt);
	return NULL;
}

static void lite_finalize(struct sql_stmt *stmt)
{
	sqlite3_finalize(of(stmt)->handle);
	free(stmt);
}

static int lite_bind(struct sql_stmt *stmt, int at, const struct sql_value *v)
{
	sqlite3_stmt *handle = of(stmt)->handle;
	/* a NULL pointer would bind NULL and not what is empty */
	const char *p = v->b.p ? (const char *)v->b.p : "";

	switch (v->kind) {
	case SQL_IS_INT:
		return error_of(sqlite3_bind_int64(handle, at, v->n));
	case SQL_IS_TEXT:
		return error_of(sqlite3_bind_text(handle, at, p, v->b.len,
						  SQLITE_STATIC));
	default:
		return error_of(sqlite3_bind_blob(handle, at, p, v->b.len,
						  SQLITE_STATIC));
	}
}

static int lite_step(struct sql_stmt *stmt)
{
	struct lite_stmt *s = of(stmt);
	int result = sqlite3_step(s->handle);

	if (result == SQLITE_ROW)
		return 1;
	s->changes = sqlite3_changes64(db_of(stmt->sql));
	sqlite3_reset(s->handle);
	return result == SQLITE_DONE ? 0 : error_of(result);
}

static void lite_reset(struct sql_stmt *stmt)
{
	sqlite3_reset(of(stmt)->handle);
}

static s64 lite_int(const struct sql_stmt *stmt, int column)
{
	return sqlite3_column_int64(of(stmt)->handle, column);
}

static struct mikey_blob lite_blob(const struct sql_stmt *stmt, int column)
{
	struct mikey_blob b = {
		.p = sqlite3_column_blob(of(stmt)->handle, column),
	};

	b.len = b.p ? sqlite3_column_bytes(of(stmt)->handle, column) : 0;
	return b;
}

static s64 lite_changes(const struct sql_stmt *stmt)
{
	return of(stmt)->changes;
}

static const char *lite_words(const struct sql *sql)
{
	return sqlite3_errmsg(db_of(sql));
}

static int get_pragma(struct sql *sql, const char *text, s64 *value)
{
	struct sql_stmt *stmt = lite_prepare(sql, text);
	int ret;

	if (!stmt)
		return error_of(sqlite3_errcode(db_of(sql))) ?: -EIO;
	ret = lite_step(stmt);
	if (ret > 0)
		*value = lite_int(stmt, 0);
	lite_finalize(stmt);
	return ret > 0 ? 0 : ret ? ret : -EIO;
}

static int lite_get_version(struct sql *sql, s64 *version)
{
	s64 application = 0;
	int ret = get_pragma(sql, "PRAGMA application_id", &application);

	if (ret)
		return ret;
	*version = -1;
	return application == APPLICATION_ID ?
	       get_pragma(sql, "PRAGMA user_version", version) : 0;
}

static int lite_set_version(struct sql *sql, s64 version)
{
	char *text = sqlite3_mprintf("PRAGMA application_id = %d;"
				     "PRAGMA user_version = %lld",
				     APPLICATION_ID, (long long)version);
	int ret = text ? lite_exec(sql, text) : -EIO;

	sqlite3_free(text);
	return ret;
}

static const struct sql_ops ops = {
	.close = lite_close,
	.exec = lite_exec,
	.begin = lite_begin,
	.end = lite_end,
	.prepare = lite_prepare,
	.finalize = lite_finalize,
	.bind = lite_bind,
	.step = lite_step,
	.reset = lite_reset,
	.get_int = lite_int,
	.get_blob = lite_blob,
	.changes = lite_changes,
	.words = lite_words,
	.get_version = lite_get_version,
	.set_version = lite_set_version,
};

/* A file that nobody else can read, and none that was there before. */
static int create_file(const char *path, struct problem *problem)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return problem_set(problem, -errno, "%s", errno == EEXIST ?
				   "exists already and is not overwritten" :
				   strerror(errno));
	close(fd);
	return 0;
}

struct sql *sql_open_sqlite(const char *path, bool create,
			    struct problem *problem)
{
	struct lite *lite;
	int result;

	if (create && create_file(path, problem))
		return NULL;
	if (access(path, R_OK | W_OK)) {
		problem_set(problem, -errno, "%s%s", strerror(errno),
			    errno == ENOENT ? " (mikey-kms init makes it)" : "");
		return NULL;
	}
	lite = calloc(1, sizeof(*lite));
	if (!lite) {
		problem_set(problem, -ENOMEM, "no memory");
		return NULL;
	}
	lite->sql.ops = &ops;
	lite->sql.dialect = &dialect;
	result = sqlite3_open_v2(path, &lite->db, SQLITE_OPEN_READWRITE |
				 SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
				 NULL);
	if (result == SQLITE_OK)
		sqlite3_busy_timeout(lite->db, BUSY_MS);
	/*
	 * FULL: a record of a request that a power failure took back could be
	 * answered twice under one key and IV.
	 */
	if (result == SQLITE_OK)
		result = sqlite3_exec(lite->db, "PRAGMA foreign_keys = ON;"
				      "PRAGMA trusted_schema = OFF;"
				      "PRAGMA secure_delete = ON;"
				      "PRAGMA synchronous = FULL;",
				      NULL, NULL, NULL);
	if (result == SQLITE_OK && create)
		result = sqlite3_exec(lite->db, "PRAGMA journal_mode = WAL", NULL,
				      NULL, NULL);
	if (result == SQLITE_OK)
		return &lite->sql;
	problem_set(problem, error_of(result), "%s", lite->db ?
		    sqlite3_errmsg(lite->db) : sqlite3_errstr(result));
	lite_close(&lite->sql);
	return NULL;
}

static void on_log(void *ctx, int result, const char *words)
{
	(void)ctx;
	if ((result & 0xff) != SQLITE_NOTICE)
		log_event(WARNING, "store-trouble", kms_event_req(),
			  log_text("error", sqlite3_errstr(result)), log_text("reason", words));
}

void sql_setup_log(void)
{
	sqlite3_config(SQLITE_CONFIG_LOG, on_log, NULL);
}
