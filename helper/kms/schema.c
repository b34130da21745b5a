// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of the store and how a store of an earlier version gets them.
 */
#include "helper/kms/database.h"

#define APPLICATION_ID 0x4d4b4d53	/* "MKMS" */

/* Of the table of a role in a group. */
#define PSI_COLUMNS \
	"(psi BLOB NOT NULL REFERENCES psi(psi) ON DELETE CASCADE,\n" \
	" uid BLOB NOT NULL REFERENCES uid(uid) ON DELETE CASCADE,\n" \
	" sealed BLOB NOT NULL, PRIMARY KEY(psi, uid)) STRICT, WITHOUT ROWID;"

/*
 * Identities are blobs: they are compared as bytes. "sealed" holds the key,
 * or no more than a seal over the row. The clock's floor: no request older
 * than it is answered, since its record may be gone.
 */
static const char schema[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"
	"CREATE TABLE user(id INTEGER PRIMARY KEY AUTOINCREMENT, created INTEGER NOT NULL) STRICT;"
	"CREATE TABLE psk(id BLOB PRIMARY KEY,\n"
	" user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,\n"
	" suite INTEGER NOT NULL, expires INTEGER NOT NULL,\n"
	" counter INTEGER NOT NULL DEFAULT -1, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX psk_user ON psk(user);"
	"CREATE TABLE uid(uid BLOB PRIMARY KEY,\n"
	" user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,\n"
	" rank INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX uid_user ON uid(user, rank);"
	"CREATE TABLE psi(psi BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;"
	"CREATE TABLE member" PSI_COLUMNS
	"CREATE INDEX member_uid ON member(uid);"
	"CREATE TABLE tpk(seq INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	" name BLOB NOT NULL UNIQUE, created INTEGER NOT NULL,\n"
	" keep_until INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;"
	"CREATE TABLE replay(digest BLOB PRIMARY KEY, t INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX replay_t ON replay(t);"
	"CREATE TABLE clock(one INTEGER PRIMARY KEY CHECK(one = 1),\n"
	" last INTEGER NOT NULL, floor INTEGER NOT NULL) STRICT;"
	"INSERT INTO clock VALUES(1, 0, 0);";

/*
 * What each version has that the one before has not. A new store runs through
 * all of them, so that there is one way to each schema.
 */
static const char *const steps[] = {
	[0] = schema,
	[1] =	/* PSKs that were superseded; list servers */
	"ALTER TABLE psk ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE psk ADD COLUMN keep_until INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE server" PSI_COLUMNS
	"CREATE INDEX server_uid ON server(uid);",
};

#define VERSION ((int)ARRAY_SIZE(steps))

static int get_pragma(struct kms_database *d, const char *sql, s64 *value,
		      struct problem *problem)
{
	sqlite3_stmt *stmt = kms_database_prepare(d, problem, sql);
	int result;

	if (!stmt)
		return problem->error;
	result = sqlite3_step(stmt);
	*value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return result == SQLITE_ROW ? 0 :
	       kms_database_problem(d, result, problem);
}

/* Inside a transaction: from version @from to this program's. */
static int climb(struct kms_database *d, s64 from, struct problem *problem)
{
	int result = SQLITE_OK;
	char *sql;
	int i;

	for (i = from; result == SQLITE_OK && i < VERSION; i++)
		result = sqlite3_exec(d->db, steps[i], NULL, NULL, NULL);
	sql = sqlite3_mprintf("PRAGMA user_version = %d", VERSION);
	if (!sql)
		return problem_set(problem, -ENOMEM, "no memory");
	if (result == SQLITE_OK)
		result = sqlite3_exec(d->db, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	return result == SQLITE_OK ? 0 : kms_database_problem(d, result, problem);
}

int kms_schema_create(struct kms_database *d, struct problem *problem)
{
	char *sql = sqlite3_mprintf("PRAGMA application_id = %d", APPLICATION_ID);
	int result;

	if (!sql)
		return problem_set(problem, -ENOMEM, "no memory");
	result = sqlite3_exec(d->db, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	return result == SQLITE_OK ? climb(d, 0, problem) :
	       kms_database_problem(d, result, problem);
}

int kms_schema_check(struct kms_database *d, const char *path,
		     struct problem *problem)
{
	s64 application, version;
	int ret;

	ret = get_pragma(d, "PRAGMA application_id", &application, problem);
	if (!ret)
		ret = get_pragma(d, "PRAGMA user_version", &version, problem);
	if (ret)
		return problem_prefix(problem, "%s: ", path);
	if (application != APPLICATION_ID)
		return problem_set(problem, -EINVAL,
				   "%s: this is not a store of mikey-kms", path);
	if (version < 1 || version > VERSION)
		return problem_set(problem, -EINVAL,
				   "%s: the store has schema version %lld, this program knows 1 to %d",
				   path, (long long)version, VERSION);
	return 0;
}

int kms_schema_upgrade(struct kms_database *d, const char *path,
		       struct problem *problem)
{
	s64 version;
	int ret;

	ret = get_pragma(d, "PRAGMA user_version", &version, problem);
	if (!ret && version == VERSION)
		return 0;
	if (!ret)
		ret = kms_database_begin(d, problem);
	if (!ret) {
		/* Another process may have been first. */
		ret = get_pragma(d, "PRAGMA user_version", &version, problem);
		if (!ret)
			ret = climb(d, version, problem);
		ret = kms_database_end(d, ret, problem);
	}
	return ret ? problem_prefix(problem, "%s: ", path) : 0;
}
