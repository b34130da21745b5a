/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The time that messages carry.
 */
#ifndef MIKEY_TICKET_CLOCK_H
#define MIKEY_TICKET_CLOCK_H

#include <linux/types.h>

/**
 * mikey_clock_send() - T for a message to a KMS, in Unix seconds
 *
 * Now, but never smaller than the last one sent: a KMS takes a timestamp
 * that runs backwards for a replay.
 */
s64 mikey_clock_send(void);

#endif
