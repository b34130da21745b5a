/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mikeyd counts, since it was started. One table in counters.c has the name,
 * the labels and the meaning of each; docs/control.md shows it. Another counter is a
 * name here, a row there and there, and a call where it happens.
 *
 * mikeyd has one thread, so nothing is locked.
 */
#ifndef HELPER_MIKEYD_COUNTERS_H
#define HELPER_MIKEYD_COUNTERS_H

#include <jansson.h>
#include <stdint.h>

struct pl;

enum counter {
	/* SIP */
	COUNTER_REQUESTS_RECEIVED,
	COUNTER_REQUESTS_SENT,
	COUNTER_RESPONSES_RECEIVED,
	COUNTER_RESPONSES_SENT,
	COUNTER_RETRANSMISSIONS,
	COUNTER_DROPPED,
	COUNTER_TRANSACTIONS,
	COUNTER_TRANSACTIONS_MOST,
	COUNTER_CONNECTIONS,
	/* MESSAGEs */
	COUNTER_PROTECTED,
	COUNTER_OPENED,
	COUNTER_REFUSED,
	COUNTER_PLAIN,
	COUNTER_REPLAYS,
	COUNTER_LIST_COPIES,
	/* the KMS */
	COUNTER_KMS_REQUESTS,
	COUNTER_KMS_SECONDS,
	COUNTER_KMS_WAITING,
	/* what waits */
	COUNTER_QUEUE_ACCEPTED,
	COUNTER_QUEUE_ATTEMPTS,
	COUNTER_QUEUE_ENDED,
	COUNTER_QUEUE_WAITING,
	COUNTER_QUEUE_BYTES,
	COUNTER_INBOX_RECEIVED,
	COUNTER_INBOX_WAITING,
	/* the program */
	COUNTER_RELOADS,
	COUNTER_USERS,
	COUNTER_STARTED,
	COUNTER_CPU_SECONDS,
	COUNTER_MEMORY,
	COUNTERS
};

/*
 * The values of labels, in the order of counters.c; those of "side" and
 * "transport" are enum side and libre's enum sip_transp, that of "class" is the
 * first digit of a status code.
 */
enum counter_dropped {
	DROPPED_NOT_SIP,
	DROPPED_MALFORMED,
	DROPPED_LARGE,
	DROPPED_STRANGER,
	DROPPED_OVERLOAD,
};

enum counter_direction {
	DIRECTION_OUTGOING,
	DIRECTION_INCOMING,
};

enum counter_plain {
	PLAIN_PASSED,
	PLAIN_REFUSED,
};

enum counter_replay {
	REPLAY_AS_BEFORE,
	REPLAY_UNCONFIRMED,
};

enum counter_copy {
	LIST_COPY_REACHED,
	LIST_COPY_FAILED,
};

enum counter_kms {
	KMS_ANSWERED,
	KMS_REFUSED,
	KMS_LIMITED,
	KMS_AWAY,
	KMS_NOT_ASKED,
};

enum counter_queue {
	QUEUE_ENDED_DELIVERED,
	QUEUE_ENDED_FAILED,
	QUEUE_ENDED_EXPIRED,
};

enum counter_reload {
	RELOAD_DONE,
	RELOAD_FAILED,
};

/*
 * counter_add - count n; @first and @second are values of the counter's labels, 0
 * where it has none
 *
 * A counter of seconds is told microseconds.
 */
void counter_add(enum counter counter, unsigned int first, unsigned int second, uint64_t n);

/* counter_more - count one */
static inline void counter_more(enum counter counter, unsigned int first, unsigned int second)
{
	counter_add(counter, first, second, 1);
}

/* counter_less - of one that tells how much there is now: one is gone */
static inline void counter_less(enum counter counter, unsigned int first, unsigned int second)
{
	counter_add(counter, first, second, UINT64_MAX);
}

/* counter_set - of one that tells how much there is now */
void counter_set(enum counter counter, unsigned int first, unsigned int second, uint64_t n);

/* counter_get - what was counted */
uint64_t counter_get(enum counter counter, unsigned int first, unsigned int second);

/* counter_method - the value of the label "method" */
unsigned int counter_method(const struct pl *method);

/*
 * counters_json - all of them: an array of objects with "name", "kind" ("counter" or
 * "gauge"), "help", "labels" (names) and "samples", each with the labels' values
 * and "value"
 *
 * NULL: no memory.
 */
json_t *counters_json(void);

#endif
