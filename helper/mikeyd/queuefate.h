/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an answer means to a message that waits: one table. docs/sip.md shows it. */
#ifndef HELPER_MIKEYD_QUEUEFATE_H
#define HELPER_MIKEYD_QUEUEFATE_H

#include <stdbool.h>
#include <stdint.h>

enum queue_fate {
	QUEUE_DELIVERED,
	QUEUE_AGAIN,		/* until it expires */
	QUEUE_DOUBT,		/* again, but not for longer than QUEUE_DOUBT_SECONDS */
	QUEUE_FAILED,
};

/*
 * After this time of doubt it is over. A registrar that forgot who is there knows
 * it again when they next register, which most clients do within an hour.
 */
#define QUEUE_DOUBT_SECONDS (65 * 60)

/*
 * queue_fate - by the final answer's code
 * @unsure: the message may have arrived before
 */
enum queue_fate queue_fate(uint16_t code, bool unsure);

/*
 * queue_is_away - does this code, or error if it is not 0, mean that next hop or
 * recipient's terminal cannot serve for now, so that the message may wait?
 */
bool queue_is_away(int error, uint16_t code);

/* queue_may_have_arrived - does an attempt that ended so leave that open? */
bool queue_may_have_arrived(int error, uint16_t code);

#endif
