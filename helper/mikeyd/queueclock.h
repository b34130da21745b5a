/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clocks that a queued message ages by. While the machine runs, and while it
 * sleeps, that is the time since it was started, which nobody can set; only the
 * time for which it was off is told by the wall clock.
 */
#ifndef HELPER_MIKEYD_QUEUECLOCK_H
#define HELPER_MIKEYD_QUEUECLOCK_H

#include <stdint.h>

#define QUEUE_BOOT_SIZE 64

/* queue_clock_boot - seconds since the machine was started */
int64_t queue_clock_boot(void);

/* queue_clock_wall - seconds since 1970, as far as this machine knows */
int64_t queue_clock_wall(void);

/* queue_clock_boot_id - the name of this start of the machine; "" if there is none */
void queue_clock_boot_id(char id[QUEUE_BOOT_SIZE]);

#endif
