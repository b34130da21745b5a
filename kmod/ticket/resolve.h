/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Ticket Resolve exchange (RFC 6043 4.2.3): RESOLVE and ADMIT.
 */
#ifndef MIKEY_TICKET_RESOLVE_H
#define MIKEY_TICKET_RESOLVE_H

#include "exchange.h"
#include "ticket.h"

struct sk_buff;
struct genl_info;

struct mikey_names {
	const struct mikey_blob *uid;
	u32 num;
};

/**
 * struct mikey_inquiry - what a RESOLVE_INIT asks, and for whom
 * @identity: IDRr; with @groups, all whom a ticket can be for to be the user's
 * @services: by which a message may have come, beside those
 * @csb_id: and @rand (suite->rand_len bytes): random
 */
struct mikey_inquiry {
	const struct mikey_suite *suite;
	struct mikey_blob psk_id;
	struct mikey_blob kms;
	struct mikey_blob identity;
	struct mikey_names groups;
	struct mikey_names services;
	struct mikey_blob transfer;
	s64 t;
	u32 csb_id;
	u8 rand[MIKEY_KEY_MAX];
};

/**
 * mikey_resolve_read() - all checks of a TRANSFER_INIT that need no key
 * @ex: suite and resolve are set; profile and transfer are filled in
 * @now: Unix time
 * @m: filled in with TRANSFER_INIT, as it lies in @ex
 */
int mikey_resolve_read(struct mikey_exchange *ex, const struct mikey_inquiry *q,
		       s64 now, struct mikey_msg *m, struct mikey_why *why);

/**
 * mikey_resolve_begin() - keys of the exchange, RESOLVE_INIT
 * @ex: keys and initial message are filled in
 * @m: from mikey_resolve_read()
 */
int mikey_resolve_begin(struct mikey_exchange *ex, const struct mikey_inquiry *q,
			const struct mikey_hmac *psk, const struct mikey_msg *m,
			struct mikey_why *why);

/* Check a RESOLVE_RESP and with it TRANSFER_INIT; make the ticket. */
struct mikey_ticket *mikey_resolve_finish(const struct mikey_exchange *ex,
					  struct mikey_blob msg, s64 now,
					  struct mikey_why *why);

int mikey_resolve_doit(struct sk_buff *skb, struct genl_info *info);
int mikey_admit_doit(struct sk_buff *skb, struct genl_info *info);

#endif
