// SPDX-License-Identifier: GPL-2.0-or-later
/* Linux' clocks. */
#include "helper/mikeyd/queueclock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

int64_t queue_clock_boot(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_BOOTTIME, &now) ? 0 : now.tv_sec;
}

int64_t queue_clock_wall(void)
{
	return time(NULL);
}

void queue_clock_boot_id(char id[QUEUE_BOOT_SIZE])
{
	FILE *file = fopen(BOOT_ID, "re");

	if (!file || !fgets(id, QUEUE_BOOT_SIZE, file))
		id[0] = '\0';
	id[strcspn(id, "\n")] = '\0';
	if (file)
		fclose(file);
}
