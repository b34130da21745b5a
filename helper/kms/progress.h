/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far something long has got: on a terminal one line that changes, else
 * nothing until it ends.
 */
#ifndef HELPER_KMS_PROGRESS_H
#define HELPER_KMS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct kms_progress {
	const char *what;		/* "users" */
	size_t total;			/* 0: not known */
	long long shown;		/* when, in ms */
	bool live;
};

void kms_progress_begin(struct kms_progress *p, const char *what, size_t total);
void kms_progress_tell(struct kms_progress *p, size_t done);

/* Takes the line away. */
void kms_progress_end(struct kms_progress *p);

#endif
