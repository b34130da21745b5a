// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One statement many times, in libpq's pipeline: WINDOW of them are sent, then
 * their results are read, so that the way to the server and back is waited for
 * once and not each time.
 */
#include <errno.h>
#include <stdlib.h>

#include "helper/kms/sql_pgsql.h"

/* What is under way at once fits into the sockets' buffers on both sides. */
#define WINDOW 128

/* Results of what was sent of a window; @ret: why not all of it was. */
static int receive(struct pg *pg, struct pg_stmt *s, const struct sql_many *many,
		   size_t from, size_t to, int ret)
{
	ExecStatusType status;
	size_t i;
	int step;

	for (i = from; i < to && !pg_is_lost(pg); i++) {
		s->result = PQgetResult(pg->conn);
		s->row = 0;
		status = PQresultStatus(s->result);
		/* behind one that failed */
		if (!ret && status != PGRES_PIPELINE_ABORTED) {
			step = pg_judge(pg, s->result);
			if (!step) {
				s->changes = strtoll(PQcmdTuples(s->result), NULL, 10);
				step = PQntuples(s->result) > 0;
			}
			ret = many->result(many->arg, i, &s->stmt, step);
			if (!ret && step < 0)
				ret = step;
		}
		PQclear(s->result);
		s->result = NULL;
		PQclear(PQgetResult(pg->conn));
	}
	return ret;
}

static int run_window(struct pg *pg, struct pg_stmt *s,
		      const struct sql_many *many, size_t from, size_t to)
{
	size_t i;
	int ret;

	if (!PQenterPipelineMode(pg->conn))
		return -EIO;
	for (i = from, ret = 0; i < to; i++) {
		ret = many->bind(many->arg, i, &s->stmt);
		if (!ret && !PQsendQueryPrepared(pg->conn, s->name, s->num, s->values,
						 s->lengths, pg_binary, 1))
			ret = pg_judge(pg, NULL);
		if (ret)
			break;
	}
	if (!PQpipelineSync(pg->conn))
		pg->broken = true;
	ret = receive(pg, s, many, from, i, ret);
	if (!pg_is_lost(pg))
		PQclear(PQgetResult(pg->conn));
	if (pg_is_lost(pg) || !PQexitPipelineMode(pg->conn)) {
		pg->broken = true;
		ret = ret ? ret : -EAGAIN;
	}
	return ret;
}

int pg_many(struct sql_stmt *stmt, const struct sql_many *many)
{
	struct pg_stmt *s = pg_stmt_of(stmt);
	struct pg *pg = pg_of(stmt->sql);
	size_t from, to;
	int ret = 0;

	if (!many->num)
		return 0;
	/* The first values tell the types. */
	ret = many->bind(many->arg, 0, stmt);
	if (!ret)
		ret = pg_ready(pg, s);
	for (from = 0; !ret && from < many->num; from = to) {
		to = many->num - from > WINDOW ? from + WINDOW : many->num;
		ret = run_window(pg, s, many, from, to);
	}
	return ret;
}
