// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which database it is, and what both do alike; see sql.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "helper/kms/sql.h"

bool sql_is_url(const char *where)
{
	return !strncmp(where, "postgresql://", 13) ||
	       !strncmp(where, "postgres://", 11);
}

/* postgresql://user:SECRET@host/...?...&password=SECRET&... */
const char *sql_name(const char *where)
{
	static __thread char names[4][256];
	static __thread unsigned int turn;
	const char *host, *at, *colon, *end;
	char *name = names[turn++ % 4];

	if (!sql_is_url(where))
		return where;
	host = strstr(where, "//") + 2;
	end = host + strcspn(host, "/?");
	at = memchr(host, '@', end - host);
	colon = at ? memchr(host, ':', at - host) : NULL;
	/* what follows the question mark may hold a password, too */
	end = host + strcspn(host, "?");
	if (colon)
		snprintf(name, sizeof(names[0]), "%.*s%.*s",
			 (int)(colon - where), where, (int)(end - at), at);
	else
		snprintf(name, sizeof(names[0]), "%.*s", (int)(end - where),
			 where);
	return name;
}

struct sql *sql_open(const char *where, bool create, struct problem *problem)
{
	struct sql *sql = sql_is_url(where) ? sql_open_pgsql(where, problem) :
			  sql_open_sqlite(where, create, problem);

	if (!sql)
		problem_prefix(problem, "%s: ", sql_name(where));
	return sql;
}

void sql_close(struct sql *sql)
{
	if (sql)
		sql->ops->close(sql);
}

int sql_exec(struct sql *sql, const char *text)
{
	return sql->ops->exec(sql, text);
}

int sql_begin(struct sql *sql, enum sql_purpose purpose)
{
	int ret = sql->ops->begin(sql, purpose);

	sql->in_transaction = !ret;
	return ret;
}

int sql_end(struct sql *sql, bool commit)
{
	sql->in_transaction = false;
	return sql->ops->end(sql, commit);
}

struct sql_stmt *sql_prepare(struct sql *sql, const char *text)
{
	return sql->ops->prepare(sql, text);
}

void sql_finalize(struct sql_stmt *stmt)
{
	if (stmt)
		stmt->sql->ops->finalize(stmt);
}

int sql_bind(struct sql_stmt *stmt, struct sql_values values)
{
	int ret = 0;
	size_t i;

	if (values.num > SQL_VALUES_MAX)
		return -EIO;
	sql_reset(stmt);
	for (i = 0; !ret && i < values.num; i++)
		ret = stmt->sql->ops->bind(stmt, i + 1, &values.values[i]);
	return ret;
}

int sql_step(struct sql_stmt *stmt)
{
	return stmt->sql->ops->step(stmt);
}

static int one_by_one(struct sql_stmt *stmt, const struct sql_many *many)
{
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < many->num; i++) {
		ret = many->bind(many->arg, i, stmt);
		if (!ret)
			ret = many->result(many->arg, i, stmt, sql_step(stmt));
		sql_reset(stmt);
	}
	return ret;
}

int sql_many(struct sql_stmt *stmt, const struct sql_many *many)
{
	return stmt->sql->ops->many ? stmt->sql->ops->many(stmt, many) :
				      one_by_one(stmt, many);
}

void sql_reset(struct sql_stmt *stmt)
{
	stmt->sql->ops->reset(stmt);
}

s64 sql_int(const struct sql_stmt *stmt, int column)
{
	return stmt->sql->ops->get_int(stmt, column);
}

struct mikey_blob sql_blob(const struct sql_stmt *stmt, int column)
{
	return stmt->sql->ops->get_blob(stmt, column);
}

s64 sql_changes(const struct sql_stmt *stmt)
{
	return stmt->sql->ops->changes(stmt);
}

int sql_get_version(struct sql *sql, s64 *version)
{
	return sql->ops->get_version(sql, version);
}

int sql_set_version(struct sql *sql, s64 version)
{
	return sql->ops->set_version(sql, version);
}

const char *sql_words(const struct sql *sql)
{
	return sql->ops->words(sql);
}
