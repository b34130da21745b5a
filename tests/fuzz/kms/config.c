// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mikey-kms.conf(5) with its policy, and the file of peers: what is refused is
 * refused with words, file and line, and what was begun of it is freed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "helper/kms/config.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
const char *__lsan_default_suppressions(void);

/* Its scanner forgets a text that is not finished; whoever reads one file ends. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

/* A file of these bytes: its path. */
static const char *make_file(const u8 *data, size_t size)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("conf", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct kms_peers peers = { 0 };
	struct problem problem = { 0 };
	struct kms_config config;
	const char *path;

	/* other files are none of the fuzzer's business */
	if (!size || memmem(data, size, "@include", 8) ||
	    (!(data[0] & 1) && memmem(data, size, "peers", 5)))
		return 0;
	path = make_file(data + 1, size - 1);
	if (data[0] & 1) {
		if (kms_peers_read(&peers, path, &problem) && !problem.words[0])
			abort();
		kms_peers_free(&peers);
		return 0;
	}
	if (kms_config_read(&config, path, &problem)) {
		if (!problem.words[0])
			abort();
		return 0;
	}
	if (kms_config_can_serve(&config, &problem) && !problem.words[0])
		abort();
	kms_config_free(&config);
	return 0;
}
