/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recipes that reached something new, and the files that they come from and
 * go to.
 */
#ifndef MIKEY_FUZZ_CORPUS_H
#define MIKEY_FUZZ_CORPUS_H

#include "recipe.h"

#define CORPUS_MAX 16384

struct corpus {
	u32 num;
	struct recipe r[CORPUS_MAX];
};

void corpus_add(struct corpus *c, const struct recipe *r);

/* All files of a folder, the shortest first. Return: how many, or -1. */
int corpus_load(struct corpus *c, const char *dir);

/* One file. Return: could it be read? */
bool corpus_read(struct recipe *r, const char *path);

/* DIR/PREFIX and a name made of the contents. Return: was it written? */
bool corpus_save(const struct recipe *r, const char *dir, const char *prefix);

/* The honest recipes of every step and kind with a choice of options */
void corpus_honest(struct corpus *c);

#endif
