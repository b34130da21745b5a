/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is printed: text that a terminal cannot be steered with, and JSON
 * (RFC 8259). Identities and descriptions come from other people.
 */
#ifndef HELPER_MIKEYCTL_OUTPUT_H
#define HELPER_MIKEYCTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * output_text - print len bytes of UTF-8; whatever is none, controls, and the
 * marks that turn the direction of writing are shown as '?'
 */
void output_text(FILE *file, const char *text, size_t len);

/* output_duration - "6d 23:59:12", "04:10", "-" for what is over */
void output_duration(FILE *file, int64_t seconds);

/* output_time - "2024-05-01T12:00:00Z" */
void output_time(FILE *file, int64_t seconds);

/* Jansson, with which others read JSON, has functions of some of these names. */
#define json_object mikeyctl_json_object
#define json_array mikeyctl_json_array
#define json_string mikeyctl_json_string

/*
 * A JSON value being written. Names are NULL in arrays and for the outermost
 * value; the end of that one ends the line.
 */
struct json {
	FILE *file;
	unsigned int depth;
	bool some;		/* the innermost object or array has a value */
	bool line;		/* all in one line */
};

void json_object(struct json *json, const char *name);
void json_object_end(struct json *json);
void json_array(struct json *json, const char *name);
void json_array_end(struct json *json);
void json_text(struct json *json, const char *name, const char *text, size_t len);
void json_string(struct json *json, const char *name, const char *text);	/* NULL: null */
void json_number(struct json *json, const char *name, int64_t number);
void json_count(struct json *json, const char *name, uint64_t number);
void json_bool(struct json *json, const char *name, bool value);

#endif
