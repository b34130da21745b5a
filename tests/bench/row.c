// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Figures as lines of JSON. No name or value of a suite needs escaping.
 */
#include <stdio.h>

#include "bench.h"

void row_begin(const char *suite)
{
	printf("{\"suite\": \"%s\"", suite);
}

void row_text(const char *name, const char *value)
{
	printf(", \"%s\": \"%s\"", name, value);
}

void row_number(const char *name, double value)
{
	printf(", \"%s\": %.0f", name, value);
}

void row_end(void)
{
	puts("}");
	fflush(stdout);
}
