/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often each of very many may do something: token buckets in a table whose
 * size never changes.
 *
 * A name has one bucket in each row of the table, found by a hash under a
 * secret that is made anew for each process. Nothing is ever entered or thrown
 * out, so that there is nothing to fill and nobody to displace: names only
 * share buckets with others by chance, and are refused only where the buckets
 * of all rows are empty at once.
 */
#ifndef HELPER_KMS_LIMIT_H
#define HELPER_KMS_LIMIT_H

#include "kmod/wire/wire.h"

struct sockaddr;
struct kms_limit;

/**
 * kms_limit_new() - a table, full of tokens
 * @rate: tokens that come back each second, from 1 to 1000000
 * @burst: most tokens that a bucket holds, at least 1
 *
 * Return: NULL without memory or entropy.
 */
struct kms_limit *kms_limit_new(s64 rate, s64 burst);
void kms_limit_free(struct kms_limit *limit);

/* Nanoseconds of a clock that is never set. */
s64 kms_limit_now(void);

/**
 * kms_limit_take() - one token for a name
 * @limit: NULL: there is no limit; any number of threads at once
 * @now: kms_limit_now()
 *
 * Return: 0 if there was one, else in how many seconds there will be.
 */
unsigned int kms_limit_take(struct kms_limit *limit, struct mikey_blob name, s64 now);

/* The same, but nothing is taken. */
unsigned int kms_limit_ask(struct kms_limit *limit, struct mikey_blob name, s64 now);

#define KMS_LIMIT_SOURCE_MAX 9

/**
 * kms_limit_source() - an address as a name
 *
 * Of IPv6 the first 64 bits: whoever has one address has all that begin with
 * them. An IPv4 address in IPv6 is an IPv4 address. What is no such address
 * has a name, too.
 */
struct mikey_blob kms_limit_source(const struct sockaddr *address,
				   u8 name[KMS_LIMIT_SOURCE_MAX]);

#endif
