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
	struct kms_aad aad;
	size_t i;
	s64 ret;
	int at;

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
	ret = kms_database_change(d, problem,
				  "INSERT INTO tpk(name, created, keep_until, sealed)\n"
				  "VALUES(?1, ?2, ?2, ?3)",
				  SQL_VALUES(SQL_BLOB(name_blob), SQL_INT(now),
					     SQL_BLOB(kms_blob(sealed, sizeof(sealed)))));
	return ret < 0 ? ret : 0;
}

/*
 * Keys whose last ticket is over, but never the TPK for new tickets nor a PSK
 * in use.
 */
static int purge(struct kms_database *d, s64 now, struct problem *problem)
{
	s64 ret;

	ret = kms_database_change(d, problem,
				  "DELETE FROM tpk WHERE keep_until < ?1\n"
				  "AND seq < (SELECT max(seq) FROM tpk)",
				  SQL_VALUES(SQL_INT(now)));
	if (ret >= 0)
		ret = kms_database_change(d, problem,
					  "DELETE FROM psk WHERE superseded <> 0 AND keep_until < ?1",
					  SQL_VALUES(SQL_INT(now)));
	return ret < 0 ? ret : 0;
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
	ret = kms_database_number(d, problem, &created, 0,
				  "SELECT created FROM tpk ORDER BY seq DESC LIMIT 1",
				  SQL_NO_VALUES);
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
	struct sql_stmt *stmt;
	int ret;

	stmt = kms_database_ask(d, problem,
				"SELECT name, created, keep_until,\n"
				"seq = (SELECT max(seq) FROM tpk) FROM tpk ORDER BY seq",
				SQL_NO_VALUES);
	if (!stmt)
		return problem->error;
	while ((ret = kms_database_step(d, stmt, problem)) > 0) {
		row.name = sql_blob(stmt, 0);
		row.created = sql_int(stmt, 1);
		row.keep_until = sql_int(stmt, 2);
		row.newest = sql_int(stmt, 3);
		each(&row, arg);
	}
	sql_reset(stmt);
	return ret;
}

int kms_replay_reset_within(struct kms_database *d, s64 now, s64 until,
			    struct problem *problem)
{
	s64 ret;

	ret = kms_database_change(d, problem, "DELETE FROM replay", SQL_NO_VALUES);
	if (ret >= 0)
		ret = kms_database_change(d, problem,
					  "UPDATE psk SET counter = 4294967295",
					  SQL_NO_VALUES);
	if (ret >= 0)
		ret = kms_database_change(d, problem,
					  "UPDATE clock SET last = ?1, floor = ?2",
					  SQL_VALUES(SQL_INT(now), SQL_INT(until)));
	return ret < 0 ? ret : 0;
}

int kms_replay_reset(struct kms_database *d, s64 now, s64 until,
		     struct problem *problem)
{
	int ret = kms_database_begin(d, problem);

	if (ret)
		return ret;
	ret = kms_replay_reset_within(d, now, until, problem);
	return kms_database_end(d, ret, problem);
}
