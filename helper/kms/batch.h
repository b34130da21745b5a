/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that many threads have and one does for all of them at once: what
 * waits while the disk is written to is written with the next write, so that
 * one commit serves as many as came meanwhile. Nobody waits for company.
 */
#ifndef HELPER_KMS_BATCH_H
#define HELPER_KMS_BATCH_H

#include <stdbool.h>

struct kms_batch;

/**
 * struct kms_batch_item - one thread's work; embedded in what says which
 * @next: in the order in which they came
 * @ret: what came of it, set by whoever does the work
 */
struct kms_batch_item {
	struct kms_batch_item *next;
	int ret;
	bool done;
};

/* NULL without memory. */
struct kms_batch *kms_batch_new(void);
void kms_batch_free(struct kms_batch *batch);

/**
 * kms_batch_run() - have @item done, by this thread or another one
 * @work: does all items from @first on, and sets ret of each; never in two
 *	threads at once
 *
 * All threads give the same @work; @ctx is that of the one that does it.
 * Return: @item's ret.
 */
int kms_batch_run(struct kms_batch *batch, struct kms_batch_item *item,
		  void (*work)(void *ctx, struct kms_batch_item *first), void *ctx);

#endif
