/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running the program itself in a folder of the test's own, where its output
 * is written to "out" and "err".
 */
#ifndef TESTS_UNIT_KMS_RUN_H
#define TESTS_UNIT_KMS_RUN_H

#include <sys/types.h>

#include "tests/unit/kms/place.h"

#define OUTPUT_MAX 16384

/* What the last command said and how it ended. */
struct outcome {
	int status;
	char out[OUTPUT_MAX];
	char err[OUTPUT_MAX];
};

extern struct outcome outcome;

/* A folder with a configuration, "conf", and the store and key it names. */
int program_setup(void **state);

/* Words of a command line, split at blanks; its standard input is @in. */
pid_t program_begin(const struct place *p, const char *line, const char *in);

/* Wait for its end; fills in the outcome. */
void program_end(const struct place *p, pid_t pid);

void program_run(const struct place *p, const char *line);

/* Run, and compare the status; both outputs contain what they are to say. */
void assert_run(const struct place *p, const char *line, int status,
		const char *out, const char *err);

/* A user of the house with a key of the test's own: 32 times @byte. */
void program_add_user(struct place *p, struct mem_user *user, u8 byte);

/* Start to serve at a free port, and wait until it does. */
pid_t program_serve(const struct place *p, const char *config,
		    unsigned int *port);

/* Stop it in order; fills in the outcome. */
void program_stop(const struct place *p, pid_t pid);

/* A file of the folder as text, OUTPUT_MAX bytes. */
void program_file(const struct place *p, const char *name, char *text);

#endif
