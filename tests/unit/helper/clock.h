/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock of libre's timers in tests. */
#ifndef TESTS_UNIT_HELPER_CLOCK_H
#define TESTS_UNIT_HELPER_CLOCK_H

#include <stdint.h>

/* clock_ahead - milliseconds by which a test has moved it */
extern uint64_t clock_ahead;

#endif
