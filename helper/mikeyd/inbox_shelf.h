/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the messages of an inbox are: in memory or in a file. inbox_store.h says
 * what is wanted of either; a shelf does the keeping, the store counts.
 *
 * What was taken is on no shelf, nor anywhere else in the memory of mikeyd.
 */
#ifndef HELPER_MIKEYD_INBOX_SHELF_H
#define HELPER_MIKEYD_INBOX_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include "helper/mikeyd/inbox_store.h"

struct inbox_shelf;

struct inbox_shelf_kind {
	void (*close)(struct inbox_shelf *shelf);
	int (*ready)(struct inbox_shelf *shelf, uint64_t bytes, struct problem *problem);
	int (*add)(struct inbox_shelf *shelf, struct inbox_message *message,
		   struct problem *problem);
	/* -ENOENT without words: there is none, and nothing to be wiped */
	int (*next)(struct inbox_shelf *shelf, int64_t id, struct inbox_message *message,
		    struct problem *problem);
	int (*get)(struct inbox_shelf *shelf, int64_t id, struct inbox_message *message,
		   struct problem *problem);
	/* size: what inbox_message_size() said of it */
	int (*take)(struct inbox_shelf *shelf, int64_t id, uint64_t *size,
		    struct problem *problem);
	bool (*has)(struct inbox_shelf *shelf, const struct uid *sender,
		    const struct ticket_mac *mac);
};

/* Whatever else it has comes behind. */
struct inbox_shelf {
	const struct inbox_shelf_kind *kind;
};

int inbox_memory_open(struct inbox_shelf **shelf, struct problem *problem);

/* use: what was there already */
int inbox_file_open(struct inbox_shelf **shelf, const char *dir, struct inbox_store_use *use,
		    struct problem *problem);

#endif
