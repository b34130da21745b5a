// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * search NEEDLES FILE...: where any of many byte strings stands in files.
 *
 * NEEDLES has one string a line, in hexadecimal digits. Each find is a line
 * "NUMBER OFFSET FILE", NUMBER that of the needle's line, from 0. A file may be
 * the memory of a machine that stands still, or anything else that can be
 * mapped; it is never written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEEDLE_MIN 8
#define NEEDLE_MAX 256
#define TABLE_BITS 20
#define TABLE_SIZE (1U << TABLE_BITS)
#define SIEVE_BITS 18		/* small enough for a processor's cache */
#define PAGE 4096

struct needle {
	int32_t next;		/* of those with the same hash; -1 ends them */
	uint32_t len;
	uint8_t bytes[NEEDLE_MAX];
};

static struct needle *needles;
static size_t num;
static int32_t *table;
static uint8_t sieve[1U << (SIEVE_BITS - 3)];

static uint32_t hash(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word * 0x9e3779b97f4a7c15ULL >> (64 - TABLE_BITS);
}

static void die(const char *what)
{
	fprintf(stderr, "search: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void add(const char *line)
{
	struct needle *n;
	unsigned int byte;
	uint32_t h;

	if (!(num & (num - 1))) {
		needles = realloc(needles, (num ? 2 * num : 1) * sizeof(*needles));
		if (!needles)
			die("memory");
	}
	n = &needles[num];
	for (n->len = 0; n->len < NEEDLE_MAX && sscanf(line + 2 * n->len, "%2x", &byte) == 1; )
		n->bytes[n->len++] = byte;
	if (n->len < NEEDLE_MIN) {
		fprintf(stderr, "search: needle %zu is too short\n", num);
		exit(2);
	}
	h = hash(n->bytes);
	sieve[h >> (TABLE_BITS - SIEVE_BITS + 3)] |= 1 << (h & 7);
	n->next = table[h];
	table[h] = num++;
}

static void read_needles(const char *path)
{
	char line[2 * NEEDLE_MAX + 2];
	FILE *file = fopen(path, "r");

	table = malloc(TABLE_SIZE * sizeof(*table));
	if (!file || !table)
		die(path);
	memset(table, 0xff, TABLE_SIZE * sizeof(*table));
	while (fgets(line, sizeof(line), file))
		add(line);
	fclose(file);
}

static void look(const uint8_t *start, size_t at, size_t len, const char *path)
{
	uint32_t h = hash(start + at);
	int32_t i;

	if (!(sieve[h >> (TABLE_BITS - SIEVE_BITS + 3)] & 1 << (h & 7)))
		return;
	for (i = table[h]; i >= 0; i = needles[i].next) {
		const struct needle *n = &needles[i];

		if (n->len <= len - at && !memcmp(n->bytes, start + at, n->len))
			printf("%d %zu %s\n", i, at, path);
	}
}

/* Most of a machine's memory is zeros, and no needle begins with eight. */
static bool is_empty(const uint8_t *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE - 1);
}

static void search(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const uint8_t *start;
	struct stat st;
	size_t at, len;

	if (fd < 0 || fstat(fd, &st))
		die(path);
	len = st.st_size;
	if (len >= NEEDLE_MIN) {
		start = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
		if (start == MAP_FAILED)
			die(path);
		for (at = 0; at + NEEDLE_MIN <= len; at++) {
			/* not quite to its end, where a needle may begin */
			if (at % PAGE == 0 && at + PAGE <= len && is_empty(start + at))
				at += PAGE - NEEDLE_MIN;
			look(start, at, len, path);
		}
		munmap((void *)start, len);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 3) {
		fprintf(stderr, "usage: search NEEDLES FILE...\n");
		return 2;
	}
	read_needles(argv[1]);
	for (i = 2; i < argc; i++)
		search(argv[i]);
	return 0;
}
