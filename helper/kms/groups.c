// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Groups of the store: a PSI that tickets may name, and the users who may
 * resolve them: members with immediate messages, where it is the KMS that
 * knows who they are, else the list server.
 */
#include "helper/kms/admin.h"
#include "helper/kms/crypto.h"

static struct mikey_blob uid_blob(const struct uid *uid)
{
	return kms_blob(uid->text, uid->len);
}

/* Does the first row of a query with one identity exist? -ENOENT if not. */
static int exists(struct kms_database *d, const char *sql,
		  const struct uid *uid, struct problem *problem)
{
	sqlite3_stmt *stmt = kms_database_prepare(d, problem, sql);
	int result;

	if (!stmt)
		return problem->error;
	kms_bind_blob(stmt, 1, uid_blob(uid));
	result = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	if (result == SQLITE_ROW)
		return 0;
	return result == SQLITE_DONE ? -ENOENT :
	       kms_database_problem(d, result, problem);
}

static int need_group(struct kms_database *d, const struct uid *psi,
		      struct problem *problem)
{
	int ret = exists(d, "SELECT 1 FROM psi WHERE psi = ?1", psi, problem);

	return ret != -ENOENT ? ret :
	       problem_set(problem, ret, "there is no group %s", psi->text);
}

/* One statement with one or two identities. @changed says if it did anything. */
static int change(struct kms_database *d, const char *sql,
		  const struct uid *psi, const struct uid *uid,
		  struct mikey_blob sealed, bool *changed,
		  struct problem *problem)
{
	sqlite3_stmt *stmt = kms_database_prepare(d, problem, sql);
	int result;

	if (!stmt)
		return problem->error;
	kms_bind_blob(stmt, 1, uid_blob(psi));
	if (uid)
		kms_bind_blob(stmt, 2, uid_blob(uid));
	if (sealed.len)
		kms_bind_blob(stmt, 3, sealed);
	result = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	if (result != SQLITE_DONE)
		return kms_database_problem(d, result, problem);
	*changed = sqlite3_changes(d->db);
	return 0;
}

/* What is done to the table of a role, by its enum. */
static const char *const insert_sql[KMS_PSI_ROLES] = {
	[KMS_PSI_MEMBER] =
		"INSERT OR IGNORE INTO member(psi, uid, sealed) VALUES(?1, ?2, ?3)",
	[KMS_PSI_SERVER] =
		"INSERT OR IGNORE INTO server(psi, uid, sealed) VALUES(?1, ?2, ?3)",
};

static const char *const delete_sql[KMS_PSI_ROLES] = {
	[KMS_PSI_MEMBER] = "DELETE FROM member WHERE psi = ?1 AND uid = ?2",
	[KMS_PSI_SERVER] = "DELETE FROM server WHERE psi = ?1 AND uid = ?2",
};

static int add_member(struct kms_database *d, const struct uid *psi,
		      const struct kms_member *member, struct problem *problem)
{
	const struct uid *uid = &member->uid;
	u8 sealed[KMS_SEAL_OVERHEAD];
	struct kms_aad aad;
	bool changed;
	int ret;

	ret = exists(d, "SELECT 1 FROM uid WHERE uid = ?1", uid, problem);
	if (ret == -ENOENT)
		return problem_set(problem, ret, "no user has the UID %s",
				   uid->text);
	if (ret)
		return ret;
	kms_aad_member(&aad, d, member->role, uid_blob(psi), uid_blob(uid));
	if (kms_seal_close(d->seal, &aad, NULL, 0, sealed))
		return problem_set(problem, -EIO, "sealing the member failed");
	ret = change(d, insert_sql[member->role], psi, uid,
		     kms_blob(sealed, sizeof(sealed)), &changed, problem);
	if (!ret && !changed)
		ret = problem_set(problem, -EEXIST, "%s is a %s of %s already",
				  uid->text, kms_psi_tables[member->role],
				  psi->text);
	return ret;
}

static int add_group(struct kms_database *d, const struct uid *psi,
		     const struct kms_member *members, size_t num_members,
		     struct problem *problem)
{
	struct mikey_blob none = { 0 };
	bool changed;
	size_t i;
	int ret;

	ret = exists(d, "SELECT 1 FROM uid WHERE uid = ?1", psi, problem);
	if (!ret)
		return problem_set(problem, -EEXIST,
				   "%s is the UID of a user", psi->text);
	if (ret != -ENOENT)
		return ret;
	ret = change(d, "INSERT OR IGNORE INTO psi(psi) VALUES(?1)",
		     psi, NULL, none, &changed, problem);
	if (!ret && !changed)
		ret = problem_set(problem, -EEXIST,
				  "the group %s exists already", psi->text);
	for (i = 0; !ret && i < num_members; i++)
		ret = add_member(d, psi, &members[i], problem);
	return ret;
}

int kms_group_add(struct kms_database *d, const struct uid *psi,
		  const struct kms_member *members, size_t num_members,
		  struct problem *problem)
{
	int ret;

	if (!uid_is_own(psi))
		return problem_set(problem, -EINVAL,
				   "%s: a group's name has no wildcard", psi->text);
	ret = kms_database_begin(d, problem);
	if (ret)
		return ret;
	ret = add_group(d, psi, members, num_members, problem);
	return kms_database_end(d, ret, problem);
}

int kms_group_del(struct kms_database *d, const struct uid *psi,
		  struct problem *problem)
{
	struct mikey_blob none = { 0 };
	bool changed;
	int ret;

	ret = need_group(d, psi, problem);
	return ret ? ret : change(d, "DELETE FROM psi WHERE psi = ?1", psi, NULL,
				  none, &changed, problem);
}

int kms_member_add(struct kms_database *d, const struct uid *psi,
		   const struct kms_member *member, struct problem *problem)
{
	int ret = kms_database_begin(d, problem);

	if (ret)
		return ret;
	ret = need_group(d, psi, problem);
	if (!ret)
		ret = add_member(d, psi, member, problem);
	return kms_database_end(d, ret, problem);
}

int kms_member_del(struct kms_database *d, const struct uid *psi,
		   const struct kms_member *member, struct problem *problem)
{
	struct mikey_blob none = { 0 };
	bool changed;
	int ret;

	ret = need_group(d, psi, problem);
	if (!ret)
		ret = change(d, delete_sql[member->role], psi, &member->uid,
			     none, &changed, problem);
	if (!ret && !changed)
		ret = problem_set(problem, -ENOENT, "%s is not a %s of %s",
				  member->uid.text,
				  kms_psi_tables[member->role], psi->text);
	return ret;
}

int kms_group_each(struct kms_database *d,
		   void (*each)(struct mikey_blob psi, enum kms_psi_role role,
				struct mikey_blob uid, void *arg),
		   void *arg, struct problem *problem)
{
	sqlite3_stmt *stmt;
	int result;

	/* the group itself stands before its members, NULL sorting first */
	stmt = kms_database_prepare(d, problem,
				    "SELECT psi AS p, 0 AS role, NULL AS u FROM psi UNION ALL\n"
				    "SELECT psi, 0, uid FROM member UNION ALL\n"
				    "SELECT psi, 1, uid FROM server ORDER BY p, role, u");
	if (!stmt)
		return problem->error;
	while ((result = sqlite3_step(stmt)) == SQLITE_ROW)
		each(kms_column_blob(stmt, 0), sqlite3_column_int(stmt, 1),
		     kms_column_blob(stmt, 2), arg);
	sqlite3_finalize(stmt);
	return result == SQLITE_DONE ? 0 :
	       kms_database_problem(d, result, problem);
}
