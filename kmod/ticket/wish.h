/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ticket that a caller wishes for, from a KMS or made here.
 */
#ifndef MIKEY_TICKET_WISH_H
#define MIKEY_TICKET_WISH_H

#include "../wire/builder.h"
#include "../wire/profile.h"
#include "refusal.h"

struct genl_info;

/**
 * struct mikey_wish - a desired Ticket Policy and what goes out with it
 * @until: TRe, and @from: TRs, in Unix seconds
 * @cacheable: E0
 * @rekey: TRr in seconds, 0 for none
 * @thdr: THDR of a ticket made here
 * @t: of REQUEST_INIT, or of the Ticket Data
 * @csb_id: and @rand (suite->rand_len bytes): random
 */
struct mikey_wish {
	const struct mikey_profile *profile;
	const struct mikey_suite *suite;
	struct mikey_blob psk_id;
	struct mikey_blob kms;
	struct mikey_blob initiator;
	const struct mikey_blob *responders;
	u32 num_responders;
	s64 from;
	s64 until;
	bool reusable;
	bool cacheable;
	u32 rekey;
	struct mikey_blob thdr;
	s64 t;
	u32 csb_id;
	u8 rand[MIKEY_KEY_MAX];
};

/**
 * mikey_wish_begin() - from the attributes that REQUEST and MINT share
 *
 * Return: 0, to be followed by mikey_wish_end(); -EINVAL, -EPROTONOSUPPORT,
 * -ENOMEM.
 */
int mikey_wish_begin(struct mikey_wish *w, struct genl_info *info,
		     struct mikey_why *why);
void mikey_wish_end(struct mikey_wish *w);

/**
 * mikey_wish_put_policy() - the policy of a TP or TICKET, to its end
 * @payload: MIKEY_PL_TP asks the KMS for it; MIKEY_PL_TICKET is one made here
 */
void mikey_wish_put_policy(const struct mikey_wish *w, struct mikey_builder *b,
			   enum mikey_payload payload);

/* Upper bound of a message with the policy and @more bytes of other things. */
u32 mikey_wish_room(const struct mikey_wish *w, u32 more);

#endif
