/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the keys of this user take of his quota. A key that somebody forgot to
 * put is found nowhere else: kmemleak sees that the table of all keys still
 * knows it.
 */
#ifndef MIKEY_TEST_QUOTA_H
#define MIKEY_TEST_QUOTA_H

#include <stdbool.h>

struct quota {
	int keys;
	int bytes;
};

/*
 * Become a user that nobody was before, so that former tests' keys, which the
 * collector may yet have to fetch, count in another's quota. Needs root. Return:
 * false if it cannot be.
 */
bool quota_of_own(void);

/* As soon as it rests: former tests' keys may still be on their way out. */
bool quota_read(struct quota *q);

/*
 * Wait at most @ms for it to be @before again: dead keys are collected a little
 * later, and of some links to them the bytes stay charged (where there was no
 * memory to unlink them). Says how much is missing if not.
 */
bool quota_back(const struct quota *before, int ms);

#endif
