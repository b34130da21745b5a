// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A folder of its own for a test; see place.h.
 */
#include <dirent.h>
#include <libgen.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/kms/place.h"

int place_both, place_only_pgsql;

/* The server's folder, and how many schemas were made in it. */
static char server[64];
static unsigned int num_schemas;

/* tests/pgsql, with one more argument; stands in the sources. */
static int control(const char *what, const char *more)
{
	char line[2048];

	snprintf(line, sizeof(line), "%s/pgsql %s %s %s%s%s >/dev/null",
		 TESTS_DIR, what, server, more ? "\"" : "", more ? more : "",
		 more ? "\"" : "");
	return system(line);
}

unsigned int place_pgsql_seconds = 60;

void place_pgsql_kill(void)
{
	assert_int_equal(control("kill", NULL), 0);
}

void place_pgsql_start(void)
{
	assert_int_equal(control("start", NULL), 0);
}

static int end(void **state)
{
	(void)state;
	return server[0] ? control("stop", NULL) : 0;
}

int place_run(const char *name, const struct CMUnitTest *tests, size_t num)
{
	struct CMUnitTest all[128];
	char names[ARRAY_SIZE(all)][64];
	size_t i, to = 0;

	for (i = 0; i < num; i++) {
		assert_true(to + 2 <= ARRAY_SIZE(all));
		all[to++] = tests[i];
		if (tests[i].initial_state != &place_both)
			continue;
		all[to - 1].initial_state = NULL;
		all[to] = tests[i];
		all[to].initial_state = &place_only_pgsql;
		snprintf(names[to], sizeof(names[to]), "%s_pgsql", tests[i].name);
		all[to].name = names[to];
		to++;
	}
	return _cmocka_run_group_tests(name, all, to, NULL, end);
}

/* A schema is as good as a database, and quickly made. */
static void choose_pgsql(struct place *p)
{
	char text[64];

	if (!server[0]) {
		snprintf(server, sizeof(server), "/tmp/test-pgsql-XXXXXX");
		assert_non_null(mkdtemp(server));
		place_pgsql_start();
	}
	p->schema = ++num_schemas;
	snprintf(text, sizeof(text), "CREATE SCHEMA t%u", p->schema);
	assert_int_equal(control("sql", text), 0);
	snprintf(p->where, sizeof(p->where),
		 "postgresql:///postgres?host=%s&user=mikey&connect_timeout=%u&options=-csearch_path%%3Dt%u",
		 server, place_pgsql_seconds, p->schema);
}

int place_setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	bool wants_pgsql = *state == &place_only_pgsql;

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/test-kms-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->where, sizeof(p->where), "%s/store", p->dir);
	if (wants_pgsql)
		choose_pgsql(p);
	*state = p;
	return 0;
}

int place_store_setup(void **state)
{
	struct place *p;

	place_setup(state);
	p = *state;
	assert_int_equal(kms_seal_key_create(place_file(p, "key"), NULL, &p->problem), 0);
	p->seal = kms_seal_from_file(place_file(p, "key"), &p->problem);
	assert_non_null(p->seal);
	assert_int_equal(kms_database_create(p->where, p->seal, &p->problem), 0);
	p->d = place_open(p);
	assert_int_equal(kms_tpk_rotate(p->d, NOW, &p->problem), 0);
	return 0;
}

/* With what is in it, one folder deep: the audit trail. */
static void remove_folder(const char *path, bool deeper)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[512];

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) && deeper)
			remove_folder(name, false);
	}
	closedir(dir);
	rmdir(path);
}

int place_teardown(void **state)
{
	struct place *p = *state;

	kms_database_close(p->d);
	kms_seal_free(p->seal);
	remove_folder(p->dir, true);
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
	struct kms_database *d = kms_database_open(p->where, p->seal,
						   &p->problem);

	if (!d)
		fail_msg("%s", p->problem.words);
	return d;
}

/* x'61' is '\x61'::bytea, and CAST('a' AS BLOB) is one AS BYTEA. */
static void translate(const char *sql, char *out, size_t size)
{
	size_t at = 0;

	while (*sql) {
		assert_true(at + 16 < size);
		if (sql[0] == 'x' && sql[1] == '\'') {
			at += snprintf(out + at, size - at, "BYTEA '\\\\x");
			sql += 2;
		} else if (!strncmp(sql, "AS BLOB", 7)) {
			at += snprintf(out + at, size - at, "AS BYTEA");
			sql += 7;
		} else {
			out[at++] = *sql++;
		}
	}
	out[at] = '\0';
}

void place_sql(struct place *p, const char *sql)
{
	char *words = NULL, text[1024];
	sqlite3 *db;
	int n;

	if (p->schema) {
		n = snprintf(text, sizeof(text), "SET search_path = t%u; ", p->schema);
		translate(sql, text + n, sizeof(text) - n);
		assert_int_equal(control("sql", text), 0);
		return;
	}
	assert_int_equal(sqlite3_open(p->where, &db), SQLITE_OK);
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
