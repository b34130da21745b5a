// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Modules that come and go.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "module.h"

/* Of /proc/sys/kernel/tainted (Documentation/admin-guide/tainted-kernels) */
#define TAINT_BAD_PAGE 0x20
#define TAINT_DIE 0x80
#define TAINT_WARN 0x200
#define TAINT_SOFTLOCKUP 0x4000

bool module_can_load(void)
{
	return getenv("MIKEY_MODULES");
}

int module_load(const char *name)
{
	char path[4096];
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s.ko", getenv("MIKEY_MODULES"), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return err;
}

int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

bool module_kernel_hurt(void)
{
	FILE *f = fopen("/proc/sys/kernel/tainted", "r");
	long taint = 0;

	if (!f)
		return false;
	if (fscanf(f, "%ld", &taint) != 1)
		taint = 0;
	fclose(f);
	return taint & (TAINT_BAD_PAGE | TAINT_DIE | TAINT_WARN |
			TAINT_SOFTLOCKUP);
}
