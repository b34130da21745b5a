/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's checkers say while a fuzzer runs, and which inputs were the
 * last when it dies.
 */
#ifndef MIKEY_FUZZ_WATCH_H
#define MIKEY_FUZZ_WATCH_H

#include "recipe.h"

/* From now on; @dir may be NULL. Return: can the log be read? */
bool watch_open(const char *dir);

/* Before a recipe: to DIR/last-N, which is there when the machine has gone. */
void watch_next(const struct recipe *r);

/* After it: the first line of a report, or NULL */
const char *watch_report(void);

#endif
