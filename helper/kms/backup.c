// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A store as a file and back; see backup.h.
 *
 * The file is text: a line for each row, the table's name and the values
 * behind it, separated by tabs; numbers in decimal, everything else in
 * hexadecimal digits. The first line says what it is, the last one how many
 * rows there are and what SHA-256 all before it has.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/kms/admin.h"
#include "helper/kms/backup.h"
#include "helper/kms/crypto.h"
#include "helper/kms/progress.h"

#define HEAD "mikey-kms-backup\t%d\t%lld\n"
#define FORMAT 1
#define LINE_SIZE 8192

/*
 * A table: its columns, t text, b blob or i number, and from the first key
 * columns (those in capitals) it is read in order.
 */
struct table {
	const char *name;
	const char *kinds;
	const char *first, *next;	/* reading: from the start, behind a key */
	const char *insert;
	int until;			/* last schema version that had it so; 0: still */
};

#define SOME " LIMIT 500"

static const struct table tables[] = {
	{ "meta", "Tb",
	  "SELECT name, value FROM meta ORDER BY name" SOME,
	  "SELECT name, value FROM meta WHERE name > ?1 ORDER BY name" SOME,
	  .insert = "INSERT INTO meta(name, value) VALUES(?1, ?2)" },
	{ "account", "Ii",
	  "SELECT id, created FROM account ORDER BY id" SOME,
	  "SELECT id, created FROM account WHERE id > ?1 ORDER BY id" SOME,
	  .insert = "INSERT INTO account(id, created) VALUES(?1, ?2)" },
#define COLUMNS "id, owner, suite, expires, counter, sealed, superseded, keep_until"
	{ "psk", "Biiiibii",
	  "SELECT " COLUMNS " FROM psk ORDER BY id" SOME,
	  "SELECT " COLUMNS " FROM psk WHERE id > ?1 ORDER BY id" SOME,
	  .insert = "INSERT INTO psk(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)" },
#undef COLUMNS
	{ "uid", "Biib",
	  "SELECT uid, owner, rank, sealed FROM uid ORDER BY uid" SOME,
	  "SELECT uid, owner, rank, sealed FROM uid WHERE uid > ?1 ORDER BY uid" SOME,
	  .insert = "INSERT INTO uid(uid, owner, rank, sealed) VALUES(?1, ?2, ?3, ?4)" },
	{ "psi", "B",
	  "SELECT psi FROM psi ORDER BY psi" SOME,
	  "SELECT psi FROM psi WHERE psi > ?1 ORDER BY psi" SOME,
	  .insert = "INSERT INTO psi(psi) VALUES(?1)" },
	{ "member", "BBb",
	  "SELECT psi, uid, sealed FROM member ORDER BY psi, uid" SOME,
	  "SELECT psi, uid, sealed FROM member WHERE (psi, uid) > (?1, ?2)\n"
	  "ORDER BY psi, uid" SOME,
	  .insert = "INSERT INTO member(psi, uid, sealed) VALUES(?1, ?2, ?3)" },
	{ "server", "BBb",
	  "SELECT psi, uid, sealed FROM server ORDER BY psi, uid" SOME,
	  "SELECT psi, uid, sealed FROM server WHERE (psi, uid) > (?1, ?2)\n"
	  "ORDER BY psi, uid" SOME,
	  .insert = "INSERT INTO server(psi, uid, sealed) VALUES(?1, ?2, ?3)" },
	{ "tpk", "Ibiib", NULL, NULL,
	  .insert = "INSERT INTO tpk(seq, name, created, keep_until, sealed)\n"
	  "VALUES(?1, ?2, ?3, ?4, ?5)", .until = 3 },
#define COLUMNS "seq, name, created, keep_until, sealed, revoked"
	{ "tpk", "Ibiibi",
	  "SELECT " COLUMNS " FROM tpk ORDER BY seq" SOME,
	  "SELECT " COLUMNS " FROM tpk WHERE seq > ?1 ORDER BY seq" SOME,
	  .insert = "INSERT INTO tpk(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6)" },
#undef COLUMNS
};

/* Values of a line; blobs point into @bytes. */
struct row {
	struct sql_value values[SQL_VALUES_MAX];
	size_t num;
	u8 bytes[LINE_SIZE];
	size_t used;
};

static size_t num_keys(const struct table *t)
{
	return strspn(t->kinds, "TBI");
}

static int take_value(struct row *row, char kind, struct mikey_blob b, s64 n)
{
	struct sql_value *v = &row->values[row->num++];

	if (kind == 'I' || kind == 'i') {
		*v = SQL_INT(n);
		return 0;
	}
	if (b.len > sizeof(row->bytes) - row->used)
		return -EIO;
	memcpy(row->bytes + row->used, b.p, b.len);
	b.p = row->bytes + row->used;
	row->used += b.len;
	*v = SQL_BLOB(b);
	if (kind == 'T' || kind == 't')
		v->kind = SQL_IS_TEXT;
	return 0;
}

static int take_columns(struct row *row, const struct table *t,
			const struct sql_stmt *stmt)
{
	struct mikey_blob none = { 0 };
	int i, ret = 0;

	row->num = 0;
	row->used = 0;
	for (i = 0; !ret && t->kinds[i]; i++) {
		if (strchr("Ii", t->kinds[i]))
			ret = take_value(row, 'i', none, sql_int(stmt, i));
		else
			ret = take_value(row, t->kinds[i], sql_blob(stmt, i), 0);
	}
	return ret;
}

struct out {
	FILE *f;
	EVP_MD_CTX *sha;
	s64 rows;
	struct kms_progress progress;
	struct row row;
	struct row key;			/* the last one of those before */
	char line[2 * LINE_SIZE];
};

static int put_line(struct out *out, size_t len)
{
	if (EVP_DigestUpdate(out->sha, out->line, len) != 1 ||
	    fwrite(out->line, len, 1, out->f) != 1)
		return -EIO;
	return 0;
}

static int put_row(struct out *out, const struct table *t)
{
	static const char digits[] = "0123456789abcdef";
	const struct sql_value *v;
	char *to = stpcpy(out->line, t->name);
	size_t i;
	u32 k;

	/* twice as many digits as there are bytes, and a number has up to 20 */
	if (2 * out->row.used + 32 * out->row.num > sizeof(out->line) - 64)
		return -EIO;
	for (i = 0; i < out->row.num; i++) {
		v = &out->row.values[i];
		*to++ = '\t';
		if (v->kind == SQL_IS_INT)
			to += sprintf(to, "%lld", (long long)v->n);
		for (k = 0; v->kind != SQL_IS_INT && k < v->b.len; k++) {
			*to++ = digits[v->b.p[k] >> 4];
			*to++ = digits[v->b.p[k] & 15];
		}
	}
	*to++ = '\n';
	kms_progress_tell(&out->progress, ++out->rows);
	return put_line(out, to - out->line);
}

/* A statement's values must not change while it is stepped through. */
static void remember(struct out *out)
{
	size_t i;

	out->key = out->row;
	for (i = 0; i < out->key.num; i++)
		if (out->key.values[i].kind != SQL_IS_INT)
			out->key.values[i].b.p = out->key.bytes +
				(out->row.values[i].b.p - out->row.bytes);
}

static int put_table(struct kms_database *d, struct out *out,
		     const struct table *t, struct problem *problem)
{
	struct sql_values key = { .values = out->key.values };
	struct sql_stmt *stmt;
	bool any;
	int ret;

	do {
		stmt = kms_database_ask(d, problem, key.num ? t->next : t->first, key);
		if (!stmt)
			return problem->error;
		any = false;
		while ((ret = kms_database_step(d, stmt, problem)) > 0) {
			any = true;
			ret = take_columns(&out->row, t, stmt);
			if (!ret)
				ret = put_row(out, t);
			if (ret) {
				problem_set(problem, ret, "cannot be written: %s",
					    strerror(errno));
				break;
			}
		}
		sql_reset(stmt);
		remember(out);
		key.num = num_keys(t);
	} while (!ret && any);
	return ret;
}

static int put_end(struct out *out)
{
	u8 sum[SHA256_DIGEST_LENGTH];
	int n, i;

	if (EVP_DigestFinal_ex(out->sha, sum, NULL) != 1)
		return -EIO;
	n = fprintf(out->f, "end\t%lld\t", (long long)out->rows);
	for (i = 0; i < SHA256_DIGEST_LENGTH; i++)
		fprintf(out->f, "%02x", sum[i]);
	fputc('\n', out->f);
	return n < 0 || fflush(out->f) || fsync(fileno(out->f)) ? -EIO : 0;
}

static int put_all(struct kms_database *d, struct out *out, struct problem *problem)
{
	s64 version;
	size_t i;
	int ret;

	ret = sql_begin(d->sql, SQL_READ);
	if (ret)
		return kms_database_problem(d, ret, problem);
	ret = sql_get_version(d->sql, &version);
	if (ret)
		kms_database_problem(d, ret, problem);
	else
		ret = put_line(out, sprintf(out->line, HEAD, FORMAT, (long long)version));
	for (i = 0; !ret && i < ARRAY_SIZE(tables); i++)
		if (!tables[i].until)
			ret = put_table(d, out, &tables[i], problem);
	sql_end(d->sql, false);
	return ret;
}

s64 kms_backup_write(struct kms_database *d, const char *path,
		     struct problem *problem)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct out *out = calloc(1, sizeof(*out));
	s64 ret;

	if (fd < 0) {
		ret = problem_set(problem, -errno, "%s: %s", path, errno == EEXIST ?
				  "exists already and is not overwritten" :
				  strerror(errno));
		free(out);
		return ret;
	}
	if (out) {
		out->f = fdopen(fd, "w");
		out->sha = EVP_MD_CTX_new();
	}
	if (!out || !out->f || !out->sha ||
	    EVP_DigestInit_ex(out->sha, EVP_sha256(), NULL) != 1) {
		ret = problem_set(problem, -ENOMEM, "no memory");
	} else {
		kms_progress_begin(&out->progress, "rows", 0);
		problem->words[0] = '\0';
		ret = put_all(d, out, problem);
		if (!ret)
			ret = put_end(out);
		kms_progress_end(&out->progress);
		if (ret && !problem->words[0])
			problem_set(problem, ret, "cannot be written: %s", strerror(errno));
		if (ret)
			problem_prefix(problem, "%s: ", path);
		else
			ret = out->rows;
	}
	if (out)
		EVP_MD_CTX_free(out->sha);
	if (out && out->f)
		fclose(out->f);
	else
		close(fd);
	free(out);
	if (ret < 0)
		unlink(path);
	return ret;
}

struct in {
	FILE *f;
	EVP_MD_CTX *sha;
	size_t line;
	s64 version;
	s64 rows;
	struct kms_progress progress;
	struct row row;
	char text[2 * LINE_SIZE];
};

static const struct table *table_of(const char *name, size_t len, s64 version)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		if (strlen(tables[i].name) == len &&
		    !memcmp(tables[i].name, name, len) &&
		    (!tables[i].until || version <= tables[i].until))
			return &tables[i];
	return NULL;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits up to a tab or the line's end, into @bytes. -EINVAL if they are none. */
static int take_hex(const char **p, u8 *bytes, size_t size, size_t *len)
{
	int high, low;

	for (*len = 0; **p && **p != '\t'; *p += 2, ++*len) {
		high = digit_of((*p)[0]);
		low = high < 0 ? -1 : digit_of((*p)[1]);
		if (*len == size || low < 0)
			return -EINVAL;
		bytes[*len] = high << 4 | low;
	}
	return 0;
}

/* A line of a table as values. */
static int parse(struct in *in, const struct table **t)
{
	size_t len = strcspn(in->text, "\t");
	const char *p = in->text + len;
	u8 bytes[LINE_SIZE];
	char *end;
	int i, ret;

	*t = table_of(in->text, len, in->version);
	if (!*t)
		return -EINVAL;
	in->row.num = 0;
	in->row.used = 0;
	for (i = 0; (*t)->kinds[i]; i++) {
		if (*p++ != '\t')
			return -EINVAL;
		if (strchr("Ii", (*t)->kinds[i])) {
			ret = take_value(&in->row, 'i', kms_blob(NULL, 0),
					 strtoll(p, &end, 10));
			p = end;
		} else {
			ret = take_hex(&p, bytes, sizeof(bytes), &len);
			if (!ret)
				ret = take_value(&in->row, (*t)->kinds[i],
						 kms_blob(bytes, len), 0);
		}
		if (ret)
			return ret;
	}
	return *p ? -EINVAL : 0;
}

/* 1 and a line, without its end; 0 at the last one. */
static int next_line(struct in *in, struct problem *problem)
{
	size_t len;

	in->line++;
	if (!fgets(in->text, sizeof(in->text), in->f))
		return problem_set(problem, -EINVAL,
				   "line %zu: the backup is not complete", in->line);
	len = strlen(in->text);
	if (!len || in->text[len - 1] != '\n')
		return problem_set(problem, -EINVAL,
				   "line %zu: the backup is not complete", in->line);
	if (!strncmp(in->text, "end\t", 4))
		return 0;
	EVP_DigestUpdate(in->sha, in->text, len);
	in->text[len - 1] = '\0';
	return 1;
}

static int take_head(struct in *in, struct problem *problem)
{
	int format = 0, ret;
	long long version;

	rewind(in->f);
	in->line = 0;
	EVP_DigestInit_ex(in->sha, EVP_sha256(), NULL);
	ret = next_line(in, problem);
	if (ret <= 0 || sscanf(in->text, "mikey-kms-backup\t%d\t%lld", &format,
			       &version) != 2 || format != FORMAT)
		return problem_set(problem, -EINVAL,
				   "this is not a backup of mikey-kms that this program knows");
	if (!kms_schema_can_restore(version))
		return problem_set(problem, -EINVAL,
				   "the backup has schema version %lld, which this program does not know",
				   version);
	in->version = version;
	return 0;
}

/* The whole file, before anything is done with it. */
static int check(struct in *in, struct problem *problem)
{
	u8 sum[SHA256_DIGEST_LENGTH], given[SHA256_DIGEST_LENGTH];
	const char *p;
	size_t len;
	s64 rows;
	int ret;

	ret = take_head(in, problem);
	if (ret)
		return ret;
	for (in->rows = 0; (ret = next_line(in, problem)) > 0; in->rows++)
		;
	if (ret)
		return ret;
	in->text[strcspn(in->text, "\n")] = '\0';
	rows = strtoll(in->text + 4, (char **)&p, 10);
	if (*p++ != '\t' || take_hex(&p, given, sizeof(given), &len) || *p ||
	    len != sizeof(given) || rows != in->rows ||
	    EVP_DigestFinal_ex(in->sha, sum, NULL) != 1 ||
	    memcmp(sum, given, sizeof(sum)))
		return problem_set(problem, -EINVAL,
				   "the backup was changed, or is not complete");
	return 0;
}

static int insert(struct kms_database *d, struct in *in, struct problem *problem)
{
	const struct table *t;
	s64 done = 0;
	s64 ret;

	ret = take_head(in, problem);
	while (!ret && (ret = next_line(in, problem)) > 0) {
		if (parse(in, &t))
			return problem_set(problem, -EINVAL,
					   "line %zu: not a row of a known table", in->line);
		ret = kms_database_change(d, problem, t->insert, (struct sql_values) {
			.values = in->row.values, .num = in->row.num,
		});
		if (ret < 0)
			return problem_prefix(problem, "line %zu: ", in->line);
		ret = 0;
		kms_progress_tell(&in->progress, ++done);
	}
	return ret;
}

/* What counts up by itself goes on behind what there is. */
static int restart_serials(struct kms_database *d, struct problem *problem)
{
	int ret;

	if (d->sql->dialect->one_writer)
		return 0;
	ret = sql_exec(d->sql,
		       "SELECT setval(pg_get_serial_sequence('account', 'id'),\n"
		       " (SELECT coalesce(max(id), 0) + 1 FROM account), false);"
		       "SELECT setval(pg_get_serial_sequence('tpk', 'seq'),\n"
		       " (SELECT coalesce(max(seq), 0) + 1 FROM tpk), false)");
	return ret ? kms_database_problem(d, ret, problem) : 0;
}

struct restore {
	struct in *in;
	s64 now, until;
};

static int fill(struct kms_database *d, void *arg, struct problem *problem)
{
	struct restore *re = arg;
	int ret = insert(d, re->in, problem);

	if (!ret)
		ret = restart_serials(d, problem);
	return ret ? ret : kms_replay_reset_within(d, re->now, re->until, problem);
}

s64 kms_backup_restore(const char *where, const struct kms_seal *seal,
		       const char *path, s64 now, s64 until,
		       struct problem *problem)
{
	struct in *in = calloc(1, sizeof(*in));
	struct restore re = { .in = in, .now = now, .until = until };
	s64 ret;

	if (in) {
		in->sha = EVP_MD_CTX_new();
		in->f = fopen(path, "re");
	}
	if (!in || !in->sha)
		ret = problem_set(problem, -ENOMEM, "no memory");
	else if (!in->f)
		ret = problem_set(problem, -errno, "%s: %s", path, strerror(errno));
	else if (check(in, problem))
		ret = problem_prefix(problem, "%s: ", path);
	else
		ret = 0;
	if (!ret) {
		kms_progress_begin(&in->progress, "rows", in->rows);
		ret = kms_database_make(where, seal, fill, &re, problem);
		kms_progress_end(&in->progress);
		ret = ret ? ret : in->rows;
	}
	if (in) {
		EVP_MD_CTX_free(in->sha);
		if (in->f)
			fclose(in->f);
	}
	free(in);
	return ret;
}
