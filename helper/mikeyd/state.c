// SPDX-License-Identifier: GPL-2.0-or-later
/* The state directory. */
#include "helper/mikeyd/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int make_dirs(char *path, struct problem *problem)
{
	for (char *slash = path + 1; slash; ) {
		slash = strchr(slash, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return problem_set(problem, -errno, "state-dir %s: %s", path,
					   strerror(errno));
		if (slash)
			*slash++ = '/';
	}
	return 0;
}

static int find(char path[STATE_PATH_MAX], const struct config *config, const char *below,
		struct problem *problem)
{
	const char *given = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	size_t len;

	if (config->state_dir)
		len = snprintf(path, STATE_PATH_MAX, "%s%s", config->state_dir, below);
	else if (given && *given == '/')	/* systemd.exec(5): separated by colons */
		len = snprintf(path, STATE_PATH_MAX, "%.*s%s", (int)strcspn(given, ":"), given,
			       below);
	else if (xdg && *xdg == '/')
		len = snprintf(path, STATE_PATH_MAX, "%s/mikeyd%s", xdg, below);
	else if (home && *home == '/')
		len = snprintf(path, STATE_PATH_MAX, "%s/.local/state/mikeyd%s", home, below);
	else
		return problem_set(problem, -EINVAL,
				   "state-dir is missing: where to keep the record of delivered messages");
	if (len >= STATE_PATH_MAX)
		return problem_set(problem, -ENAMETOOLONG, "state-dir is too long");
	return make_dirs(path, problem);
}

int state_dir(char path[STATE_PATH_MAX], const struct config *config, struct problem *problem)
{
	return find(path, config, "", problem);
}

int state_of_user(char path[STATE_PATH_MAX], const struct config *config,
		  const struct config_user *user, struct problem *problem)
{
	char below[sizeof("/users/") + CONFIG_NAME_MAX] = "";

	if (*user->name)
		snprintf(below, sizeof(below), "/users/%s", user->name);
	return find(path, config, below, problem);
}
