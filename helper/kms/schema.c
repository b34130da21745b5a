// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of the store and how a store of an earlier version gets them.
 *
 * A step is written once, with the types' names in the dialect's words ($BLOB,
 * $INT, $SERIAL) and the ends of CREATE TABLE ($STRICT; $KEYED where there is
 * no serial). The first versions knew SQLite only.
 */
#include <errno.h>
#include <stdlib.h>

#include "helper/kms/database.h"

/* Of the table of a role in a group. */
#define PSI_COLUMNS \
	"(psi $BLOB NOT NULL REFERENCES psi(psi) ON DELETE CASCADE,\n" \
	" uid $BLOB NOT NULL REFERENCES uid(uid) ON DELETE CASCADE,\n" \
	" sealed $BLOB NOT NULL, PRIMARY KEY(psi, uid))$KEYED;"

/*
 * Identities are blobs: they are compared as bytes. "sealed" holds the key,
 * or no more than a seal over the row. The clock's floor: no request older
 * than it is answered, since its record may be gone.
 */
static const char first_sqlite[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"
	"CREATE TABLE user(id INTEGER PRIMARY KEY AUTOINCREMENT, created INTEGER NOT NULL) STRICT;"
	"CREATE TABLE psk(id BLOB PRIMARY KEY,\n"
	" user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,\n"
	" suite INTEGER NOT NULL, expires INTEGER NOT NULL,\n"
	" counter INTEGER NOT NULL DEFAULT -1, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX psk_user ON psk(user);"
	"CREATE TABLE uid(uid BLOB PRIMARY KEY,\n"
	" user INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,\n"
	" rank INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX uid_user ON uid(user, rank);"
	"CREATE TABLE psi(psi BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;"
	"CREATE TABLE member" PSI_COLUMNS
	"CREATE INDEX member_uid ON member(uid);"
	"CREATE TABLE tpk(seq INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	" name BLOB NOT NULL UNIQUE, created INTEGER NOT NULL,\n"
	" keep_until INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;"
	"CREATE TABLE replay(digest BLOB PRIMARY KEY, t INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX replay_t ON replay(t);"
	"CREATE TABLE clock(one INTEGER PRIMARY KEY CHECK(one = 1),\n"
	" last INTEGER NOT NULL, floor INTEGER NOT NULL) STRICT;"
	"INSERT INTO clock VALUES(1, 0, 0);";

/* PSKs that were superseded; list servers */
static const char second_sqlite[] =
	"ALTER TABLE psk ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE psk ADD COLUMN keep_until INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE server" PSI_COLUMNS
	"CREATE INDEX server_uid ON server(uid);";

/* "user" is a word of PostgreSQL's. */
static const char third_sqlite[] =
	"ALTER TABLE user RENAME TO account;"
	"ALTER TABLE psk RENAME COLUMN user TO owner;"
	"ALTER TABLE uid RENAME COLUMN user TO owner;";

static const char third_pgsql[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BYTEA NOT NULL);"
	"CREATE TABLE account(id $SERIAL, created BIGINT NOT NULL);"
	"CREATE TABLE psk(id BYTEA PRIMARY KEY,\n"
	" owner BIGINT NOT NULL REFERENCES account(id) ON DELETE CASCADE,\n"
	" suite BIGINT NOT NULL, expires BIGINT NOT NULL,\n"
	" counter BIGINT NOT NULL DEFAULT -1, sealed BYTEA NOT NULL,\n"
	" superseded BIGINT NOT NULL DEFAULT 0, keep_until BIGINT NOT NULL DEFAULT 0);"
	"CREATE INDEX psk_user ON psk(owner);"
	"CREATE TABLE uid(uid BYTEA PRIMARY KEY,\n"
	" owner BIGINT NOT NULL REFERENCES account(id) ON DELETE CASCADE,\n"
	" rank BIGINT NOT NULL, sealed BYTEA NOT NULL);"
	"CREATE INDEX uid_user ON uid(owner, rank);"
	"CREATE TABLE psi(psi BYTEA PRIMARY KEY);"
	"CREATE TABLE member" PSI_COLUMNS
	"CREATE INDEX member_uid ON member(uid);"
	"CREATE TABLE server" PSI_COLUMNS
	"CREATE INDEX server_uid ON server(uid);"
	"CREATE TABLE tpk(seq $SERIAL, name BYTEA NOT NULL UNIQUE,\n"
	" created BIGINT NOT NULL, keep_until BIGINT NOT NULL, sealed BYTEA NOT NULL);"
	"CREATE TABLE replay(digest BYTEA PRIMARY KEY, t BIGINT NOT NULL);"
	"CREATE INDEX replay_t ON replay(t);"
	"CREATE TABLE clock(one BIGINT PRIMARY KEY CHECK(one = 1),\n"
	" last BIGINT NOT NULL, floor BIGINT NOT NULL);"
	"INSERT INTO clock VALUES(1, 0, 0);";

/* TPKs that were revoked, and when. */
static const char fourth[] =
	"ALTER TABLE tpk ADD COLUMN revoked $INT NOT NULL DEFAULT 0;";

/* A step is one text for both, or one for either; NULL: nothing to do. */
struct step {
	const char *both, *sqlite, *pgsql;
};

/*
 * What each version has that the one before has not. A new store runs through
 * all of them, so that there is one way to each schema.
 */
static const struct step steps[] = {
	[0] = { .sqlite = first_sqlite },
	[1] = { .sqlite = second_sqlite },
	[2] = { .sqlite = third_sqlite, .pgsql = third_pgsql },
	[3] = { .both = fourth },
};

#define VERSION ((int)ARRAY_SIZE(steps))
#define FIRST_BACKUP 3

static const char *word_of(const struct sql_dialect *dialect, const char *at,
			   size_t *len)
{
	const struct {
		const char *word, *means;
	} words[] = {
		{ "$BLOB", dialect->blob },
		{ "$INT", dialect->integer },
		{ "$SERIAL", dialect->serial },
		{ "$STRICT", dialect->strict },
		{ "$KEYED", dialect->keyed },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		*len = strlen(words[i].word);
		if (!strncmp(at, words[i].word, *len))
			return words[i].means;
	}
	*len = 1;
	return NULL;
}

/* A step in the words of a dialect. */
static int run_step(struct kms_database *d, const char *text)
{
	const char *at, *means;
	char *out, *to;
	size_t len;
	int ret;

	/* no word of a dialect is longer than 8 times what stands for it */
	out = malloc(8 * strlen(text) + 1);
	if (!out)
		return -EIO;
	for (at = text, to = out; *at; at += len) {
		means = word_of(d->sql->dialect, at, &len);
		if (means)
			to = stpcpy(to, means);
		else
			*to++ = *at;
	}
	*to = '\0';
	ret = sql_exec(d->sql, out);
	free(out);
	return ret;
}

/* Inside a transaction: from version @from to this program's. */
static int climb(struct kms_database *d, s64 from, struct problem *problem)
{
	bool pgsql = !d->sql->dialect->one_writer;
	const char *text;
	int ret = 0;
	int i;

	for (i = from; !ret && i < VERSION; i++) {
		text = steps[i].both ? steps[i].both :
		       pgsql ? steps[i].pgsql : steps[i].sqlite;
		if (text)
			ret = run_step(d, text);
	}
	if (!ret)
		ret = sql_set_version(d->sql, VERSION);
	return ret ? kms_database_problem(d, ret, problem) : 0;
}

static int get_version(struct kms_database *d, s64 *version,
		       struct problem *problem)
{
	int ret = sql_get_version(d->sql, version);

	return ret ? kms_database_problem(d, ret, problem) : 0;
}

bool kms_schema_can_restore(s64 version)
{
	return version >= FIRST_BACKUP && version <= VERSION;
}

int kms_schema_create(struct kms_database *d, struct problem *problem)
{
	s64 version;
	int ret = get_version(d, &version, problem);

	if (!ret && version >= 0)
		ret = problem_set(problem, -EEXIST,
				  "holds a store already, which is not overwritten");
	return ret ? ret : climb(d, 0, problem);
}

int kms_schema_check(struct kms_database *d, struct problem *problem)
{
	s64 version;
	int ret = get_version(d, &version, problem);

	if (ret)
		return ret;
	if (version < 0)
		return problem_set(problem, -EINVAL,
				   "this is not a store of mikey-kms%s",
				   d->sql->dialect->one_writer ? "" :
				   " (mikey-kms init makes it one)");
	if (version < 1 || version > VERSION)
		return problem_set(problem, -EINVAL,
				   "the store has schema version %lld, this program knows 1 to %d",
				   (long long)version, VERSION);
	return 0;
}

int kms_schema_upgrade(struct kms_database *d, struct problem *problem)
{
	s64 version;
	int ret = get_version(d, &version, problem);

	if (ret || version == VERSION)
		return ret;
	ret = kms_database_begin(d, problem);
	if (ret)
		return ret;
	/* Another process may have been first. */
	ret = get_version(d, &version, problem);
	if (!ret)
		ret = climb(d, version, problem);
	return kms_database_end(d, ret, problem);
}
