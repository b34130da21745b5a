/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading and unloading the modules of MIKEY_MODULES.
 */
#ifndef MIKEY_TEST_MODULE_H
#define MIKEY_TEST_MODULE_H

/* Return: 0 or a negative errno; @params as for insmod. */
int module_load(const char *name, const char *params);

/*
 * Waits up to a second for a command at work, which keeps the module in
 * place. Return: 0 or a negative errno; -ENOENT if it is not loaded.
 */
int module_unload(const char *name);

/*
 * Both modules anew, mikey_ticket with @params, mikey_mime with none. Return:
 * 0 or a negative errno.
 */
int module_reload(const char *params);

/*
 * Allow all suites, if @suite (0: 256) is not one that is always on. Return: 0,
 * -ENOENT where there is nothing to load (MIKEY_MODULES), or another errno.
 */
int module_allow_suite(unsigned int suite);

/* The parameters' defaults again, if module_allow_suite() changed them. */
int module_allow_default(void);

#endif
