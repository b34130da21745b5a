/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ticket for an entity, found or asked for or made here, and the entity under it. */
#ifndef HELPER_MIKEYD_SEALING_H
#define HELPER_MIKEYD_SEALING_H

#include "helper/mikeyd/user.h"

int sealing_open(struct user *user, struct problem *problem);
void sealing_close(struct user *user);

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
 * sealing_start - find or ask for a ticket and protect an entity, by the rules in
 * force now
 * @sealing: what it points to has to stay until handler is called
 * @handler: called once, perhaps before this returns
 */
void sealing_start(struct user *user, const struct sealing *sealing, sealed_h *handler,
		   void *arg);

#endif
