/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running a command inside the test, with its input and its output. */
#ifndef TESTS_UNIT_MIKEYCTL_SUPPORT_H
#define TESTS_UNIT_MIKEYCTL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* after those it needs */
#include <cmocka.h>

#include "helper/mikeyctl/command.h"

struct outcome {
	int code;
	char out[8192], err[8192];
};

/*
 * run - run a command with arguments, the last of which is NULL
 * @input: standard input, a file descriptor that is closed, or -1 for none
 */
void run(struct outcome *outcome, const struct command *command, int input, ...);

/* run_vector - the same, with the arguments in memory of the caller's */
void run_vector(struct outcome *outcome, const struct command *command, int input,
		int argc, char **argv);

/* input_of - a pipe that gives these bytes */
int input_of(const void *data, size_t len);

static inline void assert_says(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("no \"%s\" in \"%s\"", words, text);
}

#endif
