// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A user's line in /proc/key-users: keys and bytes that count for his quota.
 */
#include <stdio.h>
#include <unistd.h>

#include "quota.h"

bool quota_read(struct quota *q)
{
	FILE *f = fopen("/proc/key-users", "r");
	unsigned int uid;
	char line[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%u: %*d %*d/%*d %d/%*d %d/%*d", &uid, &q->keys,
			       &q->bytes) == 3 && uid == geteuid();
	if (f)
		fclose(f);
	return found;
}

bool quota_back(const struct quota *before, int ms)
{
	struct quota now;

	while (quota_read(&now)) {
		if (now.keys == before->keys && now.bytes == before->bytes)
			return true;
		if (ms <= 0)
			break;
		usleep(10000);
		ms -= 10;
	}
	fprintf(stderr, "# %d keys and %d bytes, not %d and %d\n", now.keys, now.bytes,
		before->keys, before->bytes);
	return false;
}
