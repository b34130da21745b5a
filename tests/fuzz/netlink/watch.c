// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's log, and the last inputs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "watch.h"

/* A report may be of what a former input left behind. */
#define LAST 16

static int log_fd = -1;
static int last_fd[LAST];
static bool keeping;
static u32 next;

bool watch_open(const char *dir)
{
	char path[4096];

	keeping = dir;
	for (u32 i = 0; dir && i < LAST; i++) {
		snprintf(path, sizeof(path), "%s/last-%u", dir, i);
		last_fd[i] = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	}
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return log_fd >= 0 && lseek(log_fd, 0, SEEK_END) >= 0;
}

void watch_next(const struct recipe *r)
{
	int fd = last_fd[next++ % LAST];

	if (keeping && (pwrite(fd, r, recipe_len(r), 0) < 0 || ftruncate(fd, recipe_len(r))))
		perror("last");
}

const char *watch_report(void)
{
	static const char *const words[] = {
		"BUG:", "WARNING:", "KASAN:", "UBSAN:", "INFO: possible",
		"INFO: trying to register", "ODEBUG:", "Oops", "corruption",
		"general protection", "blocked for more than", "locking correctness validator",
		"refcount_t",
	};
	static char line[8192];
	ssize_t len;

	while ((len = read(log_fd, line, sizeof(line) - 1)) > 0 || errno == EPIPE) {
		line[len > 0 ? len : 0] = '\0';
		for (u32 i = 0; i < ARRAY_SIZE(words); i++)
			if (strstr(line, words[i]))
				return line;
		errno = 0;
	}
	return NULL;
}
