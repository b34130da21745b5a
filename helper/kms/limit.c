// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Token buckets; see limit.h.
 *
 * A bucket is one number: when it will be full again. A token puts that off by
 * the time in which one comes back; it may lie as far ahead as the tokens of a
 * full bucket reach. A bucket that was never used is full.
 */
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helper/kms/limit.h"
#include "kmod/wire/message.h"

#define SECOND 1000000000LL
#define ROWS 2
#define BUCKETS 32768		/* in a row; a power of two */
#define SECRET_LEN 32

struct kms_limit {
	pthread_mutex_t lock;
	s64 interval;		/* ns between two tokens */
	s64 ahead;		/* how far ahead a bucket may be and still give one */
	u8 secret[SECRET_LEN];
	s64 full_at[ROWS][BUCKETS];
};

struct kms_limit *kms_limit_new(s64 rate, s64 burst)
{
	struct kms_limit *limit = calloc(1, sizeof(*limit));

	if (limit && RAND_priv_bytes(limit->secret, SECRET_LEN) != 1) {
		free(limit);
		limit = NULL;
	}
	if (!limit)
		return NULL;
	limit->interval = SECOND / rate;
	limit->ahead = (burst - 1) * limit->interval;
	pthread_mutex_init(&limit->lock, NULL);
	return limit;
}

void kms_limit_free(struct kms_limit *limit)
{
	if (!limit)
		return;
	pthread_mutex_destroy(&limit->lock);
	OPENSSL_cleanse(limit->secret, SECRET_LEN);
	free(limit);
}

s64 kms_limit_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

/* The name's bucket in each row. */
static void find(struct kms_limit *limit, struct mikey_blob name, s64 *buckets[ROWS])
{
	u8 buf[SECRET_LEN + MIKEY_UID_MAX], digest[SHA256_DIGEST_LENGTH];
	u32 i, at, len = name.len < MIKEY_UID_MAX ? name.len : MIKEY_UID_MAX;

	/* nobody sees the digest, so that the secret in front suffices */
	memcpy(buf, limit->secret, SECRET_LEN);
	memcpy(buf + SECRET_LEN, name.p, len);
	SHA256(buf, SECRET_LEN + len, digest);
	OPENSSL_cleanse(buf, SECRET_LEN);
	for (i = 0; i < ROWS; i++) {
		memcpy(&at, digest + i * sizeof(at), sizeof(at));
		buckets[i] = &limit->full_at[i][at & (BUCKETS - 1)];
	}
}

/* Nanoseconds until there is a token; @take one if there is one now. */
static s64 use(struct kms_limit *limit, struct mikey_blob name, s64 now, bool take)
{
	s64 *buckets[ROWS], wait, least = INT64_MAX;
	int i;

	find(limit, name, buckets);
	pthread_mutex_lock(&limit->lock);
	for (i = 0; i < ROWS; i++) {
		wait = *buckets[i] - limit->ahead - now;
		if (wait < least)
			least = wait;
		if (!take || wait > 0)
			continue;
		if (*buckets[i] < now)
			*buckets[i] = now;
		*buckets[i] += limit->interval;
	}
	pthread_mutex_unlock(&limit->lock);
	return least;
}

static unsigned int seconds(s64 wait)
{
	return wait > 0 ? (wait + SECOND - 1) / SECOND : 0;
}

unsigned int kms_limit_take(struct kms_limit *limit, struct mikey_blob name, s64 now)
{
	return limit ? seconds(use(limit, name, now, true)) : 0;
}

unsigned int kms_limit_ask(struct kms_limit *limit, struct mikey_blob name, s64 now)
{
	return limit ? seconds(use(limit, name, now, false)) : 0;
}

struct mikey_blob kms_limit_source(const struct sockaddr *address,
				   u8 name[KMS_LIMIT_SOURCE_MAX])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;
	struct mikey_blob b = { .p = name, .len = 1 };

	name[0] = 0;
	if (address && address->sa_family == AF_INET) {
		name[0] = 4;
		memcpy(name + 1, &in4->sin_addr, 4);
		b.len += 4;
	} else if (address && address->sa_family == AF_INET6 &&
		   IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		name[0] = 4;
		memcpy(name + 1, in6->sin6_addr.s6_addr + 12, 4);
		b.len += 4;
	} else if (address && address->sa_family == AF_INET6) {
		name[0] = 6;
		memcpy(name + 1, in6->sin6_addr.s6_addr, 8);
		b.len += 8;
	}
	return b;
}
