// SPDX-License-Identifier: GPL-2.0-or-later
/* The inbox's socket. */
#include "helper/lib/inbox_path.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "inbox.socket"

static int join(char *path, size_t size, const char *dir, const char *more)
{
	/* systemd.exec(5): several are separated by colons */
	int len = snprintf(path, size, "%.*s%s" NAME, (int)strcspn(dir, ":"), dir, more);

	return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

int inbox_path_made(char *path, size_t size)
{
	const char *given = getenv("RUNTIME_DIRECTORY"), *xdg = getenv("XDG_RUNTIME_DIR");

	if (given && *given == '/')
		return join(path, size, given, "/");
	if (xdg && *xdg == '/')
		return join(path, size, xdg, "/mikeyd-");
	return -ENOENT;
}

int inbox_path_found(char *path, size_t size)
{
	const struct passwd *user = getpwuid(geteuid());
	const char *xdg = getenv("XDG_RUNTIME_DIR");

	if (xdg && *xdg == '/' && !join(path, size, xdg, "/mikeyd-") && !access(path, F_OK))
		return 0;
	if (user && (size_t)snprintf(path, size, "/run/mikey-mime/%s/" NAME,
				     user->pw_name) < size && !access(path, F_OK))
		return 0;
	return -ENOENT;
}
