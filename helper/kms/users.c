// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Users of the store: who they are (UIDs) and the PSK they share with us.
 */
#include <openssl/crypto.h>

#include "helper/kms/admin.h"
#include "helper/kms/crypto.h"

static struct mikey_blob uid_blob(const struct uid *uid)
{
	return kms_blob(uid->text, uid->len);
}

static struct mikey_blob text_blob(const char *text)
{
	return kms_blob(text, strlen(text));
}

/* Words for the one refusal of an insert that is the administrator's fault. */
static int insert_result(s64 ret, const char *what, const char *name,
			 struct problem *problem)
{
	if (ret == -EEXIST)
		return problem_set(problem, ret, "%s %s exists already", what,
				   name);
	return ret < 0 ? ret : 0;
}

static int add_row(struct kms_database *d, s64 now, s64 *user,
		   struct problem *problem)
{
	return kms_database_number(d, problem, user, 0,
				   "INSERT INTO account(created) VALUES(?1) RETURNING id",
				   SQL_VALUES(SQL_INT(now)));
}

static int seal_psk(struct kms_database *d, struct mikey_blob id,
		    const struct kms_psk *psk, u8 *sealed,
		    struct problem *problem)
{
	struct kms_aad aad;
	int ret;

	kms_aad_psk(&aad, d, id, psk);
	ret = kms_seal_close(d->seal, &aad, psk->key, psk->key_len, sealed);
	return ret ? problem_set(problem, ret, "sealing the PSK failed") : 0;
}

int kms_user_seal_psk(struct kms_database *d, const char *psk_id,
		      const struct kms_psk *psk, s64 owner, u8 *sealed)
{
	struct kms_psk its = *psk;
	struct kms_aad aad;
	int ret;

	its.user = owner;
	kms_aad_psk(&aad, d, text_blob(psk_id), &its);
	ret = kms_seal_close(d->seal, &aad, its.key, its.key_len, sealed);
	kms_psk_wipe(&its);
	return ret ? -EIO : 0;
}

static int add_psk(struct kms_database *d, const char *id,
		   const struct kms_psk *spec, s64 user, struct problem *problem)
{
	u8 sealed[MIKEY_KEY_MAX + KMS_SEAL_OVERHEAD];

	if (kms_user_seal_psk(d, id, spec, user, sealed))
		return problem_set(problem, -EIO, "sealing the PSK failed");
	return insert_result(kms_database_change(d, problem,
		"INSERT INTO psk(id, owner, suite, expires, sealed)\n"
		"VALUES(?1, ?2, ?3, ?4, ?5)",
		SQL_VALUES(SQL_BLOB(text_blob(id)), SQL_INT(user),
			   SQL_INT(spec->suite), SQL_INT(spec->expires),
		       SQL_BLOB(kms_blob(sealed, spec->key_len +
					 KMS_SEAL_OVERHEAD)))),
		"the PSK id", id, problem);
}

static int check_psk(const char *id, const struct kms_psk *psk,
		     struct problem *problem)
{
	const struct mikey_suite *suite = mikey_suite_by_id(psk->suite);
	size_t len = strlen(id);

	if (!len || len > KMS_KEY_ID_MAX)
		return problem_set(problem, -EINVAL,
				   "a PSK id has 1 to %d bytes", KMS_KEY_ID_MAX);
	if (!suite || psk->key_len != suite->key_len)
		return problem_set(problem, -EINVAL,
				   "a PSK of suite %s has %d bytes, this has %d",
				   suite ? suite->name : "?",
				   suite ? suite->key_len : 0, psk->key_len);
	return 0;
}

/* A group's PSI and a user's UID must not be mistaken for each other. */
static int refuse_psi(struct kms_database *d, const struct uid *uid,
		      struct problem *problem)
{
	s64 found;
	int ret = kms_database_number(d, problem, &found, 0,
				      "SELECT 1 FROM psi WHERE psi = ?1",
				      SQL_VALUES(SQL_BLOB(uid_blob(uid))));

	return ret ? ret : !found ? 0 :
	       problem_set(problem, -EEXIST, "%s is the name of a group",
			   uid->text);
}

static int add_uid(struct kms_database *d, const struct uid *uid, s64 user,
		   s64 rank, struct problem *problem)
{
	u8 sealed[KMS_SEAL_OVERHEAD];
	struct kms_aad aad;
	int ret;

	ret = refuse_psi(d, uid, problem);
	if (ret)
		return ret;
	kms_aad_uid(&aad, d, uid_blob(uid), user, rank);
	if (kms_seal_close(d->seal, &aad, NULL, 0, sealed))
		return problem_set(problem, -EIO, "sealing the UID failed");
	return insert_result(kms_database_change(d, problem,
		"INSERT INTO uid(uid, owner, rank, sealed) VALUES(?1, ?2, ?3, ?4)",
		SQL_VALUES(SQL_BLOB(uid_blob(uid)), SQL_INT(user), SQL_INT(rank),
			   SQL_BLOB(kms_blob(sealed, sizeof(sealed))))),
		"the UID", uid->text, problem);
}

static int add_all(struct kms_database *d, const struct kms_user_spec *spec,
		   s64 now, struct problem *problem)
{
	s64 user = 0;
	size_t i;
	int ret;

	ret = add_row(d, now, &user, problem);
	if (!ret)
		ret = add_psk(d, spec->psk_id, &spec->psk, user, problem);
	for (i = 0; !ret && i < spec->num_uids; i++)
		ret = add_uid(d, &spec->uids[i], user, i, problem);
	return ret;
}

int kms_user_check(const struct kms_user_spec *spec, struct problem *problem)
{
	size_t i;
	int ret;

	if (!spec->num_uids || spec->num_uids > KMS_USER_UIDS_MAX)
		return problem_set(problem, -EINVAL,
				   "a user has 1 to %d UIDs", KMS_USER_UIDS_MAX);
	ret = check_psk(spec->psk_id, &spec->psk, problem);
	for (i = 0; !ret && i < spec->num_uids; i++)
		if (!uid_is_own(&spec->uids[i]))
			ret = problem_set(problem, -EINVAL,
					  "%s: a user's own UID has no wildcard",
					  spec->uids[i].text);
	return ret;
}

int kms_user_add(struct kms_database *d, const struct kms_user_spec *spec,
		 s64 now, struct problem *problem)
{
	int ret = kms_user_check(spec, problem);

	if (!ret)
		ret = kms_database_begin(d, problem);
	if (ret)
		return ret;
	return kms_database_end(d, add_all(d, spec, now, problem), problem);
}

/* Mark the PSK in @stmt's row, id in front, as superseded, or remove it. */
static int supersede(struct kms_database *d, const struct sql_stmt *stmt,
		     const struct kms_rekey_spec *spec, s64 now,
		     struct problem *problem)
{
	u8 sealed[MIKEY_KEY_MAX + KMS_SEAL_OVERHEAD];
	struct mikey_blob id = sql_blob(stmt, 0);
	u32 len = sql_blob(stmt, 6).len;
	struct kms_psk psk = { 0 };
	s64 ret = 0;

	if (spec->drop_old) {
		ret = kms_database_change(d, problem,
					  "DELETE FROM psk WHERE id = ?1",
					  SQL_VALUES(SQL_BLOB(id)));
		return ret < 0 ? ret : 0;
	}
	if (kms_psk_read(d, stmt, 1, id, &psk))
		ret = problem_set(problem, -EKEYREJECTED,
				  "the old PSK was tampered with in the store; it can only be dropped");
	psk.superseded = now;
	psk.keep_until = spec->keep_until;
	if (!ret)
		ret = seal_psk(d, id, &psk, sealed, problem);
	kms_psk_wipe(&psk);
	if (!ret)
		ret = kms_database_change(d, problem,
					  "UPDATE psk SET superseded = ?2, keep_until = ?3, sealed = ?4\n"
			"WHERE id = ?1",
			SQL_VALUES(SQL_BLOB(id), SQL_INT(now),
				   SQL_INT(spec->keep_until),
			       SQL_BLOB(kms_blob(sealed, len))));
	return ret < 0 ? ret : 0;
}

static int rekey(struct kms_database *d, const struct uid *uid,
		 const struct kms_rekey_spec *spec, s64 now,
		 struct problem *problem)
{
	struct sql_stmt *stmt;
	s64 user = 0;
	int ret;

	stmt = kms_database_ask(d, problem,
				"SELECT p.id, p.owner, p.suite, p.expires, p.superseded,\n"
				" p.keep_until, p.sealed FROM uid u JOIN psk p ON p.owner = u.owner\n"
				"WHERE u.uid = ?1 AND p.superseded = 0",
				SQL_VALUES(SQL_BLOB(uid_blob(uid))));
	if (!stmt)
		return problem->error;
	ret = kms_database_step(d, stmt, problem);
	if (ret > 0) {
		user = sql_int(stmt, 1);
		ret = supersede(d, stmt, spec, now, problem);
	} else if (!ret) {
		ret = problem_set(problem, -ENOENT, "no user has the UID %s",
				  uid->text);
	}
	sql_reset(stmt);
	return ret ? ret : add_psk(d, spec->psk_id, &spec->psk, user, problem);
}

int kms_user_rekey(struct kms_database *d, const struct uid *uid,
		   const struct kms_rekey_spec *spec, s64 now,
		   struct problem *problem)
{
	int ret = check_psk(spec->psk_id, &spec->psk, problem);

	if (!ret)
		ret = kms_database_begin(d, problem);
	if (ret)
		return ret;
	return kms_database_end(d, rekey(d, uid, spec, now, problem), problem);
}

int kms_user_del(struct kms_database *d, const struct uid *uid,
		 struct problem *problem)
{
	s64 ret = kms_database_begin(d, problem);

	if (ret)
		return ret;
	ret = kms_database_change(d, problem,
				  "DELETE FROM account WHERE id = (SELECT owner FROM uid WHERE uid = ?1)",
				  SQL_VALUES(SQL_BLOB(uid_blob(uid))));
	if (!ret)
		ret = problem_set(problem, -ENOENT, "no user has the UID %s",
				  uid->text);
	return kms_database_end(d, ret < 0 ? ret : 0, problem);
}

static int read_row(struct kms_database *d, const struct sql_stmt *stmt,
		    struct kms_user_row *row, struct problem *problem)
{
	int ret;

	row->user = sql_int(stmt, 0);
	row->created = sql_int(stmt, 1);
	row->psk_id = sql_blob(stmt, 2);
	row->suite = sql_int(stmt, 3);
	row->expires = sql_int(stmt, 4);
	row->superseded = sql_int(stmt, 5);
	row->keep_until = sql_int(stmt, 6);
	ret = d->store.ops->uids(&d->store, row->user, row->uids,
				 &row->num_uids);
	if (ret)
		return problem_set(problem, ret, "the UIDs of PSK %.*s %s",
				   (int)row->psk_id.len, (const char *)row->psk_id.p,
				   ret == -EKEYREJECTED ?
				   "were tampered with in the store" :
				   "cannot be read");
	return 0;
}

#define USER_COLUMNS \
	"SELECT a.id, a.created, p.id, p.suite, p.expires,\n" \
	" p.superseded, p.keep_until\n" \
	"FROM account a JOIN psk p ON p.owner = a.id\n"
#define USER_ORDER " ORDER BY a.id, p.superseded, p.id"

typedef void (each_fn)(const struct kms_user_row *row, void *arg);

/* All rows of a query; -ENOENT if there are none, without words. */
static int each_of(struct kms_database *d, const char *text,
		   struct sql_values values, s64 *last, each_fn *each, void *arg,
		   struct problem *problem)
{
	struct sql_stmt *stmt = kms_database_ask(d, problem, text, values);
	struct kms_user_row row;
	bool any = false;
	int ret;

	if (!stmt)
		return problem->error;
	while ((ret = kms_database_step(d, stmt, problem)) > 0) {
		any = true;
		ret = read_row(d, stmt, &row, problem);
		if (ret)
			break;
		*last = row.user;
		each(&row, arg);
	}
	sql_reset(stmt);
	return ret ? ret : any ? 0 : -ENOENT;
}

/* Some at a time: a database may give all rows of a query at once. */
static const char some_sql[] = USER_COLUMNS
	"WHERE a.id IN (SELECT id FROM account WHERE id > ?1 ORDER BY id LIMIT 256)"
	USER_ORDER;
static const char one_sql[] = USER_COLUMNS
	"WHERE a.id = (SELECT owner FROM uid WHERE uid = ?1)" USER_ORDER;

int kms_user_each(struct kms_database *d, const struct uid *uid, each_fn *each,
		  void *arg, struct problem *problem)
{
	s64 last = 0;
	int ret;

	if (uid) {
		ret = each_of(d, one_sql, SQL_VALUES(SQL_BLOB(uid_blob(uid))),
			      &last, each, arg, problem);
		return ret != -ENOENT ? ret :
		       problem_set(problem, ret, "no user has the UID %s",
				   uid->text);
	}
	do {
		ret = each_of(d, some_sql, SQL_VALUES(SQL_INT(last)), &last, each,
			      arg, problem);
	} while (!ret);
	return ret == -ENOENT ? 0 : ret;
}
