/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The deadlines of transactions: thousands, most of them 32 seconds away (Timer J).
 * libre's timers are one list in the order in which they end, and each that is
 * started walks past all that end later. Here each length of time has a list of its
 * own, where what is started later ends later, and one timer of libre for that list.
 */
#ifndef HELPER_MIKEYD_DEADLINE_H
#define HELPER_MIKEYD_DEADLINE_H

#include <stdint.h>

#include "helper/lib/libre.h"

/*
 * So many lengths: those of RFC 3261 section 17 are the powers of two from T1 to
 * 64 * T1, T4, Timer C and 128 * T1; RFC 4320 has one more. Others share a list.
 */
#define DEADLINE_LENGTHS 16

struct deadlines;

/* In the memory of whom it is for. All zero, it is not running. */
struct deadline {
	struct le le;
	uint64_t at;		/* tmr_jiffies() */
	tmr_h *handler;
	void *arg;
};

/* The caller's to mem_deref(); what runs then is cancelled. -ENOMEM */
int deadlines_alloc(struct deadlines **deadlines);

/*
 * deadline_start - call handler(arg) in so many milliseconds, once
 *
 * One that runs starts anew. The handler may start and cancel any, and may free
 * the memory of its own.
 */
void deadline_start(struct deadlines *deadlines, struct deadline *deadline, uint32_t ms,
		    tmr_h *handler, void *arg);

/* deadline_cancel - it need not be running */
void deadline_cancel(struct deadline *deadline);

#endif
