// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Times and their percentiles; see tally.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/load/tally.h"

static const double percentiles[] = { 50, 90, 99, 99.9 };

uint64_t tally_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

static void make_room(struct tally *t, size_t num)
{
	if (num <= t->room)
		return;
	t->room = num < 1024 ? 1024 : 2 * num;
	t->us = realloc(t->us, t->room * sizeof(*t->us));
	if (!t->us) {
		fputs("no memory\n", stderr);
		exit(1);
	}
}

void tally_add(struct tally *t, uint32_t us)
{
	make_room(t, t->num + 1);
	t->us[t->num++] = us;
}

void tally_merge(struct tally *to, struct tally *from)
{
	if (from->num) {
		make_room(to, to->num + from->num);
		memcpy(to->us + to->num, from->us, from->num * sizeof(*from->us));
		to->num += from->num;
	}
	tally_free(from);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void tally_print(const char *name, struct tally *t)
{
	size_t i, at;

	printf("\"%s\": {\"answers\": %zu", name, t->num);
	if (t->num) {
		qsort(t->us, t->num, sizeof(*t->us), compare);
		fputs(", \"us\": {", stdout);
		for (i = 0; i < sizeof(percentiles) / sizeof(*percentiles); i++) {
			at = t->num * percentiles[i] / 100;
			printf("\"%g\": %u, ", percentiles[i],
			       t->us[at < t->num ? at : t->num - 1]);
		}
		printf("\"max\": %u}", t->us[t->num - 1]);
	}
	putchar('}');
}

void tally_free(struct tally *t)
{
	free(t->us);
	memset(t, 0, sizeof(*t));
}

double tally_cpu(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
	       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}
