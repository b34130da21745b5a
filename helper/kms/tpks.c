// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ticket protection keys of the store, and the replay record's beginning.
 */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>

#include "helper/kms/admin.h"
#include "helper/kms/crypto.h"

#define TPK_LEN 32
#define NAME_RANDOM 8

static int add_tpk(struct kms_database *d, s64 now, struct problem *problem)
{
	u8 key[TPK_LEN], unique[NAME_RANDOM];
	u8 sealed[TPK_LEN + KMS_SEAL_OVERHEAD];
	char name[KMS_TPK_NAME_MAX];
	struct mikey_blob name_blob;
	sqlite3_stmt *stmt;
	struct kms_aad aad;
	int at, result, ret;
	size_t i;

	if (RAND_priv_bytes(key, sizeof(key)) != 1 ||
	    RAND_bytes(unique, sizeof(unique)) != 1)
		return problem_set(problem, -EIO, "no randomness for a TPK");
	at = snprintf(name, sizeof(name), "tpk-");
	for (i = 0; i < sizeof(unique); i++)
		at += snprintf(name + at, sizeof(name) - at, "%02x", unique[i]);
	name_blob = kms_blob(name, at);
	kms_aad_tpk(&aad, d, name_blob, now);
	ret = kms_seal_close(d->seal, &aad, key, sizeof(key), sealed);
	OPENSSL_cleanse(key, sizeof(key));
	if (ret)
		return problem_set(problem, ret, "sealing the TPK failed");
	stmt = kms_database_prepare(d, problem,
				    "INSERT INTO tpk(name, created, keep_until, sealed)\n"
				    "VALUES(?1, ?2, ?2, ?3)");
	if (!stmt)
		return problem->error;
	kms_bind_blob(stmt, 1, name_blob);
	sqlite3_bind_int64(stmt, 2, now);
	kms_bind_blob(stmt, 3, kms_blob(sealed, sizeof(sealed)));
	result = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return result == SQLITE_DONE ? 0 :
	       kms_database_problem(d, result, problem);
}

/*
 * Keys whose last ticket is over, but never the TPK for new tickets nor a PSK
 * in use.
 */
static int purge(struct kms_database *d, s64 now, struct problem *problem)
{
	static const char *const statements[] = {
		"DELETE FROM tpk WHERE keep_until < ?1\n"
		"AND seq < (SELECT max(seq) FROM tpk)",
		"DELETE FROM psk WHERE superseded AND keep_until < ?1",
	};
	sqlite3_stmt *stmt;
	int result;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statements); i++) {
		stmt = kms_database_prepare(d, problem, statements[i]);
		if (!stmt)
			return problem->error;
		sqlite3_bind_int64(stmt, 1, now);
		result = sqlite3_step(stmt);
		sqlite3_finalize(stmt);
		if (result != SQLITE_DONE)
			return kms_database_problem(d, result, problem);
	}
	return 0;
}

static int newest(struct kms_database *d, s64 *created, struct problem *problem)
{
	sqlite3_stmt *stmt = kms_database_prepare(d, problem,
						  "SELECT created FROM tpk ORDER BY seq DESC LIMIT 1");
	int result;

	if (!stmt)
		return problem->error;
	result = sqlite3_step(stmt);
	*created = result == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return result == SQLITE_ROW || result == SQLITE_DONE ? 0 :
	       kms_database_problem(d, result, problem);
}

int kms_tpk_rotate(struct kms_database *d, s64 now, struct problem *problem)
{
	int ret = kms_database_begin(d, problem);

	if (ret)
		return ret;
	ret = add_tpk(d, now, problem);
	if (!ret)
		ret = purge(d, now, problem);
	return kms_database_end(d, ret, problem);
}

int kms_tpk_maintain(struct kms_database *d, s64 now, s64 lifetime,
		     struct problem *problem)
{
	int ret = kms_database_begin(d, problem);
	s64 created;

	if (ret)
		return ret;
	ret = newest(d, &created, problem);
	if (!ret && created + lifetime <= now)
		ret = add_tpk(d, now, problem);
	if (!ret)
		ret = purge(d, now, problem);
	return kms_database_end(d, ret, problem);
}

int kms_tpk_each(struct kms_database *d,
		 void (*each)(const struct kms_tpk_row *row, void *arg),
		 void *arg, struct problem *problem)
{
	struct kms_tpk_row row;
	sqlite3_stmt *stmt;
	int result;

	stmt = kms_database_prepare(d, problem,
				    "SELECT name, created, keep_until,\n"
				    "seq = (SELECT max(seq) FROM tpk) FROM tpk ORDER BY seq");
	if (!stmt)
		return problem->error;
	while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
		row.name = kms_column_blob(stmt, 0);
		row.created = sqlite3_column_int64(stmt, 1);
		row.keep_until = sqlite3_column_int64(stmt, 2);
		row.newest = sqlite3_column_int(stmt, 3);
		each(&row, arg);
	}
	sqlite3_finalize(stmt);
	return result == SQLITE_DONE ? 0 :
	       kms_database_problem(d, result, problem);
}

int kms_replay_reset(struct kms_database *d, s64 now, s64 until,
		     struct problem *problem)
{
	sqlite3_stmt *stmt;
	int ret, result;

	ret = kms_database_begin(d, problem);
	if (ret)
		return ret;
	result = sqlite3_exec(d->db, "DELETE FROM replay;"
			      "UPDATE psk SET counter = 4294967295;",
			      NULL, NULL, NULL);
	if (result != SQLITE_OK)
		return kms_database_end(d, kms_database_problem(d, result, problem),
					problem);
	stmt = kms_database_prepare(d, problem,
				    "UPDATE clock SET last = ?1, floor = ?2");
	if (!stmt)
		return kms_database_end(d, problem->error, problem);
	sqlite3_bind_int64(stmt, 1, now);
	sqlite3_bind_int64(stmt, 2, until);
	result = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	ret = result == SQLITE_DONE ? 0 : kms_database_problem(d, result, problem);
	return kms_database_end(d, ret, problem);
}
