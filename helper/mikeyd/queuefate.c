// SPDX-License-Identifier: GPL-2.0-or-later
/* From status codes to what becomes of a queued message. */
#include "helper/mikeyd/queuefate.h"

#include <errno.h>
#include <stddef.h>

/* What has no row ended it: 2xx well, all else badly. */
static const struct row {
	uint16_t code;
	enum queue_fate sure, unsure;	/* could it have arrived before? */
	bool away, may_have_arrived;
} rows[] = {
	/* nobody there for now: the next hop, the recipient's KMS, their terminal */
	{ 408, QUEUE_AGAIN, QUEUE_AGAIN, true, true },
	{ 500, QUEUE_AGAIN, QUEUE_AGAIN, true, false },
	{ 502, QUEUE_AGAIN, QUEUE_AGAIN, true, false },
	{ 503, QUEUE_AGAIN, QUEUE_AGAIN, true, false },
	{ 504, QUEUE_AGAIN, QUEUE_AGAIN, true, true },
	/* RFC 5626: the way to the recipient is being made anew */
	{ 430, QUEUE_AGAIN, QUEUE_AGAIN, true, false },
	/* busy is not for ever */
	{ 486, QUEUE_AGAIN, QUEUE_AGAIN, false, false },
	{ 600, QUEUE_AGAIN, QUEUE_AGAIN, false, false },
	/* not registered; or the repeat of a message that nobody confirmed */
	{ 480, QUEUE_AGAIN, QUEUE_DOUBT, false, false },
	/* no such user; or a registrar that was restarted */
	{ 404, QUEUE_DOUBT, QUEUE_DOUBT, false, false },
};

static const struct row *find(uint16_t code)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

enum queue_fate queue_fate(uint16_t code, bool unsure)
{
	const struct row *row = find(code);

	if (row)
		return unsure ? row->unsure : row->sure;
	return code / 100 == 2 ? QUEUE_DELIVERED : QUEUE_FAILED;
}

bool queue_is_away(int error, uint16_t code)
{
	const struct row *row = find(code);

	if (error)	/* all but that it is too large for any way */
		return error != -EMSGSIZE;
	return row && row->away;
}

bool queue_may_have_arrived(int error, uint16_t code)
{
	const struct row *row = find(code);

	if (error)
		return error != -ECONNREFUSED && error != -EMSGSIZE;
	return row && row->may_have_arrived;
}
