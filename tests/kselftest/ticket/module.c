// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading and unloading the modules of MIKEY_MODULES.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "module.h"

int module_load(const char *name, const char *params)
{
	char path[4096];
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s.ko", getenv("MIKEY_MODULES"), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return err;
}

int module_unload(const char *name)
{
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		if (!syscall(SYS_delete_module, name, O_NONBLOCK))
			return 0;
		if (errno != EAGAIN && errno != EBUSY)
			break;
		usleep(1000);
	}
	return -errno;
}

static bool is_gone(int err)
{
	return !err || err == -ENOENT;
}

int module_reload(const char *params)
{
	int err = module_unload("mikey_mime");

	if (is_gone(err))
		err = module_unload("mikey_ticket");
	if (is_gone(err))
		err = module_load("mikey_ticket", params);
	return err ? err : module_load("mikey_mime", "");
}

static bool reloaded;

int module_allow_suite(unsigned int suite)
{
	int err;

	if (suite <= 1)
		return 0;
	if (!getenv("MIKEY_MODULES"))
		return -ENOENT;
	err = module_reload("suites=0xe");
	reloaded = !err;
	return err;
}

int module_allow_default(void)
{
	if (!reloaded)
		return 0;
	reloaded = false;
	return module_reload("");
}
