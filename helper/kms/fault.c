// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faults of a configuration; see fault.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "helper/kms/fault.h"

#define WORD_MAX 32

__attribute__((format(printf, 4, 0)))
static void add(struct kms_faults *faults, bool warning,
		const struct kms_place *place, const char *format, va_list args)
{
	struct kms_fault *fault = &faults->list[faults->num];

	++*(warning ? &faults->warnings : &faults->errors);
	if (faults->num == KMS_FAULTS_MAX)
		return;
	faults->num++;
	memset(fault, 0, sizeof(*fault));
	fault->warning = warning;
	if (place && place->file) {
		snprintf(fault->file, sizeof(fault->file), "%s", place->file);
		fault->line = place->line;
		fault->column = place->column;
	}
	vsnprintf(fault->words, sizeof(fault->words), format, args);
}

void kms_fault(struct kms_faults *faults, const struct kms_place *place,
	       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(faults, false, place, format, args);
	va_end(args);
}

void kms_doubt(struct kms_faults *faults, const struct kms_place *place,
	       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(faults, true, place, format, args);
	va_end(args);
}

void kms_fault_where(const struct kms_fault *fault, char *out, size_t size)
{
	if (!fault->file[0])
		*out = '\0';
	else if (!fault->line)
		snprintf(out, size, "%s: ", fault->file);
	else if (!fault->column)
		snprintf(out, size, "%s:%u: ", fault->file, fault->line);
	else
		snprintf(out, size, "%s:%u:%u: ", fault->file, fault->line,
			 fault->column);
}

int kms_faults_problem(const struct kms_faults *faults, struct problem *problem)
{
	char where[300], more[80] = "";
	size_t i;

	if (faults->errors > 1)
		snprintf(more, sizeof(more), " (and %zu more: mikey-kms check-config)",
			 faults->errors - 1);
	for (i = 0; i < faults->num; i++) {
		if (faults->list[i].warning)
			continue;
		kms_fault_where(&faults->list[i], where, sizeof(where));
		return problem_set(problem, -EINVAL, "%s%s%s", where,
				   faults->list[i].words, more);
	}
	return faults->errors ? problem_set(problem, -EINVAL, "%zu faults",
					    faults->errors) : 0;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to add, leave out or change make @b of @a. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], i, k, corner, above, len = strlen(b);

	for (k = 0; k <= len; k++)
		row[k] = k;
	for (i = 1; a[i - 1]; i++) {
		corner = row[0];
		row[0] = i;
		for (k = 1; k <= len; k++) {
			above = row[k];
			row[k] = least(least(above, row[k - 1]) + 1,
				       corner + (a[i - 1] != b[k - 1]));
			corner = above;
		}
	}
	return row[len];
}

const char *kms_meant(const char *word, const char *const *names)
{
	size_t far, best = strlen(word) / 3 + 2;
	const char *meant = NULL;

	if (strlen(word) > WORD_MAX)
		return NULL;
	for (; *names; names++) {
		if (strlen(*names) > WORD_MAX)
			continue;
		far = distance(word, *names);
		if (far < best && far < strlen(*names)) {
			best = far;
			meant = *names;
		}
	}
	return meant;
}
