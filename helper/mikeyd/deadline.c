// SPDX-License-Identifier: GPL-2.0-or-later
/* The deadlines of transactions. */
#include "helper/mikeyd/deadline.h"

#include <errno.h>

struct length {
	struct deadlines *deadlines;
	uint32_t ms;
	struct list list;		/* the next one first */
	struct tmr timer;		/* until then, or until what was cancelled */
};

struct deadlines {
	struct length lengths[DEADLINE_LENGTHS];
	unsigned int n_lengths;
};

static void deadlines_destroy(void *data)
{
	struct deadlines *deadlines = data;

	for (unsigned int i = 0; i < deadlines->n_lengths; i++) {
		tmr_cancel(&deadlines->lengths[i].timer);
		list_clear(&deadlines->lengths[i].list);
	}
}

int deadlines_alloc(struct deadlines **out)
{
	*out = mem_zalloc(sizeof(**out), deadlines_destroy);
	return *out ? 0 : -ENOMEM;
}

static struct length *length_of(struct deadlines *deadlines, uint32_t ms)
{
	struct length *length = deadlines->lengths;
	struct length *end = length + deadlines->n_lengths;

	for (; length < end; length++)
		if (length->ms == ms)
			return length;
	if (deadlines->n_lengths == DEADLINE_LENGTHS)
		return length - 1;
	deadlines->n_lengths++;
	length->deadlines = deadlines;
	length->ms = ms;
	list_init(&length->list);
	tmr_init(&length->timer);
	return length;
}

static struct deadline *first(const struct length *length)
{
	return list_ledata(list_head(&length->list));
}

static void run(void *arg);

static void wait_for_first(struct length *length, uint64_t now)
{
	const struct deadline *deadline = first(length);

	if (deadline)
		tmr_start(&length->timer, deadline->at > now ? deadline->at - now : 0, run, length);
}

static void run(void *arg)
{
	struct length *length = arg;
	/* a handler may give the last reference back */
	struct deadlines *deadlines = mem_ref(length->deadlines);
	uint64_t now = tmr_jiffies();
	struct deadline *deadline;

	while ((deadline = first(length)) && deadline->at <= now) {
		list_unlink(&deadline->le);
		deadline->handler(deadline->arg);
	}
	wait_for_first(length, now);
	mem_deref(deadlines);
}

void deadline_start(struct deadlines *deadlines, struct deadline *deadline, uint32_t ms,
		    tmr_h *handler, void *arg)
{
	struct length *length = length_of(deadlines, ms);
	uint64_t now = tmr_jiffies();
	struct le *le;

	list_unlink(&deadline->le);
	deadline->at = now + ms;
	deadline->handler = handler;
	deadline->arg = arg;
	/* the last one, but in the list that others share */
	for (le = list_tail(&length->list); le; le = le->prev)
		if (((struct deadline *)le->data)->at <= deadline->at)
			break;
	if (le) {
		list_insert_after(&length->list, le, &deadline->le, deadline);
	} else {
		list_prepend(&length->list, &deadline->le, deadline);
		wait_for_first(length, now);
	}
}

void deadline_cancel(struct deadline *deadline)
{
	list_unlink(&deadline->le);
}
