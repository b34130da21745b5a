/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the SIP side is told when a message cannot be protected or opened: one
 * table for each direction from the errors of the kernel and the KMS to status
 * codes. mikeyd(8) shows both.
 */
#ifndef HELPER_MIKEYD_VERDICT_H
#define HELPER_MIKEYD_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

struct verdict {
	uint16_t code;
	const char *reason;
	bool retry;		/* with Retry-After */
};

/* verdict_outgoing - for the user's client, whose message cannot be sent */
struct verdict verdict_outgoing(int error);

/*
 * verdict_incoming - for the network
 *
 * Whatever is wrong with a message is one answer, so that nobody learns from it
 * how far a forgery got.
 */
struct verdict verdict_incoming(int error);

#endif
