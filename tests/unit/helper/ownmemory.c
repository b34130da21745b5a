// SPDX-License-Identifier: GPL-2.0-or-later
/* Words in the memory of this process. */
#include "tests/unit/helper/ownmemory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MASK 0x80

struct word word_new(void)
{
	struct word word;

	if (getrandom(word.masked, sizeof(word.masked), 0) != sizeof(word.masked))
		abort();
	for (int i = 0; i < WORD_SIZE; i++)
		word.masked[i] = ('a' + word.masked[i] % 26) ^ MASK;
	return word;
}

void word_fill(const struct word *word, void *to, size_t len)
{
	volatile uint8_t *bytes = to;

	/* one by one, so that nothing of it is put on the stack */
	for (size_t i = 0; i < len; i++)
		bytes[i] = word->masked[i % WORD_SIZE] ^ MASK;
}

static bool is_at(const struct word *word, const volatile uint8_t *at)
{
	for (int i = 0; i < WORD_SIZE; i++)
		if (at[i] != (word->masked[i] ^ MASK))
			return false;
	return true;
}

static unsigned int count_between(const struct word *word, const uint8_t *at, const uint8_t *end)
{
	unsigned int count = 0;

	while (end - at >= WORD_SIZE) {
		at = memchr(at, word->masked[0] ^ MASK, end - at - WORD_SIZE + 1);
		if (!at)
			break;
		count += is_at(word, at++);
	}
	return count;
}

unsigned int word_count(const struct word *word)
{
	static char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	unsigned int count = 0;
	char rights[5];

	if (!maps)
		abort();
	while (fgets(line, sizeof(line), maps))
		/* the kernel's own pages are not all to be read */
		if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) == 3 && *rights == 'r' &&
		    !strstr(line, "[v"))
			count += count_between(word, (const uint8_t *)start,
					       (const uint8_t *)end);
	fclose(maps);
	return count;
}
