/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a received message is shown. */
#ifndef HELPER_MIKEYCTL_LETTER_H
#define HELPER_MIKEYCTL_LETTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/problem.h"

enum letter_form {
	LETTER_TEXT,		/* for people: nothing in it can steer a terminal */
	LETTER_JSON,		/* an object in one line */
	LETTER_BODY,		/* the bytes of the body and nothing else */
};

/*
 * letter_print - print a message and flush it
 *
 * -EIO: it could not be written, so that nobody has it. -EPERM: a body for a
 * terminal.
 */
int letter_print(const json_t *message, enum letter_form form, struct problem *problem);

/* letter_print_head - all but the body, in one line */
void letter_print_head(const json_t *message);

int64_t letter_id(const json_t *message);

#endif
