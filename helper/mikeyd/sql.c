// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening databases, and running their statements. */
#include "helper/mikeyd/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* With less than this free besides what is to come the disk counts as full before it is. */
#define ROOM_MIN (1024 * 1024)

int sql_file(const char *dir, const char *name, bool make, int *dirfd,
	     struct problem *problem)
{
	int fd = -1, err = 0;

	*dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dirfd >= 0)
		fd = openat(*dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
			    (make ? O_CREAT : 0), 0600);
	if (fd < 0 || (make && (fchmod(fd, 0600) || fsync(*dirfd))))
		err = problem_set(problem, -errno, "%s/%s: %s", dir, name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

static int read_version(sqlite3 *db, int *version)
{
	sqlite3_stmt *statement;
	int status = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL);

	if (status == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
		*version = sqlite3_column_int(statement, 0);
	return sqlite3_finalize(statement);
}

int sql_schema(sqlite3 *db, const char *schema, int version)
{
	int there = 0, status = read_version(db, &there);

	if (status == SQLITE_OK && !there)
		status = sqlite3_exec(db, schema, NULL, NULL, NULL);
	else if (status == SQLITE_OK && there != version)
		status = SQLITE_MISMATCH;
	return status;
}

int sql_prepare(sqlite3 *db, sqlite3_stmt **statements, const char * const *texts, int count)
{
	int status = SQLITE_OK;

	for (int i = 0; i < count && status == SQLITE_OK; i++)
		status = sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &statements[i], NULL);
	return status;
}

bool sql_is_damaged(int status)
{
	switch (status & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR:
	case SQLITE_SCHEMA:
	case SQLITE_MISMATCH:
		return true;
	default:
		return false;
	}
}

int sql_run(sqlite3_stmt *statement, const char *format, ...)
{
	int status = SQLITE_OK, at = 0;
	va_list args;

	sqlite3_reset(statement);
	va_start(args, format);
	for (; *format && status == SQLITE_OK; format++) {
		const void *data;
		size_t len;

		if (*format == 'i') {
			status = sqlite3_bind_int64(statement, ++at, va_arg(args, int64_t));
			continue;
		}
		data = va_arg(args, const void *);
		len = va_arg(args, size_t);
		/* a NULL pointer would be an SQL NULL, and not an empty value */
		if (!len)
			data = "";
		status = *format == 't' ?
			sqlite3_bind_text64(statement, ++at, data, len, SQLITE_STATIC,
					    SQLITE_UTF8) :
			sqlite3_bind_blob64(statement, ++at, data, len, SQLITE_STATIC);
	}
	va_end(args);
	if (status == SQLITE_OK)
		status = sqlite3_step(statement);
	if (status != SQLITE_ROW)
		sqlite3_reset(statement);
	return status;
}

void sql_done(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

bool sql_disk_is_full(int dirfd, uint64_t bytes)
{
	struct statvfs fs;

	/* a file system without a limit says 0 of everything */
	return !fstatvfs(dirfd, &fs) && fs.f_blocks &&
		(uint64_t)fs.f_bavail * fs.f_frsize < bytes + ROOM_MIN;
}

void sql_close(sqlite3 *db, sqlite3_stmt **statements, int count, int dirfd)
{
	for (int i = 0; i < count; i++)
		sqlite3_finalize(statements[i]);
	sqlite3_close(db);
	if (dirfd >= 0)
		close(dirfd);
}
