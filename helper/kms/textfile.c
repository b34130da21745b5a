// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole text files; see textfile.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/kms/textfile.h"

#define TEXT_MAX (256 * 1024)

static int check(const char *path, int fd, struct stat *st,
		 struct problem *problem)
{
	if (fd < 0 || fstat(fd, st))
		return problem_set(problem, -errno, "%s: %s", path,
				   strerror(errno));
	if (!S_ISREG(st->st_mode))
		return problem_set(problem, -EINVAL, "%s: not a plain file", path);
	if (st->st_size > TEXT_MAX)
		return problem_set(problem, -EFBIG, "%s: too large", path);
	return 0;
}

int kms_text_read(const char *path, char **text, struct problem *problem)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n, at = 0;
	int ret;

	*text = NULL;
	ret = check(path, fd, &st, problem);
	if (!ret) {
		*text = calloc(1, st.st_size + 1);
		if (!*text)
			ret = problem_set(problem, -ENOMEM, "no memory");
	}
	while (!ret && at < st.st_size) {
		n = read(fd, *text + at, st.st_size - at);
		if (n <= 0)
			ret = problem_set(problem, -EIO, "%s: cannot be read", path);
		else
			at += n;
	}
	if (!ret && memchr(*text, 0, at))
		ret = problem_set(problem, -EINVAL, "%s: not a text file", path);
	if (fd >= 0)
		close(fd);
	if (ret) {
		kms_text_wipe(*text);
		*text = NULL;
	}
	return ret;
}

void kms_text_wipe(char *text)
{
	if (!text)
		return;
	OPENSSL_cleanse(text, strlen(text));
	free(text);
}
