/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words that are looked for in all memory of this process. A word itself is only
 * where a test has put it: here it is known by a mask.
 */
#ifndef TESTS_UNIT_HELPER_OWNMEMORY_H
#define TESTS_UNIT_HELPER_OWNMEMORY_H

#include <stddef.h>
#include <stdint.h>

#define WORD_SIZE 16

struct word {
	uint8_t masked[WORD_SIZE];
};

/* word_new - one of letters that there is nowhere yet */
struct word word_new(void);

/* word_fill - write it again and again; len bytes */
void word_fill(const struct word *word, void *to, size_t len);

/* word_count - how often it is in memory */
unsigned int word_count(const struct word *word);

#endif
