// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recipes in memory and in files.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "corpus.h"
#include "scene.h"

void corpus_add(struct corpus *c, const struct recipe *r)
{
	if (c->num < CORPUS_MAX)
		c->r[c->num++] = *r;
}

bool corpus_read(struct recipe *r, const char *path)
{
	u8 buf[sizeof(*r)];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return false;
	recipe_read(r, buf, len);
	return true;
}

static int by_length(const void *a, const void *b)
{
	const struct recipe *one = a, *two = b;

	if (one->num != two->num)
		return one->num < two->num ? -1 : 1;
	return memcmp(one, two, recipe_len(one));
}

int corpus_load(struct corpus *c, const char *dir)
{
	u32 first = c->num;
	struct dirent *e;
	DIR *d = opendir(dir);
	char path[4096];

	if (!d)
		return -1;
	while ((e = readdir(d))) {
		struct recipe r;

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (*e->d_name != '.' && corpus_read(&r, path))
			corpus_add(c, &r);
	}
	closedir(d);
	qsort(c->r + first, c->num - first, sizeof(c->r[0]), by_length);
	return c->num - first;
}

bool corpus_save(const struct recipe *r, const char *dir, const char *prefix)
{
	u64 hash = 0xcbf29ce484222325;		/* FNV-1a */
	const u8 *p = (const u8 *)r;
	char path[4096];
	u32 len = recipe_len(r), i;
	bool done;
	int fd;

	for (i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3;
	snprintf(path, sizeof(path), "%s/%s%016llx", dir, prefix, (unsigned long long)hash);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return false;
	done = write(fd, r, len) == (ssize_t)len;
	return !close(fd) && done;
}

void corpus_honest(struct corpus *c)
{
	/* each option alone, and each form and algorithm */
	static const u8 args[] = { 0, 1, 2, 4, 6, 8, 10, 16, 32 };

	for (u32 i = 0; i < STEP_NUM * SCENE_KINDS * ARRAY_SIZE(args); i++)
		corpus_add(c, &(struct recipe){
			.step = i % STEP_NUM,
			.kind = i / STEP_NUM % SCENE_KINDS,
			.arg = args[i / STEP_NUM / SCENE_KINDS],
		});
}
