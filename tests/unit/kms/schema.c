// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stores of earlier versions, as those versions wrote them (tests/unit/kms/
 * stores): nothing is lost, and all of it works. Several processes that come at
 * once bring a store up to date, or make one, exactly once.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "helper/kms/backup.h"
#include "tests/unit/kms/place.h"

static const struct kms_store_ops *ops = &kms_sql_ops;

#define SECOND_KEY "185f99ab2a57b600cb2a42bec4f68a83f2b7246a91c6e78623f0332beeab1e6c\n"

static const struct old {
	const char *file, *key;
	const char *psk_id;		/* of Alice's PSK in use */
	u8 psk;				/* 32 times */
	const char *tpk;
	bool server;			/* there is a list server: Bob */
} olds[] = {
	{ "schema-1.sqlite",
	  "e63b2d413cb8ac184c1a749109bc1acc6fb4e921c7dc2999442c802277809593\n",
	  "a", 0xa1, "tpk-057eeb78ace785bb", false },
	{ "schema-2.sqlite",
	  SECOND_KEY,
	  "a2", 0xa2, "tpk-1ea315890cabedf3", true },
	{ "schema-3.sqlite", SECOND_KEY, "a2", 0xa2, "tpk-1ea315890cabedf3", true },
};

/* A copy of the old store, and its key. */
static void copy(struct place *p, const struct old *old)
{
	char from[256], text[1 << 16];
	FILE *f;
	size_t n;

	snprintf(from, sizeof(from), "%s/unit/kms/stores/%s", TESTS_DIR, old->file);
	f = fopen(from, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	assert_in_range(n, 4096, sizeof(text) - 1);
	fclose(f);
	f = fopen(p->where, "w");
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
	place_write(p, "key", old->key);
	p->seal = kms_seal_from_file(place_file(p, "key"), &p->problem);
	assert_non_null(p->seal);
}

static int admit(struct kms_database *d, u8 first, s64 t)
{
	struct kms_admission a = {
		.digest = { first }, .psk_id = str("b"), .t = t, .now = t,
		.skew = 60, .t_answer = t,
	};
	s64 answer;

	return ops->admit(&d->store, &a, &answer);
}

static void assert_whole(struct place *p, const struct old *old)
{
	struct kms_store *s = &p->d->store;
	struct kms_uid uids[KMS_USER_UIDS_MAX];
	struct kms_psk psk;
	struct kms_tpk tpk;
	u8 want[32];
	u32 num;

	assert_int_equal(ops->psk(s, str(old->psk_id), &psk), 0);
	memset(want, old->psk, 32);
	assert_bytes(psk.key, psk.key_len, kms_blob(want, 32));
	assert_int_equal(psk.superseded, 0);
	assert_int_equal(ops->uids(s, psk.user, uids, &num), 0);
	assert_int_equal(num, 2);
	assert_bytes(uids[1].data, uids[1].len, str("al@example.test"));
	assert_int_equal(ops->psk(s, str("a"), &psk), 0);
	memset(want, 0xa1, 32);
	assert_bytes(psk.key, psk.key_len, kms_blob(want, 32));
	assert_int_equal(!!psk.superseded, old->psk != 0xa1);
	assert_int_equal(ops->member(s, KMS_PSI_MEMBER, str(TEAM), str(ALICE)), 0);
	assert_int_equal(ops->member(s, KMS_PSI_SERVER, str(TEAM), str(BOB)),
			 old->server ? 0 : -ENOENT);
	assert_int_equal(ops->tpk(s, str(old->tpk), &tpk), 0);
	/* what it answered, it does not answer again */
	assert_int_equal(admit(p->d, 1, 1790000000), -EALREADY);
	assert_int_equal(admit(p->d, 2, 1790000000), 0);
	assert_int_equal(place_user(p, "new@example.test", "n", 1), 0);
}

static void earlier_versions(void **state)
{
	struct place *p = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(olds); i++) {
		copy(p, &olds[i]);
		p->d = place_open(p);
		assert_whole(p, &olds[i]);
		kms_database_close(p->d);
		/* and once it is up to date, it stays so */
		p->d = place_open(p);
		kms_database_close(p->d);
		p->d = NULL;
		kms_seal_free(p->seal);
		p->seal = NULL;
		assert_int_equal(unlink(p->where), 0);
	}
}

/* In either database; what version 3 had is made from a new store. */
static void third_version(void **state)
{
	struct place *p = *state;
	char made[KMS_TPK_NAME_MAX];
	struct kms_tpk tpk, again;
	struct mikey_blob name;

	assert_int_equal(ops->tpk_for_ticket(&p->d->store, NOW, NOW + 2000, &tpk), 0);
	name = kms_blob(tpk.name, tpk.name_len);
	place_sql(p, "ALTER TABLE tpk DROP COLUMN revoked");
	assert_int_equal(sql_set_version(p->d->sql, 3), 0);
	kms_database_close(p->d);
	p->d = place_open(p);
	assert_int_equal(ops->tpk(&p->d->store, name, &again), 0);
	assert_bytes(again.key, again.key_len, kms_blob(tpk.key, tpk.key_len));
	assert_int_equal(kms_tpk_revoke(p->d, name, NOW, made, &p->problem), 0);
	assert_int_equal(ops->tpk(&p->d->store, name, &again), -EKEYREVOKED);
}

/* A backup of version 3 goes into a store of this one. */
static void third_backup(void **state)
{
	struct place *p = *state;
	char made[KMS_TPK_NAME_MAX];
	struct kms_tpk tpk;

	place_write(p, "key", SECOND_KEY);
	p->seal = kms_seal_from_file(place_file(p, "key"), &p->problem);
	assert_non_null(p->seal);
	if (kms_backup_restore(p->where, p->seal, TESTS_DIR "/unit/kms/stores/schema-3.backup",
			       NOW, NOW, &p->problem) != 16)
		fail_msg("%s", p->problem.words);
	p->d = place_open(p);
	assert_int_equal(ops->tpk(&p->d->store, str(olds[2].tpk), &tpk), 0);
	assert_int_equal(kms_tpk_revoke(p->d, str(olds[2].tpk), NOW, made, &p->problem), 0);
	assert_int_equal(ops->tpk(&p->d->store, str(olds[2].tpk), &tpk), -EKEYREVOKED);
}

#define AT_ONCE 4

/* How many of some processes that do this at once succeed. */
static int at_once(struct place *p, bool (*act)(struct place *p))
{
	int i, status, num = 0;
	pid_t pids[AT_ONCE];

	for (i = 0; i < AT_ONCE; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (!pids[i])
			_exit(act(p) ? 0 : 1);
	}
	for (i = 0; i < AT_ONCE; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		num += WIFEXITED(status) && !WEXITSTATUS(status);
	}
	return num;
}

static bool opens(struct place *p)
{
	struct kms_database *d = kms_database_open(p->where, p->seal, &p->problem);

	if (!d)
		fprintf(stderr, "%s\n", p->problem.words);
	kms_database_close(d);
	return d;
}

static void upgraded_once(void **state)
{
	struct place *p = *state;

	copy(p, &olds[0]);
	assert_int_equal(at_once(p, opens), AT_ONCE);
	p->d = place_open(p);
	assert_whole(p, &olds[0]);
}

static bool creates(struct place *p)
{
	return !kms_database_create(p->where, p->seal, &p->problem);
}

static void made_once(void **state)
{
	struct place *p = *state;
	u8 key[KMS_SEAL_KEY_LEN] = { 7 };

	p->seal = kms_seal_new(key);
	assert_int_equal(at_once(p, creates), 1);
	assert_int_equal(kms_database_create(p->where, p->seal, &p->problem), -EEXIST);
	assert_non_null(strstr(p->problem.words, "not overwritten"));
	p->d = place_open(p);
	assert_int_equal(place_user(p, ALICE, "a", 1), 0);
}

static bool maintains(struct place *p)
{
	struct kms_database *d = kms_database_open(p->where, p->seal, &p->problem);
	char made[KMS_TPK_NAME_MAX];
	bool done = d && !kms_tpk_maintain(d, NOW + 1000, 500, made, &p->problem);

	kms_database_close(d);
	return done;
}

static void count(const struct kms_tpk_row *row, void *arg)
{
	(void)row;
	++*(int *)arg;
}

/* A TPK that is due is made by one of the processes. */
static void rotated_once(void **state)
{
	struct place *p = *state;
	struct kms_tpk tpk;
	int num = 0;

	/* which is in use, so that it is kept */
	assert_int_equal(ops->tpk_for_ticket(&p->d->store, NOW, NOW + 2000, &tpk), 0);
	assert_int_equal(at_once(p, maintains), AT_ONCE);
	assert_int_equal(kms_tpk_each(p->d, count, &num, &p->problem), 0);
	assert_int_equal(num, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(earlier_versions, place_setup, place_teardown),
		cmocka_unit_test_prestate_setup_teardown(third_version, place_store_setup,
							 place_teardown, &place_both),
		cmocka_unit_test_prestate_setup_teardown(third_backup, place_setup,
							 place_teardown, &place_both),
		cmocka_unit_test_setup_teardown(upgraded_once, place_setup, place_teardown),
		cmocka_unit_test_prestate_setup_teardown(made_once, place_setup,
							 place_teardown, &place_both),
		cmocka_unit_test_prestate_setup_teardown(rotated_once, place_store_setup,
							 place_teardown, &place_both),
	};

	return place_run("schema", tests, ARRAY_SIZE(tests));
}
