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

/* Insert, with words for the one refusal that is the administrator's fault. */
static int insert(struct kms_database *d, sqlite3_stmt *stmt,
		  const char *what, const char *name, struct problem *problem)
{
	int result = sqlite3_step(stmt);

	if (result == SQLITE_DONE)
		return 0;
	if ((result & 0xff) == SQLITE_CONSTRAINT)
		return problem_set(problem, -EEXIST, "%s %s exists already",
				   what, name);
	return kms_database_problem(d, result, problem);
}

static int add_row(struct kms_database *d, s64 now, s64 *user,
		   struct problem *problem)
{
	sqlite3_stmt *stmt = kms_database_prepare(d, problem,
						  "INSERT INTO user(created) VALUES(?1)");
	int result;

	if (!stmt)
		return problem->error;
	sqlite3_bind_int64(stmt, 1, now);
	result = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	*user = sqlite3_last_insert_rowid(d->db);
	return result == SQLITE_DONE ? 0 :
	       kms_database_problem(d, result, problem);
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

static int add_psk(struct kms_database *d, const char *id,
		   const struct kms_psk *spec, s64 user, struct problem *problem)
{
	u8 sealed[MIKEY_KEY_MAX + KMS_SEAL_OVERHEAD];
	struct kms_psk psk = *spec;
	sqlite3_stmt *stmt;
	int ret;

	psk.user = user;
	ret = seal_psk(d, text_blob(id), &psk, sealed, problem);
	kms_psk_wipe(&psk);
	if (ret)
		return ret;
	stmt = kms_database_prepare(d, problem,
				    "INSERT INTO psk(id, user, suite, expires, sealed)\n"
				    "VALUES(?1, ?2, ?3, ?4, ?5)");
	if (!stmt)
		return problem->error;
	kms_bind_blob(stmt, 1, text_blob(id));
	sqlite3_bind_int64(stmt, 2, user);
	sqlite3_bind_int64(stmt, 3, spec->suite);
	sqlite3_bind_int64(stmt, 4, spec->expires);
	kms_bind_blob(stmt, 5, kms_blob(sealed, spec->key_len +
					KMS_SEAL_OVERHEAD));
	ret = insert(d, stmt, "the PSK id", id, problem);
	sqlite3_finalize(stmt);
	return ret;
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
	sqlite3_stmt *stmt = kms_database_prepare(d, problem,
						  "SELECT 1 FROM psi WHERE psi = ?1");
	int result;

	if (!stmt)
		return problem->error;
	kms_bind_blob(stmt, 1, uid_blob(uid));
	result = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	if (result == SQLITE_ROW)
		return problem_set(problem, -EEXIST,
				   "%s is the name of a group", uid->text);
	return result == SQLITE_DONE ? 0 :
	       kms_database_problem(d, result, problem);
}

static int add_uid(struct kms_database *d, const struct uid *uid, s64 user,
		   s64 rank, struct problem *problem)
{
	u8 sealed[KMS_SEAL_OVERHEAD];
	sqlite3_stmt *stmt;
	struct kms_aad aad;
	int ret;

	if (!uid_is_own(uid))
		return problem_set(problem, -EINVAL,
				   "%s: a user's own UID has no wildcard",
				   uid->text);
	ret = refuse_psi(d, uid, problem);
	if (ret)
		return ret;
	kms_aad_uid(&aad, d, uid_blob(uid), user, rank);
	if (kms_seal_close(d->seal, &aad, NULL, 0, sealed))
		return problem_set(problem, -EIO, "sealing the UID failed");
	stmt = kms_database_prepare(d, problem,
				    "INSERT INTO uid(uid, user, rank, sealed) VALUES(?1, ?2, ?3, ?4)");
	if (!stmt)
		return problem->error;
	kms_bind_blob(stmt, 1, uid_blob(uid));
	sqlite3_bind_int64(stmt, 2, user);
	sqlite3_bind_int64(stmt, 3, rank);
	kms_bind_blob(stmt, 4, kms_blob(sealed, sizeof(sealed)));
	ret = insert(d, stmt, "the UID", uid->text, problem);
	sqlite3_finalize(stmt);
	return ret;
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

int kms_user_add(struct kms_database *d, const struct kms_user_spec *spec,
		 s64 now, struct problem *problem)
{
	int ret;

	if (!spec->num_uids || spec->num_uids > KMS_USER_UIDS_MAX)
		return problem_set(problem, -EINVAL,
				   "a user has 1 to %d UIDs", KMS_USER_UIDS_MAX);
	ret = check_psk(spec->psk_id, &spec->psk, problem);
	if (ret)
		return ret;
	ret = kms_database_begin(d, problem);
	if (ret)
		return ret;
	return kms_database_end(d, add_all(d, spec, now, problem), problem);
}

/* Mark the PSK in @stmt's row, id in front, as superseded, or remove it. */
static int supersede(struct kms_database *d, sqlite3_stmt *stmt,
		     const struct kms_rekey_spec *spec, s64 now,
		     struct problem *problem)
{
	u8 sealed[MIKEY_KEY_MAX + KMS_SEAL_OVERHEAD];
	struct mikey_blob id = kms_column_blob(stmt, 0);
	struct kms_psk psk = { 0 };
	sqlite3_stmt *change;
	int result, ret = 0;

	if (!spec->drop_old && kms_psk_read(d, stmt, 1, id, &psk))
		ret = problem_set(problem, -EKEYREJECTED,
				  "the old PSK was tampered with in the store; it can only be dropped");
	psk.superseded = now;
	psk.keep_until = spec->keep_until;
	if (!ret && !spec->drop_old)
		ret = seal_psk(d, id, &psk, sealed, problem);
	kms_psk_wipe(&psk);
	if (ret)
		return ret;
	change = kms_database_prepare(d, problem, spec->drop_old ?
				      "DELETE FROM psk WHERE id = ?1" :
				      "UPDATE psk SET superseded = ?2, keep_until = ?3, sealed = ?4\n"
				      "WHERE id = ?1");
	if (!change)
		return problem->error;
	kms_bind_blob(change, 1, id);
	if (!spec->drop_old) {
		sqlite3_bind_int64(change, 2, now);
		sqlite3_bind_int64(change, 3, spec->keep_until);
		kms_bind_blob(change, 4, kms_blob(sealed,
						  sqlite3_column_bytes(stmt, 6)));
	}
	result = sqlite3_step(change);
	sqlite3_finalize(change);
	return result == SQLITE_DONE ? 0 :
	       kms_database_problem(d, result, problem);
}

static int rekey(struct kms_database *d, const struct uid *uid,
		 const struct kms_rekey_spec *spec, s64 now,
		 struct problem *problem)
{
	sqlite3_stmt *stmt;
	s64 user = 0;
	int result, ret = 0;

	stmt = kms_database_prepare(d, problem,
				    "SELECT p.id, p.user, p.suite, p.expires, p.superseded,\n"
				    " p.keep_until, p.sealed FROM uid u JOIN psk p USING(user)\n"
				    "WHERE u.uid = ?1 AND NOT p.superseded");
	if (!stmt)
		return problem->error;
	kms_bind_blob(stmt, 1, uid_blob(uid));
	result = sqlite3_step(stmt);
	if (result == SQLITE_ROW) {
		user = sqlite3_column_int64(stmt, 1);
		ret = supersede(d, stmt, spec, now, problem);
	} else {
		ret = result != SQLITE_DONE ?
		      kms_database_problem(d, result, problem) :
		      problem_set(problem, -ENOENT, "no user has the UID %s",
				  uid->text);
	}
	sqlite3_finalize(stmt);
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
	sqlite3_stmt *stmt;
	int result, ret = 0;

	stmt = kms_database_prepare(d, problem,
				    "DELETE FROM user WHERE id = (SELECT user FROM uid WHERE uid = ?1)");
	if (!stmt)
		return problem->error;
	kms_bind_blob(stmt, 1, uid_blob(uid));
	result = sqlite3_step(stmt);
	if (result != SQLITE_DONE)
		ret = kms_database_problem(d, result, problem);
	else if (!sqlite3_changes(d->db))
		ret = problem_set(problem, -ENOENT, "no user has the UID %s",
				  uid->text);
	sqlite3_finalize(stmt);
	return ret;
}

static int read_row(struct kms_database *d, sqlite3_stmt *stmt,
		    struct kms_user_row *row, struct problem *problem)
{
	int ret;

	row->created = sqlite3_column_int64(stmt, 1);
	row->psk_id = kms_column_blob(stmt, 2);
	row->suite = sqlite3_column_int64(stmt, 3);
	row->expires = sqlite3_column_int64(stmt, 4);
	row->superseded = sqlite3_column_int64(stmt, 5);
	row->keep_until = sqlite3_column_int64(stmt, 6);
	ret = d->store.ops->uids(&d->store, sqlite3_column_int64(stmt, 0),
				 row->uids, &row->num_uids);
	if (ret)
		return problem_set(problem, ret, "the UIDs of PSK %.*s %s",
				   (int)row->psk_id.len, (const char *)row->psk_id.p,
				   ret == -EKEYREJECTED ?
				   "were tampered with in the store" :
				   "cannot be read");
	return 0;
}

int kms_user_each(struct kms_database *d, const struct uid *uid,
		  void (*each)(const struct kms_user_row *row, void *arg),
		  void *arg, struct problem *problem)
{
	struct kms_user_row row;
	sqlite3_stmt *stmt;
	bool any = false;
	int result, ret = 0;

	stmt = kms_database_prepare(d, problem,
				    "SELECT u.id, u.created, p.id, p.suite, p.expires,\n"
				    " p.superseded, p.keep_until\n"
				    "FROM user u JOIN psk p ON p.user = u.id\n"
				    "WHERE ?1 IS NULL OR u.id = (SELECT user FROM uid WHERE uid = ?1)\n"
				    "ORDER BY u.id, p.superseded");
	if (!stmt)
		return problem->error;
	if (uid)
		kms_bind_blob(stmt, 1, uid_blob(uid));
	while (!ret && (result = sqlite3_step(stmt)) == SQLITE_ROW) {
		any = true;
		ret = read_row(d, stmt, &row, problem);
		if (!ret)
			each(&row, arg);
	}
	if (!ret && result != SQLITE_DONE)
		ret = kms_database_problem(d, result, problem);
	if (!ret && uid && !any)
		ret = problem_set(problem, -ENOENT, "no user has the UID %s",
				  uid->text);
	sqlite3_finalize(stmt);
	return ret;
}
