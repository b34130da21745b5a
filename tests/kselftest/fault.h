/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that runs out: one allocation, or one copy to or from userspace, of
 * what this thread does fails. For kernels with failslab and fail-nth.
 */
#ifndef MIKEY_TEST_FAULT_H
#define MIKEY_TEST_FAULT_H

#include <stdbool.h>

/*
 * Let allocations fail that may sleep, too, slab objects and pages, and
 * without a trace in the log for each. Return: can this kernel do that?
 */
bool fault_able(void);

/* The @nth from now on fails; 0: none. */
void fault_set(unsigned int nth);

/* How many may still come before that one? */
unsigned int fault_left(void);

/* Has it failed? Where it hits only this question, the answer is no. */
bool fault_hit(void);

/*
 * Is this what a call may say when one has failed? -EFAULT is of the system
 * call that takes a request, -ENOBUFS of a reply that could not be made.
 */
bool fault_explains(int err);

#endif
