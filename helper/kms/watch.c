// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connections that are open and since when; see watch.h.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "helper/kms/watch.h"

struct kms_watched {
	struct kms_watched *prev, *next;
	time_t since;
	int fd;
	bool busy;		/* a request is under way */
};

struct kms_watch {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct kms_watched head;	/* ring */
};

static time_t seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

struct kms_watch *kms_watch_new(void)
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

struct kms_watched *kms_watch_add(struct kms_watch *watch, int fd)
{
	struct kms_watched *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fd = fd;
	w->since = seconds_now();
	pthread_mutex_lock(&watch->lock);
	w->prev = watch->head.prev;
	w->next = &watch->head;
	w->prev->next = w;
	w->next->prev = w;
	pthread_mutex_unlock(&watch->lock);
	return w;
}

void kms_watch_remove(struct kms_watch *watch, struct kms_watched *w)
{
	pthread_mutex_lock(&watch->lock);
	w->prev->next = w->next;
	w->next->prev = w->prev;
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	free(w);
}

void kms_watch_busy(struct kms_watch *watch, struct kms_watched *w)
{
	pthread_mutex_lock(&watch->lock);
	w->since = seconds_now();
	w->busy = true;
	pthread_mutex_unlock(&watch->lock);
}

void kms_watch_again(struct kms_watch *watch, struct kms_watched *w)
{
	pthread_mutex_lock(&watch->lock);
	w->since = seconds_now();
	w->busy = false;
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
}

void kms_watch_close_older(struct kms_watch *watch, unsigned int seconds)
{
	time_t now = seconds_now();
	struct kms_watched *w;

	/* A socket leaves the ring before it is closed, so the fd is its own. */
	pthread_mutex_lock(&watch->lock);
	for (w = watch->head.next; w != &watch->head; w = w->next)
		if (now - w->since > (time_t)seconds)
			shutdown(w->fd, SHUT_RDWR);
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
			busy |= w->busy;
		if (busy)
			ret = pthread_cond_timedwait(&watch->changed,
						     &watch->lock, &end);
	}
	pthread_mutex_unlock(&watch->lock);
}
