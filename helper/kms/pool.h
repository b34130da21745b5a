/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Store connections for the threads that answer requests: one each, lent for
 * one request.
 */
#ifndef HELPER_KMS_POOL_H
#define HELPER_KMS_POOL_H

#include "helper/kms/database.h"

struct kms_pool;

/* @num connections to the store at @path; NULL with words. */
struct kms_pool *kms_pool_new(const char *path, const struct kms_seal *seal,
			      unsigned int num, struct problem *problem);
void kms_pool_free(struct kms_pool *pool);

/* Waits while all are lent; never NULL. */
struct kms_database *kms_pool_take(struct kms_pool *pool);
void kms_pool_give(struct kms_pool *pool, struct kms_database *d);

#endif
