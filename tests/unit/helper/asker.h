/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Somebody who asks at one of mikeyd's UNIX sockets, a line of JSON at a time.
 * Asserts by itself.
 */
#ifndef TESTS_UNIT_HELPER_ASKER_H
#define TESTS_UNIT_HELPER_ASKER_H

#include <jansson.h>
#include <stdbool.h>

/* A connection to the socket at @path. */
int asker_at(const char *path);

/* Send a line without waiting. */
void asker_says(int fd, const char *request);

/* The next line, which is all that came; NULL if none does, or it was closed. */
json_t *asker_hears(int fd);

/* The answer to a line. */
json_t *asker_asks(int fd, const char *request);

/* Nothing comes for a moment, and the connection is there. */
bool asker_is_quiet(int fd);

/* The request is refused with the error of that name. */
void asker_fails_with(int fd, const char *request, const char *error);

/* A member of the answer's "message". */
const char *message_text(json_t *answer, const char *key);
json_int_t message_number(json_t *answer, const char *key);

#endif
