// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A user's line in /proc/key-users: keys and bytes that count for his quota.
 */
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

#include "quota.h"

#define REST_MS 300
#define LINKS (16 * 4)
#define FIRST_UID 100000

bool quota_of_own(void)
{
	uid_t uid = FIRST_UID + getpid();

	return !setgroups(0, NULL) && !setresgid(uid, uid, uid) && !setresuid(uid, uid, uid);
}

static bool look(struct quota *q)
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

bool quota_read(struct quota *q)
{
	struct quota now;

	if (!look(q))
		return false;
	while (usleep(REST_MS * 1000), look(&now)) {
		if (now.keys == q->keys && now.bytes == q->bytes)
			return true;
		*q = now;
	}
	return false;
}

bool quota_back(const struct quota *before, int ms)
{
	struct quota now;

	while (look(&now)) {
		if (now.keys <= before->keys && now.bytes <= before->bytes + LINKS)
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
