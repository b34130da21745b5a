/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another configuration for a mikeyd that runs. It is read and checked whole, and
 * what new users need is opened, before anything changes: one that cannot be used
 * leaves all as it was. What is under way goes on by the rules it began by.
 */
#ifndef HELPER_MIKEYD_RELOAD_H
#define HELPER_MIKEYD_RELOAD_H

#include "helper/mikeyd/mikeyd.h"

/* reload_now - read the file and go on by it, or not at all; problem tells why */
int reload_now(struct mikeyd *mikeyd, const char *file, struct problem *problem);

/*
 * reload_open - do so at each SIGHUP, from the event loop
 * @verbose: the level of the log is not the configuration's
 */
int reload_open(struct mikeyd *mikeyd, const char *file, bool verbose,
		struct problem *problem);

void reload_close(void);

#endif
