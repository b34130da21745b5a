// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading and writing Date, reading Expires. */
#include "helper/mikeyd/siptime.h"

#include <time.h>

#define FORMAT "%a, %d %b %Y %H:%M:%S GMT"

bool siptime_date(const struct sip_msg *msg, int64_t *seconds)
{
	const struct sip_hdr *hdr = sipmsg_find(msg, "Date");
	struct tm tm = { 0 };
	char text[64];
	const char *end;

	if (!hdr || pl_strcpy(&hdr->val, text, sizeof(text)))
		return false;
	end = strptime(text, FORMAT, &tm);
	if (!end || *end)
		return false;
	*seconds = timegm(&tm);
	return true;
}

bool siptime_expires(const struct sip_msg *msg, int64_t *seconds)
{
	const struct sip_hdr *hdr = sipmsg_find(msg, "Expires");

	if (!hdr || !hdr->val.l || hdr->val.l > 10)
		return false;
	for (size_t i = 0; i < hdr->val.l; i++)
		if (hdr->val.p[i] < '0' || hdr->val.p[i] > '9')
			return false;
	*seconds = pl_u64(&hdr->val);
	return true;
}

void siptime_line(char line[SIPTIME_LINE_SIZE], int64_t seconds)
{
	time_t when = seconds;
	struct tm tm;

	line[0] = '\0';
	if (gmtime_r(&when, &tm))
		strftime(line, SIPTIME_LINE_SIZE, "Date: " FORMAT "\r\n", &tm);
}
