/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From an accepted answer to a ticket key: what GRANT and ADMIT share, and
 * MINT in part.
 */
#ifndef MIKEY_TICKET_GRANT_H
#define MIKEY_TICKET_GRANT_H

#include "exchange.h"
#include "ticket.h"

struct genl_info;
struct sk_buff;

/**
 * struct mikey_grant_ops - one exchange's part
 * @finish: checks the answer and makes the ticket
 */
struct mikey_grant_ops {
	bool resolve;
	struct mikey_ticket *(*finish)(const struct mikey_exchange *ex,
				       struct mikey_blob msg, s64 now,
				       struct mikey_why *why);
	enum mikey_ticket_stat stat;
};

/* The command from its attributes to its reply. */
int mikey_grant(struct sk_buff *skb, struct genl_info *info,
		const struct mikey_grant_ops *ops);

/* KEYRING or its default. Return: with a reference, or ERR_PTR. */
struct key *mikey_grant_ring(struct genl_info *info, struct mikey_why *why);

/* Make @t a key in @ring and reply with it; @t is gone after an error. */
int mikey_grant_link(struct genl_info *info, struct mikey_ticket *t,
		     struct key *ring, struct mikey_why *why);

/**
 * mikey_grant_check() - is this a ticket that we can use?
 *
 * Flags, type, suite, identities and size, whoever made it (RFC 6043 6.10).
 * Return: 0, -EACCES, -EPROTONOSUPPORT for a type or suite not known.
 */
int mikey_grant_check(const struct mikey_policy *p,
		      const struct mikey_profile *profile,
		      const struct mikey_suite *suite, struct mikey_why *why);

#endif
