// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One for all; see batch.h.
 */
#include <pthread.h>
#include <stdlib.h>

#include "helper/kms/batch.h"

struct kms_batch {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool busy;			/* somebody is at work */
	struct kms_batch_item *first, **last;
};

struct kms_batch *kms_batch_new(void)
{
	struct kms_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->ended, NULL);
	b->last = &b->first;
	return b;
}

void kms_batch_free(struct kms_batch *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->ended);
	free(b);
}

/* All that wait, for all that wait; called and left with the lock held. */
static void lead(struct kms_batch *b,
		 void (*work)(void *ctx, struct kms_batch_item *first), void *ctx)
{
	struct kms_batch_item *first = b->first, *item, *next;

	b->first = NULL;
	b->last = &b->first;
	b->busy = true;
	pthread_mutex_unlock(&b->lock);
	work(ctx, first);
	pthread_mutex_lock(&b->lock);
	b->busy = false;
	for (item = first; item; item = next) {
		next = item->next;
		item->done = true;	/* gone once the lock is */
	}
	pthread_cond_broadcast(&b->ended);
}

int kms_batch_run(struct kms_batch *b, struct kms_batch_item *item,
		  void (*work)(void *ctx, struct kms_batch_item *first), void *ctx)
{
	item->next = NULL;
	item->done = false;
	pthread_mutex_lock(&b->lock);
	*b->last = item;
	b->last = &item->next;
	while (!item->done && b->busy)
		pthread_cond_wait(&b->ended, &b->lock);
	if (!item->done)
		lead(b, work, ctx);
	pthread_mutex_unlock(&b->lock);
	return item->ret;
}
