/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time of day, which a test that is root can change.
 */
#ifndef MIKEY_TEST_CLOCK_H
#define MIKEY_TEST_CLOCK_H

/* Set the clock ahead, or back. */
void clock_jump(long seconds);

#endif
