/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With whom messages are protected and with whom not: the rules of mikeyd.conf(5),
 * of which the first that fits a peer and speaks of the direction counts. Behind
 * the last one stand must-protect, and then outgoing and unprotected.
 */
#ifndef HELPER_LIB_RULES_H
#define HELPER_LIB_RULES_H

#include "helper/lib/config.h"
#include "helper/lib/setting.h"

struct policy_rule {
	struct uid *peers;		/* patterns */
	unsigned int n_peers;
	uint32_t send;			/* enum config_outgoing; 0: says nothing of it */
	uint32_t receive;		/* enum config_unprotected; 0: says nothing of it */
};

/* take_rules - the setting "rules"; a rule that an earlier one leaves nothing is a fault */
take_h take_rules;

void rules_free(struct policy_rule *rules, unsigned int count);

/*
 * rules_send, rules_receive - what becomes of a message to a peer, and of one
 * from a peer that is not protected
 * @peer: NULL: nobody that a rule could name
 */
uint32_t rules_send(const struct config_user *config, const struct uid *peer);
uint32_t rules_receive(const struct config_user *config, const struct uid *peer);

/*
 * rules_receive_strictest - the same of one who may be any peer: what was claimed
 * cannot be read, or not by all alike
 */
uint32_t rules_receive_strictest(const struct config_user *config);

/* rules_all_pass - may messages to everybody be sent without protection? */
bool rules_all_pass(const struct config_user *config);

/* rules_stricter - of two answers to an unprotected message */
uint32_t rules_stricter(uint32_t one, uint32_t other);

/* The values of settings, and their names; 0 and NULL if there is none. */
uint32_t rules_send_value(const char *name);
uint32_t rules_receive_value(const char *name);
const char *rules_send_name(uint32_t value);
const char *rules_receive_name(uint32_t value);

#endif
