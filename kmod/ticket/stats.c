// SPDX-License-Identifier: GPL-2.0
/*
 * Counters.
 */
#include <linux/atomic.h>

#include "stats.h"

static atomic64_t counters[MIKEY_TICKET_S_MAX + 1];

void mikey_count(enum mikey_ticket_stat stat)
{
	atomic64_inc(&counters[stat]);
}

void mikey_uncount(enum mikey_ticket_stat stat)
{
	atomic64_dec(&counters[stat]);
}

u64 mikey_counter(enum mikey_ticket_stat stat)
{
	return atomic64_read(&counters[stat]);
}
