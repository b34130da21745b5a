/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MIKEY_MIME_STATS_H
#define MIKEY_MIME_STATS_H

#include <linux/types.h>

#include "../../uapi/mikey_mime.h"

struct sk_buff;

/* Add to a counter of this module; any context but hard interrupts. */
void mime_stats_add(enum mikey_mime_stat stat, u64 n);

/* Nest all counters into a message. Return: 0 or -EMSGSIZE. */
int mime_stats_put(struct sk_buff *skb);

/* Room that takes, in bytes */
size_t mime_stats_size(void);

int mime_stats_init(void);
void mime_stats_exit(void);

#endif
