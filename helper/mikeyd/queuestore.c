// SPDX-License-Identifier: GPL-2.0-or-later
/* The queue on the disk: making it, putting down, and what becomes of messages. */
#include "helper/mikeyd/queuestore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/mikeyd/queueclock.h"
#include "helper/mikeyd/queuedb.h"

#define QUEUE_FILE "queue.db"
#define QUEUE_VERSION 1

/* mikeyctl and mikeyd wait so long for each other. */
#define BUSY_MS 2000
/* A client repeats a request for 64 * T1 (RFC 3261 17.1.2.2, Timer F). */
#define REPEAT_SECONDS 64

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE state (challenged INTEGER NOT NULL, poked INTEGER NOT NULL);"
	"INSERT INTO state VALUES (0, 0);"
	"CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL,\n"
	" recipient TEXT NOT NULL, uri TEXT NOT NULL, branch TEXT NOT NULL, size INTEGER NOT NULL,\n"
	" boot TEXT NOT NULL, since INTEGER NOT NULL, wall INTEGER NOT NULL,\n"
	" lifetime INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,\n"
	" flying INTEGER NOT NULL DEFAULT 0, unsure INTEGER NOT NULL,\n"
	" doubt INTEGER NOT NULL DEFAULT -1, code INTEGER NOT NULL, words TEXT NOT NULL,\n"
	" head BLOB NOT NULL, body BLOB NOT NULL);"
	"CREATE INDEX message_recipient ON message (recipient, id, size);"
	"CREATE TABLE accepted (key TEXT PRIMARY KEY, boot TEXT NOT NULL,\n"
	" since INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE failed (id INTEGER PRIMARY KEY, sender TEXT NOT NULL,\n"
	" recipient TEXT NOT NULL, queued INTEGER NOT NULL, ended INTEGER NOT NULL,\n"
	" code INTEGER NOT NULL, words TEXT NOT NULL);"
	"PRAGMA user_version = 1;"
	"COMMIT;";

/* What read_item() reads, in its order; texts only where they are wanted. */
#define ITEM "id, sender, recipient, uri, branch, boot, since, wall, lifetime, attempts,\n" \
	" unsure OR flying, doubt, code, words"
#define TEXTS ", head, body"
/* Age and time of those whose clock is this start's: ? = its name, ? = now */
#define OVER "boot = ? AND since + lifetime <= ?"

static const char * const sql[] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[COUNT] = "SELECT count(*), coalesce(sum(size), 0) FROM message",
	[COUNT_RECIPIENT] = "SELECT count(*) FROM message WHERE recipient = ?",
	[PUT] = "INSERT INTO message (sender, recipient, uri, branch, size, boot, since, wall,\n"
		" lifetime, flying, unsure, code, words, head, body)\n"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ACCEPT] = "INSERT OR REPLACE INTO accepted (key, boot, since) VALUES (?, ?, ?)",
	[FORGET] = "DELETE FROM accepted WHERE boot <> ? OR since < ?",
	[DISOWN] = "DELETE FROM accepted WHERE key = ?",
	[ACCEPTED] = "SELECT 1 FROM accepted WHERE key = ?",
	[FIRST] = "SELECT " ITEM TEXTS " FROM message WHERE recipient = ? ORDER BY id LIMIT 1",
	[EXPIRED] = "SELECT " ITEM " FROM message WHERE " OVER " ORDER BY id LIMIT 1",
	[RECIPIENTS] = "SELECT DISTINCT recipient FROM message",
	[EACH] = "SELECT " ITEM " FROM message ORDER BY id",
	[EACH_FAILED] = "SELECT id, sender, recipient, queued, ended, code, words FROM failed\n"
		" ORDER BY id",
	[FLY] = "UPDATE message SET unsure = unsure OR flying, flying = 1 WHERE id = ?",
	[AGAIN] = "UPDATE message SET flying = 0, attempts = attempts + 1, unsure = ?,\n"
		" doubt = ?, code = ?, words = ? WHERE id = ?",
	[FAIL] = "INSERT INTO failed (id, sender, recipient, queued, ended, code, words)\n"
		" SELECT id, sender, recipient, wall, ?, ?, ? FROM message WHERE id = ?",
	[TRIM] = "DELETE FROM failed WHERE id NOT IN\n"
		" (SELECT id FROM failed ORDER BY id DESC LIMIT ?)",
	[DELETE] = "DELETE FROM message WHERE id = ?",
	/* what came before the clock was set back has no age */
	[SETTLE] = "UPDATE message SET since = ?1 - max(0, ?2 - wall), boot = ?3 WHERE boot <> ?3",
	[POKE] = "UPDATE state SET poked = poked + 1",
	[POKED] = "SELECT poked FROM state",
	[CHALLENGED] = "SELECT challenged FROM state",
	[CHALLENGE] = "UPDATE state SET challenged = ?",
};

int queue_db_failed(struct queue_store *store, int status, struct problem *problem)
{
	problem_set(problem, -EIO, "the queue: %s", status == SQLITE_FULL ?
		    "the disk is full" : sqlite3_errmsg(store->db));
	if (!sqlite3_get_autocommit(store->db))
		SQL_RUN(store, ROLLBACK, "");
	return problem->error;
}

int queue_db_done(struct queue_store *store, int status, struct problem *problem)
{
	return status == SQLITE_DONE ? 0 : queue_db_failed(store, status, problem);
}

/* ---- opening */

static int prepare(struct queue_store *store)
{
	int status;

	sqlite3_busy_timeout(store->db, BUSY_MS);
	status = sqlite3_exec(store->db,
			      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			      "PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
			      NULL, NULL, NULL);
	if (status == SQLITE_OK)
		status = sql_schema(store->db, schema, QUEUE_VERSION);
	if (status == SQLITE_OK)
		status = sql_prepare(store->db, store->statements, sql, STATEMENTS);
	return status;
}

static int open_problem(struct queue_store *store, const char *path, int status,
			struct problem *problem)
{
	if (sql_is_damaged(status))
		return problem_set(problem, -EUCLEAN,
				   "%s is damaged or of another age: move it away, and what waits in it is lost",
				   path);
	return problem_set(problem, -EIO, "%s: %s", path, sqlite3_errmsg(store->db));
}

static int64_t state(struct queue_store *store, enum statement which)
{
	int64_t value = 0;

	if (SQL_RUN(store, which, "") == SQLITE_ROW)
		value = sqlite3_column_int64(store->statements[which], 0);
	sql_done(store->statements[which]);
	return value;
}

static int open_in(struct queue_store *store, const char *dir, bool make,
		   struct problem *problem)
{
	char path[4096 + sizeof(QUEUE_FILE)];
	int status = sql_file(dir, QUEUE_FILE, make, &store->dir, problem);

	if (status)
		return status;
	snprintf(path, sizeof(path), "%s/" QUEUE_FILE, dir);
	status = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE, NULL);
	if (status == SQLITE_OK)
		status = prepare(store);
	if (status != SQLITE_OK)
		return open_problem(store, path, status, problem);
	queue_store_poked(store);
	store->challenged = state(store, CHALLENGED);
	return fsync(store->dir) ? problem_set(problem, -EIO, "%s: %s", dir, strerror(errno)) : 0;
}

int queue_store_open(struct queue_store **out, const char *dir, bool make,
		     struct problem *problem)
{
	struct queue_store *store = calloc(1, sizeof(*store));
	int err;

	*out = NULL;
	if (!store)
		return problem_set(problem, -ENOMEM, "no memory");
	store->dir = -1;
	queue_clock_boot_id(store->boot);
	err = open_in(store, dir, make, problem);
	if (err)
		queue_store_close(store);
	else
		*out = store;
	return err;
}

void queue_store_close(struct queue_store *store)
{
	if (!store)
		return;
	sql_close(store->db, store->statements, STATEMENTS, store->dir);
	free(store);
}

/* ---- putting down */

static size_t size_of(const struct queue_item *item)
{
	return QUEUE_ROW_SIZE + item->head_len + item->body_len;
}

/* Is there room for one more? 0, or -ENOSPC in words. */
static int has_room(struct queue_store *store, const struct queue_limits *limits,
		    const struct queue_item *item, struct problem *problem)
{
	sqlite3_stmt *count = store->statements[COUNT_RECIPIENT];
	uint64_t messages, bytes;
	int64_t waiting = 0;
	int status, err;

	err = queue_store_count(store, &messages, &bytes, problem);
	if (err)
		return err;
	status = sql_run(count, "t", item->recipient.text, item->recipient.len);
	if (status == SQLITE_ROW)
		waiting = sqlite3_column_int64(count, 0);
	sql_done(count);
	if (status != SQLITE_ROW)
		return queue_db_failed(store, status, problem);
	if (messages >= limits->messages)
		return problem_set(problem, -ENOSPC, "%u messages wait already",
				   limits->messages);
	if (waiting >= limits->recipient)
		return problem_set(problem, -ENOSPC, "%u messages wait for %s already",
				   limits->recipient, item->recipient.text);
	if (bytes + size_of(item) > limits->bytes)
		return problem_set(problem, -ENOSPC,
				   "messages of %llu bytes wait already",
				   (unsigned long long)bytes);
	return 0;
}

static int insert(struct queue_store *store, const struct queue_item *item, const char *key)
{
	int64_t now = queue_clock_boot();
	const char *words = item->words ? item->words : "";
	int status;

	status = SQL_RUN(store, PUT, "ttttitiiiiiitbb", item->sender.text, item->sender.len,
			 item->recipient.text, item->recipient.len, item->uri, strlen(item->uri),
			 item->branch, strlen(item->branch), (int64_t)size_of(item), store->boot,
			 strlen(store->boot), now, queue_clock_wall(), item->lifetime,
			 (int64_t)item->flying, (int64_t)item->unsure, (int64_t)item->code, words,
			 strlen(words), item->head, item->head_len, item->body, item->body_len);
	if (status == SQLITE_DONE)
		status = SQL_RUN(store, FORGET, "ti", store->boot, strlen(store->boot),
				 now - REPEAT_SECONDS);
	if (status == SQLITE_DONE)
		status = SQL_RUN(store, ACCEPT, "tti", key, strlen(key), store->boot,
				 strlen(store->boot), now);
	return status;
}

int queue_store_put_all(struct queue_store *store, const struct queue_limits *limits,
			struct queue_item *items, unsigned int count, const char *key,
			struct problem *problem)
{
	int status, err;

	if (sql_disk_is_full(store->dir, 0))
		return problem_set(problem, -EIO, "the queue: the disk is full");
	status = SQL_RUN(store, BEGIN, "");
	if (status != SQLITE_DONE)
		return queue_db_failed(store, status, problem);
	for (unsigned int i = 0; i < count && status == SQLITE_DONE; i++) {
		err = has_room(store, limits, &items[i], problem);
		if (err) {
			SQL_RUN(store, ROLLBACK, "");
			return err;
		}
		status = insert(store, &items[i], key);
		items[i].id = sqlite3_last_insert_rowid(store->db);
	}
	if (status == SQLITE_DONE)
		status = SQL_RUN(store, COMMIT, "");
	return queue_db_done(store, status, problem);
}

int queue_store_put(struct queue_store *store, const struct queue_limits *limits,
		    struct queue_item *item, const char *key, struct problem *problem)
{
	return queue_store_put_all(store, limits, item, 1, key, problem);
}

bool queue_store_has(struct queue_store *store, const char *key)
{
	bool has = SQL_RUN(store, ACCEPTED, "t", key, strlen(key)) == SQLITE_ROW;

	sql_done(store->statements[ACCEPTED]);
	return has;
}

/* ---- what becomes of them */

int queue_store_begin(struct queue_store *store, int64_t id, struct problem *problem)
{
	return queue_db_done(store, SQL_RUN(store, FLY, "i", id), problem);
}

int queue_store_again(struct queue_store *store, const struct queue_item *item,
		      struct problem *problem)
{
	const char *words = item->words ? item->words : "";

	int status = SQL_RUN(store, AGAIN, "iiiti", (int64_t)item->unsure, item->doubt,
			     (int64_t)item->code, words, strlen(words), item->id);

	return queue_db_done(store, status, problem);
}

int queue_store_end(struct queue_store *store, int64_t id, bool delivered, uint16_t code,
		    const char *words, struct problem *problem)
{
	int status = SQL_RUN(store, BEGIN, "");

	if (status == SQLITE_DONE && !delivered)
		status = SQL_RUN(store, FAIL, "iiti", queue_clock_wall(), (int64_t)code, words,
				 strlen(words), id);
	if (status == SQLITE_DONE && !delivered)
		status = SQL_RUN(store, TRIM, "i", (int64_t)QUEUE_FAILED_MAX);
	if (status == SQLITE_DONE)
		status = SQL_RUN(store, DELETE, "i", id);
	if (status == SQLITE_DONE)
		status = SQL_RUN(store, COMMIT, "");
	return queue_db_done(store, status, problem);
}

int queue_store_withdraw(struct queue_store *store, const int64_t *ids, unsigned int count,
			 const char *key, struct problem *problem)
{
	int status = SQL_RUN(store, BEGIN, "");

	for (unsigned int i = 0; i < count && status == SQLITE_DONE; i++)
		status = SQL_RUN(store, DELETE, "i", ids[i]);
	if (status == SQLITE_DONE)
		status = SQL_RUN(store, DISOWN, "t", key, strlen(key));
	if (status == SQLITE_DONE)
		status = SQL_RUN(store, COMMIT, "");
	return queue_db_done(store, status, problem);
}

int queue_store_settle(struct queue_store *store, struct problem *problem)
{
	int status = SQL_RUN(store, SETTLE, "iit", queue_clock_boot(), queue_clock_wall(),
			     store->boot, strlen(store->boot));

	return queue_db_done(store, status, problem);
}

/* ---- between mikeyctl and mikeyd, and what is known of the next hop */

int queue_store_poke(struct queue_store *store, struct problem *problem)
{
	return queue_db_done(store, SQL_RUN(store, POKE, ""), problem);
}

bool queue_store_poked(struct queue_store *store)
{
	int64_t before = store->poked;

	store->poked = state(store, POKED);
	return store->poked != before;
}

bool queue_store_challenged(struct queue_store *store)
{
	return store->challenged;
}

void queue_store_set_challenged(struct queue_store *store, bool challenged)
{
	if (challenged != store->challenged)
		SQL_RUN(store, CHALLENGE, "i", (int64_t)challenged);
	store->challenged = challenged;
}
