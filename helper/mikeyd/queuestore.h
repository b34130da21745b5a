/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the queue is on the disk: protected MESSAGEs, each with what became of
 * it so far. SQLite with a write-ahead log and synchronous = FULL: when a
 * function returns 0, what it did outlives SIGKILL and power cuts, and when it
 * does not, nothing was done.
 *
 * mikeyctl opens the same file beside mikeyd.
 */
#ifndef HELPER_MIKEYD_QUEUESTORE_H
#define HELPER_MIKEYD_QUEUESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "helper/lib/problem.h"
#include "helper/lib/uid.h"

/* Failed messages that are remembered, without their texts. */
#define QUEUE_FAILED_MAX 256
/* Bytes of a message beside its head and body, for the count of bytes. */
#define QUEUE_ROW_SIZE 512

struct queue_store;

/* How much may wait. */
struct queue_limits {
	unsigned int messages;		/* of all */
	unsigned int recipient;		/* for one recipient */
	uint64_t bytes;
};

/* A message as it waits. Texts end with a zero byte that len does not count. */
struct queue_item {
	int64_t id;			/* never used again */
	struct uid sender, recipient;
	char *uri;			/* Request-URI */
	char branch[33];		/* what the branches of its attempts begin with */
	char *head;			/* header lines */
	char *body;
	size_t head_len, body_len;
	int64_t age, lifetime;		/* seconds */
	int64_t queued;			/* by the wall clock */
	bool settled;			/* its age is known for certain */
	uint32_t attempts;		/* that had an end */
	bool flying;			/* put(): its first attempt begins at once */
	bool unsure;			/* one of them may have been delivered */
	int64_t doubt;			/* its age when doubts began (queuefate.h), or -1 */
	uint16_t code;			/* the last answer; 0: none */
	char *words;			/* how the last attempt ended */
};

void queue_item_wipe(struct queue_item *item);

/* A message that ended and did not get there. */
struct queue_failed {
	int64_t id;
	struct uid sender, recipient;
	int64_t queued, ended;		/* by the wall clock */
	uint16_t code;			/* 0: there was no answer */
	const char *words;
};

/*
 * queue_store_open - open or make the queue in a directory
 * @make: make it if it is not there; else -ENOENT
 *
 * -EUCLEAN: the file is damaged.
 */
int queue_store_open(struct queue_store **store, const char *dir, bool make,
		     struct problem *problem);

void queue_store_close(struct queue_store *store);

/*
 * queue_store_put - one more message for its recipient, behind all others
 * @item: sender, recipient, uri, branch, head, body, lifetime, flying, unsure, code, words
 * @key: what a repeat of the client's request is known by
 *
 * Sets item->id. -ENOSPC: as much as may wait waits already. -EIO: it could not
 * be written. Both in words.
 */
int queue_store_put(struct queue_store *store, const struct queue_limits *limits,
		    struct queue_item *item, const char *key, struct problem *problem);

/* queue_store_put_all - the same for several of one request, all of them or none */
int queue_store_put_all(struct queue_store *store, const struct queue_limits *limits,
			struct queue_item *items, unsigned int count, const char *key,
			struct problem *problem);

/* queue_store_has - was a request with this key put down, a short while ago? */
bool queue_store_has(struct queue_store *store, const char *key);

/* queue_store_first - the one whose turn it is; -ENOENT if there is none */
int queue_store_first(struct queue_store *store, const struct uid *recipient,
		      struct queue_item *item, struct problem *problem);

/* queue_store_begin - an attempt begins: what ends before again() may have arrived */
int queue_store_begin(struct queue_store *store, int64_t id, struct problem *problem);

/*
 * queue_store_again - an attempt ended, and there will be another
 * @item: id, unsure, doubt, code, words; the count of attempts goes up
 */
int queue_store_again(struct queue_store *store, const struct queue_item *item,
		      struct problem *problem);

/*
 * queue_store_end - it is over; a failure is remembered
 * @code, @words: how; ignored if it was delivered
 */
int queue_store_end(struct queue_store *store, int64_t id, bool delivered, uint16_t code,
		    const char *words, struct problem *problem);

/*
 * queue_store_withdraw - what one request became is over, and its client will know how:
 * nothing is remembered
 * @key: as it was put down with: a repeat is a new request
 */
int queue_store_withdraw(struct queue_store *store, const int64_t *ids, unsigned int count,
			 const char *key, struct problem *problem);

/* queue_store_expired - one whose time is over; -ENOENT if there is none */
int queue_store_expired(struct queue_store *store, struct queue_item *item,
			struct problem *problem);

/*
 * queue_store_settle - from now on those of earlier starts of the machine age by
 * this one's clock; until then they do not expire
 */
int queue_store_settle(struct queue_store *store, struct problem *problem);

/* queue_store_recipients - call for each recipient of something */
int queue_store_recipients(struct queue_store *store,
			   void (*each)(const struct uid *recipient, void *arg), void *arg,
			   struct problem *problem);

/* queue_store_each - call for each message, in their order; without head and body */
int queue_store_each(struct queue_store *store,
		     void (*each)(const struct queue_item *item, void *arg), void *arg,
		     struct problem *problem);

int queue_store_each_failed(struct queue_store *store,
			    void (*each)(const struct queue_failed *failed, void *arg),
			    void *arg, struct problem *problem);

/* queue_store_count - messages and their bytes */
int queue_store_count(struct queue_store *store, uint64_t *messages, uint64_t *bytes,
		      struct problem *problem);

/*
 * queue_store_poke - ask the mikeyd that has it open to try again at once;
 * queue_store_poked - was that asked since the last call?
 */
int queue_store_poke(struct queue_store *store, struct problem *problem);
bool queue_store_poked(struct queue_store *store);

/* queue_store_challenged - does the next hop want credentials? It is remembered. */
bool queue_store_challenged(struct queue_store *store);
void queue_store_set_challenged(struct queue_store *store, bool challenged);

#endif
