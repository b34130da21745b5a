/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that ends: of the allocations that mikeyd makes, one fails. For tests that
 * are linked with --wrap (build.mk).
 */
#ifndef TESTS_UNIT_HELPER_NOMEM_H
#define TESTS_UNIT_HELPER_NOMEM_H

#include <stdbool.h>

/* nomem_fail - the nth allocation from now on fails; 0: none does */
void nomem_fail(unsigned int nth);

/* nomem_failed - did it? */
bool nomem_failed(void);

/* nomem_hold - what the test itself does meanwhile is not counted */
void nomem_hold(bool hold);

#endif
