/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of several sources, as text, as JSON, and as Prometheus and others read
 * them. Those of one source are an array in JSON as mikeyd's counters.h has it: objects
 * with "name", "kind", perhaps "help", "labels" and "samples".
 */
#ifndef HELPER_MIKEYCTL_COUNTS_H
#define HELPER_MIKEYCTL_COUNTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct counts {
	const char *source;	/* "mikey_ticket" */
	json_t *all;		/* NULL: not there */
};

/* counts_form - one way to write them */
typedef void (counts_form)(FILE *file, const struct counts *counts, unsigned int n);

/* counts_text - a table for each source; what has labels and is 0 is left out */
counts_form counts_text;

/* counts_json - {SOURCE: {NAME: value, NAME: {LABEL: {LABEL: value}}}}; null: not there */
counts_form counts_json;

/*
 * counts_prometheus - text exposition format 0.0.4: SOURCE_NAME_total{label="value"}, and
 * SOURCE_up that tells whether the source is there
 */
counts_form counts_prometheus;

/* counts_add - one more counter without labels; NULL for *all: no memory */
void counts_add(json_t *all, const char *name, bool now, json_int_t value);

#endif
