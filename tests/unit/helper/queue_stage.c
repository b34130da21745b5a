// SPDX-License-Identifier: GPL-2.0-or-later
/* A look at the queue, beside mikeyd. */
#include "tests/unit/helper/queue_stage.h"

struct queue_store *look(void)
{
	struct queue_store *store;
	struct problem problem;

	if (queue_store_open(&store, stage.state_dir, false, &problem))
		fail_msg("%s", problem.words);
	return store;
}

uint64_t waiting(void)
{
	struct queue_store *store = look();
	uint64_t messages, bytes;
	struct problem problem;

	assert_int_equal(queue_store_count(store, &messages, &bytes, &problem), 0);
	queue_store_close(store);
	return messages;
}

static bool nothing_waits(void *arg)
{
	(void)arg;
	return !waiting();
}

void wait_for_nothing(void)
{
	assert_true(loop_until(nothing_waits, NULL, QUEUE_WAIT_MS));
}
