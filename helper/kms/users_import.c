// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many users at once: each step is one statement for all of them (sql_many()),
 * so that a database elsewhere is waited for a few times and not for each row.
 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "helper/kms/admin.h"
#include "helper/kms/crypto.h"

/*
 * @owner: each user's number in the store; @fresh: whose it is only now
 * @row: which user's which UID is in hand, for UIDs
 * @at: the user with which something was wrong
 */
struct users_import {
	struct kms_database *d;
	const struct kms_user_spec *specs;
	s64 now;
	s64 owner[KMS_IMPORT_MAX];
	bool *fresh;
	size_t added[KMS_IMPORT_MAX];
	size_t num_added;
	struct {
		size_t user, rank;
	} rows[KMS_IMPORT_MAX * KMS_USER_UIDS_MAX];
	size_t num_rows;
	u8 sealed[MIKEY_KEY_MAX + KMS_SEAL_OVERHEAD];
	size_t at;
	struct problem *problem;
};

static struct mikey_blob text_blob(const char *text)
{
	return kms_blob(text, strlen(text));
}

static struct mikey_blob uid_blob(const struct uid *uid)
{
	return kms_blob(uid->text, uid->len);
}

static int bind_find(void *arg, size_t i, struct sql_stmt *stmt)
{
	struct users_import *in = arg;

	return sql_bind(stmt, SQL_VALUES(SQL_BLOB(text_blob(in->specs[i].psk_id))));
}

static int take_found(void *arg, size_t i, struct sql_stmt *stmt, int ret)
{
	struct users_import *in = arg;

	in->owner[i] = ret > 0 ? sql_int(stmt, 0) : 0;
	return ret < 0 ? ret : 0;
}

/* 1: this user, who has the PSK id, has just these UIDs. */
static int is_just_so(struct users_import *in, size_t i)
{
	const struct kms_user_spec *spec = &in->specs[i];
	struct kms_store *store = &in->d->store;
	struct kms_uid uids[KMS_USER_UIDS_MAX];
	u32 num, k;
	int ret;

	ret = store->ops->uids(store, in->owner[i], uids, &num);
	if (ret)
		return problem_set(in->problem, ret,
				   "the UIDs of PSK %s cannot be read", spec->psk_id);
	if (num != spec->num_uids)
		return 0;
	for (k = 0; k < num; k++)
		if (!mikey_blob_eq(kms_blob(uids[k].data, uids[k].len),
				   uid_blob(&spec->uids[k])))
			return 0;
	return 1;
}

/* Who is to be added, and their UIDs. */
static int choose(struct users_import *in, size_t num)
{
	size_t i, k;
	int ret;

	for (i = 0; i < num; i++) {
		in->at = i;
		ret = in->owner[i] ? is_just_so(in, i) : 0;
		if (ret < 0)
			return ret;
		in->fresh[i] = !ret;
		if (ret)
			continue;
		in->added[in->num_added++] = i;
		for (k = 0; k < in->specs[i].num_uids; k++) {
			in->rows[in->num_rows].user = i;
			in->rows[in->num_rows++].rank = k;
		}
	}
	return 0;
}

static int bind_account(void *arg, size_t i, struct sql_stmt *stmt)
{
	struct users_import *in = arg;

	(void)i;
	return sql_bind(stmt, SQL_VALUES(SQL_INT(in->now)));
}

static int take_account(void *arg, size_t i, struct sql_stmt *stmt, int ret)
{
	struct users_import *in = arg;

	if (ret > 0)
		in->owner[in->added[i]] = sql_int(stmt, 0);
	return ret > 0 ? 0 : ret ? ret : -EIO;
}

static int bind_psk(void *arg, size_t i, struct sql_stmt *stmt)
{
	struct users_import *in = arg;
	const struct kms_user_spec *spec = &in->specs[in->added[i]];
	s64 owner = in->owner[in->added[i]];

	if (kms_user_seal_psk(in->d, spec->psk_id, &spec->psk, owner, in->sealed))
		return problem_set(in->problem, -EIO, "sealing the PSK failed");
	return sql_bind(stmt,
			SQL_VALUES(SQL_BLOB(text_blob(spec->psk_id)),
				   SQL_INT(owner), SQL_INT(spec->psk.suite),
				   SQL_INT(spec->psk.expires),
				   SQL_BLOB(kms_blob(in->sealed, spec->psk.key_len +
						     KMS_SEAL_OVERHEAD))));
}

static int take_psk(void *arg, size_t i, struct sql_stmt *stmt, int ret)
{
	struct users_import *in = arg;

	(void)stmt;
	in->at = in->added[i];
	if (ret == -EEXIST)
		problem_set(in->problem, ret, "the PSK id %s exists already",
			    in->specs[in->at].psk_id);
	return ret < 0 ? ret : 0;
}

static int bind_uid(void *arg, size_t i, struct sql_stmt *stmt)
{
	struct users_import *in = arg;
	size_t user = in->rows[i].user, rank = in->rows[i].rank;
	const struct uid *uid = &in->specs[user].uids[rank];
	struct kms_aad aad;

	kms_aad_uid(&aad, in->d, uid_blob(uid), in->owner[user], rank);
	if (kms_seal_close(in->d->seal, &aad, NULL, 0, in->sealed))
		return problem_set(in->problem, -EIO, "sealing the UID failed");
	return sql_bind(stmt,
			SQL_VALUES(SQL_BLOB(uid_blob(uid)),
				   SQL_INT(in->owner[user]), SQL_INT(rank),
				   SQL_BLOB(kms_blob(in->sealed, KMS_SEAL_OVERHEAD))));
}

/* A group's PSI and a user's UID must not be mistaken for each other. */
static int take_uid(void *arg, size_t i, struct sql_stmt *stmt, int ret)
{
	struct users_import *in = arg;
	const char *uid;

	in->at = in->rows[i].user;
	uid = in->specs[in->at].uids[in->rows[i].rank].text;
	if (ret == -EEXIST)
		return problem_set(in->problem, ret, "the UID %s exists already", uid);
	if (!ret && !sql_changes(stmt))
		return problem_set(in->problem, -EEXIST, "%s is the name of a group",
				   uid);
	return ret < 0 ? ret : 0;
}

static int import(struct users_import *in, size_t num)
{
	const struct sql_many find = { num, bind_find, take_found, in };
	struct sql_many account = { 0, bind_account, take_account, in };
	struct sql_many psk = { 0, bind_psk, take_psk, in };
	struct sql_many uid = { 0, bind_uid, take_uid, in };
	int ret;

	ret = kms_database_many(in->d, in->problem,
				"SELECT owner FROM psk WHERE id = ?1", &find);
	if (!ret)
		ret = choose(in, num);
	account.num = in->num_added;
	psk.num = in->num_added;
	uid.num = in->num_rows;
	if (!ret)
		ret = kms_database_many(in->d, in->problem,
					"INSERT INTO account(created) VALUES(?1) RETURNING id",
					&account);
	if (!ret)
		ret = kms_database_many(in->d, in->problem,
					"INSERT INTO psk(id, owner, suite, expires, sealed)\n"
					"VALUES(?1, ?2, ?3, ?4, ?5)", &psk);
	if (!ret)
		ret = kms_database_many(in->d, in->problem,
					"INSERT INTO uid(uid, owner, rank, sealed)\n"
					"SELECT ?1, ?2, ?3, ?4\n"
					"WHERE NOT EXISTS (SELECT 1 FROM psi WHERE psi = ?1)",
					&uid);
	return ret;
}

int kms_users_import(struct kms_database *d, const struct kms_user_spec *specs,
		     size_t num, s64 now, bool *added, size_t *at,
		     struct problem *problem)
{
	struct users_import *in = calloc(1, sizeof(*in));
	int ret = 0;

	*at = 0;
	if (!in)
		return problem_set(problem, -ENOMEM, "no memory");
	in->d = d;
	in->specs = specs;
	in->now = now;
	in->fresh = added;
	in->problem = problem;
	for (in->at = 0; !ret && in->at < num; in->at++)
		ret = kms_user_check(&specs[in->at], problem);
	if (ret)
		in->at--;
	else
		ret = import(in, num);
	*at = in->at;
	free(in);
	return ret;
}
