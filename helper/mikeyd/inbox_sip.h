/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From SIP and MIME to what an inbox keeps. */
#ifndef HELPER_MIKEYD_INBOX_SIP_H
#define HELPER_MIKEYD_INBOX_SIP_H

#include "helper/lib/libre.h"
#include "helper/lib/mime.h"
#include "helper/mikeyd/inbox_message.h"

/*
 * inbox_message_opened - a message that was protected
 * @original: whom its sender, if that is a list server, names
 * @headers: its Content-* lines
 *
 * Copies everything. inbox_message_wipe() the message. -ENOMEM.
 */
int inbox_message_opened(struct inbox_message *message, const struct sip_msg *msg,
			 const struct mime_opened *opened, const struct sender *original,
			 const struct ticket_mac *mac, const char *headers,
			 const struct pl *body);

/* inbox_message_plain - one that was not */
int inbox_message_plain(struct inbox_message *message, const struct sip_msg *msg);

#endif
