// SPDX-License-Identifier: GPL-2.0-or-later
/* The sender that a list server names. */
#include "helper/mikeyd/sender.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "helper/lib/mime.h"

#define BEGIN SENDER_HEADER ": <"
#define MIDDLE ">; proved="

int sender_write(struct bytes *out, const struct sender *sender, const struct bytes *entity)
{
	char escaped[UID_ESCAPED_MAX], line[sizeof(BEGIN MIDDLE) + UID_ESCAPED_MAX + 32];
	size_t len;

	uid_escape(escaped, &sender->uid);
	len = snprintf(line, sizeof(line), BEGIN "%s" MIDDLE "%s\r\n", escaped,
		       mime_proved_name(sender->proved));
	if (bytes_alloc(out, len + entity->len))
		return -ENOMEM;
	memcpy(out->data, line, len);
	memcpy(out->data + len, entity->data, entity->len);
	return 0;
}

static bool skip(const char **at, const char *end, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(end - *at) < len || memcmp(*at, text, len))
		return false;
	*at += len;
	return true;
}

/* The name in front of a line's end. */
static uint32_t read_proved(const char **at, const char *end)
{
	for (uint32_t proved = MIKEY_PROVED_RECIPIENT; proved <= MIKEY_PROVED_BODY; proved++) {
		const char *name = mime_proved_name(proved), *behind = *at;

		if (!skip(&behind, end, name) || !skip(&behind, end, "\r\n"))
			continue;
		*at = behind;
		return proved;
	}
	return 0;
}

bool sender_read(struct sender *sender, const struct bytes *entity)
{
	const char *at = (const char *)entity->data, *end = at + entity->len, *stop;
	char uri[UID_ESCAPED_MAX + 4] = "sip:";

	if (!skip(&at, end, BEGIN))
		return false;
	stop = memchr(at, '>', end - at);
	if (!stop || (size_t)(stop - at) >= UID_ESCAPED_MAX)
		return false;
	memcpy(uri + 4, at, stop - at);
	if (uid_from_uri(&sender->uid, uri, 4 + (stop - at)) || !uid_is_own(&sender->uid))
		return false;
	at = stop;
	if (!skip(&at, end, MIDDLE))
		return false;
	sender->proved = read_proved(&at, end);
	return sender->proved;
}
