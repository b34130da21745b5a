/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who sent a message to a list server, as the list server says inside of what it
 * protects: there TRANSFER_INIT names the list server itself, and From is
 * nobody's word.
 */
#ifndef HELPER_MIKEYD_SENDER_H
#define HELPER_MIKEYD_SENDER_H

#include <stdbool.h>

#include "helper/lib/bytes.h"
#include "helper/lib/uid.h"

/* The first header of such an entity; in any other place it says nothing. */
#define SENDER_HEADER "Content-Mikey-Sender"

struct sender {
	struct uid uid;
	uint32_t proved;	/* to the list server; enum mikey_mime_proved */
};

/* sender_write - an entity with the header in front; -ENOMEM */
int sender_write(struct bytes *out, const struct sender *sender, const struct bytes *entity);

/* sender_read - is it there, and well-formed? */
bool sender_read(struct sender *sender, const struct bytes *entity);

#endif
