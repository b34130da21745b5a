/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MESSAGE from the user's client: found or asked for a ticket, protected, sent
 * on. Never sent as it came, unless the configuration says so for all.
 */
#ifndef HELPER_MIKEYD_OUTGOING_H
#define HELPER_MIKEYD_OUTGOING_H

#include "helper/mikeyd/mikeyd.h"
#include "helper/mikeyd/route.h"

int outgoing_open(struct mikeyd *mikeyd, struct problem *problem);
void outgoing_close(struct mikeyd *mikeyd);

/* outgoing_message - take care of a MESSAGE; it will be answered */
void outgoing_message(struct mikeyd *mikeyd, struct server *server, struct route *route);

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
	int64_t *valid_until;			/* is told the ticket's end; or NULL */
};

/* sealed_h - protected; or the problem, and no transfer and cms */
typedef void (sealed_h)(const struct problem *problem, const struct bytes *transfer,
			const struct bytes *cms, void *arg);

/*
 * outgoing_seal - find or ask for a ticket and protect an entity
 * @sealing: what it points to has to stay until handler is called
 * @handler: called once, perhaps before this returns
 */
void outgoing_seal(struct mikeyd *mikeyd, const struct sealing *sealing, sealed_h *handler,
		   void *arg);

#endif
