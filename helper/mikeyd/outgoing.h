/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MESSAGE from the user's client: found or asked for a ticket, protected, sent
 * on. Never sent as it came, unless the configuration says so for all.
 */
#ifndef HELPER_MIKEYD_OUTGOING_H
#define HELPER_MIKEYD_OUTGOING_H

#include "helper/mikeyd/route.h"
#include "helper/mikeyd/user.h"

int outgoing_open(struct user *user, struct problem *problem);
void outgoing_close(struct user *user);

/* outgoing_message - take care of a MESSAGE of this user; it will be answered */
void outgoing_message(struct user *user, struct server *server, struct route *route);

/* outgoing_refuse - answer that a message could not be protected */
void outgoing_refuse(struct mikeyd *mikeyd, struct server *server,
		     const struct problem *problem);

/* A MIME entity that is to be protected, and for whom. */
struct sealing {
	struct uid initiator, recipient;	/* IDRi and IDRr of TRANSFER_INIT */
	const struct uid *responders;		/* whom the ticket is for */
	unsigned int n_responders;
	bool list_service;			/* recipient is a URI-list service */
	const struct bytes *entity;
	const char *txn;		/* of the request that it is for (txn.h) */
	int64_t *valid_until;			/* is told the ticket's end; or NULL */
};

/* sealed_h - protected; or the problem, and no transfer and cms */
typedef void (sealed_h)(const struct problem *problem, const struct bytes *transfer,
			const struct bytes *cms, void *arg);

/*
 * outgoing_seal - find or ask for a ticket and protect an entity, by the rules in
 * force now
 * @sealing: what it points to has to stay until handler is called
 * @handler: called once, perhaps before this returns
 */
void outgoing_seal(struct user *user, const struct sealing *sealing, sealed_h *handler,
		   void *arg);

#endif
