/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules that come and go. tests/vm/run says in MIKEY_MODULES where they are.
 */
#ifndef MIKEY_TEST_MODULE_H
#define MIKEY_TEST_MODULE_H

#include <stdbool.h>

/* Is it known where modules are? */
bool module_can_load(void);

/* Each: 0 or a negative errno; unloading does not wait. */
int module_load(const char *name);
int module_unload(const char *name);

/* Has the kernel warned, oopsed or hung since it booted? */
bool module_kernel_hurt(void);

#endif
