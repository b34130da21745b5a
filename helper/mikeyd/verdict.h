/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the SIP side is told when a message cannot be protected or opened: one
 * table from the errors of the kernel, the KMS and the record to status codes.
 * docs/sip.md shows it.
 */
#ifndef HELPER_MIKEYD_VERDICT_H
#define HELPER_MIKEYD_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/problem.h"

/* What kind of thing went wrong, for counters. */
enum verdict_class {
	VERDICT_KMS_AWAY,
	VERDICT_KMS_REFUSED,
	VERDICT_KMS_WRONG,	/* nonsense, or an error that anybody could have sent */
	VERDICT_INVALID,	/* malformed, forged, too old, for somebody else, too large */
	VERDICT_POLICY,		/* the ticket's, the modules', ours; a key's permissions */
	VERDICT_RESOURCES,	/* this machine's */
	VERDICT_OTHER,
};

#define VERDICT_CLASSES_NAMES \
	"kms-away", "kms-refused", "kms-wrong", "invalid", "policy", "resources", "other"

struct verdict {
	uint16_t code;
	const char *reason;
	unsigned int retry;	/* Retry-After: so many seconds at least; 0: none */
};

/* verdict_outgoing - for the user's client, whose message cannot be sent */
struct verdict verdict_outgoing(const struct problem *problem);

/*
 * verdict_incoming - for the network
 *
 * Whatever is wrong with a message is one answer, so that nobody learns from it
 * how far a forgery got.
 */
struct verdict verdict_incoming(const struct problem *problem);

/* verdict_class - why */
enum verdict_class verdict_class(const struct problem *problem);

/*
 * verdict_list - for the sender of a message to a list server, which cannot be
 * sent on: nothing is wrong with the message but perhaps its size
 */
struct verdict verdict_list(const struct problem *problem);

#endif
