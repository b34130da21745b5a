/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The branch of our Via (RFC 3261 16.6 step 8), by which loops are known (16.3 step 4). */
#ifndef HELPER_MIKEYD_BRANCH_H
#define HELPER_MIKEYD_BRANCH_H

#include "helper/mikeyd/mikeyd.h"

/*
 * branch_write - the branch of our Via on a request: the same for a request,
 * its retransmissions, its CANCEL and its ACK (16.11), with a part by which we
 * know a request that comes round again
 */
void branch_write(char branch[BRANCH_SIZE], const struct flow *from,
		  const struct sip_msg *msg);

/* branch_any - one that there was not before, for a request of our own */
void branch_any(char branch[BRANCH_SIZE]);

/* branch_returns - has this very request been here before, and left as it came? */
bool branch_returns(const struct mikeyd *mikeyd, const struct flow *from,
		    const struct sip_msg *msg);

#endif
