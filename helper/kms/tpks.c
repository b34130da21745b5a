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

/* @name: KMS_TPK_NAME_MAX bytes, what the new one is called */
static int add_tpk(struct kms_database *d, s64 now, char *name,
		   struct problem *problem)
{
	u8 key[TPK_LEN], unique[NAME_RANDOM];
	u8 sealed[TPK_LEN + KMS_SEAL_OVERHEAD];
	struct mikey_blob name_blob;
	struct kms_aad aad;
	size_t i;
	s64 ret;
	int at;

	if (RAND_priv_bytes(key, sizeof(key)) != 1 ||
	    RAND_bytes(unique, sizeof(unique)) != 1)
		return problem_set(problem, -EIO, "no randomness for a TPK");
	at = snprintf(name, KMS_TPK_NAME_MAX, "tpk-");
	for (i = 0; i < sizeof(unique); i++)
		at += snprintf(name + at, KMS_TPK_NAME_MAX - at, "%02x", unique[i]);
	name_blob = kms_blob(name, at);
	kms_aad_tpk(&aad, d, name_blob, now, 0);
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
	char name[KMS_TPK_NAME_MAX];

	if (ret)
		return ret;
	ret = add_tpk(d, now, name, problem);
	if (!ret)
		ret = purge(d, now, problem);
	return kms_database_end(d, ret, problem);
}

int kms_tpk_maintain(struct kms_database *d, s64 now, s64 lifetime,
		     char made[KMS_TPK_NAME_MAX], struct problem *problem)
{
	int ret = kms_database_begin(d, problem);
	s64 created;

	made[0] = '\0';
	if (ret)
		return ret;
	ret = kms_database_number(d, problem, &created, 0,
				  "SELECT created FROM tpk ORDER BY seq DESC LIMIT 1",
				  SQL_NO_VALUES);
	if (!ret && created + lifetime <= now)
		ret = add_tpk(d, now, made, problem);
	if (!ret)
		ret = purge(d, now, problem);
	ret = kms_database_end(d, ret, problem);
	if (ret)
		made[0] = '\0';
	return ret;
}

/* In the place of the key: a seal over nothing, with the time. */
static int drop_key(struct kms_database *d, struct mikey_blob name, s64 now,
		    struct problem *problem)
{
	u8 sealed[KMS_SEAL_OVERHEAD];
	struct kms_aad aad;
	s64 created;
	s64 ret;

	ret = kms_database_number(d, problem, &created, 0,
				  "SELECT created FROM tpk WHERE name = ?1",
				  SQL_VALUES(SQL_BLOB(name)));
	if (ret)
		return ret;
	kms_aad_tpk(&aad, d, name, created, now);
	ret = kms_seal_close(d->seal, &aad, NULL, 0, sealed);
	if (ret)
		return problem_set(problem, ret, "sealing the TPK's row failed");
	ret = kms_database_change(d, problem,
				  "UPDATE tpk SET sealed = ?3, revoked = ?2 WHERE name = ?1",
				  SQL_VALUES(SQL_BLOB(name), SQL_INT(now),
					     SQL_BLOB(kms_blob(sealed, sizeof(sealed)))));
	return ret < 0 ? ret : 0;
}

/* In order: there is such a TPK, it is not revoked, it is not the last one. */
static int revoke(struct kms_database *d, struct mikey_blob name, s64 now,
		  char made[KMS_TPK_NAME_MAX], struct problem *problem)
{
	s64 revoked, newer;
	int ret;

	ret = kms_database_number(d, problem, &revoked, -1,
				  "SELECT revoked FROM tpk WHERE name = ?1",
				  SQL_VALUES(SQL_BLOB(name)));
	if (ret)
		return ret;
	if (revoked < 0)
		return problem_set(problem, -ENOENT, "there is no TPK %.*s",
				   (int)name.len, (const char *)name.p);
	if (revoked)
		return problem_set(problem, -EALREADY, "%.*s is revoked already",
				   (int)name.len, (const char *)name.p);
	ret = kms_database_number(d, problem, &newer, 0,
				  "SELECT count(*) FROM tpk WHERE seq >\n"
				  "(SELECT seq FROM tpk WHERE name = ?1)",
				  SQL_VALUES(SQL_BLOB(name)));
	if (!ret && !newer)
		ret = add_tpk(d, now, made, problem);
	return ret ? ret : drop_key(d, name, now, problem);
}

int kms_tpk_revoke(struct kms_database *d, struct mikey_blob name, s64 now,
		   char made[KMS_TPK_NAME_MAX], struct problem *problem)
{
	int ret = kms_database_begin(d, problem);

	made[0] = '\0';
	if (ret)
		return ret;
	ret = revoke(d, name, now, made, problem);
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
				"SELECT name, created, keep_until, revoked,\n"
				"seq = (SELECT max(seq) FROM tpk) FROM tpk ORDER BY seq",
				SQL_NO_VALUES);
	if (!stmt)
		return problem->error;
	while ((ret = kms_database_step(d, stmt, problem)) > 0) {
		row.name = sql_blob(stmt, 0);
		row.created = sql_int(stmt, 1);
		row.keep_until = sql_int(stmt, 2);
		row.revoked = sql_int(stmt, 3);
		row.newest = sql_int(stmt, 4);
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
