/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mikeyd.conf(5): what mikeyd is told, checked when it is read so that each
 * fault is reported with its file and line. mikeyctl reads the same file to
 * know the daemon's address and the users' identities.
 */
#ifndef HELPER_LIB_CONFIG_H
#define HELPER_LIB_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/config_inbox.h"
#include "helper/lib/endpoint.h"
#include "helper/lib/problem.h"
#include "helper/lib/uid.h"

#define CONFIG_DEFAULT_FILE "/etc/mikey-mime/mikeyd.conf"

/* Users behind one mikeyd, and how long the name of one may be. */
#define CONFIG_USERS_MAX 64
#define CONFIG_NAME_MAX 64

/* What happens to a MESSAGE from the network that is not protected. */
enum config_unprotected {
	UNPROTECTED_REFUSE = 1,		/* 488 */
	UNPROTECTED_REFUSE_TYPE,	/* 415 */
	UNPROTECTED_MARK,
};

/* What happens to a MESSAGE of the client. */
enum config_outgoing {
	OUTGOING_PROTECT = 1,
	OUTGOING_PASS,
};

/* Who makes the tickets to send with. */
enum config_maker {
	MAKER_KMS = 1,			/* asked for each (mode 1) */
	MAKER_SELF,			/* mikeyd with the PSK (mode 3) */
};

/* The ticket of a message that is sent while the KMS is away. */
enum config_queue_ticket {
	QUEUE_TICKET_NONE = 1,		/* one that is there, else none */
	QUEUE_TICKET_SELF,		/* or one that mikeyd makes (mode 3) */
};

/* A file that mikeyd alone reads, and the line that names it. */
struct config_path {
	char *path;			/* NULL if not given */
	int line;
};

struct list_server;
struct policy_rule;

/*
 * One user: who they are, by which programs they may be spoken for, their KMS
 * and their policy. A file without "users" has one, whose settings stand at its
 * top level.
 */
struct config_user {
	char *name;			/* "" if the file has no "users" */
	struct uid *identities;		/* own UIDs; the first is the default */
	unsigned int n_identities;
	struct uid *groups;
	unsigned int n_groups;
	struct uid *list_services;	/* by which one may be addressed (RFC 5365) */
	unsigned int n_list_services;
	struct list_server *list_servers;	/* what mikeyd itself is one for */
	unsigned int n_list_servers;

	struct network *clients;	/* where a client may be */
	unsigned int n_clients;
	unsigned int *client_users;	/* uids of local clients besides our own */
	unsigned int n_client_users;
	bool any_client_user;
	bool has_client;
	struct endpoint client;		/* the client before it registered */

	char *kms_url, *kms_ca, *psk;
	struct uid kms_id, psk_id;
	unsigned int kms_timeout;	/* seconds */
	unsigned int max_waiting;	/* messages waiting for the KMS */

	/* policy */
	uint32_t profile, suite, form;	/* of what is sent */
	uint32_t content;		/* its algorithm; 0: the form's own */
	uint32_t profiles, accept;	/* masks: profiles and forms received */
	bool proof;			/* tie the body to the sender */
	uint32_t maker;			/* enum config_maker */
	unsigned int ticket_lifetime;	/* seconds */
	unsigned int rekey;		/* seconds, 0 = none */
	bool reuse, cacheable;
	uint32_t outgoing;		/* enum config_outgoing */
	uint32_t unprotected;		/* enum config_unprotected */
	struct uid *must_protect;	/* peers of whom neither is let through plain */
	unsigned int n_must_protect;
	struct policy_rule *rules;	/* for single peers, before all that */
	unsigned int n_rules;
	unsigned int replay_sender;	/* delivered messages remembered of each ... */
	unsigned int replay_total;	/* ... and of all */
	bool queue;			/* what cannot be sent now waits */
	uint32_t queue_ticket;		/* enum config_queue_ticket */
	unsigned int queue_age;		/* seconds */
	unsigned int queue_messages, queue_recipient, queue_kilobytes;

	struct config_inbox inbox;
};

/* What is the daemon's as a whole, and its users, of whom there is at least one. */
struct config {
	char *file;
	struct endpoint *inside;	/* where clients find us */
	unsigned int n_inside;
	struct endpoint *outside;	/* where the network finds us */
	unsigned int n_outside;
	struct network *trusted;	/* hops whose P-Asserted-Identity counts; ... */
	unsigned int n_trusted;		/* ... none: the next hop's, unless ... */
	bool trust_nobody;
	struct endpoint next_hop;
	unsigned int keep_alive;	/* seconds between pings of its connection */
	struct config_path next_hop_ca;	/* who may have signed the next hop's ... */
	struct config_path certificate, private_key;	/* ... and our own */
	char *control_socket;		/* NULL: at the usual place, if there is one */
	char *state_dir;		/* NULL: where the environment says */
	unsigned int retry_after;	/* seconds */
	int log_level;

	struct config_user *users;
	unsigned int n_users;
};

/* config_load - read and check a file; problem tells file and line */
int config_load(struct config *config, const char *file, struct problem *problem);

void config_free(struct config *config);

/*
 * config_named - the user with this name, or the first one if name is NULL;
 * NULL if there is none
 */
struct config_user *config_named(const struct config *config, const char *name);

/* config_identity - is this one of the user's own UIDs? */
bool config_identity(const struct config_user *user, const struct uid *uid);

/* config_must_protect - is this peer one with whom all messages are protected? */
bool config_must_protect(const struct config_user *user, const struct uid *peer);

/* config_maker_name - as the configuration writes it; NULL if there is none */
const char *config_maker_name(uint32_t maker);

#endif
