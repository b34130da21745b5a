// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The KMS's database: opening, statements, what rows are sealed with; see
 * database.h.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/kms/crypto.h"
#include "helper/kms/database.h"

static const char *const statements[KMS_SQL_NUM] = {
	[KMS_SQL_PSK] =
		"SELECT owner, suite, expires, superseded, keep_until, sealed FROM psk WHERE id = ?1",
	[KMS_SQL_UIDS] = "SELECT uid, rank, sealed FROM uid WHERE owner = ?1 ORDER BY rank",
	[KMS_SQL_MEMBER] = "SELECT sealed FROM member WHERE psi = ?1 AND uid = ?2",
	[KMS_SQL_SERVER] = "SELECT sealed FROM server WHERE psi = ?1 AND uid = ?2",
	[KMS_SQL_GROUP] = "SELECT 1 FROM psi WHERE psi = ?1",
	[KMS_SQL_TPK_NEWEST] =
		"SELECT name, created, sealed, revoked, keep_until FROM tpk ORDER BY seq DESC LIMIT 1",
	[KMS_SQL_TPK_KEEP] =
		"UPDATE tpk SET keep_until = CASE WHEN keep_until < ?2 THEN ?2 ELSE keep_until END\n"
		"WHERE name = ?1 AND revoked = 0",
	[KMS_SQL_TPK] = "SELECT name, created, sealed, revoked FROM tpk WHERE name = ?1",
	[KMS_SQL_CLOCK] = "SELECT last, floor FROM clock",
	[KMS_SQL_CLOCK_SET] =
		"UPDATE clock SET last = CASE WHEN last < ?1 THEN ?1 ELSE last END,\n"
		" floor = CASE WHEN floor < ?2 THEN ?2 ELSE floor END\n"
		"WHERE last < ?1 OR floor < ?2",
	[KMS_SQL_COUNTER_SET] = "UPDATE psk SET counter = ?2 WHERE id = ?1 AND counter < ?2",
	[KMS_SQL_REPLAY_ADD] =
		"INSERT INTO replay(digest, t) VALUES(?1, ?2) ON CONFLICT DO NOTHING",
	[KMS_SQL_REPLAY_PURGE] =
		"DELETE FROM replay WHERE digest IN\n"
		" (SELECT digest FROM replay WHERE t < (SELECT floor FROM clock) LIMIT ?1)",
};

int kms_database_problem(struct kms_database *d, int ret,
			 struct problem *problem)
{
	if (ret == -EAGAIN && d->sql->dialect->one_writer)
		return problem_set(problem, ret, "the store is busy; try again");
	return problem_set(problem, ret, "the store: %s", sql_words(d->sql));
}

/* Kept by its address: the same text is the same statement. */
static struct sql_stmt *keep(struct kms_database *d, const char *text)
{
	struct kms_kept *kept;
	int i;

	for (i = 0; i < KMS_KEPT_MAX; i++)
		if (d->kept[i].text == text)
			return d->kept[i].stmt;
	kept = &d->kept[d->turn++ % KMS_KEPT_MAX];
	sql_finalize(kept->stmt);
	kept->stmt = sql_prepare(d->sql, text);
	kept->text = kept->stmt ? text : NULL;
	return kept->stmt;
}

struct sql_stmt *kms_database_ask(struct kms_database *d,
				  struct problem *problem, const char *text,
				  struct sql_values values)
{
	struct sql_stmt *stmt = keep(d, text);
	int ret = stmt ? sql_bind(stmt, values) : -EIO;

	if (!ret)
		return stmt;
	kms_database_problem(d, ret, problem);
	return NULL;
}

int kms_database_many(struct kms_database *d, struct problem *problem,
		      const char *text, const struct sql_many *many)
{
	struct sql_stmt *stmt = keep(d, text);
	int ret;

	problem->words[0] = '\0';
	ret = stmt ? sql_many(stmt, many) : -EIO;
	if (ret && !problem->words[0])
		kms_database_problem(d, ret, problem);
	return ret;
}

int kms_database_step(struct kms_database *d, struct sql_stmt *stmt,
		      struct problem *problem)
{
	int ret = sql_step(stmt);

	return ret < 0 ? kms_database_problem(d, ret, problem) : ret;
}

s64 kms_database_change(struct kms_database *d, struct problem *problem,
			const char *text, struct sql_values values)
{
	struct sql_stmt *stmt = kms_database_ask(d, problem, text, values);
	int ret;

	if (!stmt)
		return problem->error;
	ret = kms_database_step(d, stmt, problem);
	sql_reset(stmt);
	return ret < 0 ? ret : sql_changes(stmt);
}

int kms_database_number(struct kms_database *d, struct problem *problem,
			s64 *number, s64 none, const char *text,
			struct sql_values values)
{
	struct sql_stmt *stmt = kms_database_ask(d, problem, text, values);
	int ret;

	if (!stmt)
		return problem->error;
	ret = kms_database_step(d, stmt, problem);
	*number = ret > 0 ? sql_int(stmt, 0) : none;
	sql_reset(stmt);
	return ret < 0 ? ret : 0;
}

int kms_database_begin(struct kms_database *d, struct problem *problem)
{
	int ret = sql_begin(d->sql, SQL_ADMIN);

	if (ret)
		return kms_database_problem(d, ret, problem);
	if (!d->opened)
		return 0;
	/* Nothing is sealed with a key that the store was taken from meanwhile. */
	ret = kms_database_check_key(d, problem);
	return ret ? kms_database_end(d, ret, problem) : 0;
}

int kms_database_end(struct kms_database *d, int ret, struct problem *problem)
{
	if (ret) {
		sql_end(d->sql, false);
		return ret;
	}
	ret = sql_end(d->sql, true);
	return ret ? kms_database_problem(d, ret, problem) : 0;
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
		 struct mikey_blob name, s64 created, s64 revoked)
{
	aad_row(aad, d, "tpk");
	kms_aad_bytes(aad, name.p, name.len);
	kms_aad_number(aad, created);
	/* Others are sealed as they were before TPKs could be revoked. */
	if (revoked)
		kms_aad_number(aad, revoked);
}

/* Proves that a key file belongs to a store, before any row is read. */
static void aad_check(struct kms_aad *aad, const struct kms_database *d)
{
	aad_row(aad, d, "store");
	kms_aad_bytes(aad, d->kms_id, sizeof(d->kms_id));
}

int kms_meta_put(struct kms_database *d, const char *name,
		 struct mikey_blob value, struct problem *problem)
{
	s64 ret = kms_database_change(d, problem,
				      "INSERT INTO meta(name, value) VALUES(?1, ?2)\n"
				      "ON CONFLICT(name) DO UPDATE SET value = excluded.value",
				      SQL_VALUES(SQL_TEXT(kms_blob(name, strlen(name))),
						 SQL_BLOB(value)));

	return ret < 0 ? ret : 0;
}

int kms_meta_get(struct kms_database *d, const char *name, u8 *value, u32 len,
		 struct problem *problem)
{
	struct sql_stmt *stmt;
	struct mikey_blob b;
	int ret;

	stmt = kms_database_ask(d, problem, "SELECT value FROM meta WHERE name = ?1",
				SQL_VALUES(SQL_TEXT(kms_blob(name, strlen(name)))));
	if (!stmt)
		return problem->error;
	ret = kms_database_step(d, stmt, problem);
	if (ret > 0) {
		b = sql_blob(stmt, 0);
		ret = b.len == len ? 0 : -EIO;
		if (!ret)
			memcpy(value, b.p, len);
	} else if (!ret) {
		ret = -ENOENT;
	}
	sql_reset(stmt);
	if (ret == -ENOENT || ret == -EIO)
		problem_set(problem, ret, "the store has no valid %s", name);
	return ret;
}

int kms_database_write_check(struct kms_database *d, struct problem *problem)
{
	u8 check[KMS_SEAL_OVERHEAD];
	struct kms_aad aad;

	aad_check(&aad, d);
	if (kms_seal_close(d->seal, &aad, NULL, 0, check))
		return problem_set(problem, -EIO, "sealing failed");
	return kms_meta_put(d, "check", kms_blob(check, sizeof(check)), problem);
}

/* What a new store is: names of its own, and a proof of its key. */
static int write_new(struct kms_database *d, void *arg, struct problem *problem)
{
	int ret;

	(void)arg;
	if (RAND_bytes(d->store_id, sizeof(d->store_id)) != 1 ||
	    RAND_bytes(d->kms_id, sizeof(d->kms_id)) != 1)
		return problem_set(problem, -EIO, "no randomness for a new store");
	ret = kms_meta_put(d, "store-id",
			   kms_blob(d->store_id, sizeof(d->store_id)), problem);
	if (!ret)
		ret = kms_meta_put(d, "kms-id",
				   kms_blob(d->kms_id, sizeof(d->kms_id)),
				   problem);
	return ret ? ret : kms_database_write_check(d, problem);
}

static struct kms_database *connect(const char *where, bool create,
				    const struct kms_seal *seal,
				    struct problem *problem)
{
	struct kms_database *d = calloc(1, sizeof(*d));

	if (!d) {
		problem_set(problem, -ENOMEM, "no memory");
		return NULL;
	}
	d->store.ops = &kms_sql_ops;
	d->seal = seal;
	d->sql = sql_open(where, create, problem);
	if (d->sql)
		return d;
	free(d);
	return NULL;
}

int kms_database_check_key(struct kms_database *d, struct problem *problem)
{
	u8 check[KMS_SEAL_OVERHEAD];
	struct kms_aad aad;
	int ret;

	ret = kms_meta_get(d, "store-id", d->store_id, sizeof(d->store_id),
			   problem);
	if (!ret)
		ret = kms_meta_get(d, "kms-id", d->kms_id, sizeof(d->kms_id),
				   problem);
	if (!ret)
		ret = kms_meta_get(d, "check", check, sizeof(check), problem);
	if (ret)
		return ret;
	aad_check(&aad, d);
	ret = kms_seal_open(d->seal, &aad, check, sizeof(check), NULL);
	if (ret)
		return problem_set(problem, ret,
				   "the store key does not belong to this store");
	return 0;
}

int kms_database_make(const char *where, const struct kms_seal *seal,
		      kms_fill_fn *fill, void *arg, struct problem *problem)
{
	struct kms_database *d = connect(where, true, seal, problem);
	int ret;

	if (!d)
		return problem->error;
	ret = kms_database_begin(d, problem);
	if (!ret) {
		ret = kms_schema_create(d, problem);
		if (!ret)
			ret = fill(d, arg, problem);
		if (!ret)
			ret = kms_database_check_key(d, problem);
		ret = kms_database_end(d, ret, problem);
	}
	kms_database_close(d);
	if (ret)
		problem_prefix(problem, "%s: ", sql_name(where));
	if (ret && !sql_is_url(where))
		unlink(where);
	return ret;
}

int kms_database_create(const char *where, const struct kms_seal *seal,
			struct problem *problem)
{
	return kms_database_make(where, seal, write_new, NULL, problem);
}

static int prepare_all(struct kms_database *d, struct problem *problem)
{
	u8 key[MIKEY_KEY_MAX] = { 0 };
	struct kms_aad aad;
	int i;

	for (i = 0; i < KMS_SQL_NUM; i++) {
		d->stmts[i] = sql_prepare(d->sql, statements[i]);
		if (!d->stmts[i])
			return kms_database_problem(d, -EIO, problem);
	}
	kms_aad_begin(&aad, "dummy");
	if (kms_seal_close(d->seal, &aad, key, sizeof(key), d->dummy))
		return problem_set(problem, -EIO, "sealing failed");
	return 0;
}

struct kms_database *kms_database_open(const char *where,
				       const struct kms_seal *seal,
				       struct problem *problem)
{
	struct kms_database *d = connect(where, false, seal, problem);

	if (d && (kms_schema_check(d, problem) || kms_database_check_key(d, problem) ||
		  kms_schema_upgrade(d, problem) || prepare_all(d, problem))) {
		problem_prefix(problem, "%s: ", sql_name(where));
		kms_database_close(d);
		d = NULL;
	}
	if (d)
		d->opened = true;
	return d;
}

void kms_database_close(struct kms_database *d)
{
	int i;

	if (!d)
		return;
	for (i = 0; i < KMS_SQL_NUM; i++)
		sql_finalize(d->stmts[i]);
	for (i = 0; i < KMS_KEPT_MAX; i++)
		sql_finalize(d->kept[i].stmt);
	sql_close(d->sql);
	OPENSSL_cleanse(d, sizeof(*d));
	free(d);
}
