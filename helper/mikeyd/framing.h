/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the bytes of a connection to messages, by Content-Length (RFC 3261 18.3). */
#ifndef HELPER_MIKEYD_FRAMING_H
#define HELPER_MIKEYD_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

struct mbuf;

/* Zero at first. */
struct framing {
	struct mbuf *received;		/* of the message that is coming */
	size_t head;			/* size of its head */
	size_t scanned;			/* no empty line before this */
	size_t wanted;			/* size of the message, 0 if unknown */
	size_t skip;			/* bytes to drop: the rest of a large one */

	/* for the caller to see, and to set back */
	bool begun;			/* another message has begun */
	size_t empty;			/* bytes of empty lines before a message */
};

void framing_wipe(struct framing *framing);

/* framing_is_inside - is a message, or the rest of a large one, on its way? */
bool framing_is_inside(const struct framing *framing);

/*
 * framing_feed - take bytes out of mb, not always all, and look at what is there
 *
 * -EMSGSIZE, -EBADMSG: no SIP message can begin so.
 */
int framing_feed(struct framing *framing, struct mbuf *mb);

/* framing_is_whole - is a message there as a whole? */
bool framing_is_whole(const struct framing *framing);

/* framing_is_large - is it one that is too large to be kept? */
bool framing_is_large(const struct framing *framing);

/* framing_take - the whole message; what follows it stays. NULL: no memory */
struct mbuf *framing_take(struct framing *framing);

/* framing_take_head - of a large one; its body will be dropped */
struct mbuf *framing_take_head(struct framing *framing);

#endif
