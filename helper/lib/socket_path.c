// SPDX-License-Identifier: GPL-2.0-or-later
/* The places of mikeyd's sockets. */
#include "helper/lib/socket_path.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int join(char *path, size_t size, const char *dir, const char *more, const char *name)
{
	/* systemd.exec(5): several are separated by colons */
	int len = snprintf(path, size, "%.*s%s%s", (int)strcspn(dir, ":"), dir, more, name);

	return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

int socket_path_made(char *path, size_t size, const char *name)
{
	const char *given = getenv("RUNTIME_DIRECTORY"), *xdg = getenv("XDG_RUNTIME_DIR");

	if (given && *given == '/')
		return join(path, size, given, "/", name);
	if (xdg && *xdg == '/')
		return join(path, size, xdg, "/mikeyd-", name);
	return -ENOENT;
}

int socket_path_found(char *path, size_t size, const char *name)
{
	const struct passwd *user = getpwuid(geteuid());
	const char *xdg = getenv("XDG_RUNTIME_DIR");

	if (xdg && *xdg == '/' && !join(path, size, xdg, "/mikeyd-", name) && !access(path, F_OK))
		return 0;
	if (user && (size_t)snprintf(path, size, "/run/mikey-mime/%s/%s", user->pw_name,
				     name) < size && !access(path, F_OK))
		return 0;
	return -ENOENT;
}
