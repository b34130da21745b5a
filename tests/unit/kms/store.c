// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The store, in SQLite and in PostgreSQL: what it gives back, what it refuses when somebody wrote
 * into it behind the program's back, and the replay record.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/kms/place.h"

static const struct kms_store_ops *ops = &kms_sql_ops;

static int psk_of(struct place *p, const char *id, struct kms_psk *psk)
{
	return ops->psk(&p->d->store, str(id), psk);
}

static void assert_words(const struct place *p, const char *words)
{
	if (!strstr(p->problem.words, words))
		fail_msg("\"%s\" does not say \"%s\"", p->problem.words, words);
}

/* Somebody's role in a group. */
static const struct kms_member *as(enum kms_psi_role role, const struct uid *uid)
{
	static struct kms_member member;

	member.role = role;
	member.uid = *uid;
	return &member;
}

static const struct kms_member *a_member(const struct uid *uid)
{
	return as(KMS_PSI_MEMBER, uid);
}

static void users(void **state)
{
	struct place *p = *state;
	struct kms_uid uids[KMS_USER_UIDS_MAX];
	struct kms_psk psk;
	u8 want[32];
	u32 num;

	assert_int_equal(place_user(p, "Alice@EXAMPLE.test", "a", 1), 0);
	assert_int_equal(place_user(p, BOB, "b", 2), 0);
	assert_int_equal(psk_of(p, "b", &psk), 0);
	memset(want, 2, 32);
	assert_bytes(psk.key, psk.key_len, kms_blob(want, 32));
	assert_int_equal(psk.suite, MIKEY_SUITE_ID_256);
	assert_int_equal(psk.expires, 0);
	assert_int_equal(ops->uids(&p->d->store, psk.user, uids, &num), 0);
	assert_int_equal(num, 1);
	assert_bytes(uids[0].data, uids[0].len, str(BOB));
	/* the host of a UID is in lower case, the user is as it is */
	assert_int_equal(psk_of(p, "a", &psk), 0);
	assert_int_equal(ops->uids(&p->d->store, psk.user, uids, &num), 0);
	assert_bytes(uids[0].data, uids[0].len, str("Alice@example.test"));

	assert_int_equal(psk_of(p, "c", &psk), -ENOENT);
	memset(want, 0, 32);
	assert_memory_equal(psk.key, want, 32);
	assert_int_equal(psk_of(p, "", &psk), -ENOENT);
}

static void users_refused(void **state)
{
	struct place *p = *state;
	struct uid uid = { .len = 3, .text = "?@x" };
	struct kms_user_spec wild = {
		.uids = &uid,
		.num_uids = 1,
		.psk_id = "wild",
		.psk = { .suite = MIKEY_SUITE_ID_256, .key_len = 32 },
	};
	struct kms_psk psk;

	assert_int_equal(kms_user_add(p->d, &wild, NOW, &p->problem), -EINVAL);
	assert_words(p, "no wildcard");
	wild.psk.key_len = 16;
	assert_int_equal(kms_user_add(p->d, &wild, NOW, &p->problem), -EINVAL);
	assert_words(p, "32 bytes, this has 16");
	assert_int_equal(place_user(p, ALICE, "a", 1), 0);
	assert_int_equal(place_user(p, ALICE, "a2", 1), -EEXIST);
	assert_words(p, ALICE);
	/* nothing of the refused user stays */
	assert_int_equal(psk_of(p, "a2", &psk), -ENOENT);
	assert_int_equal(place_user(p, BOB, "a", 1), -EEXIST);
	assert_words(p, "PSK id a");
	assert_int_equal(place_user(p, BOB, "", 1), -EINVAL);
	place_uid(&uid, TEAM);
	assert_int_equal(kms_group_add(p->d, &uid, NULL, 0, &p->problem), 0);
	assert_int_equal(place_user(p, TEAM, "t", 1), -EEXIST);
	assert_words(p, "group");
}

static void user_removed(void **state)
{
	struct place *p = *state;
	struct uid alice, team;
	struct kms_psk psk;

	place_user(p, ALICE, "a", 1);
	place_uid(&alice, ALICE);
	place_uid(&team, TEAM);
	assert_int_equal(kms_group_add(p->d, &team, a_member(&alice), 1, &p->problem), 0);
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_MEMBER, str(TEAM), str(ALICE)), 0);
	assert_int_equal(kms_user_del(p->d, &alice, &p->problem), 0);
	assert_int_equal(psk_of(p, "a", &psk), -ENOENT);
	/* a later user of that name is not in the group */
	assert_int_equal(place_user(p, ALICE, "a", 1), 0);
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_MEMBER, str(TEAM), str(ALICE)), -ENOENT);
	assert_int_equal(kms_user_del(p->d, &team, &p->problem), -ENOENT);
}

static void groups(void **state)
{
	struct place *p = *state;
	struct uid team, alice, carol;

	place_user(p, ALICE, "a", 1);
	place_user(p, BOB, "b", 2);
	place_uid(&team, TEAM);
	place_uid(&alice, ALICE);
	place_uid(&carol, "carol@example.test");
	/* all of it or nothing */
	{
		struct kms_member both[] = { { .uid = alice }, { .uid = carol } };

		assert_int_equal(kms_group_add(p->d, &team, both, 2,
					       &p->problem), -ENOENT);
		assert_words(p, "carol@example.test");
	}
	assert_int_equal(kms_member_add(p->d, &team, a_member(&alice), &p->problem), -ENOENT);
	assert_words(p, "there is no group");
	assert_int_equal(kms_group_add(p->d, &alice, NULL, 0, &p->problem), -EEXIST);
	assert_int_equal(kms_group_add(p->d, &team, a_member(&alice), 1, &p->problem), 0);
	assert_int_equal(kms_group_add(p->d, &team, NULL, 0, &p->problem), -EEXIST);
	assert_int_equal(kms_member_add(p->d, &team, a_member(&alice), &p->problem), -EEXIST);
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_MEMBER, str(TEAM), str(ALICE)), 0);
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_MEMBER, str(TEAM), str(BOB)), -ENOENT);
	assert_int_equal(kms_member_del(p->d, &team, a_member(&alice), &p->problem), 0);
	assert_int_equal(kms_member_del(p->d, &team, a_member(&alice), &p->problem), -ENOENT);
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_MEMBER, str(TEAM), str(ALICE)), -ENOENT);
	assert_int_equal(kms_group_del(p->d, &team, &p->problem), 0);
	assert_int_equal(kms_group_del(p->d, &team, &p->problem), -ENOENT);
}

static void wrong_key(void **state)
{
	struct place *p = *state;
	struct kms_seal *other;

	assert_int_equal(kms_seal_key_create(place_file(p, "key"), NULL, &p->problem),
			 -EEXIST);
	assert_int_equal(kms_seal_key_create(place_file(p, "other"), NULL, &p->problem), 0);
	other = kms_seal_from_file(place_file(p, "other"), &p->problem);
	assert_non_null(other);
	assert_null(kms_database_open(p->where, other, &p->problem));
	assert_words(p, "the store key does not belong to this store");
	kms_seal_free(other);

	assert_int_equal(chmod(place_file(p, "other"), 0644), 0);
	assert_null(kms_seal_from_file(place_file(p, "other"), &p->problem));
	assert_words(p, "chmod 600");
	assert_int_equal(chmod(place_file(p, "other"), 0640), 0);
	other = kms_seal_from_file(place_file(p, "other"), &p->problem);
	assert_non_null(other);
	kms_seal_free(other);
	place_write(p, "other", "0123\n");
	assert_null(kms_seal_from_file(place_file(p, "other"), &p->problem));
	assert_words(p, "64 hexadecimal digits");
	place_write(p, "other", "01x3\n");
	assert_null(kms_seal_from_file(place_file(p, "other"), &p->problem));
	assert_words(p, "character 3");
	assert_null(kms_seal_from_file(place_file(p, "none"), &p->problem));
	assert_words(p, "No such file");
}

/* The PSK is nowhere in the files; the ids are. */
static void nothing_in_clear(void **state)
{
	static const char *const files[] = { "store", "store-wal" };
	struct place *p = *state;
	u8 psk[32], text[1 << 18];
	bool id_seen = false;
	ssize_t n;
	size_t i;
	int fd;

	place_user(p, ALICE, "a-long-enough-id", 0xa7);
	memset(psk, 0xa7, sizeof(psk));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		fd = open(place_file(p, files[i]), O_RDONLY);
		assert_true(fd >= 0);
		n = read(fd, text, sizeof(text));
		close(fd);
		assert_true(n > 0 && (size_t)n < sizeof(text));
		assert_null(memmem(text, n, psk, 8));
		id_seen |= !!memmem(text, n, "a-long-enough-id", 16);
	}
	assert_true(id_seen);
}

static void tampered(void **state)
{
	struct place *p = *state;
	struct kms_uid uids[KMS_USER_UIDS_MAX];
	struct uid team, alice;
	struct kms_psk psk;
	struct kms_tpk tpk;
	u32 num;

	place_user(p, ALICE, "a", 1);
	place_user(p, BOB, "b", 2);
	place_uid(&team, TEAM);
	place_uid(&alice, ALICE);
	kms_group_add(p->d, &team, a_member(&alice), 1, &p->problem);

	/* Mallory's key on Alice's row */
	place_sql(p, "UPDATE psk SET sealed = (SELECT sealed FROM psk WHERE id = x'62')\n"
		  "WHERE id = x'61'");
	assert_int_equal(psk_of(p, "a", &psk), -EKEYREJECTED);
	assert_int_equal(psk_of(p, "b", &psk), 0);
	/* Bob's PSK moved to Alice, or made to last for ever */
	place_sql(p, "UPDATE psk SET owner = 1 WHERE id = x'62'");
	assert_int_equal(psk_of(p, "b", &psk), -EKEYREJECTED);
	place_sql(p, "UPDATE psk SET owner = 2, expires = 5 WHERE id = x'62'");
	assert_int_equal(psk_of(p, "b", &psk), -EKEYREJECTED);
	place_sql(p, "UPDATE psk SET expires = 0, suite = 3 WHERE id = x'62'");
	assert_int_equal(psk_of(p, "b", &psk), -EKEYREJECTED);
	place_sql(p, "UPDATE psk SET suite = 1 WHERE id = x'62'");
	assert_int_equal(psk_of(p, "b", &psk), 0);
	place_sql(p, "UPDATE psk SET sealed = x'00' WHERE id = x'62'");
	assert_int_equal(psk_of(p, "b", &psk), -EKEYREJECTED);

	/* Alice's UID given to Bob */
	assert_int_equal(ops->uids(&p->d->store, 2, uids, &num), 0);
	place_sql(p, "UPDATE uid SET owner = 2 WHERE owner = 1");
	assert_int_equal(ops->uids(&p->d->store, 2, uids, &num), -EKEYREJECTED);
	place_sql(p, "UPDATE uid SET owner = 1 WHERE rank = 0 AND uid = CAST('" ALICE "' AS BLOB)");
	assert_int_equal(ops->uids(&p->d->store, 1, uids, &num), 0);

	/* Bob written into the group */
	place_sql(p, "INSERT INTO member SELECT psi, CAST('" BOB "' AS BLOB), sealed FROM member");
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_MEMBER, str(TEAM), str(BOB)),
			 -EKEYREJECTED);
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_MEMBER, str(TEAM), str(ALICE)), 0);

	/* a TPK under another name */
	assert_int_equal(ops->tpk_for_ticket(&p->d->store, NOW, NOW + 9, &tpk), 0);
	place_sql(p, "UPDATE tpk SET name = x'6162'");
	assert_int_equal(ops->tpk(&p->d->store, str("ab"), &tpk), -EKEYREJECTED);
	assert_int_equal(ops->tpk_for_ticket(&p->d->store, NOW, NOW + 9, &tpk),
			 -EKEYREJECTED);
}

/* A row of another store made with the same key does not fit either. */
static void other_store(void **state)
{
	struct place *p = *state;
	struct kms_psk psk;
	char sql[1024];

	place_user(p, ALICE, "a", 1);
	kms_database_close(p->d);
	assert_int_equal(rename(place_file(p, "store"), place_file(p, "first")), 0);
	assert_int_equal(kms_database_create(place_file(p, "store"), p->seal,
					     &p->problem), 0);
	p->d = place_open(p);
	place_user(p, ALICE, "a", 9);
	snprintf(sql, sizeof(sql), "ATTACH '%s' AS first;"
		 "UPDATE psk SET sealed = (SELECT sealed FROM first.psk)",
		 place_file(p, "first"));
	place_sql(p, sql);
	assert_int_equal(psk_of(p, "a", &psk), -EKEYREJECTED);
}

static int admit(struct kms_database *d, u32 n, s64 t, s64 now, s64 *answer)
{
	struct kms_admission a = {
		.psk_id = str("a"), .t = t, .now = now, .skew = 60,
		.t_answer = now,
	};

	memcpy(a.digest, &n, sizeof(n));
	return ops->admit(&d->store, &a, answer);
}

static void not_ours(void **state)
{
	struct place *p = *state;
	struct kms_database *d;

	assert_int_equal(kms_database_create(place_file(p, "store"), p->seal,
					     &p->problem), -EEXIST);
	assert_words(p, "not overwritten");
	d = kms_database_open(place_file(p, "none"), p->seal, &p->problem);
	assert_null(d);
	assert_words(p, "mikey-kms init");
	place_write(p, "text", "this is not a database, but it is long enough to be read as one\n");
	assert_null(kms_database_open(place_file(p, "text"), p->seal, &p->problem));
	assert_words(p, "not a database");
	place_write(p, "empty", "");
	assert_null(kms_database_open(place_file(p, "empty"), p->seal, &p->problem));
	assert_words(p, "not a store of mikey-kms");
	kms_database_close(p->d);
	p->d = NULL;
	place_sql(p, "PRAGMA user_version = 99");
	assert_null(kms_database_open(p->where, p->seal, &p->problem));
	assert_words(p, "schema version 99, this program knows 1 to ");
	place_sql(p, "PRAGMA user_version = 0");
	assert_null(kms_database_open(p->where, p->seal, &p->problem));
	assert_words(p, "schema version 0");
}

static void rekeyed(void **state)
{
	struct place *p = *state;
	struct kms_rekey_spec spec = {
		.psk_id = "a2", .keep_until = NOW + 100,
		.psk = { .suite = MIKEY_SUITE_ID_TS_128, .key_len = 16 },
	};
	struct kms_psk psk;
	struct uid alice;
	u8 want[32];
	char made[KMS_TPK_NAME_MAX];

	assert_int_equal(place_user(p, ALICE, "a", 1), 0);
	assert_int_equal(place_user(p, BOB, "b", 2), 0);
	place_uid(&alice, ALICE);
	memset(spec.psk.key, 3, 16);
	/* a PSK id names one PSK, for as long as a ticket may name it */
	spec.psk_id = "a";
	assert_int_equal(kms_user_rekey(p->d, &alice, &spec, NOW, &p->problem), -EEXIST);
	spec.psk_id = "b";
	assert_int_equal(kms_user_rekey(p->d, &alice, &spec, NOW, &p->problem), -EEXIST);
	/* and nothing has changed */
	assert_int_equal(psk_of(p, "a", &psk), 0);
	assert_int_equal(psk.superseded, 0);
	spec.psk_id = "a2";
	spec.psk.key_len = 15;
	assert_int_equal(kms_user_rekey(p->d, &alice, &spec, NOW, &p->problem), -EINVAL);
	assert_words(p, "16 bytes, this has 15");
	spec.psk.key_len = 16;
	assert_int_equal(kms_user_rekey(p->d, &alice, &spec, NOW, &p->problem), 0);

	assert_int_equal(psk_of(p, "a", &psk), 0);
	memset(want, 1, 32);
	assert_bytes(psk.key, psk.key_len, kms_blob(want, 32));
	assert_int_equal(psk.superseded, NOW);
	assert_int_equal(psk.keep_until, NOW + 100);
	assert_int_equal(psk_of(p, "a2", &psk), 0);
	memset(want, 3, 16);
	assert_bytes(psk.key, psk.key_len, kms_blob(want, 16));
	assert_int_equal(psk.superseded, 0);
	assert_int_equal(psk.suite, MIKEY_SUITE_ID_TS_128);
	assert_int_equal(place_user(p, "carol@example.test", "a", 1), -EEXIST);

	/* once more; the one from before is not touched */
	spec.psk_id = "a3";
	spec.keep_until = NOW + 200;
	assert_int_equal(kms_user_rekey(p->d, &alice, &spec, NOW + 50, &p->problem), 0);
	assert_int_equal(psk_of(p, "a", &psk), 0);
	assert_int_equal(psk.keep_until, NOW + 100);

	/* somebody who writes into the store cannot bring it back or keep it */
	place_sql(p, "UPDATE psk SET superseded = 0 WHERE id = x'61'");
	assert_int_equal(psk_of(p, "a", &psk), -EKEYREJECTED);
	place_sql(p, "UPDATE psk SET superseded = 1790000000, keep_until = 9000000000\n"
		  "WHERE id = x'61'");
	assert_int_equal(psk_of(p, "a", &psk), -EKEYREJECTED);
	place_sql(p, "UPDATE psk SET keep_until = 1790000100 WHERE id = x'61'");
	assert_int_equal(psk_of(p, "a", &psk), 0);
	place_sql(p, "UPDATE psk SET superseded = 1 WHERE id = x'6133'");
	assert_int_equal(psk_of(p, "a3", &psk), -EKEYREJECTED);
	place_sql(p, "UPDATE psk SET superseded = 0 WHERE id = x'6133'");

	/* kept until the last ticket is over, then removed */
	assert_int_equal(kms_tpk_maintain(p->d, NOW + 100, 86400, made, &p->problem), 0);
	assert_int_equal(psk_of(p, "a", &psk), 0);
	assert_int_equal(kms_tpk_maintain(p->d, NOW + 101, 86400, made, &p->problem), 0);
	assert_int_equal(psk_of(p, "a", &psk), -ENOENT);
	assert_int_equal(psk_of(p, "a2", &psk), 0);
	assert_int_equal(kms_tpk_maintain(p->d, NOW + 9999, 86400, made, &p->problem), 0);
	assert_int_equal(psk_of(p, "a2", &psk), -ENOENT);
	assert_int_equal(psk_of(p, "a3", &psk), 0);

	/* known to somebody else: gone at once */
	spec.psk_id = "a4";
	spec.drop_old = true;
	assert_int_equal(kms_user_rekey(p->d, &alice, &spec, NOW, &p->problem), 0);
	assert_int_equal(psk_of(p, "a3", &psk), -ENOENT);
	assert_int_equal(kms_user_del(p->d, &alice, &p->problem), 0);
	assert_int_equal(psk_of(p, "a4", &psk), -ENOENT);
	assert_int_equal(kms_user_rekey(p->d, &alice, &spec, NOW, &p->problem), -ENOENT);
}

/* Members and list servers are told apart, also by their seals. */
static void list_servers(void **state)
{
	struct place *p = *state;
	struct uid team, alice, bob;

	place_user(p, ALICE, "a", 1);
	place_user(p, BOB, "b", 2);
	place_uid(&team, TEAM);
	place_uid(&alice, ALICE);
	place_uid(&bob, BOB);
	assert_int_equal(kms_group_add(p->d, &team, a_member(&alice), 1, &p->problem), 0);
	assert_int_equal(kms_member_add(p->d, &team, as(KMS_PSI_SERVER, &bob), &p->problem), 0);
	assert_int_equal(kms_member_add(p->d, &team, as(KMS_PSI_SERVER, &bob), &p->problem),
			 -EEXIST);
	assert_words(p, "is a server of");
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_SERVER, str(TEAM), str(BOB)), 0);
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_SERVER, str(TEAM), str(ALICE)), -ENOENT);
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_MEMBER, str(TEAM), str(BOB)), -ENOENT);
	place_sql(p, "INSERT INTO server SELECT psi, uid, sealed FROM member");
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_SERVER, str(TEAM), str(ALICE)),
			 -EKEYREJECTED);
	assert_int_equal(kms_member_del(p->d, &team, as(KMS_PSI_SERVER, &bob), &p->problem), 0);
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_SERVER, str(TEAM), str(BOB)), -ENOENT);
	assert_int_equal(kms_member_del(p->d, &team, as(KMS_PSI_SERVER, &bob), &p->problem),
			 -ENOENT);
	/* removed with the user */
	assert_int_equal(kms_member_add(p->d, &team, as(KMS_PSI_SERVER, &bob), &p->problem), 0);
	assert_int_equal(kms_user_del(p->d, &bob, &p->problem), 0);
	place_user(p, BOB, "b", 2);
	assert_int_equal(ops->member(&p->d->store, KMS_PSI_SERVER, str(TEAM), str(BOB)), -ENOENT);
}

static void mode_of_files(void **state)
{
	static const char *const files[] = { "store", "store-wal", "key" };
	struct place *p = *state;
	struct stat st;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(stat(place_file(p, files[i]), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void tpks(void **state)
{
	struct place *p = *state;
	struct kms_tpk first, second, again;
	char made[KMS_TPK_NAME_MAX];

	assert_int_equal(ops->tpk_for_ticket(&p->d->store, NOW, NOW + 1000,
					     &first), 0);
	assert_int_equal(kms_tpk_rotate(p->d, NOW + 10, &p->problem), 0);
	assert_int_equal(ops->tpk_for_ticket(&p->d->store, NOW + 10, NOW + 20,
					     &second), 0);
	assert_int_not_equal(memcmp(first.key, second.key, 32), 0);
	assert_int_not_equal(memcmp(first.name, second.name, first.name_len), 0);
	/* the old one opens its tickets until the last of them is over */
	assert_int_equal(kms_tpk_maintain(p->d, NOW + 1000, 86400, made, &p->problem), 0);
	assert_int_equal(ops->tpk(&p->d->store, kms_blob(first.name, first.name_len),
				  &again), 0);
	assert_memory_equal(again.key, first.key, 32);
	assert_int_equal(kms_tpk_maintain(p->d, NOW + 1000 + 2 * 86400, 1000 * 86400,
					  made, &p->problem), 0);
	assert_int_equal(ops->tpk(&p->d->store, kms_blob(first.name, first.name_len),
				  &again), -ENOENT);
	/* the newest is never removed, however old; it is replaced */
	assert_int_equal(ops->tpk_for_ticket(&p->d->store, NOW, NOW, &again), 0);
	assert_memory_equal(again.key, second.key, 32);
	assert_string_equal(made, "");
	assert_int_equal(kms_tpk_maintain(p->d, NOW + 10 + 86400, 86400, made, &p->problem), 0);
	assert_int_equal(ops->tpk_for_ticket(&p->d->store, NOW, NOW, &again), 0);
	assert_memory_not_equal(again.key, second.key, 32);
	assert_bytes(again.name, again.name_len, str(made));
	assert_int_equal(ops->tpk(&p->d->store, str("nix"), &again), -ENOENT);
}

/* One revokes; the connection of another, which has just used it, knows at once. */
static void revoked_tpk(void **state)
{
	struct place *p = *state;
	struct kms_database *other = place_open(p);
	struct kms_tpk first, second, again;
	char made[KMS_TPK_NAME_MAX];
	struct mikey_blob name;

	assert_int_equal(ops->tpk_for_ticket(&other->store, NOW, NOW + 1000, &first), 0);
	name = kms_blob(first.name, first.name_len);
	assert_int_equal(ops->tpk(&other->store, name, &again), 0);
	assert_int_equal(kms_tpk_revoke(p->d, name, NOW + 1, made, &p->problem), 0);
	assert_int_equal(ops->tpk(&other->store, name, &again), -EKEYREVOKED);
	assert_int_equal(again.key_len, 0);
	/* it was for new tickets, so another one is */
	assert_int_equal(ops->tpk_for_ticket(&other->store, NOW, NOW + 1000, &second), 0);
	assert_bytes(second.name, second.name_len, str(made));
	assert_int_equal(ops->tpk(&other->store, str(made), &again), 0);
	assert_int_equal(kms_tpk_revoke(p->d, name, NOW + 2, made, &p->problem), -EALREADY);
	assert_int_equal(kms_tpk_revoke(p->d, str("nix"), NOW + 2, made, &p->problem), -ENOENT);
	assert_non_null(strstr(p->problem.words, "no TPK nix"));

	/* the key is gone, and a row that says otherwise is refused */
	place_sql(p, "UPDATE tpk SET revoked = 0");
	assert_int_equal(ops->tpk(&other->store, name, &again), -EKEYREJECTED);
	place_sql(p, "UPDATE tpk SET revoked = 5");
	assert_int_equal(ops->tpk(&other->store, name, &again), -EKEYREJECTED);
	assert_int_equal(ops->tpk_for_ticket(&other->store, NOW, NOW + 1000, &again),
			 -EKEYREJECTED);
	place_sql(p, "UPDATE tpk SET revoked = 0");

	/* an older one, while there is a newer one: none is made */
	assert_int_equal(kms_tpk_rotate(p->d, NOW + 3, &p->problem), 0);
	assert_int_equal(kms_tpk_revoke(p->d, kms_blob(second.name, second.name_len), NOW + 3,
					made, &p->problem), 0);
	assert_string_equal(made, "");
	/* removed when its last ticket would have been over */
	assert_int_equal(kms_tpk_maintain(p->d, NOW + 1000 + 2 * 86400, 1000 * 86400,
					  made, &p->problem), 0);
	assert_int_equal(ops->tpk(&other->store, kms_blob(second.name, second.name_len),
				  &again), -ENOENT);
	kms_database_close(other);
}

static void replay(void **state)
{
	struct place *p = *state;
	struct kms_database *other = place_open(p);
	s64 t;

	assert_int_equal(admit(p->d, 1, NOW, NOW, &t), 0);
	assert_int_equal(t, NOW);
	assert_int_equal(admit(p->d, 1, NOW, NOW, &t), -EALREADY);
	/* other processes know, and so does the next one */
	assert_int_equal(admit(other, 1, NOW, NOW + 1, &t), -EALREADY);
	assert_int_equal(admit(other, 2, NOW, NOW + 1, &t), 0);
	kms_database_close(p->d);
	p->d = place_open(p);
	assert_int_equal(admit(p->d, 2, NOW, NOW + 1, &t), -EALREADY);
	/* T never goes back, whichever process answers */
	assert_int_equal(admit(p->d, 3, NOW - 20, NOW - 20, &t), 0);
	assert_int_equal(t, NOW + 1);
	kms_database_close(other);
}

/* What has left the record is too old for it, with any skew. */
static void replay_floor(void **state)
{
	struct place *p = *state;
	s64 t;

	assert_int_equal(admit(p->d, 1, NOW, NOW, &t), 0);
	assert_int_equal(admit(p->d, 2, NOW + 61, NOW + 61, &t), 0);
	assert_int_equal(admit(p->d, 1, NOW, NOW + 61, &t), -ETIME);
	assert_int_equal(admit(p->d, 3, NOW + 1, NOW + 61, &t), 0);
	/* the clock goes back: the record's beginning does not */
	assert_int_equal(admit(p->d, 4, NOW, NOW, &t), -ETIME);
	assert_int_equal(kms_replay_reset(p->d, NOW, NOW + 61, &p->problem), 0);
	assert_int_equal(admit(p->d, 5, NOW + 60, NOW, &t), -ETIME);
	assert_int_equal(admit(p->d, 6, NOW + 61, NOW + 1, &t), 0);
	assert_int_equal(t, NOW + 1);
}

static void replay_purged(void **state)
{
	struct place *p = *state;
	s64 t, left;
	u32 i;

	for (i = 0; i < 100; i++)
		assert_int_equal(admit(p->d, i, NOW, NOW, &t), 0);
	for (i = 100; i < 110; i++)
		assert_int_equal(admit(p->d, i, NOW + 100, NOW + 100, &t), 0);
	assert_int_equal(kms_database_number(p->d, &p->problem, &left, -1,
					     "SELECT count(*) FROM replay", SQL_NO_VALUES), 0);
	assert_int_equal(left, 10);
}

static int count(struct kms_database *d, u32 n, s64 counter)
{
	struct kms_admission a = {
		.psk_id = str("a"), .counter = true, .t = counter, .now = NOW,
		.skew = 60, .t_answer = NOW,
	};
	s64 t;

	memcpy(a.digest, &n, sizeof(n));
	return ops->admit(&d->store, &a, &t);
}

static void counters(void **state)
{
	struct place *p = *state;

	place_user(p, ALICE, "a", 1);
	assert_int_equal(count(p->d, 1, 0), 0);
	assert_int_equal(count(p->d, 2, 0), -EALREADY);
	assert_int_equal(count(p->d, 3, 7), 0);
	assert_int_equal(count(p->d, 4, 6), -EALREADY);
	kms_database_close(p->d);
	p->d = place_open(p);
	assert_int_equal(count(p->d, 5, 7), -EALREADY);
	assert_int_equal(count(p->d, 6, 8), 0);
	/* a refused one leaves no trace */
	assert_int_equal(count(p->d, 6, 9), -EALREADY);
	assert_int_equal(count(p->d, 7, 9), 0);
	/* what the last one was is not known after a loss: none is accepted */
	assert_int_equal(kms_replay_reset(p->d, NOW, NOW + 61, &p->problem), 0);
	assert_int_equal(count(p->d, 8, 10), -EALREADY);
	assert_int_equal(count(p->d, 9, UINT32_MAX), -EALREADY);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Unknown user and wrong MAC cost the same, through the real store. */
static void same_time(void **state)
{
	enum { ROUNDS = 1000 };
	static double times[2][ROUNDS];
	static struct message msgs[2];
	static struct kms_answer answer;
	struct place *p = *state;
	struct request r;
	struct house *h;
	void *house;
	double start;
	int i, k;

	house_setup(&house);
	h = house;
	place_user(p, ALICE, "alice-psk", 1);
	for (k = 0; k < 2; k++) {
		request_init(&r, h);
		r.psk_id = k ? "alice-psk" : "nobody---";
		request_write(&r, &msgs[k]);
	}
	for (i = 0; i < ROUNDS; i++) {
		for (k = 0; k < 2; k++) {
			start = seconds();
			kms_handle(h->kms, &p->d->store, KMS_TICKET_REQUEST,
				   msgs[k].buf, msgs[k].len, &answer);
			times[k][i] = seconds() - start;
			assert_int_equal(answer.error_no, MIKEY_ERR_AUTH_FAILURE);
			assert_false(answer.authentic);
		}
	}
	for (k = 0; k < 2; k++)
		qsort(times[k], ROUNDS, sizeof(double), by_value);
	start = times[0][ROUNDS / 2] / times[1][ROUNDS / 2];
	print_message("unknown user / wrong MAC: %.3f\n", start);
	assert_true(start > 0.8 && start < 1.25);
	house_teardown(&house);
}

#define AT_PLACE(test) \
	cmocka_unit_test_setup_teardown(test, place_store_setup, place_teardown)
#define AT_BOTH(test) \
	cmocka_unit_test_prestate_setup_teardown(test, place_store_setup, place_teardown, \
						 &place_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(users),
		AT_BOTH(users_refused),
		AT_BOTH(user_removed),
		AT_BOTH(groups),
		AT_BOTH(wrong_key),
		AT_PLACE(nothing_in_clear),
		AT_BOTH(tampered),
		AT_PLACE(other_store),
		AT_PLACE(not_ours),
		AT_BOTH(rekeyed),
		AT_BOTH(list_servers),
		AT_PLACE(mode_of_files),
		AT_BOTH(tpks),
		AT_BOTH(revoked_tpk),
		AT_BOTH(replay),
		AT_BOTH(replay_floor),
		AT_BOTH(replay_purged),
		AT_BOTH(counters),
		AT_BOTH(same_time),
	};

	return place_run("store", tests, ARRAY_SIZE(tests));
}
