/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Ticket Request exchange (RFC 6043 4.2.1): REQUEST and GRANT.
 */
#ifndef MIKEY_TICKET_REQUEST_H
#define MIKEY_TICKET_REQUEST_H

#include "exchange.h"
#include "ticket.h"
#include "wish.h"

struct sk_buff;
struct genl_info;

/**
 * mikey_request_begin() - keys of the exchange, and REQUEST_INIT
 * @ex: profile and suite are set; keys and initial message are filled in
 * @psk: prepared
 */
int mikey_request_begin(struct mikey_exchange *ex, const struct mikey_wish *w,
			const struct mikey_hmac *psk, struct mikey_why *why);

/**
 * mikey_request_finish() - check a REQUEST_RESP and make its ticket
 * @now: Unix time
 *
 * Return: the ticket, which nobody knows yet, or ERR_PTR.
 */
struct mikey_ticket *mikey_request_finish(const struct mikey_exchange *ex,
					  struct mikey_blob msg, s64 now,
					  struct mikey_why *why);

int mikey_request_doit(struct sk_buff *skb, struct genl_info *info);
int mikey_grant_doit(struct sk_buff *skb, struct genl_info *info);

#endif
