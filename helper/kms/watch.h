/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections of one listener that are open and since when: a client that
 * sends a byte now and then would never run into a timeout of inactivity, and
 * clients who only wait, from however many addresses, would keep all others out.
 */
#ifndef HELPER_KMS_WATCH_H
#define HELPER_KMS_WATCH_H

#include <stddef.h>

struct sockaddr;

struct kms_watch;
struct kms_watched;

/* @most: open ones, beyond which each new one ends another; NULL without memory. */
struct kms_watch *kms_watch_new(size_t most);
void kms_watch_free(struct kms_watch *watch);

/*
 * NULL without memory: the connection is then served unwatched. If there are too
 * many, one is shut down that is not being answered: of the address that has most
 * of them the one whose last head or answer is the longest ago.
 */
struct kms_watched *kms_watch_add(struct kms_watch *watch, int fd,
				  const struct sockaddr *address);
void kms_watch_remove(struct kms_watched *w);

/* The head of a request has arrived; the body has its own time. */
void kms_watch_busy(struct kms_watched *w);

/* All of it has arrived: it is waited for from now on. */
void kms_watch_answering(struct kms_watched *w);

/* A request was answered: its time starts anew. */
void kms_watch_again(struct kms_watched *w);

/* Shut down what has not completed a request for this many seconds. */
void kms_watch_close_older(struct kms_watch *watch, unsigned int seconds);

/* Wait until no request is under way, or for this many seconds at most. */
void kms_watch_drain(struct kms_watch *watch, unsigned int seconds);

#endif
