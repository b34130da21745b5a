// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An inbox in a folder, in SQLite: a file with a rollback journal and synchronous =
 * EXTRA. What is taken out is overwritten in the database (secure_delete); what a
 * file system keeps of it is the file system's.
 */
#include "helper/mikeyd/inbox_shelf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/mikeyd/sql.h"

#define STORE_FILE "inbox.db"
#define STORE_VERSION 1

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, received INTEGER NOT NULL,\n"
	" sent INTEGER NOT NULL, sender BLOB NOT NULL, original BLOB NOT NULL,\n"
	" original_proved INTEGER NOT NULL, claimed BLOB NOT NULL,\n"
	" recipient BLOB NOT NULL, proved INTEGER NOT NULL, form INTEGER NOT NULL,\n"
	" mac BLOB NOT NULL, headers BLOB NOT NULL, body BLOB NOT NULL);"
	"PRAGMA user_version = 1;"
	"COMMIT;";

enum statement { ADD, NEXT, GET, TAKE, HAS, USE, STATEMENTS };

#define COLUMNS "received, sent, sender, original, original_proved, claimed, recipient, proved, " \
	"form, mac, headers, body"

static const char * const sql[] = {
	[ADD] = "INSERT INTO message (" COLUMNS ") VALUES\n"
		" (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[NEXT] = "SELECT id, " COLUMNS " FROM message WHERE id > ? ORDER BY id LIMIT 1",
	[GET] = "SELECT id, " COLUMNS " FROM message WHERE id = ?",
	[TAKE] = "DELETE FROM message WHERE id = ? RETURNING length(headers) + length(body)",
	[HAS] = "SELECT 1 FROM message WHERE sender = ? AND mac = ?",
	[USE] = "SELECT count(*), total(length(headers) + length(body)) FROM message",
};

/* Where a message's columns are. */
enum column {
	C_ID, C_RECEIVED, C_SENT, C_SENDER, C_ORIGINAL, C_ORIGINAL_PROVED, C_CLAIMED,
	C_RECIPIENT, C_PROVED, C_FORM, C_MAC, C_HEADERS, C_BODY
};

struct file {
	struct inbox_shelf shelf;
	sqlite3 *db;			/* NULL: it could not be opened again yet */
	struct sqlite3_stmt *statements[STATEMENTS];
	int dir;
	char path[];
};

static struct file *file_of(struct inbox_shelf *shelf)
{
	return (struct file *)shelf;
}

static int failed(struct file *file, struct problem *problem)
{
	return problem_set(problem, -EIO, "the inbox: %s", sqlite3_errmsg(file->db));
}

/* ---- opening */

static int prepare(struct file *file)
{
	int status;

	/*
	 * A truncated journal, so that the pages that it saved, which may hold a
	 * message, do not stay in a file; no temporary file besides.
	 */
	status = sqlite3_exec(file->db,
			      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = TRUNCATE;"
			      "PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON;"
			      "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;",
			      NULL, NULL, NULL);
	if (status == SQLITE_OK)
		status = sql_schema(file->db, schema, STORE_VERSION);
	if (status == SQLITE_OK)
		status = sql_prepare(file->db, file->statements, sql, STATEMENTS);
	return status;
}

static int open_problem(struct file *file, int status, struct problem *problem)
{
	if ((status & 0xff) == SQLITE_BUSY)
		return problem_set(problem, -EBUSY, "%s: another mikeyd uses it", file->path);
	if (sql_is_damaged(status))
		return problem_set(problem, -EUCLEAN,
				   "%s is damaged or of another age: move it away", file->path);
	return problem_set(problem, -EIO, "%s: %s", file->path, sqlite3_errmsg(file->db));
}

static void close_database(struct file *file)
{
	/* the folder stays open */
	sql_close(file->db, file->statements, STATEMENTS, -1);
	memset(file->statements, 0, sizeof(file->statements));
	file->db = NULL;
}

static int open_database(struct file *file, struct problem *problem)
{
	int status, err = 0;

	if (file->db)
		return 0;
	status = sqlite3_open_v2(file->path, &file->db, SQLITE_OPEN_READWRITE, NULL);
	if (status == SQLITE_OK)
		status = prepare(file);
	if (status != SQLITE_OK) {
		err = open_problem(file, status, problem);
		close_database(file);
	}
	return err;
}

static int count(struct file *file, struct inbox_store_use *use, struct problem *problem)
{
	if (SQL_RUN(file, USE, "") != SQLITE_ROW)
		return failed(file, problem);
	use->messages = sqlite3_column_int64(file->statements[USE], 0);
	use->bytes = sqlite3_column_int64(file->statements[USE], 1);
	sql_done(file->statements[USE]);
	return 0;
}

static int make_file(struct file *file, const char *dir, struct problem *problem)
{
	if (mkdir(dir, 0700) && errno != EEXIST)
		return problem_set(problem, -errno, "%s: %s", dir, strerror(errno));
	return sql_file(dir, STORE_FILE, true, &file->dir, problem);
}

static void file_close(struct inbox_shelf *shelf)
{
	close_database(file_of(shelf));
	if (file_of(shelf)->dir >= 0)
		close(file_of(shelf)->dir);
	free(shelf);
}

/* ---- using it */

static int file_ready(struct inbox_shelf *shelf, uint64_t bytes, struct problem *problem)
{
	if (sql_disk_is_full(file_of(shelf)->dir, bytes))
		return problem_set(problem, -EIO, "the inbox: the disk is full");
	return open_database(file_of(shelf), problem);
}

static int file_add(struct inbox_shelf *shelf, struct inbox_message *message,
		    struct problem *problem)
{
	struct file *file = file_of(shelf);
	int status;

	if (open_database(file, problem))
		return problem->error;
	status = SQL_RUN(file, ADD, "iibbibbiibbb", message->received, message->sent,
			 message->sender.text, message->sender.len, message->original.uid.text,
			 message->original.uid.len, (int64_t)message->original.proved,
			 message->claimed.text,
			 message->claimed.len, message->recipient.text, message->recipient.len,
			 (int64_t)message->proved, (int64_t)message->form, message->mac.data,
			 message->mac.len, message->headers.data, message->headers.len,
			 message->body.data, message->body.len);
	sql_done(file->statements[ADD]);
	if (status != SQLITE_DONE)
		return failed(file, problem);
	message->id = sqlite3_last_insert_rowid(file->db);
	return 0;
}

static void read_uid(struct uid *uid, sqlite3_stmt *statement, enum column column)
{
	size_t len = sqlite3_column_bytes(statement, column);

	uid->len = len < UID_MAX ? len : UID_MAX;
	if (uid->len)
		memcpy(uid->text, sqlite3_column_blob(statement, column), uid->len);
	uid->text[uid->len] = '\0';
}

static int read_bytes(struct bytes *bytes, sqlite3_stmt *statement, enum column column)
{
	size_t len = sqlite3_column_bytes(statement, column);

	if (bytes_alloc(bytes, len))
		return -ENOMEM;
	if (len)
		memcpy(bytes->data, sqlite3_column_blob(statement, column), len);
	return 0;
}

static int read_message(sqlite3_stmt *statement, struct inbox_message *message)
{
	size_t mac = sqlite3_column_bytes(statement, C_MAC);

	message->id = sqlite3_column_int64(statement, C_ID);
	message->received = sqlite3_column_int64(statement, C_RECEIVED);
	message->sent = sqlite3_column_int64(statement, C_SENT);
	read_uid(&message->sender, statement, C_SENDER);
	read_uid(&message->original.uid, statement, C_ORIGINAL);
	message->original.proved = sqlite3_column_int64(statement, C_ORIGINAL_PROVED);
	read_uid(&message->claimed, statement, C_CLAIMED);
	read_uid(&message->recipient, statement, C_RECIPIENT);
	message->proved = sqlite3_column_int64(statement, C_PROVED);
	message->form = sqlite3_column_int64(statement, C_FORM);
	message->mac.len = mac < sizeof(message->mac.data) ? mac : sizeof(message->mac.data);
	if (message->mac.len)
		memcpy(message->mac.data, sqlite3_column_blob(statement, C_MAC),
		       message->mac.len);
	return read_bytes(&message->headers, statement, C_HEADERS) ?:
		read_bytes(&message->body, statement, C_BODY);
}

static int fetch(struct inbox_shelf *shelf, enum statement which, int64_t id,
		 struct inbox_message *message, struct problem *problem)
{
	struct file *file = file_of(shelf);
	int status, err = 0;

	if (open_database(file, problem))
		return problem->error;
	status = SQL_RUN(file, which, "i", id);
	if (status == SQLITE_DONE)
		err = -ENOENT;
	else if (status != SQLITE_ROW)
		err = failed(file, problem);
	else if (read_message(file->statements[which], message))
		err = problem_set(problem, -ENOMEM, "no memory");
	sql_done(file->statements[which]);
	if (err)
		inbox_message_wipe(message);
	return err;
}

static int file_next(struct inbox_shelf *shelf, int64_t id, struct inbox_message *message,
		     struct problem *problem)
{
	return fetch(shelf, NEXT, id, message, problem);
}

static int file_get(struct inbox_shelf *shelf, int64_t id, struct inbox_message *message,
		    struct problem *problem)
{
	return fetch(shelf, GET, id, message, problem);
}

static int file_take(struct inbox_shelf *shelf, int64_t id, uint64_t *size,
		     struct problem *problem)
{
	struct file *file = file_of(shelf);
	struct problem later;
	int status;

	if (open_database(file, problem))
		return problem->error;
	status = SQL_RUN(file, TAKE, "i", id);
	if (status == SQLITE_ROW) {
		*size = sqlite3_column_int64(file->statements[TAKE], 0);
		/* it takes effect with its last row */
		status = sqlite3_step(file->statements[TAKE]) == SQLITE_DONE ? SQLITE_ROW :
			SQLITE_IOERR;
	}
	sql_done(file->statements[TAKE]);
	if (status == SQLITE_DONE)
		return -ENOENT;
	if (status != SQLITE_ROW)
		return failed(file, problem);
	/*
	 * SQLite has buffers, which it keeps for as long as a database is open, in
	 * which rows and pages were put together. If it cannot be opened now, whoever
	 * needs it next tries again, and is told.
	 */
	close_database(file);
	open_database(file, &later);
	return 0;
}

static bool file_has(struct inbox_shelf *shelf, const struct uid *sender,
		     const struct ticket_mac *mac)
{
	struct file *file = file_of(shelf);
	struct problem problem;
	int status;

	if (open_database(file, &problem))
		return false;
	status = SQL_RUN(file, HAS, "bb", sender->text, sender->len, mac->data, mac->len);
	sql_done(file->statements[HAS]);
	return status == SQLITE_ROW;
}

static const struct inbox_shelf_kind kind = {
	.close = file_close,
	.ready = file_ready,
	.add = file_add,
	.next = file_next,
	.get = file_get,
	.take = file_take,
	.has = file_has,
};

static int open_in(struct file *file, const char *dir, struct inbox_store_use *use,
		   struct problem *problem)
{
	if (make_file(file, dir, problem) || open_database(file, problem) ||
	    count(file, use, problem))
		return problem->error;
	return fsync(file->dir) ? problem_set(problem, -EIO, "%s: %s", dir, strerror(errno)) : 0;
}

int inbox_file_open(struct inbox_shelf **shelf, const char *dir, struct inbox_store_use *use,
		    struct problem *problem)
{
	size_t size = strlen(dir) + sizeof("/" STORE_FILE);
	struct file *file = calloc(1, sizeof(*file) + size);
	int err;

	if (!file)
		return problem_set(problem, -ENOMEM, "no memory");
	file->shelf.kind = &kind;
	file->dir = -1;
	snprintf(file->path, size, "%s/" STORE_FILE, dir);
	err = open_in(file, dir, use, problem);
	if (err)
		file_close(&file->shelf);
	else
		*shelf = &file->shelf;
	return err;
}
