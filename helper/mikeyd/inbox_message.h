/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A received message that mikeyd itself takes for the user, who has no SIP client. */
#ifndef HELPER_MIKEYD_INBOX_MESSAGE_H
#define HELPER_MIKEYD_INBOX_MESSAGE_H

#include <stdint.h>

#include "helper/lib/bytes.h"
#include "helper/lib/ticket.h"
#include "helper/lib/uid.h"
#include "helper/mikeyd/sender.h"
#include "helper/mikeyd/txn.h"

/* Characters of a Content-Type that others are told; a longer one counts as none. */
#define INBOX_TYPE_MAX 1000

struct inbox_message {
	char txn[TXN_SIZE];		/* for the log; not kept */
	int64_t id;			/* the store gives it; 0 before */
	int64_t received, sent;		/* seconds since 1970; sent 0: not proved */
	struct uid sender;		/* whom the keys prove; empty: nobody */
	struct sender original;		/* whom the sender, a list server, names; or none */
	struct uid claimed;		/* what From says; empty: nothing readable */
	struct uid recipient;		/* the user's identity, or group, it was sent to */
	uint32_t proved, form;		/* as mime_unprotect() tells; 0: unprotected */
	struct ticket_mac mac;		/* what the record knows it by */
	struct bytes headers;		/* Content-* lines with their ends */
	struct bytes body;
};

/*
 * inbox_message_type - its Content-Type in one line without controls; "" if
 * there is none, or none that fits
 */
void inbox_message_type(char type[INBOX_TYPE_MAX + 1], const struct inbox_message *message);

/* inbox_message_size - bytes that count for the limits */
size_t inbox_message_size(const struct inbox_message *message);

void inbox_message_wipe(struct inbox_message *message);

#endif
