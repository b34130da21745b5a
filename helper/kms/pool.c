// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Store connections for the threads that answer requests; see pool.h.
 */
#include <pthread.h>
#include <stdlib.h>

#include "helper/kms/pool.h"

struct kms_pool {
	pthread_mutex_t lock;
	pthread_cond_t given;
	struct kms_batch *admissions;
	unsigned int num_all;
	unsigned int num_free;
	struct kms_database **all;
	struct kms_database **free;
};

struct kms_pool *kms_pool_new(const char *path, const struct kms_seal *seal,
			      unsigned int num, struct problem *problem)
{
	struct kms_pool *pool = calloc(1, sizeof(*pool));

	if (pool) {
		pthread_mutex_init(&pool->lock, NULL);
		pthread_cond_init(&pool->given, NULL);
		pool->admissions = kms_batch_new();
		pool->all = calloc(num, sizeof(*pool->all));
		pool->free = calloc(num, sizeof(*pool->free));
	}
	if (!pool || !pool->admissions || !pool->all || !pool->free) {
		problem_set(problem, -ENOMEM, "no memory");
		kms_pool_free(pool);
		return NULL;
	}
	for (; pool->num_all < num; pool->num_all++) {
		struct kms_database *d = kms_database_open(path, seal, problem);

		if (!d) {
			kms_pool_free(pool);
			return NULL;
		}
		d->admissions = pool->admissions;
		pool->all[pool->num_all] = d;
		pool->free[pool->num_free++] = d;
	}
	return pool;
}

void kms_pool_free(struct kms_pool *pool)
{
	unsigned int i;

	if (!pool)
		return;
	for (i = 0; i < pool->num_all; i++)
		kms_database_close(pool->all[i]);
	kms_batch_free(pool->admissions);
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->given);
	free(pool->all);
	free(pool->free);
	free(pool);
}

struct kms_database *kms_pool_take(struct kms_pool *pool)
{
	struct kms_database *d;

	pthread_mutex_lock(&pool->lock);
	while (!pool->num_free)
		pthread_cond_wait(&pool->given, &pool->lock);
	d = pool->free[--pool->num_free];
	pthread_mutex_unlock(&pool->lock);
	return d;
}

void kms_pool_give(struct kms_pool *pool, struct kms_database *d)
{
	pthread_mutex_lock(&pool->lock);
	pool->free[pool->num_free++] = d;
	pthread_cond_signal(&pool->given);
	pthread_mutex_unlock(&pool->lock);
}
