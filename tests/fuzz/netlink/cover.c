// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KCOV, as Documentation/dev-tools/kcov.rst has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/kcov.h>

#include "cover.h"

#define ENTRIES (256 * 1024)

static unsigned long *trace;

int cover_open(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, KCOV_INIT_TRACE, ENTRIES))
		return -errno;
	trace = mmap(NULL, ENTRIES * sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (trace == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		return -errno;
	return 0;
}

void cover_start(void)
{
	if (trace)
		__atomic_store_n(trace, 0, __ATOMIC_RELAXED);
}

/* A bit of the map for a number that may be any. Return: was it not set? */
static bool mark(u8 *map, u64 n)
{
	u32 bit = n * 0x9e3779b97f4a7c15 >> 45;
	bool fresh = !(map[bit / 8] & 1 << bit % 8);

	map[bit / 8] |= 1 << bit % 8;
	return fresh;
}

u32 cover_add(struct cover *c, bool blocks)
{
	unsigned long n = trace ? __atomic_load_n(trace, __ATOMIC_RELAXED) : 0, i;
	u32 edges = c->num_edges, before = c->num_blocks;
	u64 last = 0;

	for (i = 1; i <= n; i++) {
		c->num_edges += mark(c->edges, trace[i] ^ last * 31);
		c->num_blocks += mark(c->blocks, trace[i]);
		last = trace[i];
	}
	return blocks ? c->num_blocks - before : c->num_edges - edges;
}
