// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The core's view of the store (store.h): what one exchange needs, on
 * prepared statements. What administrators do is in users.c, groups.c and
 * tpks.c.
 */
#include <openssl/crypto.h>

#include "helper/kms/crypto.h"
#include "helper/kms/database.h"
#include "helper/kms/event.h"

/* A TPK is marked well beyond a ticket's end, so that few tickets write. */
#define KEEP_AHEAD (24 * 3600)

/* Old records that one request removes, with each and with the clock's step. */
#define PURGE_ALONE 16
#define PURGE_MANY 20000

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

int kms_psk_read(struct kms_database *d, const struct sql_stmt *stmt, int at,
		 struct mikey_blob psk_id, struct kms_psk *psk)
{
	struct kms_aad aad;

	psk->user = sql_int(stmt, at);
	psk->suite = sql_int(stmt, at + 1);
	psk->expires = sql_int(stmt, at + 2);
	psk->superseded = sql_int(stmt, at + 3);
	psk->keep_until = sql_int(stmt, at + 4);
	kms_aad_psk(&aad, d, psk_id, psk);
	return unseal_key(d, &aad, sql_blob(stmt, at + 5), psk->key,
			  &psk->key_len);
}

/*
 * One of the exchanges' statements: 1 and its first row, 0 or a negative errno.
 * An exchange is told -EAGAIN and -EIO and no other error.
 */
static int ask(struct kms_database *d, enum kms_statement which,
	       struct sql_stmt **stmt, struct sql_values values)
{
	int ret;

	*stmt = d->stmts[which];
	ret = sql_bind(*stmt, values);
	if (!ret)
		ret = sql_step(*stmt);
	if (ret < 0 && ret != -EAGAIN) {
		log_event(ERROR, "store-error", kms_event_req(),
			  log_text("reason", sql_words(d->sql)));
		ret = -EIO;
	}
	return ret;
}

/* The same for one that gives no row. How many it changed, or an errno. */
static s64 change(struct kms_database *d, enum kms_statement which,
		  struct sql_values values)
{
	struct sql_stmt *stmt;
	int ret = ask(d, which, &stmt, values);

	sql_reset(stmt);
	return ret < 0 ? ret : sql_changes(stmt);
}

static int store_psk(struct kms_store *s, struct mikey_blob psk_id,
		     struct kms_psk *psk)
{
	struct kms_database *d = database(s);
	struct sql_stmt *stmt;
	struct kms_aad aad;
	int ret;

	memset(psk, 0, sizeof(*psk));
	ret = ask(d, KMS_SQL_PSK, &stmt, SQL_VALUES(SQL_BLOB(psk_id)));
	if (ret > 0) {
		ret = kms_psk_read(d, stmt, 0, psk_id, psk);
	} else if (!ret) {
		kms_aad_psk(&aad, d, psk_id, psk);
		ret = missing(d, &aad, psk->key);
	}
	sql_reset(stmt);
	return ret;
}

static int read_uid(struct kms_database *d, const struct sql_stmt *stmt, s64 user,
		    struct kms_uid *to)
{
	struct mikey_blob uid = sql_blob(stmt, 0), sealed = sql_blob(stmt, 2);
	struct kms_aad aad;

	if (uid.len > MIKEY_UID_MAX || sealed.len != KMS_SEAL_OVERHEAD)
		return -EKEYREJECTED;
	kms_aad_uid(&aad, d, uid, user, sql_int(stmt, 1));
	to->len = uid.len;
	memcpy(to->data, uid.p, uid.len);
	return kms_seal_open(d->seal, &aad, sealed.p, sealed.len, NULL);
}

static int store_uids(struct kms_store *s, s64 user, struct kms_uid *uids,
		      u32 *num)
{
	struct kms_database *d = database(s);
	struct sql_stmt *stmt;
	int ret;

	*num = 0;
	ret = ask(d, KMS_SQL_UIDS, &stmt, SQL_VALUES(SQL_INT(user)));
	while (ret > 0) {
		ret = *num < KMS_USER_UIDS_MAX ?
		      read_uid(d, stmt, user, &uids[*num]) : -EKEYREJECTED;
		if (ret)
			break;
		++*num;
		ret = sql_step(stmt);
	}
	sql_reset(stmt);
	return ret;
}

static int store_member(struct kms_store *s, enum kms_psi_role role,
			struct mikey_blob psi, struct mikey_blob uid)
{
	struct kms_database *d = database(s);
	struct mikey_blob sealed;
	struct sql_stmt *stmt;
	struct kms_aad aad;
	int ret;

	ret = ask(d, role == KMS_PSI_MEMBER ? KMS_SQL_MEMBER : KMS_SQL_SERVER,
		  &stmt, SQL_VALUES(SQL_BLOB(psi), SQL_BLOB(uid)));
	if (ret > 0) {
		sealed = sql_blob(stmt, 0);
		kms_aad_member(&aad, d, role, psi, uid);
		ret = sealed.len != KMS_SEAL_OVERHEAD ? -EKEYREJECTED :
		      kms_seal_open(d->seal, &aad, sealed.p, sealed.len, NULL);
	} else if (!ret) {
		ret = -ENOENT;
	}
	sql_reset(stmt);
	return ret;
}

static int store_group(struct kms_store *s, struct mikey_blob psi)
{
	struct sql_stmt *stmt;
	int ret = ask(database(s), KMS_SQL_GROUP, &stmt, SQL_VALUES(SQL_BLOB(psi)));

	sql_reset(stmt);
	return ret < 0 ? ret : ret ? 0 : -ENOENT;
}

/*
 * Columns 0 to 3: name, created, sealed, revoked. A revoked one costs what any
 * other costs, but its row has no key.
 */
static int read_tpk(struct kms_database *d, const struct sql_stmt *stmt,
		    struct kms_tpk *tpk)
{
	struct mikey_blob name = sql_blob(stmt, 0), sealed = sql_blob(stmt, 2);
	s64 revoked = sql_int(stmt, 3);
	struct kms_aad aad;
	int ret;

	if (!name.len || name.len > sizeof(tpk->name))
		return -EKEYREJECTED;
	tpk->name_len = name.len;
	memcpy(tpk->name, name.p, name.len);
	kms_aad_tpk(&aad, d, name, sql_int(stmt, 1), revoked);
	if (!revoked)
		return unseal_key(d, &aad, sealed, tpk->key, &tpk->key_len);
	if (sealed.len != KMS_SEAL_OVERHEAD)
		return -EKEYREJECTED;
	ret = kms_seal_open(d->seal, &aad, sealed.p, sealed.len, NULL);
	return ret ? ret : -EKEYREVOKED;
}

static int store_tpk_for_ticket(struct kms_store *s, s64 now, s64 tre,
				struct kms_tpk *tpk)
{
	struct kms_database *d = database(s);
	struct sql_stmt *stmt;
	s64 keep_until = 0;
	s64 ret;

	(void)now;
	memset(tpk, 0, sizeof(*tpk));
	ret = ask(d, KMS_SQL_TPK_NEWEST, &stmt, SQL_NO_VALUES);
	if (ret > 0) {
		keep_until = sql_int(stmt, 4);
		ret = read_tpk(d, stmt, tpk);
	} else if (!ret) {
		ret = -ENOENT;
	}
	sql_reset(stmt);
	if (ret || keep_until >= tre)
		return ret;
	ret = change(d, KMS_SQL_TPK_KEEP,
		     SQL_VALUES(SQL_BLOB(kms_blob(tpk->name, tpk->name_len)),
				SQL_INT(tre + KEEP_AHEAD)));
	/* Revoked or removed since it was read: the next try has another. */
	return ret < 0 ? ret : ret ? 0 : -EAGAIN;
}

static int store_tpk(struct kms_store *s, struct mikey_blob name,
		     struct kms_tpk *tpk)
{
	struct kms_database *d = database(s);
	struct sql_stmt *stmt;
	struct kms_aad aad;
	int ret;

	memset(tpk, 0, sizeof(*tpk));
	ret = ask(d, KMS_SQL_TPK, &stmt, SQL_VALUES(SQL_BLOB(name)));
	if (ret > 0) {
		ret = read_tpk(d, stmt, tpk);
	} else if (!ret) {
		kms_aad_tpk(&aad, d, name, 0, 0);
		ret = missing(d, &aad, tpk->key);
	}
	sql_reset(stmt);
	return ret;
}

/*
 * The record of one request.
 *
 * The digest goes in first and the floor is read behind it. Somebody may purge
 * the record of the same request meanwhile, but only after the floor above it
 * was committed; so whoever could enter a digest that was purged reads that
 * floor and is refused.
 */
static int record(struct kms_database *d, const struct kms_admission *a, s64 *t,
		  bool *advanced)
{
	s64 last, floor, oldest = a->now - a->skew;
	struct sql_stmt *stmt;
	s64 ret;

	/* A counter must grow (RFC 3830 5.4). */
	if (a->counter) {
		ret = change(d, KMS_SQL_COUNTER_SET,
			     SQL_VALUES(SQL_BLOB(a->psk_id), SQL_INT(a->t)));
		if (ret <= 0)
			return ret ? ret : -EALREADY;
	}
	ret = change(d, KMS_SQL_REPLAY_ADD,
		     SQL_VALUES(SQL_BLOB(kms_blob(a->digest, sizeof(a->digest))),
				SQL_INT(a->counter ? a->now : a->t)));
	if (ret <= 0)
		return ret ? ret : -EALREADY;
	ret = ask(d, KMS_SQL_CLOCK, &stmt, SQL_NO_VALUES);
	last = ret > 0 ? sql_int(stmt, 0) : 0;
	floor = ret > 0 ? sql_int(stmt, 1) : 0;
	sql_reset(stmt);
	if (ret <= 0)
		return ret ? ret : -EIO;
	if (!a->counter && a->t < floor)
		return -ETIME;
	*t = last > a->t_answer ? last : a->t_answer;
	*advanced = last < a->t_answer || floor < oldest;
	if (!*advanced)
		return 0;
	ret = change(d, KMS_SQL_CLOCK_SET,
		     SQL_VALUES(SQL_INT(a->t_answer), SQL_INT(oldest)));
	return ret < 0 ? ret : 0;
}

static int purge(struct kms_database *d, s64 most)
{
	s64 ret = change(d, KMS_SQL_REPLAY_PURGE, SQL_VALUES(SQL_INT(most)));

	return ret < 0 ? ret : 0;
}

/* One of those that are admitted together. */
struct admission {
	struct kms_batch_item item;	/* first */
	const struct kms_admission *a;
	s64 *t;
};

/* That it was seen before, or is too old, concerns nobody but itself. */
static bool is_verdict(int ret)
{
	return ret == -EALREADY || ret == -ETIME;
}

/* Inside a transaction, of which a request that is refused leaves nothing. */
static int record_inside(struct kms_database *d, struct admission *one)
{
	bool advanced;
	int ret;

	ret = sql_exec(d->sql, "SAVEPOINT admission");
	if (ret)
		return ret;
	one->item.ret = record(d, one->a, one->t, &advanced);
	if (one->item.ret && !is_verdict(one->item.ret))
		return one->item.ret;
	if (one->item.ret)
		ret = sql_exec(d->sql, "ROLLBACK TO admission");
	return ret ? ret : sql_exec(d->sql, "RELEASE admission");
}

/*
 * SQLite has one writer, and a commit is one wait for the disk: all who came
 * during the last commit share the next one. Whoever cannot be recorded for a
 * reason that is not its own ends the transaction for all.
 */
static void admit_together(void *ctx, struct kms_batch_item *first)
{
	struct kms_database *d = ctx;
	struct kms_batch_item *item;
	int ret = sql_begin(d->sql, SQL_EXCHANGE);
	bool begun = !ret;
	s64 num = 0;

	for (item = first; item && !ret; item = item->next, num++)
		ret = record_inside(d, (struct admission *)item);
	if (!ret)
		ret = purge(d, num * PURGE_ALONE);
	if (begun && ret)
		sql_end(d->sql, false);
	else if (begun)
		ret = sql_end(d->sql, true);
	for (item = first; item && ret; item = item->next)
		item->ret = ret;
}

static int admit_alone(struct kms_database *d, const struct kms_admission *a,
		       s64 *t)
{
	struct admission one = { .a = a, .t = t };

	if (d->admissions)
		return kms_batch_run(d->admissions, &one.item, admit_together, d);
	admit_together(d, &one.item);
	return one.item.ret;
}

/*
 * Where many write at once, each statement commits for itself, and the clock's
 * row, which all would queue for, is written once a second. Only a counter,
 * which must not grow for a request that is refused, needs a transaction.
 */
static int admit_among_many(struct kms_database *d,
			    const struct kms_admission *a, s64 *t)
{
	bool advanced = false;
	int ret = a->counter ? sql_begin(d->sql, SQL_EXCHANGE) : 0;

	if (ret)
		return ret;
	ret = record(d, a, t, &advanced);
	if (a->counter && ret)
		sql_end(d->sql, false);
	else if (a->counter)
		ret = sql_end(d->sql, true);
	/* What is left over now is purged another time. */
	if (!ret && advanced)
		purge(d, PURGE_MANY);
	return ret;
}

static int store_admit(struct kms_store *s, const struct kms_admission *a,
		       s64 *t)
{
	struct kms_database *d = database(s);

	return d->sql->dialect->one_writer ? admit_alone(d, a, t) :
					     admit_among_many(d, a, t);
}

static int store_kms_id(struct kms_store *s, u8 id[KMS_ID_LEN])
{
	memcpy(id, database(s)->kms_id, KMS_ID_LEN);
	return 0;
}

const struct kms_store_ops kms_sql_ops = {
	.psk = store_psk,
	.uids = store_uids,
	.member = store_member,
	.group = store_group,
	.tpk_for_ticket = store_tpk_for_ticket,
	.tpk = store_tpk,
	.admit = store_admit,
	.kms_id = store_kms_id,
};
