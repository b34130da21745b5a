// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How far something long has got; see progress.h.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "helper/kms/progress.h"

#define EVERY_MS 200

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void kms_progress_begin(struct kms_progress *p, const char *what, size_t total)
{
	p->what = what;
	p->total = total;
	p->live = isatty(STDERR_FILENO);
	p->shown = now_ms();
}

void kms_progress_tell(struct kms_progress *p, size_t done)
{
	long long now;

	if (!p->live)
		return;
	now = now_ms();
	if (now - p->shown < EVERY_MS)
		return;
	p->shown = now;
	if (p->total)
		fprintf(stderr, "\r\033[K%zu of %zu %s (%zu %%)", done, p->total,
			p->what, done * 100 / p->total);
	else
		fprintf(stderr, "\r\033[K%zu %s", done, p->what);
}

void kms_progress_end(struct kms_progress *p)
{
	if (p->live)
		fputs("\r\033[K", stderr);
	p->live = false;
}
