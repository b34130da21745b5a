/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a message holds: Date (RFC 3261 20.17) and Expires (20.19). */
#ifndef HELPER_MIKEYD_SIPTIME_H
#define HELPER_MIKEYD_SIPTIME_H

#include "helper/mikeyd/sipmsg.h"

/* siptime_date - seconds since 1970; false: there is none that can be read */
bool siptime_date(const struct sip_msg *msg, int64_t *seconds);

/* siptime_expires - seconds; false: there is none that can be read */
bool siptime_expires(const struct sip_msg *msg, int64_t *seconds);

/* siptime_line - a Date header with its line end; "" for a time that has none */
#define SIPTIME_LINE_SIZE 48

void siptime_line(char line[SIPTIME_LINE_SIZE], int64_t seconds);

#endif
