// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An inbox in memory: each message by itself, which is wiped when it is taken. A
 * database would copy it into pages and buffers of its own that it keeps.
 */
#include "helper/mikeyd/inbox_shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helper/lib/libre.h"

struct kept {
	struct le le;
	struct inbox_message message;
};

struct memory {
	struct inbox_shelf shelf;
	struct list messages;		/* oldest first */
	int64_t last;			/* number that was given out */
};

static struct memory *memory_of(struct inbox_shelf *shelf)
{
	return (struct memory *)shelf;
}

static int copy_bytes(struct bytes *to, const struct bytes *from)
{
	if (bytes_alloc(to, from->len))
		return -ENOMEM;
	if (from->len)
		memcpy(to->data, from->data, from->len);
	return 0;
}

static int copy(struct inbox_message *to, const struct inbox_message *from,
		struct problem *problem)
{
	*to = *from;
	to->headers = (struct bytes){ 0 };
	to->body = (struct bytes){ 0 };
	if (!copy_bytes(&to->headers, &from->headers) && !copy_bytes(&to->body, &from->body))
		return 0;
	inbox_message_wipe(to);
	return problem_set(problem, -ENOMEM, "no memory");
}

static void forget(struct kept *kept)
{
	list_unlink(&kept->le);
	inbox_message_wipe(&kept->message);
	free(kept);
}

static void memory_close(struct inbox_shelf *shelf)
{
	struct le *le;

	while ((le = list_head(&memory_of(shelf)->messages)))
		forget(le->data);
	free(shelf);
}

static int memory_ready(struct inbox_shelf *shelf, uint64_t bytes, struct problem *problem)
{
	(void)shelf;
	(void)bytes;
	(void)problem;
	return 0;
}

static int memory_add(struct inbox_shelf *shelf, struct inbox_message *message,
		      struct problem *problem)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return problem_set(problem, -ENOMEM, "no memory");
	message->id = memory_of(shelf)->last + 1;
	if (copy(&kept->message, message, problem)) {
		free(kept);
		return problem->error;
	}
	memory_of(shelf)->last++;
	list_append(&memory_of(shelf)->messages, &kept->le, kept);
	return 0;
}

static int memory_next(struct inbox_shelf *shelf, int64_t id, struct inbox_message *message,
		       struct problem *problem)
{
	struct le *le;

	LIST_FOREACH(&memory_of(shelf)->messages, le) {
		const struct kept *kept = le->data;

		if (kept->message.id > id)
			return copy(message, &kept->message, problem);
	}
	return -ENOENT;
}

static struct kept *find(struct inbox_shelf *shelf, int64_t id)
{
	struct le *le;

	LIST_FOREACH(&memory_of(shelf)->messages, le) {
		struct kept *kept = le->data;

		if (kept->message.id == id)
			return kept;
	}
	return NULL;
}

static int memory_get(struct inbox_shelf *shelf, int64_t id, struct inbox_message *message,
		      struct problem *problem)
{
	const struct kept *kept = find(shelf, id);

	return kept ? copy(message, &kept->message, problem) : -ENOENT;
}

static int memory_take(struct inbox_shelf *shelf, int64_t id, uint64_t *size,
		       struct problem *problem)
{
	struct kept *kept = find(shelf, id);

	(void)problem;
	if (!kept)
		return -ENOENT;
	*size = inbox_message_size(&kept->message);
	forget(kept);
	return 0;
}

static bool memory_has(struct inbox_shelf *shelf, const struct uid *sender,
		       const struct ticket_mac *mac)
{
	struct le *le;

	LIST_FOREACH(&memory_of(shelf)->messages, le) {
		const struct inbox_message *message = &((const struct kept *)le->data)->message;

		if (message->sender.len == sender->len && message->mac.len == mac->len &&
		    !memcmp(message->sender.text, sender->text, sender->len) &&
		    !memcmp(message->mac.data, mac->data, mac->len))
			return true;
	}
	return false;
}

static const struct inbox_shelf_kind kind = {
	.close = memory_close,
	.ready = memory_ready,
	.add = memory_add,
	.next = memory_next,
	.get = memory_get,
	.take = memory_take,
	.has = memory_has,
};

int inbox_memory_open(struct inbox_shelf **shelf, struct problem *problem)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return problem_set(problem, -ENOMEM, "no memory");
	memory->shelf.kind = &kind;
	/* who has a number from before a restart must not take another message by it */
	memory->last = time(NULL);
	*shelf = &memory->shelf;
	return 0;
}
