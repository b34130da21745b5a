// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that runs out, by fault injection: one allocation after the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#define ATTRS "/sys/kernel/debug/"

static const struct {
	const char *path;
	const char *value;
} attrs[] = {
	{ ATTRS "failslab/ignore-gfp-wait", "N" },
	{ ATTRS "failslab/verbose", "0" },
	{ ATTRS "fail_page_alloc/ignore-gfp-wait", "N" },
	{ ATTRS "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ ATTRS "fail_page_alloc/min-order", "0" },
	{ ATTRS "fail_page_alloc/verbose", "0" },
	{ ATTRS "fail_usercopy/verbose", "0" },
};

/* Of the thread, so that each opens its own. */
static __thread int fail_nth = -1;

static bool write_attr(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, value, strlen(value)) > 0;

	if (fd >= 0)
		close(fd);
	return done;
}

bool fault_able(void)
{
	size_t i;

	if (fail_nth < 0)
		fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		return false;
	for (i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		if (!write_attr(attrs[i].path, attrs[i].value) && !i)
			return false;
	}
	return true;
}

/* The fault may hit the copying of these bytes: once more, and it is over. */
void fault_set(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(fail_nth, text, len, 0) < 0 && pwrite(fail_nth, text, len, 0) < 0) {
		perror("fail-nth");
		abort();
	}
}

unsigned int fault_left(void)
{
	char text[16] = "";

	return pread(fail_nth, text, sizeof(text) - 1, 0) > 0 ? atoi(text) : 1;
}

bool fault_hit(void)
{
	return !fault_left();
}

bool fault_explains(int err)
{
	return err == -ENOMEM || err == -ENOBUFS || err == -EFAULT;
}
