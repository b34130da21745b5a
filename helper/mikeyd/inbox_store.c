// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The inbox, in SQLite: a database in memory, or a file with a rollback journal
 * and synchronous = EXTRA. What is taken out is overwritten in the database
 * (secure_delete); what a file system keeps of it is the file system's.
 */
#include "helper/mikeyd/inbox_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
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

struct inbox_store {
	sqlite3 *db;
	struct sqlite3_stmt *statements[STATEMENTS];
	struct inbox_store_use use;
	int dir;			/* -1: in memory */
};

static int failed(struct inbox_store *store, struct problem *problem)
{
	return problem_set(problem, -EIO, "the inbox: %s", sqlite3_errmsg(store->db));
}

/* ---- opening */

/* Who has a number from before a restart must not take another message by it. */
static int number_by_time(struct inbox_store *store)
{
	char command[80];

	snprintf(command, sizeof(command), "INSERT INTO sqlite_sequence VALUES ('message', %lld)",
		 (long long)time(NULL));
	return sqlite3_exec(store->db, command, NULL, NULL, NULL);
}

static int prepare(struct inbox_store *store)
{
	int status;

	/*
	 * A truncated journal, so that the pages that it saved, which may hold a
	 * message, do not stay in a file; no temporary file besides.
	 */
	status = sqlite3_exec(store->db,
			      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = TRUNCATE;"
			      "PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON;"
			      "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;",
			      NULL, NULL, NULL);
	if (status == SQLITE_OK)
		status = sql_schema(store->db, schema, STORE_VERSION);
	if (status == SQLITE_OK && store->dir < 0)
		status = number_by_time(store);
	if (status == SQLITE_OK)
		status = sql_prepare(store->db, store->statements, sql, STATEMENTS);
	if (status == SQLITE_OK && SQL_RUN(store, USE, "") == SQLITE_ROW) {
		store->use.messages = sqlite3_column_int64(store->statements[USE], 0);
		store->use.bytes = sqlite3_column_int64(store->statements[USE], 1);
	}
	if (status == SQLITE_OK)
		status = sqlite3_reset(store->statements[USE]);
	return status;
}

static int open_problem(struct inbox_store *store, const char *path, int status,
			struct problem *problem)
{
	if ((status & 0xff) == SQLITE_BUSY)
		return problem_set(problem, -EBUSY, "%s: another mikeyd uses it", path);
	if (sql_is_damaged(status))
		return problem_set(problem, -EUCLEAN,
				   "%s is damaged or of another age: move it away", path);
	return problem_set(problem, -EIO, "%s: %s", path, sqlite3_errmsg(store->db));
}

static int make_file(struct inbox_store *store, const char *dir, struct problem *problem)
{
	if (mkdir(dir, 0700) && errno != EEXIST)
		return problem_set(problem, -errno, "%s: %s", dir, strerror(errno));
	return sql_file(dir, STORE_FILE, true, &store->dir, problem);
}

static int open_in(struct inbox_store *store, const char *dir, struct problem *problem)
{
	char path[4096 + sizeof(STORE_FILE)];
	int status;

	if (dir && strlen(dir) > 4000)
		return problem_set(problem, -ENAMETOOLONG, "the inbox's directory is too long");
	if (dir && make_file(store, dir, problem))
		return problem->error;
	if (dir)
		snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
	else
		strcpy(path, ":memory:");
	status = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE, NULL);
	if (status == SQLITE_OK)
		status = prepare(store);
	if (status != SQLITE_OK)
		return open_problem(store, path, status, problem);
	if (dir && fsync(store->dir))
		return problem_set(problem, -EIO, "%s: %s", dir, strerror(errno));
	return 0;
}

int inbox_store_open(struct inbox_store **out, const char *dir, struct problem *problem)
{
	struct inbox_store *store = calloc(1, sizeof(*store));

	*out = store;
	if (!store)
		return problem_set(problem, -ENOMEM, "no memory");
	store->dir = -1;
	if (!open_in(store, dir, problem))
		return 0;
	inbox_store_close(store);
	*out = NULL;
	return problem->error;
}

void inbox_store_close(struct inbox_store *store)
{
	if (!store)
		return;
	/* what was in memory is not left behind in it */
	if (store->dir < 0 && store->db)
		sqlite3_exec(store->db, "DELETE FROM message", NULL, NULL, NULL);
	sql_close(store->db, store->statements, STATEMENTS, store->dir);
	free(store);
}

/* ---- using it */

struct inbox_store_use inbox_store_use(const struct inbox_store *store)
{
	return store->use;
}

int inbox_store_ready(struct inbox_store *store, uint64_t bytes, struct problem *problem)
{
	if (store->dir >= 0 && sql_disk_is_full(store->dir, bytes))
		return problem_set(problem, -EIO, "the inbox: the disk is full");
	return 0;
}

int inbox_store_add(struct inbox_store *store, struct inbox_message *message,
		    struct problem *problem)
{
	int status = SQL_RUN(store, ADD, "iibbibbiibbb", message->received, message->sent,
			 message->sender.text, message->sender.len, message->original.uid.text,
			 message->original.uid.len, (int64_t)message->original.proved,
			 message->claimed.text,
			 message->claimed.len, message->recipient.text, message->recipient.len,
			 (int64_t)message->proved, (int64_t)message->form, message->mac.data,
			 message->mac.len, message->headers.data, message->headers.len,
			 message->body.data, message->body.len);

	sql_done(store->statements[ADD]);
	if (status != SQLITE_DONE)
		return failed(store, problem);
	message->id = sqlite3_last_insert_rowid(store->db);
	store->use.messages++;
	store->use.bytes += inbox_message_size(message);
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

static int fetch(struct inbox_store *store, enum statement which, int64_t id,
		 struct inbox_message *message, struct problem *problem)
{
	int status = SQL_RUN(store, which, "i", id), err;

	memset(message, 0, sizeof(*message));
	if (status == SQLITE_DONE)
		err = problem_set(problem, -ENOENT, "there is no such message in the inbox");
	else if (status != SQLITE_ROW)
		err = failed(store, problem);
	else if (read_message(store->statements[which], message))
		err = problem_set(problem, -ENOMEM, "no memory");
	else
		err = 0;
	sql_done(store->statements[which]);
	if (err)
		inbox_message_wipe(message);
	return err;
}

int inbox_store_next(struct inbox_store *store, int64_t id, struct inbox_message *message,
		     struct problem *problem)
{
	return fetch(store, NEXT, id, message, problem);
}

int inbox_store_get(struct inbox_store *store, int64_t id, struct inbox_message *message,
		    struct problem *problem)
{
	return fetch(store, GET, id, message, problem);
}

int inbox_store_take(struct inbox_store *store, int64_t id, struct problem *problem)
{
	int status = SQL_RUN(store, TAKE, "i", id);
	uint64_t size = 0;

	if (status == SQLITE_ROW) {
		size = sqlite3_column_int64(store->statements[TAKE], 0);
		/* it takes effect with its last row */
		status = sqlite3_step(store->statements[TAKE]) == SQLITE_DONE ? SQLITE_ROW :
			SQLITE_IOERR;
	}
	sql_done(store->statements[TAKE]);
	if (status == SQLITE_DONE)
		return problem_set(problem, -ENOENT, "there is no such message in the inbox");
	if (status != SQLITE_ROW)
		return failed(store, problem);
	store->use.messages--;
	store->use.bytes -= size;
	return 0;
}

bool inbox_store_has(struct inbox_store *store, const struct uid *sender,
		     const struct ticket_mac *mac)
{
	int status = SQL_RUN(store, HAS, "bb", sender->text, sender->len, mac->data, mac->len);

	sql_done(store->statements[HAS]);
	return status == SQLITE_ROW;
}
