// SPDX-License-Identifier: GPL-2.0-or-later
/* One table: which answer means what to a script. */
#include "helper/mikeyctl/fate.h"

#include <errno.h>
#include <stddef.h>

/* The first row that has the code counts. mikeyctl(1) shows the table. */
static const struct row {
	unsigned int first, last;
	enum exit_code fate;
} rows[] = {
	{ 200, 299, EXIT_DONE },
	{ 300, 399, EXIT_NO_SUCH },
	{ 400, 400, EXIT_NOT_UNDERSTOOD },
	{ 404, 404, EXIT_NO_SUCH },
	{ 406, 406, EXIT_NOT_UNDERSTOOD },
	{ 408, 408, EXIT_UNREACHABLE },
	{ 410, 410, EXIT_NO_SUCH },
	{ 413, 415, EXIT_NOT_UNDERSTOOD },
	{ 416, 416, EXIT_NO_SUCH },
	{ 420, 420, EXIT_NOT_UNDERSTOOD },
	{ 477, 477, EXIT_UNREACHABLE },		/* Kamailio's: the next hop is away */
	{ 480, 480, EXIT_UNREACHABLE },
	{ 482, 483, EXIT_UNREACHABLE },
	{ 484, 485, EXIT_NO_SUCH },
	{ 486, 487, EXIT_UNREACHABLE },
	{ 493, 493, EXIT_NOT_UNDERSTOOD },
	{ 400, 499, EXIT_REFUSED },
	{ 501, 501, EXIT_NOT_UNDERSTOOD },
	{ 505, 505, EXIT_NOT_UNDERSTOOD },
	{ 513, 513, EXIT_NOT_UNDERSTOOD },
	{ 500, 599, EXIT_UNREACHABLE },
	{ 600, 600, EXIT_UNREACHABLE },
	{ 604, 604, EXIT_NO_SUCH },
	{ 600, 699, EXIT_REFUSED },
};

enum exit_code fate_of(const struct delivery_answer *answer)
{
	if (answer->error == -ETIMEDOUT)
		return EXIT_SILENT;
	for (size_t i = 0; !answer->error && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (answer->code >= rows[i].first && answer->code <= rows[i].last)
			return rows[i].fate;
	return EXIT_FAILED;
}

const char *fate_name(enum exit_code fate)
{
	static const char * const names[] = {
		[EXIT_DONE] = "accepted",
		[EXIT_FAILED] = "failed",
		[EXIT_NO_SUCH] = "no-such-recipient",
		[EXIT_REFUSED] = "refused",
		[EXIT_NOT_UNDERSTOOD] = "not-understood",
		[EXIT_UNREACHABLE] = "unreachable",
		[EXIT_SILENT] = "silent",
		[EXIT_PARTLY] = "partly",
	};

	return fate < sizeof(names) / sizeof(names[0]) && names[fate] ? names[fate] : "failed";
}

enum exit_code fate_join(enum exit_code one, enum exit_code other)
{
	/* no hope comes before some, and not known before all */
	static const enum exit_code graver[] = {
		EXIT_SILENT, EXIT_FAILED, EXIT_NO_SUCH, EXIT_REFUSED, EXIT_NOT_UNDERSTOOD,
	};

	if (one == other)
		return one;
	if (one == EXIT_DONE || other == EXIT_DONE || one == EXIT_PARTLY || other == EXIT_PARTLY)
		return EXIT_PARTLY;
	for (size_t i = 0; i < sizeof(graver) / sizeof(graver[0]); i++)
		if (one == graver[i] || other == graver[i])
			return graver[i];
	return EXIT_UNREACHABLE;
}
