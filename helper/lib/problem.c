// SPDX-License-Identifier: GPL-2.0-or-later
/* Errors in words. */
#include "helper/lib/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int problem_set(struct problem *problem, int error, const char *format, ...)
{
	va_list args;

	problem->error = error;
	problem->kernel = false;
	problem->retry_after = 0;
	va_start(args, format);
	vsnprintf(problem->words, sizeof(problem->words), format, args);
	va_end(args);
	return error;
}

int problem_prefix(struct problem *problem, const char *format, ...)
{
	char words[sizeof(problem->words)];
	size_t used;
	va_list args;

	memcpy(words, problem->words, sizeof(words));
	va_start(args, format);
	vsnprintf(problem->words, sizeof(problem->words), format, args);
	va_end(args);
	used = strlen(problem->words);
	snprintf(problem->words + used, sizeof(problem->words) - used, "%s", words);
	return problem->error;
}
