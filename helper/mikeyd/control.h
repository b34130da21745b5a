/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket, where mikeyd as a whole is asked (docs/control.md):
 *
 *	{"command": "stats"}	what was counted (counters.h), and how much there is
 *				of what comes and goes
 *
 * Only mikeyd's own user and root may ask: with several users behind one mikeyd the
 * counts are nobody else's business.
 */
#ifndef HELPER_MIKEYD_CONTROL_H
#define HELPER_MIKEYD_CONTROL_H

#include <jansson.h>

#include "helper/mikeyd/mikeyd.h"

/*
 * control_open - listen where the configuration says
 *
 * Where it says nothing, at the usual place: what goes wrong there is a warning, since
 * nothing of mikeyd's work depends on it.
 */
int control_open(struct mikeyd *mikeyd, struct problem *problem);

void control_close(void);

/* control_stats - {"ok": true, "version": ..., "counters": [...]}; NULL: no memory */
json_t *control_stats(struct mikeyd *mikeyd);

#endif
