/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection to the next hop that stands even when nobody sends: pings keep
 * it (RFC 5626 4.4.1), and it is made again when it is lost, after pauses that
 * grow (4.5).
 */
#ifndef HELPER_MIKEYD_STANDING_H
#define HELPER_MIKEYD_STANDING_H

#include "helper/mikeyd/transport.h"

struct standing;

/*
 * standing_open - keep a connection to this hop from now on; none over UDP
 * @keep_alive: seconds between two pings at most
 */
int standing_open(struct standing **standing, struct transport *transport,
		  const struct flow *hop, unsigned int keep_alive);

/* standing_use - another hop, or the same one by other rules */
void standing_use(struct standing *standing, const struct flow *hop, unsigned int keep_alive);

/* standing_lost - a connection is gone: was it this one? */
void standing_lost(struct standing *standing, const struct flow *flow);

/*
 * standing_pause - milliseconds at most before the next attempt, half of them at least
 * @failures: how many attempts in a row brought no connection that lasted
 */
uint32_t standing_pause(unsigned int failures);

#endif
