/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heads of MIME entities and SIP messages, line by line as they stand. Lines end
 * with CRLF; a lone LF is taken for one too, since that is what other
 * implementations of S/MIME may have protected.
 */
#ifndef HELPER_MIKEYD_MIMEHEAD_H
#define HELPER_MIKEYD_MIMEHEAD_H

#include "helper/lib/libre.h"

/* A header with its folded continuations, without the last line's end. */
struct head_line {
	struct pl name;		/* blanks before the colon left out */
	struct pl rest;		/* from the colon on; nothing if there is none */
};

/*
 * head_next - the next header
 * @at: where to read; moved behind what was read
 *
 * False when no whole line is left. The empty line, which ends a head, has
 * neither name nor rest.
 */
bool head_next(const char **at, const char *end, struct head_line *line);

bool head_is_end(const struct head_line *line);

/* head_is - is it that header? Compact names are only SIP's. */
bool head_is(const struct head_line *line, const char *name);

/*
 * head_value - the value of the only header of a name, in one line
 *
 * Returns -ENOENT if there is none; -EBADMSG if there are several, which two
 * parsers could read as two, or if it holds control characters or is too long.
 */
int head_value(const struct pl *head, const char *name, char *value, size_t size);

#endif
