/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prepared statements of SQLite, bound by a format. */
#ifndef HELPER_MIKEYD_SQL_H
#define HELPER_MIKEYD_SQL_H

#include <sqlite3.h>

/*
 * sql_run - run a statement with what the letters of format say: i an int64_t;
 * t and b a pointer and a size_t, as text and as bytes
 *
 * SQLITE_ROW: columns can be read until the statement is reset.
 */
int sql_run(struct sqlite3_stmt *statement, const char *format, ...);

/* sql_done - reset a statement and forget what was bound */
void sql_done(struct sqlite3_stmt *statement);

#endif
