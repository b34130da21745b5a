/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages that wait for somebody to take them, oldest first: bounded, in
 * memory, or in a folder where the operator says so. In a folder a message is
 * on the disk when inbox_store_add() returns.
 *
 * Numbers grow, and none is given out twice: in a folder for as long as that
 * is there, in memory because they begin with the time.
 */
#ifndef HELPER_MIKEYD_INBOX_STORE_H
#define HELPER_MIKEYD_INBOX_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/problem.h"
#include "helper/mikeyd/inbox_message.h"

struct inbox_store;

/*
 * inbox_store_open - an empty one in memory, or what is in a folder
 * @dir: the folder, made if it is not there; NULL: memory
 *
 * -EBUSY: another mikeyd has it open. -EUCLEAN: the file in it is damaged.
 */
int inbox_store_open(struct inbox_store **store, const char *dir, struct problem *problem);

void inbox_store_close(struct inbox_store *store);

/* How much is in it. */
struct inbox_store_use {
	unsigned int messages;
	uint64_t bytes;
};

struct inbox_store_use inbox_store_use(const struct inbox_store *store);

/*
 * inbox_store_ready - can so many bytes more be put down? Asked before a message
 * is opened. -EIO, in words, if not.
 */
int inbox_store_ready(struct inbox_store *store, uint64_t bytes, struct problem *problem);

/* inbox_store_add - keep a message and give it its number; -EIO */
int inbox_store_add(struct inbox_store *store, struct inbox_message *message,
		    struct problem *problem);

/*
 * inbox_store_next - the oldest message with a number above id
 *
 * -ENOENT: there is none. inbox_message_wipe() the message.
 */
int inbox_store_next(struct inbox_store *store, int64_t id, struct inbox_message *message,
		     struct problem *problem);

/* inbox_store_get - that message */
int inbox_store_get(struct inbox_store *store, int64_t id, struct inbox_message *message,
		    struct problem *problem);

/* inbox_store_take - it is somebody else's now; -ENOENT: it was not there */
int inbox_store_take(struct inbox_store *store, int64_t id, struct problem *problem);

/* inbox_store_has - is a message that the record knows so still here? */
bool inbox_store_has(struct inbox_store *store, const struct uid *sender,
		     const struct ticket_mac *mac);

#endif
