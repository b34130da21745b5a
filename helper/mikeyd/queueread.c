// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the queue. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/mikeyd/queuedb.h"

static char *text_column(sqlite3_stmt *statement, int n, size_t *len)
{
	const void *data = sqlite3_column_blob(statement, n);
	size_t size = sqlite3_column_bytes(statement, n);
	char *text = malloc(size + 1);

	if (!text)
		return NULL;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (len)
		*len = size;
	return text;
}

static void uid_column(struct uid *uid, sqlite3_stmt *statement, int n)
{
	const void *data = sqlite3_column_blob(statement, n);
	size_t len = sqlite3_column_bytes(statement, n);

	memset(uid, 0, sizeof(*uid));
	uid->len = len > UID_MAX ? UID_MAX : len;
	if (uid->len)
		memcpy(uid->text, data, uid->len);
}

/* Its age, by the clock that it was put down with. */
static void read_age(const struct queue_store *store, struct queue_item *item,
		     const char *boot, int64_t since)
{
	item->settled = !strcmp(boot, store->boot);
	item->age = item->settled ? queue_clock_boot() - since :
		queue_clock_wall() - item->queued;
	if (item->age < 0)
		item->age = 0;
}

static int read_item(const struct queue_store *store, enum statement which, bool texts,
		     struct queue_item *item)
{
	sqlite3_stmt *row = store->statements[which];

	memset(item, 0, sizeof(*item));
	item->id = sqlite3_column_int64(row, 0);
	uid_column(&item->sender, row, 1);
	uid_column(&item->recipient, row, 2);
	item->uri = text_column(row, 3, NULL);
	snprintf(item->branch, sizeof(item->branch), "%s", sqlite3_column_text(row, 4));
	item->queued = sqlite3_column_int64(row, 7);
	read_age(store, item, (const char *)sqlite3_column_text(row, 5),
		 sqlite3_column_int64(row, 6));
	item->lifetime = sqlite3_column_int64(row, 8);
	item->attempts = sqlite3_column_int64(row, 9);
	item->unsure = sqlite3_column_int(row, 10);
	item->doubt = sqlite3_column_int64(row, 11);
	item->code = sqlite3_column_int(row, 12);
	item->words = text_column(row, 13, NULL);
	if (texts) {
		item->head = text_column(row, 14, &item->head_len);
		item->body = text_column(row, 15, &item->body_len);
	}
	if (item->uri && item->words && (!texts || (item->head && item->body)))
		return 0;
	queue_item_wipe(item);
	return -ENOMEM;
}

void queue_item_wipe(struct queue_item *item)
{
	free(item->uri);
	free(item->head);
	free(item->body);
	free(item->words);
	memset(item, 0, sizeof(*item));
}

/* The one row of a statement that was run. */
static int only_row(struct queue_store *store, enum statement which, int status, bool texts,
		    struct queue_item *item, struct problem *problem)
{
	int err = 0;

	if (status == SQLITE_ROW)
		err = read_item(store, which, texts, item);
	sql_done(store->statements[which]);
	if (err)
		return problem_set(problem, err, "no memory");
	if (status == SQLITE_DONE)
		return problem_set(problem, -ENOENT, "nothing waits");
	return status == SQLITE_ROW ? 0 : queue_db_failed(store, status, problem);
}

int queue_store_first(struct queue_store *store, const struct uid *recipient,
		      struct queue_item *item, struct problem *problem)
{
	int status = SQL_RUN(store, FIRST, "t", recipient->text, recipient->len);

	return only_row(store, FIRST, status, true, item, problem);
}

int queue_store_expired(struct queue_store *store, struct queue_item *item,
			struct problem *problem)
{
	int status = SQL_RUN(store, EXPIRED, "ti", store->boot, strlen(store->boot),
			 queue_clock_boot());

	return only_row(store, EXPIRED, status, false, item, problem);
}

int queue_store_recipients(struct queue_store *store,
			   void (*each)(const struct uid *recipient, void *arg), void *arg,
			   struct problem *problem)
{
	sqlite3_stmt *row = store->statements[RECIPIENTS];
	struct uid uid;
	int status;

	for (status = sql_run(row, ""); status == SQLITE_ROW; status = sqlite3_step(row)) {
		uid_column(&uid, row, 0);
		each(&uid, arg);
	}
	sql_done(row);
	return queue_db_done(store, status, problem);
}

int queue_store_each(struct queue_store *store,
		     void (*each)(const struct queue_item *item, void *arg), void *arg,
		     struct problem *problem)
{
	sqlite3_stmt *row = store->statements[EACH];
	struct queue_item item;
	int status;

	for (status = sql_run(row, ""); status == SQLITE_ROW; status = sqlite3_step(row)) {
		if (read_item(store, EACH, false, &item))
			break;
		each(&item, arg);
		queue_item_wipe(&item);
	}
	sql_done(row);
	return queue_db_done(store, status, problem);
}

int queue_store_each_failed(struct queue_store *store,
			    void (*each)(const struct queue_failed *failed, void *arg),
			    void *arg, struct problem *problem)
{
	sqlite3_stmt *row = store->statements[EACH_FAILED];
	struct queue_failed one;
	int status;

	for (status = sql_run(row, ""); status == SQLITE_ROW; status = sqlite3_step(row)) {
		one.id = sqlite3_column_int64(row, 0);
		uid_column(&one.sender, row, 1);
		uid_column(&one.recipient, row, 2);
		one.queued = sqlite3_column_int64(row, 3);
		one.ended = sqlite3_column_int64(row, 4);
		one.code = sqlite3_column_int(row, 5);
		one.words = (const char *)sqlite3_column_text(row, 6);
		each(&one, arg);
	}
	sql_done(row);
	return queue_db_done(store, status, problem);
}

int queue_store_count(struct queue_store *store, uint64_t *messages, uint64_t *bytes,
		      struct problem *problem)
{
	sqlite3_stmt *row = store->statements[COUNT];
	int status = sql_run(row, "");

	if (status == SQLITE_ROW) {
		*messages = sqlite3_column_int64(row, 0);
		*bytes = sqlite3_column_int64(row, 1);
	}
	sql_done(row);
	return status == SQLITE_ROW ? 0 : queue_db_failed(store, status, problem);
}
