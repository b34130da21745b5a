/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PostgreSQL behind sql.h: what its parts share.
 */
#ifndef HELPER_KMS_SQL_PGSQL_H
#define HELPER_KMS_SQL_PGSQL_H

#include <libpq-fe.h>

#include "helper/kms/sql.h"

struct pg {
	struct sql sql;
	PGconn *conn;
	char *url;
	/* Of the connection: what was prepared on an earlier one is not there. */
	unsigned int generation;
	unsigned int num_stmts;
	bool broken;			/* although libpq does not know it yet */
	s64 tried;			/* to connect, in ms */
	char words[256];
};

struct pg_stmt {
	struct sql_stmt stmt;
	char *text;
	char name[16];
	unsigned int generation;	/* where it is prepared, 0: nowhere */
	bool reads;
	int num;
	Oid types[SQL_VALUES_MAX];
	const char *values[SQL_VALUES_MAX];
	int lengths[SQL_VALUES_MAX];
	u8 numbers[SQL_VALUES_MAX][8];
	PGresult *result;
	int row;
	s64 changes;
};

static inline struct pg *pg_of(const struct sql *sql)
{
	return (struct pg *)sql;
}

static inline struct pg_stmt *pg_stmt_of(const struct sql_stmt *stmt)
{
	return (struct pg_stmt *)stmt;
}

/* All values go over in binary. */
extern const int pg_binary[SQL_VALUES_MAX];

bool pg_is_lost(const struct pg *pg);

/* The errno of a result, with its words kept; 0 if it is a good one. */
int pg_judge(struct pg *pg, const PGresult *result);

/* Prepare a statement that is bound, where it is not yet: 0 or an errno. */
int pg_ready(struct pg *pg, struct pg_stmt *s);

/* sql_many() (sql_pgsql_many.c). */
int pg_many(struct sql_stmt *stmt, const struct sql_many *many);

#endif
