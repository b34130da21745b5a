// SPDX-License-Identifier: GPL-2.0-or-later
/* Heads, line by line. */
#include "helper/mikeyd/mimehead.h"

#include <errno.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool head_next(const char **at, const char *end, struct head_line *line)
{
	const char *start = *at, *stop;
	size_t len, name;

	do {
		stop = memchr(*at, '\n', end - *at);
		if (!stop)
			return false;
		*at = stop + 1;
	} while (*at < end && is_blank(**at) && stop > start + 1);
	len = stop - start;
	if (len && start[len - 1] == '\r')
		len--;
	for (name = 0; name < len && start[name] != ':'; name++)
		;
	line->rest.p = start + name;
	line->rest.l = len - name;
	while (line->rest.l && name && is_blank(start[name - 1]))
		name--;
	line->name.p = start;
	line->name.l = name;
	return true;
}

bool head_is_end(const struct head_line *line)
{
	return !line->name.l && !line->rest.l;
}

bool head_is(const struct head_line *line, const char *name)
{
	return !pl_strcasecmp(&line->name, name);
}

/* Folds become the blanks that follow them. */
static int unfold(const struct pl *rest, char *value, size_t size)
{
	const char *from = rest->p + 1, *end = rest->p + rest->l;
	size_t len = 0;

	while (from < end && is_blank(*from))
		from++;
	for (; from < end; from++) {
		unsigned char c = *from;

		if (c == '\n' || (c == '\r' && end - from > 1 && from[1] == '\n'))
			continue;
		if ((c < 0x20 && c != '\t') || c == 0x7f || len == size - 1)
			return -EBADMSG;
		value[len++] = c;
	}
	while (len && is_blank(value[len - 1]))
		len--;
	value[len] = '\0';
	return 0;
}

int head_value(const struct pl *head, const char *name, char *value, size_t size)
{
	const char *at = head->p, *end = head->p + head->l;
	struct head_line line;
	int err = -ENOENT;

	while (head_next(&at, end, &line)) {
		if (!head_is(&line, name))
			continue;
		if (err != -ENOENT || !line.rest.l)
			return -EBADMSG;
		err = unfold(&line.rest, value, size);
		if (err)
			return err;
	}
	return err;
}
