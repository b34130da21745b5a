/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the queue's store is inside: for queuestore.c and queueread.c only. */
#ifndef HELPER_MIKEYD_QUEUEDB_H
#define HELPER_MIKEYD_QUEUEDB_H

#include "helper/mikeyd/queueclock.h"
#include "helper/mikeyd/queuestore.h"
#include "helper/mikeyd/sql.h"

enum statement {
	BEGIN, COMMIT, ROLLBACK,
	COUNT, COUNT_RECIPIENT, PUT, ACCEPT, FORGET, ACCEPTED, DISOWN,
	FIRST, EXPIRED, RECIPIENTS, EACH, EACH_FAILED,
	FLY, AGAIN, FAIL, TRIM, DELETE, SETTLE,
	POKE, POKED, CHALLENGED, CHALLENGE,
	STATEMENTS
};

struct queue_store {
	sqlite3 *db;
	struct sqlite3_stmt *statements[STATEMENTS];
	int dir;
	char boot[QUEUE_BOOT_SIZE];
	int64_t poked;
	bool challenged;
};

/* queue_db_failed - -EIO in words; a transaction that was begun is rolled back */
int queue_db_failed(struct queue_store *store, int status, struct problem *problem);

/* queue_db_done - 0 for SQLITE_DONE, else queue_db_failed() */
int queue_db_done(struct queue_store *store, int status, struct problem *problem);

#endif
