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
	s64 found;
	int ret = kms_database_number(d, problem, &found, 0, sql,
				      SQL_VALUES(SQL_BLOB(uid_blob(uid))));

	return ret ? ret : found ? 0 : -ENOENT;
}

static int need_group(struct kms_database *d, const struct uid *psi,
		      struct problem *problem)
{
	int ret = exists(d, "SELECT 1 FROM psi WHERE psi = ?1", psi, problem);

	return ret != -ENOENT ? ret :
	       problem_set(problem, ret, "there is no group %s", psi->text);
}

/* What is done to the table of a role, by its enum. */
static const char *const insert_sql[KMS_PSI_ROLES] = {
	[KMS_PSI_MEMBER] =
		"INSERT INTO member(psi, uid, sealed) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING",
	[KMS_PSI_SERVER] =
		"INSERT INTO server(psi, uid, sealed) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING",
};

static const char *const is_sql[KMS_PSI_ROLES] = {
	[KMS_PSI_MEMBER] = "SELECT 1 FROM member WHERE psi = ?1 AND uid = ?2",
	[KMS_PSI_SERVER] = "SELECT 1 FROM server WHERE psi = ?1 AND uid = ?2",
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
	s64 ret;

	ret = exists(d, "SELECT 1 FROM uid WHERE uid = ?1", uid, problem);
	if (ret == -ENOENT)
		return problem_set(problem, ret, "no user has the UID %s",
				   uid->text);
	if (ret)
		return ret;
	kms_aad_member(&aad, d, member->role, uid_blob(psi), uid_blob(uid));
	if (kms_seal_close(d->seal, &aad, NULL, 0, sealed))
		return problem_set(problem, -EIO, "sealing the member failed");
	ret = kms_database_change(d, problem, insert_sql[member->role],
				  SQL_VALUES(SQL_BLOB(uid_blob(psi)),
					     SQL_BLOB(uid_blob(uid)),
					 SQL_BLOB(kms_blob(sealed, sizeof(sealed)))));
	if (!ret)
		ret = problem_set(problem, -EEXIST, "%s is a %s of %s already",
				  uid->text, kms_psi_tables[member->role],
				  psi->text);
	return ret < 0 ? ret : 0;
}

static int add_group(struct kms_database *d, const struct uid *psi,
		     const struct kms_member *members, size_t num_members,
		     struct problem *problem)
{
	size_t i;
	s64 ret;

	ret = exists(d, "SELECT 1 FROM uid WHERE uid = ?1", psi, problem);
	if (!ret)
		return problem_set(problem, -EEXIST,
				   "%s is the UID of a user", psi->text);
	if (ret != -ENOENT)
		return ret;
	ret = kms_database_change(d, problem,
				  "INSERT INTO psi(psi) VALUES(?1) ON CONFLICT DO NOTHING",
				  SQL_VALUES(SQL_BLOB(uid_blob(psi))));
	if (ret < 0)
		return ret;
	ret = ret ? 0 : problem_set(problem, -EEXIST,
				    "the group %s exists already", psi->text);
	for (i = 0; !ret && i < num_members; i++)
		ret = add_member(d, psi, &members[i], problem);
	return ret;
}

int kms_member_import(struct kms_database *d, const struct uid *psi,
		      const struct kms_member *member, struct problem *problem)
{
	s64 found = 0;
	int ret;

	if (!uid_is_own(psi))
		return problem_set(problem, -EINVAL,
				   "%s: a group's name has no wildcard", psi->text);
	ret = exists(d, "SELECT 1 FROM psi WHERE psi = ?1", psi, problem);
	if (ret == -ENOENT) {
		ret = add_group(d, psi, member, member ? 1 : 0, problem);
		return ret ? ret : 1;
	}
	if (ret || !member)
		return ret;
	ret = kms_database_number(d, problem, &found, 0, is_sql[member->role],
				  SQL_VALUES(SQL_BLOB(uid_blob(psi)),
					     SQL_BLOB(uid_blob(&member->uid))));
	if (ret || found)
		return ret;
	ret = add_member(d, psi, member, problem);
	return ret ? ret : 1;
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
	s64 ret = kms_database_begin(d, problem);

	if (ret)
		return ret;
	ret = need_group(d, psi, problem);
	if (!ret)
		ret = kms_database_change(d, problem,
					  "DELETE FROM psi WHERE psi = ?1",
					  SQL_VALUES(SQL_BLOB(uid_blob(psi))));
	return kms_database_end(d, ret < 0 ? ret : 0, problem);
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

static int del_member(struct kms_database *d, const struct uid *psi,
		      const struct kms_member *member, struct problem *problem)
{
	s64 ret = need_group(d, psi, problem);

	if (ret)
		return ret;
	ret = kms_database_change(d, problem, delete_sql[member->role],
				  SQL_VALUES(SQL_BLOB(uid_blob(psi)),
					     SQL_BLOB(uid_blob(&member->uid))));
	if (!ret)
		ret = problem_set(problem, -ENOENT, "%s is not a %s of %s",
				  member->uid.text,
				  kms_psi_tables[member->role], psi->text);
	return ret < 0 ? ret : 0;
}

int kms_member_del(struct kms_database *d, const struct uid *psi,
		   const struct kms_member *member, struct problem *problem)
{
	int ret = kms_database_begin(d, problem);

	return ret ? ret : kms_database_end(d, del_member(d, psi, member, problem),
					    problem);
}

/* Blobs in order, some at a time, each behind the last one. */
struct cursor {
	u32 len;
	u8 last[MIKEY_UID_MAX];
};

static bool advance(struct cursor *cursor, struct mikey_blob to)
{
	if (to.len > sizeof(cursor->last))
		return false;
	cursor->len = to.len;
	memcpy(cursor->last, to.p, to.len);
	return true;
}

static struct mikey_blob behind(const struct cursor *cursor)
{
	return kms_blob(cursor->last, cursor->len);
}

static const char *const members_sql[KMS_PSI_ROLES] = {
	[KMS_PSI_MEMBER] =
		"SELECT uid FROM member WHERE psi = ?1 AND uid > ?2 ORDER BY uid LIMIT 1000",
	[KMS_PSI_SERVER] =
		"SELECT uid FROM server WHERE psi = ?1 AND uid > ?2 ORDER BY uid LIMIT 1000",
};

typedef void (each_fn)(struct mikey_blob psi, enum kms_psi_role role,
		       struct mikey_blob uid, void *arg);

static int each_member(struct kms_database *d, struct mikey_blob psi,
		       enum kms_psi_role role, each_fn *each, void *arg,
		       struct problem *problem)
{
	struct cursor at = { 0 };
	struct sql_stmt *stmt;
	bool any;
	int ret;

	do {
		any = false;
		stmt = kms_database_ask(d, problem, members_sql[role],
					SQL_VALUES(SQL_BLOB(psi), SQL_BLOB(behind(&at))));
		if (!stmt)
			return problem->error;
		while ((ret = kms_database_step(d, stmt, problem)) > 0) {
			any = advance(&at, sql_blob(stmt, 0));
			each(psi, role, sql_blob(stmt, 0), arg);
		}
		sql_reset(stmt);
	} while (!ret && any);
	return ret;
}

int kms_group_each(struct kms_database *d, each_fn *each, void *arg,
		   struct problem *problem)
{
	struct mikey_blob psi, none = { 0 };
	struct cursor at = { 0 };
	struct sql_stmt *stmt;
	int ret, role;

	for (;;) {
		stmt = kms_database_ask(d, problem,
					"SELECT psi FROM psi WHERE psi > ?1 ORDER BY psi LIMIT 1",
					SQL_VALUES(SQL_BLOB(behind(&at))));
		if (!stmt)
			return problem->error;
		ret = kms_database_step(d, stmt, problem);
		if (ret > 0 && !advance(&at, sql_blob(stmt, 0)))
			ret = problem_set(problem, -EIO, "the name of a group is too long");
		sql_reset(stmt);
		if (ret <= 0)
			return ret;
		psi = behind(&at);
		each(psi, KMS_PSI_MEMBER, none, arg);
		for (role = 0, ret = 0; !ret && role < KMS_PSI_ROLES; role++)
			ret = each_member(d, psi, role, each, arg, problem);
		if (ret)
			return ret;
	}
}
