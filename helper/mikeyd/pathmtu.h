/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How large a request may be to go over UDP (RFC 3261 18.1.1). */
#ifndef HELPER_MIKEYD_PATHMTU_H
#define HELPER_MIKEYD_PATHMTU_H

#include "helper/mikeyd/transport.h"

/*
 * pathmtu_udp_most - bytes that a request to this flow may have
 *
 * 1300, or 200 less than the path's MTU where the kernel knows that this is less: from
 * the interface, the route, or what routers said. An MTU above that may be the first
 * link's alone.
 */
size_t pathmtu_udp_most(const struct flow *to);

#endif
