/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the modules a thread reached: KCOV, in which only they are
 * instrumented (Kbuild, KCOV_INSTRUMENT).
 */
#ifndef MIKEY_FUZZ_COVER_H
#define MIKEY_FUZZ_COVER_H

#include <stdbool.h>

#include "kmod/wire/wire.h"

#define COVER_BITS (1 << 19)

/**
 * struct cover - all that was reached so far
 * @edges: from one block to the next; @blocks: alone
 */
struct cover {
	u32 num_edges;
	u32 num_blocks;
	u8 edges[COVER_BITS / 8];
	u8 blocks[COVER_BITS / 8];
};

/* For this thread. Return: 0 or a negative errno (-ENOENT: no KCOV). */
int cover_open(void);
void cover_start(void);

/* How many edges (@blocks: blocks) since cover_start() are new in @c */
u32 cover_add(struct cover *c, bool blocks);

#endif
