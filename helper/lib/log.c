// SPDX-License-Identifier: GPL-2.0-or-later
/* Log lines on standard error. */
#include "helper/lib/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const char * const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* syslog(3) priorities, as the journal wants them in front of a line */
static const char * const level_prefixes[] = {
	[LOG_LEVEL_ERROR] = "<3>",
	[LOG_LEVEL_WARNING] = "<4>",
	[LOG_LEVEL_INFO] = "<6>",
	[LOG_LEVEL_DEBUG] = "<7>",
};

static const char *log_program = "mikey";
static enum log_level log_limit = LOG_LEVEL_INFO;

void log_setup(const char *program, enum log_level level)
{
	log_program = program;
	log_limit = level;
}

int log_level_parse(const char *text)
{
	for (unsigned int i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (!strcmp(text, level_names[i]))
			return i;
	return -1;
}

int log_is_on(enum log_level level)
{
	return level <= log_limit;
}

static void write_line(enum log_level level, const char *line)
{
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "%s%s\n", level_prefixes[level], line);
	else
		fprintf(stderr, "%s: %s%s\n", log_program,
			level == LOG_LEVEL_ERROR ? "error: " :
			level == LOG_LEVEL_WARNING ? "warning: " : "", line);
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (!log_is_on(level))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	write_line(level, line);
}

/* ---- events */

struct line {
	char text[LOG_LINE_MAX];
	size_t len;
};

/* Room for a field that says that some are missing, and the zero byte. */
#define CUT " cut=1"
#define ROOM (LOG_LINE_MAX - sizeof(CUT))

/* False: it does not fit. */
static bool put(struct line *line, const char *text, size_t len)
{
	if (len > ROOM - line->len)
		return false;
	memcpy(line->text + line->len, text, len);
	line->len += len;
	return true;
}

static bool is_plain(unsigned char c)
{
	return c > 0x20 && c < 0x7f && !strchr("\"\\='`", c);
}

static bool is_word(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_plain(text[i]))
			return false;
	return len;
}

static bool put_escaped(struct line *line, const char *text, size_t len)
{
	char hex[8];

	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c == '"' || c == '\\')
			snprintf(hex, sizeof(hex), "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			snprintf(hex, sizeof(hex), "\\x%02x", c);
		else
			snprintf(hex, sizeof(hex), "%c", c);
		if (!put(line, hex, strlen(hex)))
			return false;
	}
	return true;
}

static bool put_value(struct line *line, const struct log_field *field)
{
	size_t shown = field->len < LOG_VALUE_MAX ? field->len : LOG_VALUE_MAX;
	char number[24];

	if (!field->text) {
		snprintf(number, sizeof(number), "%lld", field->number);
		return put(line, number, strlen(number));
	}
	if (shown == field->len && is_word(field->text, shown))
		return put(line, field->text, shown);
	return put(line, "\"", 1) && put_escaped(line, field->text, shown) &&
		(shown == field->len || put(line, "...", 3)) && put(line, "\"", 1);
}

static bool put_field(struct line *line, const struct log_field *field)
{
	size_t before = line->len;

	if (put(line, " ", 1) && put(line, field->key, strlen(field->key)) &&
	    put(line, "=", 1) && put_value(line, field))
		return true;
	line->len = before;
	return false;
}

void log_fields(enum log_level level, const char *event, const struct log_field *fields)
{
	struct line line = { .len = 0 };
	bool all = true;

	if (!log_is_on(level))
		return;
	put(&line, event, strlen(event));
	for (; fields->key; fields++)
		if (*fields->key && !put_field(&line, fields))
			all = false;
	strcpy(line.text + line.len, all ? "" : CUT);
	write_line(level, line.text);
}
