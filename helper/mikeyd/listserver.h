/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mikeyd as a list server (TS 33.328 F.3.3 and F.3.4, RFC 5365), behind the
 * addresses in the setting list-server:
 *
 *	a group (psi)	opens the message, looks whether the sender may, protects
 *			it with one ticket for all members, sends each a copy
 *	a URI-list	has no key of the message: sends a copy with the same
 *	service		protected parts to each recipient on the list that came
 *			with it
 */
#ifndef HELPER_MIKEYD_LISTSERVER_H
#define HELPER_MIKEYD_LISTSERVER_H

#include "helper/lib/lists.h"
#include "helper/mikeyd/circular.h"
#include "helper/mikeyd/route.h"
#include "helper/mikeyd/user.h"

struct envelope;

/*
 * Which list servers a message came through, one value each, on what is sent
 * on: one that finds itself there refuses.
 */
#define LIST_HEADER "P-Mikey-List"

/* More than these a message does not pass. */
#define LIST_SERVERS_MAX 8

/*
 * listserver_find - the list server that a request is addressed to; NULL if to none
 * @user: whose it is, or NULL
 */
const struct list_server *listserver_find(const struct mikeyd *mikeyd,
					  const struct sip_msg *msg, struct user **user);

/* listserver_message - take care of a MESSAGE to it; it will be answered */
void listserver_message(struct user *user, struct server *server,
			const struct route *route, const struct list_server *list);

/*
 * listserver_opened - what came for a group was opened and put down; takes the
 * envelope, which will be answered
 */
void listserver_opened(struct envelope *envelope);

/* ---- what both kinds do */

/*
 * listserver_circular - a circular of a message, with the headers that RFC 5365
 * 7.2 wants; NULL: no memory
 * @verified: who sent it, for P-Asserted-Identity if Privacy lets that be told;
 *	NULL: nobody is known, and what a trusted hop asserted stays
 */
struct circular *listserver_circular(struct mikeyd *mikeyd, const struct list_server *list,
				     const struct sip_msg *msg, const struct route *route,
				     const struct uid *verified);

/* A final answer to the sender. */
struct list_answer {
	uint16_t code;
	const char *reason;
	char headers[128];	/* "" or a Warning, which counts and names nobody */
};

void listserver_answer(struct list_answer *answer, const struct circular_report *report,
		       const char *txn);

/* listserver_uris - a MESSAGE for a URI-list service */
void listserver_uris(struct user *user, struct server *server, const struct route *route,
		     const struct list_server *list);

#endif
