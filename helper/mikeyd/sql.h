/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the databases of mikeyd have in common: each is one file in a folder for
 * nobody else to read, with a schema of a version, and prepared statements that
 * are bound by a format. Results are SQLite's if nothing else is said.
 */
#ifndef HELPER_MIKEYD_SQL_H
#define HELPER_MIKEYD_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/problem.h"

/*
 * sql_file - see that the file is there, with mode 0600: SQLite would let
 * everybody read it
 * @make: make it if it is not there
 * @dirfd: the folder, open; -1 if it cannot be opened; the caller closes it
 *
 * 0, or -errno in words. The file is on the disk then, but may be empty.
 */
int sql_file(const char *dir, const char *name, bool make, int *dirfd,
	     struct problem *problem);

/* sql_schema - make it if there is none; SQLITE_MISMATCH: it has another version */
int sql_schema(struct sqlite3 *db, const char *schema, int version);

/* sql_prepare - the statements of texts, to be finalized by the caller whatever comes of it */
int sql_prepare(struct sqlite3 *db, struct sqlite3_stmt **statements,
		const char * const *texts, int count);

/* sql_is_damaged - does this result of opening tell of a file that is none of ours? */
bool sql_is_damaged(int status);

/* SQL_RUN - sql_run() for one of the statements of a store */
#define SQL_RUN(store, which, ...) sql_run((store)->statements[which], __VA_ARGS__)

/*
 * sql_run - run a statement with what the letters of format say: i an int64_t;
 * t and b a pointer and a size_t, as text and as bytes
 *
 * SQLITE_ROW: columns can be read until the statement is reset.
 */
int sql_run(struct sqlite3_stmt *statement, const char *format, ...);

/*
 * sql_disk_is_full - are there fewer than so many bytes, and a reserve, on the disk
 * of a folder? A file system that has no limit is never full.
 */
bool sql_disk_is_full(int dirfd, uint64_t bytes);

/* sql_close - finalize the statements, close the database and its folder (-1: none) */
void sql_close(struct sqlite3 *db, struct sqlite3_stmt **statements, int count, int dirfd);

/* sql_done - reset a statement and forget what was bound */
void sql_done(struct sqlite3_stmt *statement);

#endif
