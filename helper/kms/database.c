// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The KMS's SQLite file: opening, statements, what rows are sealed with; see database.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/kms/crypto.h"
#include "helper/kms/database.h"

#define BUSY_MS 2000

static const char *const statements[KMS_SQL_NUM] = {
	[KMS_SQL_BEGIN] = "BEGIN IMMEDIATE",
	[KMS_SQL_COMMIT] = "COMMIT",
	[KMS_SQL_ROLLBACK] = "ROLLBACK",
	[KMS_SQL_PSK] =
		"SELECT user, suite, expires, superseded, keep_until, sealed FROM psk WHERE id = ?1",
	[KMS_SQL_UIDS] = "SELECT uid, rank, sealed FROM uid WHERE user = ?1 ORDER BY rank",
	[KMS_SQL_MEMBER] = "SELECT sealed FROM member WHERE psi = ?1 AND uid = ?2",
	[KMS_SQL_SERVER] = "SELECT sealed FROM server WHERE psi = ?1 AND uid = ?2",
	[KMS_SQL_TPK_NEWEST] =
		"SELECT name, created, sealed, keep_until FROM tpk ORDER BY seq DESC LIMIT 1",
	[KMS_SQL_TPK_KEEP] = "UPDATE tpk SET keep_until = max(keep_until, ?2) WHERE name = ?1",
	[KMS_SQL_TPK] = "SELECT name, created, sealed FROM tpk WHERE name = ?1",
	[KMS_SQL_CLOCK] = "SELECT last, floor FROM clock",
	[KMS_SQL_CLOCK_SET] = "UPDATE clock SET last = max(last, ?1), floor = max(floor, ?2)",
	[KMS_SQL_COUNTER] = "SELECT counter FROM psk WHERE id = ?1",
	[KMS_SQL_COUNTER_SET] = "UPDATE psk SET counter = ?2 WHERE id = ?1",
	[KMS_SQL_REPLAY_ADD] =
		"INSERT INTO replay(digest, t) VALUES(?1, ?2) ON CONFLICT DO NOTHING",
	[KMS_SQL_REPLAY_PURGE] =
		"DELETE FROM replay WHERE digest IN\n"
		" (SELECT digest FROM replay WHERE t < ?1 LIMIT 16)",
};

int kms_database_error(int result)
{
	result &= 0xff;
	return result == SQLITE_BUSY || result == SQLITE_LOCKED ? -EAGAIN : -EIO;
}

int kms_database_problem(struct kms_database *d, int result,
			 struct problem *problem)
{
	int ret = kms_database_error(result);

	if (ret == -EAGAIN)
		return problem_set(problem, ret, "the store is busy; try again");
	return problem_set(problem, ret, "the store: %s",
			   d->db ? sqlite3_errmsg(d->db) : sqlite3_errstr(result));
}

sqlite3_stmt *kms_database_sql(struct kms_database *d, enum kms_statement s)
{
	sqlite3_reset(d->sql[s]);
	return d->sql[s];
}

int kms_database_run(sqlite3_stmt *stmt)
{
	int result = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return result == SQLITE_DONE ? 0 : kms_database_error(result);
}

sqlite3_stmt *kms_database_prepare(struct kms_database *d,
				   struct problem *problem, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int result = sqlite3_prepare_v2(d->db, sql, -1, &stmt, NULL);

	if (result != SQLITE_OK)
		kms_database_problem(d, result, problem);
	return stmt;
}

int kms_database_begin(struct kms_database *d, struct problem *problem)
{
	int result = sqlite3_exec(d->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	return result == SQLITE_OK ? 0 : kms_database_problem(d, result, problem);
}

int kms_database_end(struct kms_database *d, int ret, struct problem *problem)
{
	int result;

	if (!ret) {
		result = sqlite3_exec(d->db, "COMMIT", NULL, NULL, NULL);
		if (result == SQLITE_OK)
			return 0;
		ret = kms_database_problem(d, result, problem);
	}
	sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

static void aad_row(struct kms_aad *aad, const struct kms_database *d,
		    const char *table)
{
	kms_aad_begin(aad, table);
	kms_aad_bytes(aad, d->store_id, sizeof(d->store_id));
}

void kms_aad_psk(struct kms_aad *aad, const struct kms_database *d,
		 struct mikey_blob psk_id, const struct kms_psk *psk)
{
	aad_row(aad, d, "psk");
	kms_aad_bytes(aad, psk_id.p, psk_id.len);
	kms_aad_number(aad, psk->user);
	kms_aad_number(aad, psk->suite);
	kms_aad_number(aad, psk->expires);
	/* A PSK in use is sealed as it was before there were superseded ones. */
	if (!psk->superseded)
		return;
	kms_aad_number(aad, psk->superseded);
	kms_aad_number(aad, psk->keep_until);
}

void kms_aad_uid(struct kms_aad *aad, const struct kms_database *d,
		 struct mikey_blob uid, s64 user, s64 rank)
{
	aad_row(aad, d, "uid");
	kms_aad_bytes(aad, uid.p, uid.len);
	kms_aad_number(aad, user);
	kms_aad_number(aad, rank);
}

const char *const kms_psi_tables[KMS_PSI_ROLES] = {
	[KMS_PSI_MEMBER] = "member",
	[KMS_PSI_SERVER] = "server",
};

void kms_aad_member(struct kms_aad *aad, const struct kms_database *d,
		    enum kms_psi_role role, struct mikey_blob psi,
		    struct mikey_blob uid)
{
	aad_row(aad, d, kms_psi_tables[role]);
	kms_aad_bytes(aad, psi.p, psi.len);
	kms_aad_bytes(aad, uid.p, uid.len);
}

void kms_aad_tpk(struct kms_aad *aad, const struct kms_database *d,
		 struct mikey_blob name, s64 created)
{
	aad_row(aad, d, "tpk");
	kms_aad_bytes(aad, name.p, name.len);
	kms_aad_number(aad, created);
}

/* Proves that a key file belongs to a store, before any row is read. */
static void aad_check(struct kms_aad *aad, const struct kms_database *d)
{
	aad_row(aad, d, "store");
	kms_aad_bytes(aad, d->kms_id, sizeof(d->kms_id));
}

static int connect(struct kms_database *d, const char *path,
		   const struct kms_seal *seal, struct problem *problem)
{
	int result;

	d->store.ops = &kms_sqlite_ops;
	d->seal = seal;
	result = sqlite3_open_v2(path, &d->db, SQLITE_OPEN_READWRITE |
				 SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
				 NULL);
	if (result != SQLITE_OK)
		return problem_set(problem, -EIO, "%s: %s", path,
				   sqlite3_errstr(result));
	sqlite3_busy_timeout(d->db, BUSY_MS);
	/*
	 * FULL: a record of a request that a power failure took back could be
	 * answered twice under one key and IV.
	 */
	result = sqlite3_exec(d->db, "PRAGMA foreign_keys = ON;"
			      "PRAGMA trusted_schema = OFF;"
			      "PRAGMA secure_delete = ON;"
			      "PRAGMA synchronous = FULL;", NULL, NULL, NULL);
	if (result != SQLITE_OK) {
		kms_database_problem(d, result, problem);
		return problem_prefix(problem, "%s: ", path);
	}
	return 0;
}

static int put_meta(struct kms_database *d, const char *name,
		    struct mikey_blob value, struct problem *problem)
{
	sqlite3_stmt *stmt = kms_database_prepare(d, problem,
						  "INSERT INTO meta(name, value) VALUES(?1, ?2)");
	int result;

	if (!stmt)
		return problem->error;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	kms_bind_blob(stmt, 2, value);
	result = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return result == SQLITE_DONE ? 0 :
	       kms_database_problem(d, result, problem);
}

static int get_meta(struct kms_database *d, const char *name, u8 *value,
		    int len, struct problem *problem)
{
	sqlite3_stmt *stmt = kms_database_prepare(d, problem,
						  "SELECT value FROM meta WHERE name = ?1");
	struct mikey_blob b;
	int result, ret = 0;

	if (!stmt)
		return problem->error;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	result = sqlite3_step(stmt);
	b = kms_column_blob(stmt, 0);
	if (result == SQLITE_ROW && b.len == (u32)len)
		memcpy(value, b.p, len);
	else if (result == SQLITE_ROW || result == SQLITE_DONE)
		ret = problem_set(problem, -EIO, "the store has no valid %s",
				  name);
	else
		ret = kms_database_problem(d, result, problem);
	sqlite3_finalize(stmt);
	return ret;
}

static int write_new(struct kms_database *d, struct problem *problem)
{
	u8 check[KMS_SEAL_OVERHEAD];
	struct kms_aad aad;
	int ret;

	if (RAND_bytes(d->store_id, sizeof(d->store_id)) != 1 ||
	    RAND_bytes(d->kms_id, sizeof(d->kms_id)) != 1)
		return problem_set(problem, -EIO, "no randomness for a new store");
	aad_check(&aad, d);
	if (kms_seal_close(d->seal, &aad, NULL, 0, check))
		return problem_set(problem, -EIO, "sealing failed");
	ret = kms_schema_create(d, problem);
	if (!ret)
		ret = put_meta(d, "store-id",
			       kms_blob(d->store_id, sizeof(d->store_id)), problem);
	if (!ret)
		ret = put_meta(d, "kms-id", kms_blob(d->kms_id,
						     sizeof(d->kms_id)), problem);
	if (!ret)
		ret = put_meta(d, "check", kms_blob(check, sizeof(check)),
			       problem);
	return ret;
}

int kms_database_create(const char *path, const struct kms_seal *seal,
			struct problem *problem)
{
	struct kms_database d = { 0 };
	int fd, ret, result;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", path,
				   errno == EEXIST ?
				   "exists already and is not overwritten" :
				   strerror(errno));
	close(fd);
	ret = connect(&d, path, seal, problem);
	if (!ret) {
		result = sqlite3_exec(d.db, "PRAGMA journal_mode = WAL", NULL,
				      NULL, NULL);
		if (result != SQLITE_OK)
			ret = kms_database_problem(&d, result, problem);
	}
	if (!ret)
		ret = kms_database_begin(&d, problem);
	if (!ret)
		ret = kms_database_end(&d, write_new(&d, problem), problem);
	sqlite3_close(d.db);
	if (ret)
		unlink(path);
	return ret;
}

static int check_key(struct kms_database *d, const char *path,
		     struct problem *problem)
{
	u8 check[KMS_SEAL_OVERHEAD];
	struct kms_aad aad;
	int ret;

	ret = get_meta(d, "store-id", d->store_id, sizeof(d->store_id), problem);
	if (!ret)
		ret = get_meta(d, "kms-id", d->kms_id, sizeof(d->kms_id),
			       problem);
	if (!ret)
		ret = get_meta(d, "check", check, sizeof(check), problem);
	if (ret)
		return problem_prefix(problem, "%s: ", path);
	aad_check(&aad, d);
	ret = kms_seal_open(d->seal, &aad, check, sizeof(check), NULL);
	if (ret)
		return problem_set(problem, ret,
				   "%s: the store key does not belong to this store",
				   path);
	return 0;
}

static int prepare_all(struct kms_database *d, struct problem *problem)
{
	u8 key[MIKEY_KEY_MAX] = { 0 };
	struct kms_aad aad;
	int result, i;

	for (i = 0; i < KMS_SQL_NUM; i++) {
		result = sqlite3_prepare_v3(d->db, statements[i], -1,
					    SQLITE_PREPARE_PERSISTENT,
					    &d->sql[i], NULL);
		if (result != SQLITE_OK)
			return kms_database_problem(d, result, problem);
	}
	kms_aad_begin(&aad, "dummy");
	if (kms_seal_close(d->seal, &aad, key, sizeof(key), d->dummy))
		return problem_set(problem, -EIO, "sealing failed");
	return 0;
}

struct kms_database *kms_database_open(const char *path,
				       const struct kms_seal *seal,
				       struct problem *problem)
{
	struct kms_database *d;

	if (access(path, R_OK | W_OK)) {
		problem_set(problem, -errno, "%s: %s%s", path, strerror(errno),
			    errno == ENOENT ? " (mikey-kms init makes it)" : "");
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d) {
		problem_set(problem, -ENOMEM, "no memory");
		return NULL;
	}
	if (connect(d, path, seal, problem) ||
	    kms_schema_check(d, path, problem) ||
	    check_key(d, path, problem) ||
	    kms_schema_upgrade(d, path, problem) || prepare_all(d, problem)) {
		kms_database_close(d);
		return NULL;
	}
	return d;
}

void kms_database_close(struct kms_database *d)
{
	int i;

	if (!d)
		return;
	for (i = 0; i < KMS_SQL_NUM; i++)
		sqlite3_finalize(d->sql[i]);
	sqlite3_close(d->db);
	OPENSSL_cleanse(d, sizeof(*d));
	free(d);
}
