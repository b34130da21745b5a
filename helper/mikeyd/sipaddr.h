/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses in headers: From, To, Route and the like (RFC 3261 20.10, 25.1). */
#ifndef HELPER_MIKEYD_SIPADDR_H
#define HELPER_MIKEYD_SIPADDR_H

#include "helper/lib/libre.h"

/*
 * sipaddr_decode - read an address, with its display name or without; of several
 * the first
 *
 * libre's sip_addr_decode() takes the first angle bracket for that of the URI,
 * though it may be in the quotes of the name. Other than 0 if it cannot be read.
 */
int sipaddr_decode(struct sip_addr *address, const struct pl *value);

/*
 * sipaddr_behind_name - where to look for the URI: behind the quotes, if the value
 * begins with some
 *
 * Returns NULL if they do not end.
 */
const char *sipaddr_behind_name(const struct pl *value);

/*
 * sipaddr_is_plain - will everybody read the same address here: is it one, and without
 * what looks like another one in its name?
 */
bool sipaddr_is_plain(const struct pl *name, const struct pl *params);

#endif
