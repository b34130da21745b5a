/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters since load. A ticket's life moves three of them, a message none.
 */
#ifndef MIKEY_TICKET_STATS_H
#define MIKEY_TICKET_STATS_H

#include <linux/types.h>

#include "../../uapi/mikey_ticket.h"

void mikey_count(enum mikey_ticket_stat stat);
void mikey_uncount(enum mikey_ticket_stat stat);
u64 mikey_counter(enum mikey_ticket_stat stat);

#endif
