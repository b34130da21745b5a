// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NTP time and Unix time (RFC 4330 section 3, which RFC 6043 6.3 makes
 * mandatory).
 */
#include "profile.h"

#define NTP_OF_UNIX_EPOCH 2208988800LL	/* 1970 in seconds since 1900 */
#define NTP_ERA 0x100000000LL		/* seconds of 32 bits */
#define NTP_FIRST 0x80000000LL		/* 1968-01-20, the first told apart */
#define NTP_LAST (NTP_FIRST + NTP_ERA - 1)	/* 2104-02-26 */

s64 mikey_ts_to_unix(const struct mikey_ts *ts)
{
	s64 seconds = ts->value >> 32;

	if (seconds < NTP_FIRST)
		seconds += NTP_ERA;
	return seconds - NTP_OF_UNIX_EPOCH;
}

void mikey_ts_from_unix(struct mikey_ts *ts, s64 unix_seconds)
{
	s64 first = NTP_FIRST - NTP_OF_UNIX_EPOCH;
	s64 last = NTP_LAST - NTP_OF_UNIX_EPOCH;

	if (unix_seconds < first)
		unix_seconds = first;
	if (unix_seconds > last)
		unix_seconds = last;
	ts->present = true;
	ts->type = MIKEY_TS_NTP_UTC_32;
	ts->value = (u64)(unix_seconds + NTP_OF_UNIX_EPOCH) << 32;
}
