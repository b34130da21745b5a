/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of the netlink family "mikey_ticket" (uapi/mikey_ticket.h has the
 * contract of each command and its errors).
 */
#ifndef HELPER_LIB_TICKET_H
#define HELPER_LIB_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/bytes.h"
#include "helper/lib/problem.h"
#include "helper/lib/uid.h"
#include "uapi/mikey_ticket.h"

struct genl_client;

/* A policy as the kernel tells it. */
struct ticket_policy {
	uint32_t profile, suite, flags;
	bool reusable, changed, cacheable;
	uint32_t rekey;			/* seconds, 0 = none */
	int64_t valid_from, valid_until;
	struct uid kms, initiator;
	struct uid *responders;
	unsigned int n_responders;
};

/* ticket_is_minted - did the initiator make it (mode 3), and not the KMS? */
bool ticket_is_minted(const struct ticket_policy *policy);

void ticket_policy_free(struct ticket_policy *policy);

/* Who asks the KMS, and with what. */
struct ticket_party {
	int32_t psk;			/* serial */
	struct uid psk_id, kms;
	uint32_t suite;
};

struct ticket_wish {
	const struct ticket_party *party;
	struct uid initiator;
	const struct uid *responders;
	unsigned int n_responders;
	uint32_t profile;
	int64_t valid_until;
	uint32_t rekey;			/* seconds, 0 = none */
	bool reusable, cacheable;
};

/* ticket_request - REQUEST_INIT for the KMS, and the exchange it opens */
int ticket_request(struct genl_client *client, const struct ticket_wish *wish,
		   uint32_t *exchange, struct bytes *message, struct problem *problem);

/*
 * ticket_mint - make a ticket without the KMS (mode 3)
 *
 * ticket_policy_free() the policy after success.
 */
int ticket_mint(struct genl_client *client, const struct ticket_wish *wish, int32_t *ticket,
		struct ticket_policy *policy, struct problem *problem);

/* Under which UIDs one may be addressed. */
struct ticket_names {
	const struct uid *identities;	/* own UID, then groups */
	unsigned int n_identities;
	const struct uid *list_services;
	unsigned int n_list_services;
};

/* V's MAC: what tells one TRANSFER_INIT from another. */
struct ticket_mac {
	uint8_t data[64];
	size_t len;
};

/*
 * What is to be done with a received TRANSFER_INIT, and what it claims. Nothing
 * of that is verified yet.
 */
struct ticket_claim {
	int32_t ticket;			/* kept from an earlier message, or 0: then */
	uint32_t exchange;		/* ... an exchange with the KMS is open */
	struct bytes message;		/* ... by this RESOLVE_INIT */
	struct ticket_policy policy;
	struct ticket_mac mac;
};

/* ticket_resolve - look at a TRANSFER_INIT; ticket_claim_free() it after success */
int ticket_resolve(struct genl_client *client, const struct ticket_party *party,
		   const struct ticket_names *names, const struct bytes *transfer,
		   struct ticket_claim *claim, struct problem *problem);

void ticket_claim_free(struct ticket_claim *claim);

/*
 * ticket_close - give the KMS's answer to the exchange
 * @command: MIKEY_TICKET_CMD_GRANT or MIKEY_TICKET_CMD_ADMIT
 * @ticket: serial of the ticket made
 * @policy: NULL, or to be filled; ticket_policy_free() it after success
 */
int ticket_close(struct genl_client *client, uint8_t command, uint32_t exchange,
		 const struct bytes *message, int32_t *ticket, struct ticket_policy *policy,
		 struct problem *problem);

struct ticket_info {
	uint32_t role;
	int64_t remaining;		/* seconds */
	struct ticket_policy policy;
};

/*
 * ticket_info - what a ticket is
 * @psk: refuse one that was made with another PSK (-EKEYREJECTED); 0 takes any
 */
int ticket_info(struct genl_client *client, int32_t ticket, int32_t psk,
		struct ticket_info *info, struct problem *problem);

struct ticket_caps {
	uint32_t api_version;
	char module_version[64];
	uint32_t profiles, suites;	/* masks of 1 << value */
	uint8_t prot_type, ext_type;
	uint32_t clock_skew;		/* seconds */
	bool user_master;
};

int ticket_caps(struct genl_client *client, struct ticket_caps *caps, struct problem *problem);

int ticket_stats(struct genl_client *client, uint64_t stats[MIKEY_TICKET_S_MAX + 1],
		 struct problem *problem);

/* Names of enum values, as configuration and output write them; NULL if none. */
const char *ticket_profile_name(uint32_t profile);
const char *ticket_suite_name(uint32_t suite);
const char *ticket_role_name(uint32_t role);
const char *ticket_stat_name(int stat);

/* The value of a name, 0 if there is none. */
uint32_t ticket_profile_value(const char *name);
uint32_t ticket_suite_value(const char *name);

#endif
