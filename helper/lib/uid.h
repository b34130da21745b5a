/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UID of a SIP user (TS 33.328 6.2.3.4.2): user@domain of the SIP URI,
 * without port and password, the host in lower case, %-escapes decoded. It is
 * the ID Data of an ID payload of type NAI, so it has 1 to 255 bytes.
 */
#ifndef HELPER_LIB_UID_H
#define HELPER_LIB_UID_H

#include <stdbool.h>
#include <stddef.h>

#define UID_MAX 255

struct uid {
	size_t len;
	char text[UID_MAX + 1];		/* and a zero byte */
};

/*
 * uid_from_uri - UID of a sip: or sips: URI
 *
 * Returns -EPROTONOSUPPORT for another scheme, -EDESTADDRREQ for a URI
 * without user or host, -EINVAL for a malformed one (a bad escape, a control
 * character), -ENAMETOOLONG.
 */
int uid_from_uri(struct uid *uid, const char *uri, size_t len);

/*
 * uid_from_text - a UID as it stands in a configuration: user@domain, or a
 * SIP URI
 */
int uid_from_text(struct uid *uid, const char *text);

/*
 * uid_is_own - can this be a user's own UID?
 *
 * '?' is the wildcard of RFC 6043 in a ticket's IDRr, so no user has it in the
 * name. A SIP user part may contain one (RFC 3261), which the profile wants
 * written as %3F: uid_from_uri() writes it so, whichever way it came.
 */
bool uid_is_own(const struct uid *uid);

bool uid_equal(const struct uid *a, const struct uid *b);

/* uid_same - are these the same users, in whatever order? None is there twice. */
bool uid_same(const struct uid *a, unsigned int n_a, const struct uid *b, unsigned int n_b);

/* uid_matches - does a pattern, in which '?' is zero or more characters, fit? */
bool uid_matches(const struct uid *pattern, const struct uid *uid);

/*
 * uid_escape - write a UID so that it can stand in a SIP header between < and
 * >: whatever the user part of a SIP URI cannot hold is %-escaped. out has
 * room for 3 * UID_MAX + 1 bytes.
 */
void uid_escape(char *out, const struct uid *uid);

#define UID_ESCAPED_MAX (3 * UID_MAX + 1)

#endif
