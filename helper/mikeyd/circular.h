/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One message that is sent to many (RFC 5365 7.2): a MESSAGE of our own to each
 * addressee, some at a time. No URI gets a second one while its first is without
 * answer, of whatever circular (RFC 3428 section 8).
 */
#ifndef HELPER_MIKEYD_CIRCULAR_H
#define HELPER_MIKEYD_CIRCULAR_H

#include "helper/mikeyd/mikeyd.h"
#include "helper/mikeyd/route.h"

/* At once; what they hold is bounded by this and by TRANSPORT_MESSAGE_MAX. */
#define CIRCULARS_MAX 32
/* Two bodies at most: one for those who may be told of the others, one for the rest. */
#define CIRCULAR_BODIES 2

struct circular;

/* What all copies of it have in common. */
struct circular_wish {
	const struct sip_msg *msg;	/* what they are made from */
	const struct route *route;	/* to the next hop */
	const char *from;		/* From's value; the tag is each one's own */
	const char *headers;		/* more lines, with their ends */
	const char * const *dropped;	/* headers that are not copied; ends with NULL */
	const char *not_required;	/* option tag that Require loses */
};

/* How it stands when the sender is to be answered. */
struct circular_report {
	unsigned int count, reached, failed;	/* the others are not known yet */
};

typedef void (circular_h)(const struct circular_report *report, void *arg);

/* circular_possible - is there room for one more? */
bool circular_possible(const struct mikeyd *mikeyd);

/* circular_new - mem_deref() it, or circular_send(); NULL: no memory */
struct circular *circular_new(struct mikeyd *mikeyd, const struct circular_wish *wish);

/* circular_body - take a body with its Content-* lines; both are mem_deref()ed */
void circular_body(struct circular *circular, unsigned int which, char *headers,
		   struct mbuf *body);

/* circular_add - one more addressee, who gets that body; -ENOMEM */
int circular_add(struct circular *circular, const char *uri, unsigned int which);

/*
 * circular_send - send it; it is its own from now on
 * @handler: called once: when all have answered, or after some seconds
 *
 * It goes on after that until all have answered; who did not take it is logged.
 */
void circular_send(struct circular *circular, circular_h *handler, void *arg);

/* circular_close - end all; handlers that wait are called */
void circular_close(struct mikeyd *mikeyd);

#endif
