// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connections that are open and since when; see watch.h.
 */
#include <openssl/rand.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "helper/kms/limit.h"
#include "helper/kms/watch.h"

#define SOURCES 4096		/* addresses share one by chance only */

enum state {
	WAITING,		/* for the head of a request */
	ARRIVING,		/* its body */
	ANSWERING,
};

struct kms_watched {
	struct kms_watched *prev, *next;
	struct kms_watch *watch;
	time_t since;
	int fd;
	unsigned int source;	/* which of @sources it is counted in */
	enum state state;
	bool shut;
};

struct kms_watch {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t most, num;		/* that are not shut */
	unsigned int secret;
	unsigned int sources[SOURCES];	/* the same by address */
	struct kms_watched head;	/* ring, by since */
};

static time_t seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

struct kms_watch *kms_watch_new(size_t most)
{
	struct kms_watch *watch = calloc(1, sizeof(*watch));
	pthread_condattr_t attr;

	if (!watch)
		return NULL;
	pthread_mutex_init(&watch->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&watch->changed, &attr);
	pthread_condattr_destroy(&attr);
	watch->most = most;
	if (RAND_bytes((unsigned char *)&watch->secret, sizeof(watch->secret)) != 1)
		watch->secret = 0;
	watch->head.prev = &watch->head;
	watch->head.next = &watch->head;
	return watch;
}

void kms_watch_free(struct kms_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_destroy(&watch->lock);
	pthread_cond_destroy(&watch->changed);
	free(watch);
}

/* Of the watch, with its lock held: the last in the ring, since now. */
static void enter(struct kms_watch *watch, struct kms_watched *w)
{
	w->since = seconds_now();
	w->prev = watch->head.prev;
	w->next = &watch->head;
	w->prev->next = w;
	w->next->prev = w;
}

static void leave(struct kms_watched *w)
{
	w->prev->next = w->next;
	w->next->prev = w->prev;
}

/* Without it, or a shut one, there is one less. */
static void forget(struct kms_watched *w)
{
	w->watch->num--;
	w->watch->sources[w->source]--;
}

/* A socket leaves the ring before it is closed, so the fd is its own. */
static void shut(struct kms_watched *w)
{
	if (w->shut)
		return;
	shutdown(w->fd, SHUT_RDWR);
	w->shut = true;
	forget(w);
}

/* Who has one is not pushed out by who has many. */
static void shut_one(struct kms_watch *watch)
{
	struct kms_watched *w, *found = NULL;

	for (w = watch->head.next; w != &watch->head; w = w->next)
		if (!w->shut && w->state != ANSWERING &&
		    (!found || watch->sources[w->source] > watch->sources[found->source]))
			found = w;
	if (found)
		shut(found);
}

/* FNV-1a; the secret keeps it from being known who shares with whom. */
static unsigned int source_of(const struct kms_watch *watch, const struct sockaddr *address)
{
	u8 name[KMS_LIMIT_SOURCE_MAX];
	struct mikey_blob source = kms_limit_source(address, name);
	unsigned int hash = 2166136261U ^ watch->secret, i;

	for (i = 0; i < source.len; i++)
		hash = (hash ^ source.p[i]) * 16777619U;
	return (hash ^ hash >> 16) % SOURCES;
}

struct kms_watched *kms_watch_add(struct kms_watch *watch, int fd,
				  const struct sockaddr *address)
{
	struct kms_watched *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->watch = watch;
	w->fd = fd;
	w->source = source_of(watch, address);
	pthread_mutex_lock(&watch->lock);
	if (watch->num >= watch->most)
		shut_one(watch);
	enter(watch, w);
	watch->num++;
	watch->sources[w->source]++;
	pthread_mutex_unlock(&watch->lock);
	return w;
}

void kms_watch_remove(struct kms_watched *w)
{
	struct kms_watch *watch = w->watch;

	pthread_mutex_lock(&watch->lock);
	leave(w);
	if (!w->shut)
		forget(w);
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	free(w);
}

static void change(struct kms_watched *w, enum state state)
{
	struct kms_watch *watch = w->watch;

	pthread_mutex_lock(&watch->lock);
	leave(w);
	enter(watch, w);
	w->state = state;
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
}

void kms_watch_busy(struct kms_watched *w)
{
	change(w, ARRIVING);
}

void kms_watch_answering(struct kms_watched *w)
{
	struct kms_watch *watch = w->watch;

	/* whoever is asked meanwhile has the rest of the time */
	pthread_mutex_lock(&watch->lock);
	w->state = ANSWERING;
	pthread_mutex_unlock(&watch->lock);
}

void kms_watch_again(struct kms_watched *w)
{
	change(w, WAITING);
}

void kms_watch_close_older(struct kms_watch *watch, unsigned int seconds)
{
	time_t now = seconds_now();
	struct kms_watched *w;

	pthread_mutex_lock(&watch->lock);
	for (w = watch->head.next; w != &watch->head; w = w->next)
		if (now - w->since > (time_t)seconds)
			shut(w);
	pthread_mutex_unlock(&watch->lock);
}

void kms_watch_drain(struct kms_watch *watch, unsigned int seconds)
{
	struct timespec end;
	struct kms_watched *w;
	bool busy = true;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	pthread_mutex_lock(&watch->lock);
	while (busy && !ret) {
		busy = false;
		for (w = watch->head.next; w != &watch->head; w = w->next)
			busy |= w->state != WAITING;
		if (busy)
			ret = pthread_cond_timedwait(&watch->changed,
						     &watch->lock, &end);
	}
	pthread_mutex_unlock(&watch->lock);
}
