// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All of a store under another key; see rekey.h.
 */
#include <errno.h>
#include <openssl/crypto.h>

#include "helper/kms/crypto.h"
#include "helper/kms/progress.h"
#include "helper/kms/rekey.h"

#define SOME " LIMIT 500"
#define SEALED_MAX (MIKEY_KEY_MAX + KMS_SEAL_OVERHEAD)

/*
 * One table. @some: the sealed bytes, then the key's columns, then what the
 * seal covers, behind a key of @keys values.
 */
struct table {
	const char *name;
	int keys;
	void (*aad)(struct kms_aad *aad, const struct kms_database *d,
		    const struct sql_stmt *stmt);
	const char *first, *next, *update;
};

static void aad_psk(struct kms_aad *aad, const struct kms_database *d,
		    const struct sql_stmt *stmt)
{
	struct kms_psk psk = {
		.user = sql_int(stmt, 2), .suite = sql_int(stmt, 3),
		.expires = sql_int(stmt, 4), .superseded = sql_int(stmt, 5),
		.keep_until = sql_int(stmt, 6),
	};

	kms_aad_psk(aad, d, sql_blob(stmt, 1), &psk);
}

static void aad_uid(struct kms_aad *aad, const struct kms_database *d,
		    const struct sql_stmt *stmt)
{
	kms_aad_uid(aad, d, sql_blob(stmt, 1), sql_int(stmt, 2), sql_int(stmt, 3));
}

static void aad_member(struct kms_aad *aad, const struct kms_database *d,
		       const struct sql_stmt *stmt)
{
	kms_aad_member(aad, d, KMS_PSI_MEMBER, sql_blob(stmt, 1), sql_blob(stmt, 2));
}

static void aad_server(struct kms_aad *aad, const struct kms_database *d,
		       const struct sql_stmt *stmt)
{
	kms_aad_member(aad, d, KMS_PSI_SERVER, sql_blob(stmt, 1), sql_blob(stmt, 2));
}

static void aad_tpk(struct kms_aad *aad, const struct kms_database *d,
		    const struct sql_stmt *stmt)
{
	kms_aad_tpk(aad, d, sql_blob(stmt, 1), sql_int(stmt, 2), sql_int(stmt, 3));
}

static const struct table tables[] = {
#define COLUMNS "SELECT sealed, id, owner, suite, expires, superseded, keep_until FROM psk "
	{ "psk", 1, aad_psk, COLUMNS "ORDER BY id" SOME,
	  COLUMNS "WHERE id > ?1 ORDER BY id" SOME,
	  "UPDATE psk SET sealed = ?1 WHERE id = ?2" },
#undef COLUMNS
#define COLUMNS "SELECT sealed, uid, owner, rank FROM uid "
	{ "uid", 1, aad_uid, COLUMNS "ORDER BY uid" SOME,
	  COLUMNS "WHERE uid > ?1 ORDER BY uid" SOME,
	  "UPDATE uid SET sealed = ?1 WHERE uid = ?2" },
#undef COLUMNS
#define COLUMNS "SELECT sealed, psi, uid FROM member "
	{ "member", 2, aad_member, COLUMNS "ORDER BY psi, uid" SOME,
	  COLUMNS "WHERE (psi, uid) > (?1, ?2) ORDER BY psi, uid" SOME,
	  "UPDATE member SET sealed = ?1 WHERE psi = ?2 AND uid = ?3" },
#undef COLUMNS
#define COLUMNS "SELECT sealed, psi, uid FROM server "
	{ "server", 2, aad_server, COLUMNS "ORDER BY psi, uid" SOME,
	  COLUMNS "WHERE (psi, uid) > (?1, ?2) ORDER BY psi, uid" SOME,
	  "UPDATE server SET sealed = ?1 WHERE psi = ?2 AND uid = ?3" },
#undef COLUMNS
#define COLUMNS "SELECT sealed, name, created, revoked FROM tpk "
	{ "tpk", 1, aad_tpk, COLUMNS "ORDER BY name" SOME,
	  COLUMNS "WHERE name > ?1 ORDER BY name" SOME,
	  "UPDATE tpk SET sealed = ?1 WHERE name = ?2" },
#undef COLUMNS
};

/* A row: its key and the new sealed bytes. */
struct row {
	u32 sealed_len;
	u8 sealed[SEALED_MAX];
	u32 key_len[2];
	u8 keys[2][MIKEY_UID_MAX];
};

#define ROWS 500

struct rekey {
	struct kms_database *d;
	const struct kms_seal *seal;
	s64 done;
	size_t num;
	struct kms_progress progress;
	struct row rows[ROWS];
};

static struct mikey_blob key_of(const struct row *row, int i)
{
	return kms_blob(row->keys[i], row->key_len[i]);
}

/* Under the other key, the plain text being here for as long as it takes. */
static int reseal(struct rekey *re, const struct kms_aad *aad, struct mikey_blob sealed,
		  struct row *row)
{
	u8 plain[MIKEY_KEY_MAX];
	int ret;

	if (sealed.len < KMS_SEAL_OVERHEAD || sealed.len > SEALED_MAX)
		return -EKEYREJECTED;
	ret = kms_seal_open(re->d->seal, aad, sealed.p, sealed.len, plain);
	if (!ret)
		ret = kms_seal_close(re->seal, aad, plain,
				     sealed.len - KMS_SEAL_OVERHEAD, row->sealed);
	OPENSSL_cleanse(plain, sizeof(plain));
	row->sealed_len = sealed.len;
	return ret;
}

static int read_row(struct rekey *re, const struct table *t, const struct sql_stmt *stmt,
		    struct problem *problem)
{
	struct row *row = &re->rows[re->num];
	struct mikey_blob key;
	struct kms_aad aad;
	int i;

	for (i = 0; i < t->keys; i++) {
		key = sql_blob(stmt, 1 + i);
		if (key.len > sizeof(row->keys[i]))
			return problem_set(problem, -EKEYREJECTED, "table %s: a name is too long",
					   t->name);
		row->key_len[i] = key.len;
		memcpy(row->keys[i], key.p, key.len);
	}
	t->aad(&aad, re->d, stmt);
	if (reseal(re, &aad, sql_blob(stmt, 0), row))
		return problem_set(problem, -EKEYREJECTED,
				   "table %s: the row of %.*s was tampered with",
				   t->name, (int)row->key_len[0], (char *)row->keys[0]);
	re->num++;
	return 0;
}

static int write_rows(struct rekey *re, const struct table *t, struct problem *problem)
{
	struct sql_value values[3];
	struct row *row;
	size_t i;
	s64 ret;
	int k;

	for (i = 0; i < re->num; i++) {
		row = &re->rows[i];
		values[0] = SQL_BLOB(kms_blob(row->sealed, row->sealed_len));
		for (k = 0; k < t->keys; k++)
			values[1 + k] = SQL_BLOB(key_of(row, k));
		ret = kms_database_change(re->d, problem, t->update, (struct sql_values) {
			.values = values, .num = 1 + t->keys,
		});
		if (ret < 0)
			return ret;
	}
	re->done += re->num;
	kms_progress_tell(&re->progress, re->done);
	return 0;
}

/* Some rows behind the last one of those before. 1: there may be more. */
static int some(struct rekey *re, const struct table *t, bool first, struct problem *problem)
{
	struct row last = { 0 };
	struct sql_value values[2];
	struct sql_stmt *stmt;
	int i, ret;

	if (!first)
		last = re->rows[re->num - 1];
	for (i = 0; i < t->keys; i++)
		values[i] = SQL_BLOB(key_of(&last, i));
	stmt = kms_database_ask(re->d, problem, first ? t->first : t->next,
				(struct sql_values) {
					.values = values, .num = first ? 0 : t->keys,
				});
	if (!stmt)
		return problem->error;
	re->num = 0;
	while ((ret = kms_database_step(re->d, stmt, problem)) > 0) {
		ret = re->num < ROWS ? read_row(re, t, stmt, problem) : 0;
		if (ret)
			break;
	}
	sql_reset(stmt);
	if (!ret)
		ret = write_rows(re, t, problem);
	return ret ? ret : re->num == ROWS;
}

static int all(struct rekey *re, struct problem *problem)
{
	const struct kms_seal *old = re->d->seal;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(tables); i++) {
		ret = some(re, &tables[i], true, problem);
		while (ret > 0)
			ret = some(re, &tables[i], false, problem);
	}
	if (ret)
		return ret;
	re->d->seal = re->seal;
	ret = kms_database_write_check(re->d, problem);
	re->d->seal = old;
	return ret;
}

s64 kms_rekey(struct kms_database *d, const struct kms_seal *seal,
	      struct problem *problem)
{
	struct rekey *re = calloc(1, sizeof(*re));
	s64 ret;

	if (!re)
		return problem_set(problem, -ENOMEM, "no memory");
	re->d = d;
	re->seal = seal;
	ret = kms_database_begin(d, problem);
	if (!ret) {
		kms_progress_begin(&re->progress, "rows", 0);
		ret = all(re, problem);
		ret = kms_database_end(d, ret, problem);
		kms_progress_end(&re->progress);
	}
	if (!ret)
		ret = re->done;
	free(re);
	return ret;
}
