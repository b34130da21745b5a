// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record of delivered messages, in SQLite.
 *
 * A write-ahead log with synchronous = FULL: when record_begin() returns, the
 * row is on the disk. The client's answer is written without waiting for the
 * disk; a power cut may take it back, never the row.
 */
#include "helper/mikeyd/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/sql.h"

#define RECORD_FILE "delivered.db"
#define RECORD_VERSION 1

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE state (floor INTEGER NOT NULL, total INTEGER NOT NULL,\n"
	" clock INTEGER NOT NULL);"
	"INSERT INTO state VALUES (-9223372036854775808, 0, 0);"
	"CREATE TABLE sender (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE,\n"
	" floor INTEGER NOT NULL, count INTEGER NOT NULL, heard INTEGER NOT NULL);"
	"CREATE INDEX sender_heard ON sender (heard);"
	"CREATE TABLE message (sender INTEGER NOT NULL, mac BLOB NOT NULL, sent INTEGER NOT NULL,\n"
	" code INTEGER NOT NULL, PRIMARY KEY (sender, mac)) WITHOUT ROWID;"
	"CREATE INDEX message_sent ON message (sender, sent);"
	"PRAGMA user_version = 1;"
	"COMMIT;";

enum statement {
	BEGIN, COMMIT, ROLLBACK, TRY,
	STATE, SENDER, MESSAGE, OLDEST, SILENT,
	ADD_SENDER, ADD_MESSAGE, HEARD,
	DROP_MESSAGE, FORGOT_ONE, DROP_MESSAGES, DROP_SENDER, FORGOT_ALL,
	ANSWER,
	STATEMENTS
};

static const char * const sql[] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[TRY] = "UPDATE state SET clock = clock + 1",
	[STATE] = "SELECT floor, total FROM state",
	[SENDER] = "SELECT id, floor, count FROM sender WHERE name = ?",
	[MESSAGE] = "SELECT code FROM message WHERE sender = ? AND mac = ?",
	[OLDEST] = "SELECT sent, mac FROM message WHERE sender = ? ORDER BY sent LIMIT 1",
	/* the sender that was silent longest, and up to when its messages are known */
	[SILENT] = "SELECT id, max(floor, coalesce((SELECT max(sent) FROM message\n"
		" WHERE sender = id), floor)), count FROM sender WHERE id <> ?\n"
		" ORDER BY heard LIMIT 1",
	[ADD_SENDER] = "INSERT INTO sender (name, floor, count, heard) VALUES (?, ?, 0, 0)",
	[ADD_MESSAGE] = "INSERT INTO message (sender, mac, sent, code) VALUES (?, ?, ?, 0)",
	[HEARD] = "UPDATE sender SET count = count + 1, heard = (SELECT clock FROM state)\n"
		" WHERE id = ?",
	[DROP_MESSAGE] = "DELETE FROM message WHERE sender = ? AND mac = ?",
	[FORGOT_ONE] = "UPDATE sender SET floor = max(floor, ?), count = count - 1 WHERE id = ?",
	[DROP_MESSAGES] = "DELETE FROM message WHERE sender = ?",
	[DROP_SENDER] = "DELETE FROM sender WHERE id = ?",
	[FORGOT_ALL] = "UPDATE state SET floor = max(floor, ?), total = ?, clock = clock + 1",
	[ANSWER] = "UPDATE message SET code = ? WHERE sender = (SELECT id FROM sender\n"
		" WHERE name = ?) AND mac = ? AND code NOT BETWEEN 200 AND 299",
};

/* Beside SQLite's results: not newer than what had to be forgotten */
#define TOO_OLD 1000

struct record {
	const struct config_user *config;
	sqlite3 *db;
	struct sqlite3_stmt *statements[STATEMENTS];
	int dir;
	bool ill;		/* the last write failed */
};

/* What a sender has here, while one more message of theirs is put down. */
struct sender {
	int64_t id;		/* 0: nothing */
	int64_t floor, count;
	int64_t common_floor, total;
};

static int failed(struct record *record, struct problem *problem)
{
	record->ill = true;
	return problem_set(problem, -EIO, "the record of delivered messages: %s",
			   sqlite3_errmsg(record->db));
}

static int64_t column(struct record *record, enum statement which, int n)
{
	return sqlite3_column_int64(record->statements[which], n);
}

/* ---- opening */

static int prepare(struct record *record)
{
	int status;

	/* alone in it: no shared memory, and no second mikeyd beside this one */
	status = sqlite3_exec(record->db,
			      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;",
			      NULL, NULL, NULL);
	if (status == SQLITE_OK)
		status = sql_schema(record->db, schema, RECORD_VERSION);
	if (status == SQLITE_OK)
		status = sql_prepare(record->db, record->statements, sql, STATEMENTS);
	return status;
}

static int open_problem(struct record *record, const char *path, int status,
			struct problem *problem)
{
	if ((status & 0xff) == SQLITE_BUSY)
		return problem_set(problem, -EBUSY,
				   "%s: another mikeyd uses it: give each its own state-dir",
				   path);
	if (sql_is_damaged(status))
		return problem_set(problem, -EUCLEAN,
				   "%s is damaged or of another age: move it away, and old messages may be delivered a second time",
				   path);
	return problem_set(problem, -EIO, "%s: %s", path, sqlite3_errmsg(record->db));
}

static int open_in(struct record *record, const char *dir, bool only_check,
		   struct problem *problem)
{
	char path[4096 + sizeof(RECORD_FILE)];
	int status = sql_file(dir, RECORD_FILE, true, &record->dir, problem);

	if (status)
		return status;
	snprintf(path, sizeof(path), "%s/" RECORD_FILE, dir);
	status = sqlite3_open_v2(path, &record->db, SQLITE_OPEN_READWRITE, NULL);
	if (status == SQLITE_OK)
		status = prepare(record);
	if (status == SQLITE_BUSY && only_check) {
		log_event(WARNING, "record-in-use", log_text("file", path));
		return 0;
	}
	if (status != SQLITE_OK)
		return open_problem(record, path, status, problem);
	/* a journal of the making that came back would undo it, and what follows */
	return fsync(record->dir) ? problem_set(problem, -EIO, "%s: %s", dir, strerror(errno)) : 0;
}

int record_open(struct record **out, const char *dir, const struct config_user *config,
		bool only_check, struct problem *problem)
{
	struct record *record = calloc(1, sizeof(*record));
	int err;

	*out = record;
	if (!record)
		return problem_set(problem, -ENOMEM, "no memory");
	record->config = config;
	record->dir = -1;
	err = open_in(record, dir, only_check, problem);
	if (err) {
		record_close(record);
		*out = NULL;
	}
	return err;
}

void record_use(struct record *record, const struct config_user *config)
{
	record->config = config;
}

void record_close(struct record *record)
{
	if (!record)
		return;
	sql_close(record->db, record->statements, STATEMENTS, record->dir);
	free(record);
}

/* ---- using it */

int record_ready(struct record *record, struct problem *problem)
{
	if (sql_disk_is_full(record->dir, 0))
		return problem_set(problem, -EIO,
				   "the record of delivered messages: the disk is full");
	if (!record->ill)
		return 0;
	if (SQL_RUN(record, TRY, "") != SQLITE_DONE)
		return failed(record, problem);
	log_event(INFO, "record-writable", log_text("reason", "the disk has room again"));
	record->ill = false;
	return 0;
}

static int find_sender(struct record *record, const struct uid *name, struct sender *sender)
{
	int status = SQL_RUN(record, STATE, "");

	memset(sender, 0, sizeof(*sender));
	if (status != SQLITE_ROW)
		return status == SQLITE_DONE ? SQLITE_CORRUPT : status;
	sender->common_floor = column(record, STATE, 0);
	sender->total = column(record, STATE, 1);
	sql_done(record->statements[STATE]);
	sender->floor = sender->common_floor;
	status = SQL_RUN(record, SENDER, "b", name->text, name->len);
	if (status == SQLITE_ROW) {
		sender->id = column(record, SENDER, 0);
		sender->floor = column(record, SENDER, 1);
		sender->count = column(record, SENDER, 2);
		status = SQLITE_DONE;
	}
	sql_done(record->statements[SENDER]);
	return status;
}

/* Is the message there? SQLITE_ROW: yes, and code says how it was answered. */
static int find_message(struct record *record, const struct sender *sender,
			const struct ticket_mac *mac, uint16_t *code)
{
	int status = SQL_RUN(record, MESSAGE, "ib", sender->id, mac->data, mac->len);

	*code = status == SQLITE_ROW ? column(record, MESSAGE, 0) : 0;
	sql_done(record->statements[MESSAGE]);
	return status;
}

/* Make room among the sender's own; TOO_OLD: the new one is the oldest. */
static int forget_one(struct record *record, struct sender *sender, int64_t sent)
{
	struct ticket_mac mac;
	int64_t oldest;
	int status;

	status = SQL_RUN(record, OLDEST, "i", sender->id);
	if (status != SQLITE_ROW)
		return status == SQLITE_DONE ? SQLITE_CORRUPT : status;
	oldest = column(record, OLDEST, 0);
	mac.len = sqlite3_column_bytes(record->statements[OLDEST], 1);
	if (mac.len > sizeof(mac.data))
		mac.len = sizeof(mac.data);
	memcpy(mac.data, sqlite3_column_blob(record->statements[OLDEST], 1), mac.len);
	sql_done(record->statements[OLDEST]);
	if (oldest >= sent)
		return TOO_OLD;
	status = SQL_RUN(record, DROP_MESSAGE, "ib", sender->id, mac.data, mac.len);
	if (status == SQLITE_DONE)
		status = SQL_RUN(record, FORGOT_ONE, "ii", oldest, sender->id);
	sender->count--;
	sender->total--;
	return status;
}

/* Make room among all: whoever was silent longest is forgotten as a whole. */
static int forget_sender(struct record *record, struct sender *sender, int64_t sent)
{
	int64_t id, floor, count;
	int status = SQL_RUN(record, SILENT, "i", sender->id);

	if (status == SQLITE_DONE)	/* there is nobody else */
		return sender->count ? forget_one(record, sender, sent) : TOO_OLD;
	if (status != SQLITE_ROW)
		return status;
	id = column(record, SILENT, 0);
	floor = column(record, SILENT, 1);
	count = column(record, SILENT, 2);
	sql_done(record->statements[SILENT]);
	status = SQL_RUN(record, DROP_MESSAGES, "i", id);
	if (status == SQLITE_DONE)
		status = SQL_RUN(record, DROP_SENDER, "i", id);
	if (floor > sender->common_floor)
		sender->common_floor = floor;
	sender->total -= count + 1;
	return status;
}

/* All of record_begin() inside its transaction; SQLITE_DONE if it is to stand. */
static int add(struct record *record, const struct uid *name, const struct ticket_mac *mac,
	       int64_t sent, uint16_t *code)
{
	struct sender sender;
	int status = find_sender(record, name, &sender);

	if (status == SQLITE_DONE)
		status = find_message(record, &sender, mac, code);
	if (status != SQLITE_DONE)
		return status;
	if (sent <= sender.floor)
		return TOO_OLD;
	if (!sender.id) {
		status = SQL_RUN(record, ADD_SENDER, "bi", name->text, name->len, sender.floor);
		sender.id = sqlite3_last_insert_rowid(record->db);
		sender.total++;
	}
	while (status == SQLITE_DONE && sender.count >= record->config->replay_sender)
		status = forget_one(record, &sender, sent);
	while (status == SQLITE_DONE && sender.total >= record->config->replay_total)
		status = forget_sender(record, &sender, sent);
	if (status == SQLITE_DONE)
		status = SQL_RUN(record, ADD_MESSAGE, "ibi", sender.id, mac->data, mac->len, sent);
	if (status == SQLITE_DONE)
		status = SQL_RUN(record, FORGOT_ALL, "ii", sender.common_floor, sender.total + 1);
	if (status == SQLITE_DONE)
		status = SQL_RUN(record, HEARD, "i", sender.id);
	return status;
}

int record_begin(struct record *record, const struct uid *sender, const struct ticket_mac *mac,
		 int64_t sent, uint16_t *code, struct problem *problem)
{
	int status = SQL_RUN(record, BEGIN, "");

	*code = 0;
	if (status == SQLITE_DONE)
		status = add(record, sender, mac, sent, code);
	if (status == SQLITE_DONE)
		status = SQL_RUN(record, COMMIT, "");
	if (status == SQLITE_DONE)
		return 0;
	if (status == SQLITE_ROW)
		problem_set(problem, -EALREADY, "it was delivered before");
	else if (status == TOO_OLD)
		problem_set(problem, -ESTALE,
			    "it is older than the messages of its sender that are remembered");
	else
		failed(record, problem);
	if (!sqlite3_get_autocommit(record->db))
		SQL_RUN(record, ROLLBACK, "");
	return problem->error;
}

uint16_t record_find(struct record *record, const struct uid *name,
		     const struct ticket_mac *mac)
{
	struct sender sender;
	uint16_t code = 0;

	if (find_sender(record, name, &sender) == SQLITE_DONE)
		find_message(record, &sender, mac, &code);
	return code;
}

void record_answer(struct record *record, const struct uid *sender,
		   const struct ticket_mac *mac, uint16_t code)
{
	struct problem problem;
	int status;

	/* what a power cut takes back here is known as delivered, not how */
	sqlite3_exec(record->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	status = SQL_RUN(record, ANSWER, "ibb", (int64_t)code, sender->text, sender->len, mac->data,
			 mac->len);
	if (status != SQLITE_DONE) {
		failed(record, &problem);
		log_event(WARNING, "record-failed", log_text("reason", problem.words));
	}
	sqlite3_exec(record->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
}
