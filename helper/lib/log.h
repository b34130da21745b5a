/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines on standard error, one each; with the priority prefix of
 * sd-daemon(3) where standard error is the journal.
 *
 * A log line never carries a key, the content of a message, or bytes that could
 * start another line: control characters are written as '?'.
 */
#ifndef HELPER_LIB_LOG_H
#define HELPER_LIB_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* log_setup - the program's name in front of lines, and the most to tell */
void log_setup(const char *program, enum log_level level);

/* log_level_parse - "error", "warning", "info", "debug", else -1 */
int log_level_parse(const char *text);

__attribute__((format(printf, 2, 3)))
void log_line(enum log_level level, const char *format, ...);

#define log_error(...)		log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...)	log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)		log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)		log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
