// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A folder of its own for a test; see place.h.
 */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/kms/place.h"

int place_setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/test-kms-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	*state = p;
	return 0;
}

int place_store_setup(void **state)
{
	struct place *p;

	place_setup(state);
	p = *state;
	assert_int_equal(kms_seal_key_create(place_file(p, "key"), &p->problem), 0);
	p->seal = kms_seal_from_file(place_file(p, "key"), &p->problem);
	assert_non_null(p->seal);
	assert_int_equal(kms_database_create(place_file(p, "store"), p->seal,
					     &p->problem), 0);
	p->d = place_open(p);
	assert_int_equal(kms_tpk_rotate(p->d, NOW, &p->problem), 0);
	return 0;
}

int place_teardown(void **state)
{
	struct place *p = *state;
	struct dirent *entry;
	DIR *dir;

	kms_database_close(p->d);
	kms_seal_free(p->seal);
	dir = opendir(p->dir);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlink(place_file(p, entry->d_name));
	closedir(dir);
	rmdir(p->dir);
	free(p);
	return 0;
}

const char *place_file(const struct place *p, const char *name)
{
	static char paths[4][512];
	static unsigned int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", p->dir, name);
	return path;
}

void place_write(const struct place *p, const char *name, const char *text)
{
	FILE *f = fopen(place_file(p, name), "w");

	assert_non_null(f);
	fputs(text, f);
	fchmod(fileno(f), 0600);
	fclose(f);
}

struct kms_database *place_open(struct place *p)
{
	struct kms_database *d = kms_database_open(place_file(p, "store"),
						   p->seal, &p->problem);

	if (!d)
		fail_msg("%s", p->problem.words);
	return d;
}

void place_sql(struct place *p, const char *sql)
{
	char *words = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(place_file(p, "store"), &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK)
		fail_msg("%s", words);
	sqlite3_close(db);
}

void place_uid(struct uid *uid, const char *text)
{
	assert_int_equal(uid_from_text(uid, text), 0);
}

int place_user(struct place *p, const char *uid, const char *psk_id, u8 key)
{
	struct uid own;
	struct kms_user_spec spec = {
		.uids = &own,
		.num_uids = 1,
		.psk_id = psk_id,
		.psk = { .suite = MIKEY_SUITE_ID_256, .key_len = 32 },
	};

	place_uid(&own, uid);
	memset(spec.psk.key, key, 32);
	return kms_user_add(p->d, &spec, NOW, &p->problem);
}
