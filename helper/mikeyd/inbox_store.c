// SPDX-License-Identifier: GPL-2.0-or-later
/* What is in an inbox, on whichever shelf. */
#include "helper/mikeyd/inbox_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/mikeyd/inbox_shelf.h"

struct inbox_store {
	struct inbox_shelf *shelf;
	struct inbox_store_use use;
};

int inbox_store_open(struct inbox_store **out, const char *dir, struct problem *problem)
{
	struct inbox_store *store = calloc(1, sizeof(*store));
	int err;

	*out = NULL;
	if (!store)
		return problem_set(problem, -ENOMEM, "no memory");
	err = dir ? inbox_file_open(&store->shelf, dir, &store->use, problem) :
		inbox_memory_open(&store->shelf, problem);
	if (err)
		free(store);
	else
		*out = store;
	return err;
}

void inbox_store_close(struct inbox_store *store)
{
	if (!store)
		return;
	store->shelf->kind->close(store->shelf);
	free(store);
}

struct inbox_store_use inbox_store_use(const struct inbox_store *store)
{
	return store->use;
}

int inbox_store_ready(struct inbox_store *store, uint64_t bytes, struct problem *problem)
{
	return store->shelf->kind->ready(store->shelf, bytes, problem);
}

int inbox_store_add(struct inbox_store *store, struct inbox_message *message,
		    struct problem *problem)
{
	int err = store->shelf->kind->add(store->shelf, message, problem);

	if (err)
		return err;
	store->use.messages++;
	store->use.bytes += inbox_message_size(message);
	return 0;
}

static int found(int err, struct problem *problem)
{
	return err == -ENOENT ?
		problem_set(problem, err, "there is no such message in the inbox") : err;
}

int inbox_store_next(struct inbox_store *store, int64_t id, struct inbox_message *message,
		     struct problem *problem)
{
	memset(message, 0, sizeof(*message));
	return found(store->shelf->kind->next(store->shelf, id, message, problem), problem);
}

int inbox_store_get(struct inbox_store *store, int64_t id, struct inbox_message *message,
		    struct problem *problem)
{
	memset(message, 0, sizeof(*message));
	return found(store->shelf->kind->get(store->shelf, id, message, problem), problem);
}

int inbox_store_take(struct inbox_store *store, int64_t id, struct problem *problem)
{
	uint64_t size = 0;
	int err = store->shelf->kind->take(store->shelf, id, &size, problem);

	if (err)
		return found(err, problem);
	store->use.messages--;
	store->use.bytes -= size;
	return 0;
}

bool inbox_store_has(struct inbox_store *store, const struct uid *sender,
		     const struct ticket_mac *mac)
{
	return store->shelf->kind->has(store->shelf, sender, mac);
}
