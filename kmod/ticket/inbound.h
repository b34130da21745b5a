/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A received TRANSFER_INIT (RFC 6043 4.2.2.2).
 */
#ifndef MIKEY_TICKET_INBOUND_H
#define MIKEY_TICKET_INBOUND_H

#include "hmac.h"
#include "refusal.h"
#include "ticket.h"

/**
 * mikey_inbound_check() - all that can be told without a key
 * @m: parsed
 * @now: Unix time
 *
 * Return: 0; -EACCES for the ticket's policy and validity, -EKEYREJECTED for
 * T and identities, -EPROTONOSUPPORT for a form not known here, -EBADMSG.
 */
int mikey_inbound_check(const struct mikey_msg *m,
			const struct mikey_profile *profile,
			const struct mikey_suite *suite, s64 now,
			struct mikey_why *why);

/* Of that, what passes with time. Return: 0, -EACCES, -EKEYREJECTED. */
int mikey_inbound_times(const struct mikey_msg *m, s64 now,
			struct mikey_why *why);

/* V with MPKi, and the crypto session's SPI is the traffic key's. */
int mikey_inbound_verify(const struct mikey_msg *m,
			 const struct mikey_suite *suite,
			 const struct mikey_hmac *mpk_i, struct mikey_blob spi,
			 struct mikey_why *why);

#endif
