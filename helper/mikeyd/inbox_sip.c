// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages for the inbox. */
#include "helper/mikeyd/inbox_sip.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "helper/mikeyd/entity.h"
#include "helper/mikeyd/sipmsg.h"

static int copy(struct bytes *to, const char *from, size_t len)
{
	if (bytes_alloc(to, len))
		return -ENOMEM;
	if (len)
		memcpy(to->data, from, len);
	return 0;
}

static int fill(struct inbox_message *message, const struct sip_msg *msg, const char *headers,
		const struct pl *body)
{
	message->received = time(NULL);
	if (!sipmsg_is_one(&msg->from.params) ||
	    uid_from_uri(&message->claimed, msg->from.auri.p, msg->from.auri.l))
		message->claimed.len = 0;
	if (!copy(&message->headers, headers, strlen(headers)) &&
	    !copy(&message->body, body->p, body->l))
		return 0;
	inbox_message_wipe(message);
	return -ENOMEM;
}

int inbox_message_opened(struct inbox_message *message, const struct sip_msg *msg,
			 const struct mime_opened *opened, const struct sender *original,
			 const struct ticket_mac *mac, const char *headers,
			 const struct pl *body)
{
	*message = (struct inbox_message){
		.sent = opened->sent,
		.sender = opened->initiator,
		.original = *original,
		.recipient = opened->recipient,
		.proved = opened->proved,
		.form = opened->form,
		.mac = *mac,
	};
	return fill(message, msg, headers, body);
}

int inbox_message_plain(struct inbox_message *message, const struct sip_msg *msg)
{
	const struct pl body = sipmsg_body(msg);
	char *headers;
	int err;

	memset(message, 0, sizeof(*message));
	if (entity_head(&headers, msg))
		return -ENOMEM;
	if (uid_from_uri(&message->recipient, msg->ruri.p, msg->ruri.l))
		message->recipient.len = 0;
	err = fill(message, msg, headers, &body);
	mem_deref(headers);
	return err;
}
