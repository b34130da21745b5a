/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tickets that a responder keeps, so that the KMS need not be asked again for
 * the next message that comes with the same TICKET (RFC 6043 5.3, 6.10).
 */
#ifndef MIKEY_TICKET_KEPT_H
#define MIKEY_TICKET_KEPT_H

#include "exchange.h"
#include "ticket.h"

struct genl_info;

/*
 * One more kept ticket of a user, if there can be. A sender can make as many
 * tickets as he likes, each to be kept until its end, and would otherwise use
 * up the recipient's quota of keys; what is too much is good for one message.
 */
bool mikey_kept_count(kuid_t uid);

/* One less. Any context. */
void mikey_kept_uncount(kuid_t uid);

/* Who asks the KMS: a kept ticket serves nobody else. */
int mikey_kept_asker(key_serial_t psk, struct mikey_blob identity,
		     struct mikey_blob kms, u8 asker[32]);

/**
 * mikey_kept_find() - the kept ticket of a received message
 * @info: KEYRING says where to look
 * @ex: profile, suite, asker and psk_digest are set
 * @m: TRANSFER_INIT, which passed all checks that need no key
 *
 * Return: the ticket with a reference on its key, and @m verifies under it;
 * NULL where the KMS must be asked; ERR_PTR: KEYRING is at fault, or
 * -EKEYREJECTED, the message does not verify.
 */
struct mikey_ticket *mikey_kept_find(struct genl_info *info,
				     const struct mikey_exchange *ex,
				     const struct mikey_msg *m,
				     struct mikey_why *why);

#endif
