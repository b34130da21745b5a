/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What went wrong, as a number for the program and in words for the user.
 * Every function of this library that can fail fills one of these.
 */
#ifndef HELPER_LIB_PROBLEM_H
#define HELPER_LIB_PROBLEM_H

#include <stdbool.h>

struct problem {
	int error;		/* negative errno */
	bool kernel;		/* the words are the kernel's extended ack */
	unsigned int retry_after;	/* seconds that somebody asked us to wait, or 0 */
	char words[320];
};

/*
 * problem_set - remember error (a negative errno) and its words
 *
 * Returns error, so that callers can end with `return problem_set(...)`.
 */
__attribute__((format(printf, 3, 4)))
int problem_set(struct problem *problem, int error, const char *format, ...);

/*
 * problem_prefix - put words in front of the words there are
 *
 * Returns the error number that is there.
 */
__attribute__((format(printf, 2, 3)))
int problem_prefix(struct problem *problem, const char *format, ...);

#endif
