/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The users behind one mikeyd. Each has its own identities, PSK, tickets,
 * exchanges with its KMS and record of delivered messages; what they share is
 * the SIP side, the kernel uid and its quota of keys.
 *
 * Who a message is of or for is found here. From inside it is a claim that the
 * client's network and the owner of its socket have to allow. From outside it is
 * a hint only: the kernel opens nothing that is not addressed to an identity,
 * group or list service of the user whose names it is given.
 */
#ifndef HELPER_MIKEYD_USER_H
#define HELPER_MIKEYD_USER_H

#include "helper/mikeyd/mikeyd.h"

/*
 * A user. Everything that is under way for one holds a reference (mem_ref), and
 * one to the rules it began by: both outlive a reload.
 */
struct user {
	struct le le;			/* of mikeyd->users, in the file's order */
	struct mikeyd *mikeyd;
	const struct config_user *config;	/* in rules */
	const struct config *rules;	/* counted (mem_ref) */
	const struct config *first;	/* those it was opened by, which the inbox has */
	struct ticket_party party;
	struct tickets *tickets;
	struct record *record;
	struct kms *kms;
	struct sealings *sealings;
	struct queue *queue;		/* NULL if nothing waits and nothing may */
	struct incoming *incoming;
	struct inbox *inbox;		/* NULL: the configuration has none */
	struct inbox_socket *inbox_socket;
	bool client_known;
	struct flow client;		/* the one that registered last */
};

/* rules_load - config_load() into counted memory (mem_deref) */
int rules_load(struct config **rules, const char *file, struct problem *problem);

/* users_open - all users of mikeyd->config, or none */
int users_open(struct mikeyd *mikeyd, struct problem *problem);

/* users_go_on - with what waits to be sent, once all else is there */
int users_go_on(struct mikeyd *mikeyd, struct problem *problem);

/* users_stop - what waits for a ticket is refused; no KMS is asked any more */
void users_stop(struct mikeyd *mikeyd);

/* users_close - give them back, once nothing is under way */
void users_close(struct mikeyd *mikeyd);

/* user_open - one user of these rules, not in mikeyd->users yet */
int user_open(struct user **user, struct mikeyd *mikeyd, const struct config *rules,
	      const struct config_user *config, struct problem *problem);

/* user_named - by the name in the configuration; NULL if there is none */
struct user *user_named(const struct mikeyd *mikeyd, const char *name);

/* user_only - the user, if there is no more than one */
struct user *user_only(const struct mikeyd *mikeyd);

/* user_is_addressed - is this one of the user's identities or groups? */
bool user_is_addressed(const struct user *user, const struct uid *uid);

/* user_of_identity - whose own UID this is; NULL if nobody's */
struct user *user_of_identity(const struct mikeyd *mikeyd, const struct uid *uid);

/* user_of_uri - whom a URI addresses: by identity, else by group; NULL if nobody */
struct user *user_of_uri(const struct mikeyd *mikeyd, const struct pl *uri);

/*
 * user_may_be - may the client at this flow speak for the user? By network, and
 * on this machine by the owner of its socket.
 */
bool user_may_be(const struct user *user, const struct flow *client);

/* user_make_room - drop an old ticket for the quota's sake; false if there is none */
bool user_make_room(struct user *user);

#endif
