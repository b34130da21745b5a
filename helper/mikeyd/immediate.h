/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What RFC 3428 says of the headers of a MESSAGE, and RFC 3325 and RFC 3323 of
 * who sent it: what it loses on its way, whose word counts, whether its time is
 * over.
 */
#ifndef HELPER_MIKEYD_IMMEDIATE_H
#define HELPER_MIKEYD_IMMEDIATE_H

#include "helper/mikeyd/siptime.h"
#include "helper/mikeyd/user.h"

/*
 * immediate_dropped - headers that a MESSAGE, or the response to one, loses on
 * its way to a side; ends with NULL, or is NULL
 *
 * Contact, of responses those of class 2xx (RFC 3428 sections 4 and 7). To the
 * network P-Asserted-Identity, which is a proxy's to add, and a
 * P-Preferred-Identity that is not the user's. To the client
 * P-Preferred-Identity, and P-Asserted-Identity unless it is a trusted
 * hop's and the sender did not ask for privacy (RFC 3325 sections 5, 7 and 9).
 * @user: whose message it is; NULL: nobody's in particular
 */
const char * const *immediate_dropped(const struct mikeyd *mikeyd, const struct user *user,
				      enum side to, const struct sip_msg *msg);

/* immediate_trusts - did it come from a hop whose P-Asserted-Identity counts? */
bool immediate_trusts(const struct mikeyd *mikeyd, const struct sip_msg *msg);

/* immediate_trusts_next_hop - and is what goes to the network in such hands? */
bool immediate_trusts_next_hop(const struct mikeyd *mikeyd);

/* immediate_privacy - does Privacy name this value (RFC 3323, "id" of RFC 3325)? */
bool immediate_privacy(const struct sip_msg *msg, const char *value);

/* immediate_wants_privacy - does it name any but "none" and "critical"? */
bool immediate_wants_privacy(const struct sip_msg *msg);

/* immediate_is_anonymous - does From name nobody, as RFC 3323 4.1.1.3 writes it? */
bool immediate_is_anonymous(const struct sip_msg *msg);

/* immediate_preferred - whom the client wants to be of the user's identities; NULL */
const struct uid *immediate_preferred(const struct user *user, const struct sip_msg *msg);

/*
 * immediate_expired - is its time over (RFC 3428 section 7)?
 *
 * Expires counts from Date, and without one from now, so that it is not over. The
 * sender's clock may be behind ours by IMMEDIATE_SKEW seconds.
 */
#define IMMEDIATE_SKEW 60

bool immediate_expired(const struct sip_msg *msg, int64_t now);

/*
 * immediate_date - a line Date, for a message that says in Expires how long it
 * holds and not since when (RFC 3428 section 4); else ""
 */
void immediate_date(char line[SIPTIME_LINE_SIZE], const struct sip_msg *msg, int64_t now);

#endif
