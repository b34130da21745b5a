// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The core's view of the SQLite store (store.h): what one exchange needs, on
 * prepared statements. What administrators do is in users.c, groups.c and
 * tpks.c.
 */
#include <openssl/crypto.h>
#include <pthread.h>

#include "helper/kms/crypto.h"
#include "helper/kms/database.h"

/* A TPK is marked well beyond a ticket's end, so that few tickets write. */
#define KEEP_AHEAD (24 * 3600)

static struct kms_database *database(struct kms_store *s)
{
	return (struct kms_database *)s;
}

/* Key of a row; its length is that of the sealed bytes. */
static int unseal_key(struct kms_database *d, const struct kms_aad *aad,
		      struct mikey_blob sealed, u8 *key, u8 *key_len)
{
	u32 len;

	if (sealed.len <= KMS_SEAL_OVERHEAD ||
	    sealed.len > KMS_SEAL_OVERHEAD + MIKEY_KEY_MAX)
		return -EKEYREJECTED;
	len = sealed.len - KMS_SEAL_OVERHEAD;
	*key_len = len;
	return kms_seal_open(d->seal, aad, sealed.p, sealed.len, key);
}

/* What a row that is not there costs: as much as one that is. */
static int missing(struct kms_database *d, struct kms_aad *aad, u8 *key)
{
	u8 key_len;
	int ret;

	kms_aad_begin(aad, "dummy");
	ret = unseal_key(d, aad, kms_blob(d->dummy, sizeof(d->dummy)), key,
			 &key_len);
	OPENSSL_cleanse(key, MIKEY_KEY_MAX);
	return ret == -EIO ? ret : -ENOENT;
}

int kms_psk_read(struct kms_database *d, sqlite3_stmt *stmt, int at,
		 struct mikey_blob psk_id, struct kms_psk *psk)
{
	struct kms_aad aad;

	psk->user = sqlite3_column_int64(stmt, at);
	psk->suite = sqlite3_column_int64(stmt, at + 1);
	psk->expires = sqlite3_column_int64(stmt, at + 2);
	psk->superseded = sqlite3_column_int64(stmt, at + 3);
	psk->keep_until = sqlite3_column_int64(stmt, at + 4);
	kms_aad_psk(&aad, d, psk_id, psk);
	return unseal_key(d, &aad, kms_column_blob(stmt, at + 5), psk->key,
			  &psk->key_len);
}

static int store_psk(struct kms_store *s, struct mikey_blob psk_id,
		     struct kms_psk *psk)
{
	struct kms_database *d = database(s);
	sqlite3_stmt *stmt = kms_database_sql(d, KMS_SQL_PSK);
	struct kms_aad aad;
	int ret;

	memset(psk, 0, sizeof(*psk));
	kms_bind_blob(stmt, 1, psk_id);
	ret = sqlite3_step(stmt);
	if (ret == SQLITE_ROW) {
		ret = kms_psk_read(d, stmt, 0, psk_id, psk);
	} else if (ret == SQLITE_DONE) {
		kms_aad_psk(&aad, d, psk_id, psk);
		ret = missing(d, &aad, psk->key);
	} else {
		ret = kms_database_error(ret);
	}
	sqlite3_reset(stmt);
	return ret;
}

static int store_uids(struct kms_store *s, s64 user, struct kms_uid *uids,
		      u32 *num)
{
	struct kms_database *d = database(s);
	sqlite3_stmt *stmt = kms_database_sql(d, KMS_SQL_UIDS);
	struct mikey_blob uid, sealed;
	struct kms_aad aad;
	int ret, result;

	*num = 0;
	sqlite3_bind_int64(stmt, 1, user);
	while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
		uid = kms_column_blob(stmt, 0);
		sealed = kms_column_blob(stmt, 2);
		kms_aad_uid(&aad, d, uid, user, sqlite3_column_int64(stmt, 1));
		ret = -EKEYREJECTED;
		if (*num < KMS_USER_UIDS_MAX && uid.len <= MIKEY_UID_MAX &&
		    sealed.len == KMS_SEAL_OVERHEAD)
			ret = kms_seal_open(d->seal, &aad, sealed.p, sealed.len,
					    NULL);
		if (ret)
			goto out;
		uids[*num].len = uid.len;
		memcpy(uids[*num].data, uid.p, uid.len);
		++*num;
	}
	ret = result == SQLITE_DONE ? 0 : kms_database_error(result);
out:
	sqlite3_reset(stmt);
	return ret;
}

static int store_member(struct kms_store *s, enum kms_psi_role role,
			struct mikey_blob psi, struct mikey_blob uid)
{
	struct kms_database *d = database(s);
	sqlite3_stmt *stmt = kms_database_sql(d, role == KMS_PSI_MEMBER ?
					      KMS_SQL_MEMBER : KMS_SQL_SERVER);
	struct mikey_blob sealed;
	struct kms_aad aad;
	int ret;

	kms_bind_blob(stmt, 1, psi);
	kms_bind_blob(stmt, 2, uid);
	ret = sqlite3_step(stmt);
	if (ret == SQLITE_ROW) {
		sealed = kms_column_blob(stmt, 0);
		kms_aad_member(&aad, d, role, psi, uid);
		ret = sealed.len != KMS_SEAL_OVERHEAD ? -EKEYREJECTED :
		      kms_seal_open(d->seal, &aad, sealed.p, sealed.len, NULL);
	} else {
		ret = ret == SQLITE_DONE ? -ENOENT : kms_database_error(ret);
	}
	sqlite3_reset(stmt);
	return ret;
}

/* Columns 0 to 2: name, created, sealed. */
static int read_tpk(struct kms_database *d, sqlite3_stmt *stmt,
		    struct kms_tpk *tpk)
{
	struct mikey_blob name = kms_column_blob(stmt, 0);
	struct kms_aad aad;

	if (!name.len || name.len > sizeof(tpk->name))
		return -EKEYREJECTED;
	tpk->name_len = name.len;
	memcpy(tpk->name, name.p, name.len);
	kms_aad_tpk(&aad, d, name, sqlite3_column_int64(stmt, 1));
	return unseal_key(d, &aad, kms_column_blob(stmt, 2), tpk->key,
			  &tpk->key_len);
}

static int store_tpk_for_ticket(struct kms_store *s, s64 now, s64 tre,
				struct kms_tpk *tpk)
{
	struct kms_database *d = database(s);
	sqlite3_stmt *stmt = kms_database_sql(d, KMS_SQL_TPK_NEWEST);
	s64 keep_until = 0;
	int ret;

	(void)now;
	memset(tpk, 0, sizeof(*tpk));
	ret = sqlite3_step(stmt);
	if (ret == SQLITE_ROW) {
		keep_until = sqlite3_column_int64(stmt, 3);
		ret = read_tpk(d, stmt, tpk);
	} else {
		ret = ret == SQLITE_DONE ? -ENOENT : kms_database_error(ret);
	}
	sqlite3_reset(stmt);
	if (ret || keep_until >= tre)
		return ret;
	stmt = kms_database_sql(d, KMS_SQL_TPK_KEEP);
	kms_bind_blob(stmt, 1, kms_blob(tpk->name, tpk->name_len));
	sqlite3_bind_int64(stmt, 2, tre + KEEP_AHEAD);
	ret = kms_database_run(stmt);
	/* Rotated away and removed since it was read: the next try has another. */
	return ret ? ret : sqlite3_changes(d->db) ? 0 : -EAGAIN;
}

static int store_tpk(struct kms_store *s, struct mikey_blob name,
		     struct kms_tpk *tpk)
{
	struct kms_database *d = database(s);
	sqlite3_stmt *stmt = kms_database_sql(d, KMS_SQL_TPK);
	struct kms_aad aad;
	int ret;

	memset(tpk, 0, sizeof(*tpk));
	kms_bind_blob(stmt, 1, name);
	ret = sqlite3_step(stmt);
	if (ret == SQLITE_ROW) {
		ret = read_tpk(d, stmt, tpk);
	} else if (ret == SQLITE_DONE) {
		kms_aad_tpk(&aad, d, name, 0);
		ret = missing(d, &aad, tpk->key);
	} else {
		ret = kms_database_error(ret);
	}
	sqlite3_reset(stmt);
	return ret;
}

/* A counter must grow (RFC 3830 5.4). */
static int check_counter(struct kms_database *d, const struct kms_admission *a)
{
	sqlite3_stmt *stmt = kms_database_sql(d, KMS_SQL_COUNTER);
	s64 last = 0;
	int ret;

	kms_bind_blob(stmt, 1, a->psk_id);
	ret = sqlite3_step(stmt);
	if (ret == SQLITE_ROW)
		last = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	if (ret != SQLITE_ROW)
		return ret == SQLITE_DONE ? -EIO : kms_database_error(ret);
	if (a->t <= last)
		return -EALREADY;
	stmt = kms_database_sql(d, KMS_SQL_COUNTER_SET);
	kms_bind_blob(stmt, 1, a->psk_id);
	sqlite3_bind_int64(stmt, 2, a->t);
	return kms_database_run(stmt);
}

static int record(struct kms_database *d, const struct kms_admission *a, s64 *t)
{
	s64 last, floor, oldest = a->now - a->skew;
	sqlite3_stmt *stmt;
	int ret;

	stmt = kms_database_sql(d, KMS_SQL_CLOCK);
	ret = sqlite3_step(stmt);
	last = sqlite3_column_int64(stmt, 0);
	floor = sqlite3_column_int64(stmt, 1);
	sqlite3_reset(stmt);
	if (ret != SQLITE_ROW)
		return ret == SQLITE_DONE ? -EIO : kms_database_error(ret);
	ret = a->counter ? check_counter(d, a) : a->t < floor ? -ETIME : 0;
	if (ret)
		return ret;

	stmt = kms_database_sql(d, KMS_SQL_REPLAY_ADD);
	kms_bind_blob(stmt, 1, kms_blob(a->digest, sizeof(a->digest)));
	sqlite3_bind_int64(stmt, 2, a->counter ? a->now : a->t);
	ret = kms_database_run(stmt);
	if (ret)
		return ret;
	if (!sqlite3_changes(d->db))
		return -EALREADY;

	/* Whatever is purged lies below the floor from now on. */
	stmt = kms_database_sql(d, KMS_SQL_REPLAY_PURGE);
	sqlite3_bind_int64(stmt, 1, oldest);
	ret = kms_database_run(stmt);
	if (ret)
		return ret;
	stmt = kms_database_sql(d, KMS_SQL_CLOCK_SET);
	sqlite3_bind_int64(stmt, 1, a->t_answer);
	sqlite3_bind_int64(stmt, 2, oldest);
	ret = kms_database_run(stmt);
	*t = last > a->t_answer ? last : a->t_answer;
	return ret;
}

/*
 * SQLite lets a writer that finds another one sleep and try again. Between
 * the threads of this process a queue is faster and fairer.
 */
static pthread_mutex_t writers = PTHREAD_MUTEX_INITIALIZER;

static int store_admit(struct kms_store *s, const struct kms_admission *a,
		       s64 *t)
{
	struct kms_database *d = database(s);
	int ret;

	pthread_mutex_lock(&writers);
	ret = kms_database_run(kms_database_sql(d, KMS_SQL_BEGIN));
	if (!ret) {
		ret = record(d, a, t);
		if (!ret)
			ret = kms_database_run(kms_database_sql(d, KMS_SQL_COMMIT));
		if (ret)
			kms_database_run(kms_database_sql(d, KMS_SQL_ROLLBACK));
	}
	pthread_mutex_unlock(&writers);
	return ret;
}

static int store_kms_id(struct kms_store *s, u8 id[KMS_ID_LEN])
{
	memcpy(id, database(s)->kms_id, KMS_ID_LEN);
	return 0;
}

const struct kms_store_ops kms_sqlite_ops = {
	.psk = store_psk,
	.uids = store_uids,
	.member = store_member,
	.tpk_for_ticket = store_tpk_for_ticket,
	.tpk = store_tpk,
	.admit = store_admit,
	.kms_id = store_kms_id,
};
