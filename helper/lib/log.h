/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines on standard error, one each; with the priority prefix of
 * sd-daemon(3) where standard error is the journal.
 *
 * A log line never carries a key, the content of a message, or bytes that could
 * start another line or field: what others chose is escaped.
 */
#ifndef HELPER_LIB_LOG_H
#define HELPER_LIB_LOG_H

#include <stddef.h>
#include <string.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Longest line, and the most of one value that is shown; "..." stands for the rest. */
#define LOG_LINE_MAX 2048
#define LOG_VALUE_MAX 512

/* log_setup - the program's name in front of lines, and the most to tell */
void log_setup(const char *program, enum log_level level);

/* log_level_parse - "error", "warning", "info", "debug", else -1 */
int log_level_parse(const char *text);

/* ---- words; control characters are written as '?' */

__attribute__((format(printf, 2, 3)))
void log_line(enum log_level level, const char *format, ...);

#define log_error(...)		log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...)	log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)		log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)		log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* ---- events: a name and fields, "name key=value key="some words"" */

/*
 * A field. A text that has nothing but letters, digits and signs without a meaning of
 * their own stands as it is; others stand between quotation marks, in which \" and \\
 * are those two and \xHH is any byte that is no printable ASCII.
 */
struct log_field {
	const char *key;	/* "": it is left out; NULL: there are no more */
	const char *text;	/* NULL: the number */
	size_t len;
	long long number;
};

static inline struct log_field log_bytes(const char *key, const char *text, size_t len)
{
	return (struct log_field){ .key = key, .text = text ? text : "", .len = len };
}

static inline struct log_field log_text(const char *key, const char *text)
{
	return log_bytes(key, text, text ? strlen(text) : 0);
}

static inline struct log_field log_number(const char *key, long long number)
{
	return (struct log_field){ .key = key, .number = number };
}

/* log_is_on - is this told? Before work is done for nothing. */
int log_is_on(enum log_level level);

/* log_none - no field */
static inline struct log_field log_none(void)
{
	return (struct log_field){ .key = "" };
}

/* log_fields - an event; what does not fit in a line is left out, and "cut=1" is last */
void log_fields(enum log_level level, const char *event, const struct log_field *fields);

#define log_event(level, event, ...) \
	log_fields(LOG_LEVEL_##level, event, (const struct log_field[]){ __VA_ARGS__, { 0 } })

#endif
