// SPDX-License-Identifier: GPL-2.0-or-later
/* What is to be known of a received message. */
#include "helper/mikeyd/inbox_message.h"

#include "helper/mikeyd/mimehead.h"

void inbox_message_type(char type[INBOX_TYPE_MAX + 1], const struct inbox_message *message)
{
	const struct pl head = {
		.p = (const char *)message->headers.data,
		.l = message->headers.len,
	};

	if (!head.l || head_value(&head, "Content-Type", type, INBOX_TYPE_MAX + 1))
		type[0] = '\0';
}

size_t inbox_message_size(const struct inbox_message *message)
{
	return message->headers.len + message->body.len;
}

void inbox_message_wipe(struct inbox_message *message)
{
	bytes_wipe(&message->headers);
	bytes_wipe(&message->body);
}
