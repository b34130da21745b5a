// SPDX-License-Identifier: GPL-2.0-or-later
/* Binding and running. */
#include "helper/mikeyd/sql.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

int sql_run(sqlite3_stmt *statement, const char *format, ...)
{
	int status = SQLITE_OK, at = 0;
	va_list args;

	sqlite3_reset(statement);
	va_start(args, format);
	for (; *format && status == SQLITE_OK; format++) {
		const void *data;
		size_t len;

		if (*format == 'i') {
			status = sqlite3_bind_int64(statement, ++at, va_arg(args, int64_t));
			continue;
		}
		data = va_arg(args, const void *);
		len = va_arg(args, size_t);
		status = *format == 't' ?
			sqlite3_bind_text64(statement, ++at, data, len, SQLITE_STATIC,
					    SQLITE_UTF8) :
			sqlite3_bind_blob64(statement, ++at, data, len, SQLITE_STATIC);
	}
	va_end(args);
	if (status == SQLITE_OK)
		status = sqlite3_step(statement);
	if (status != SQLITE_ROW)
		sqlite3_reset(statement);
	return status;
}

void sql_done(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}
