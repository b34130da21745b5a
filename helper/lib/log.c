// SPDX-License-Identifier: GPL-2.0-or-later
/* Log lines on standard error. */
#include "helper/lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void log_line(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level > log_limit)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "%s%s\n", level_prefixes[level], line);
	else
		fprintf(stderr, "%s: %s%s\n", log_program,
			level == LOG_LEVEL_ERROR ? "error: " :
			level == LOG_LEVEL_WARNING ? "warning: " : "", line);
}
