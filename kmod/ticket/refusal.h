/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why something was refused, in words.
 */
#ifndef MIKEY_TICKET_REFUSAL_H
#define MIKEY_TICKET_REFUSAL_H

#include <linux/types.h>

#include "../../uapi/mikey_ticket.h"
#include "../wire/wire.h"

struct genl_info;
struct netlink_ext_ack;
struct nlattr;

/**
 * struct mikey_why - a refusal on its way to whoever asked
 * @words: constant text, or NULL where the error number says it all
 * @stat: the counter, or MIKEY_TICKET_S_UNSPEC for a slip of the caller's
 *	own that no operator needs to hear about
 * @attr: attribute at fault, or MIKEY_TICKET_A_UNSPEC
 */
struct mikey_why {
	const char *words;
	enum mikey_ticket_stat stat;
	enum mikey_ticket_attr attr;
};

/* Fill in @why; returns @err, so that a check is one line. */
int mikey_refuse(struct mikey_why *why, int err, enum mikey_ticket_stat stat,
		 enum mikey_ticket_attr attr, const char *words);

/* An error of the wire code: malformed, or a form not known here. */
int mikey_refuse_diag(struct mikey_why *why, int err, enum mikey_ticket_attr attr,
		      const struct mikey_diag *d);

/**
 * mikey_answer_refusal() - tell the caller, and the operator where it matters
 * @err: what the command returns; 0 does nothing
 *
 * Extended ack, and for a refusal with a counter also that counter, the
 * tracepoint and the multicast group. Return: @err.
 */
int mikey_answer_refusal(struct genl_info *info, const struct mikey_why *why,
			 int err);

/* Words alone, for the calls that another module makes. */
int mikey_say(struct netlink_ext_ack *extack, int err, const char *words);

#endif
