/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A received message that is being opened, or was and is on its way to the
 * client. A forking proxy sends one and the same to each contact of the user,
 * and some of them may lead nowhere any more: all copies that arrive meanwhile
 * share one envelope, which is opened once, and each goes to its own contact.
 */
#ifndef HELPER_MIKEYD_ENVELOPE_H
#define HELPER_MIKEYD_ENVELOPE_H

#include "helper/lib/mime.h"
#include "helper/lib/ticket.h"
#include "helper/mikeyd/inbox.h"
#include "helper/mikeyd/route.h"
#include "helper/mikeyd/sender.h"
#include "helper/mikeyd/user.h"
#include "helper/mikeyd/verdict.h"

struct list_server;

/* What a message is known by: a digest of both its parts. */
struct envelope_key {
	uint8_t digest[32];
};

struct envelope {
	struct le le;			/* of a list of the user's */
	struct user *user;
	const struct config *rules;	/* of the user when it came; counted */
	struct list copies;
	struct bytes transfer, cms;
	struct envelope_key key;
	const struct list_server *list;	/* whom it is for, instead of the client */

	/* while it is opened; the exchange with the KMS ends with its socket */
	struct genl_client *client;
	uint32_t exchange;

	/* what it is remembered by */
	struct uid sender;
	struct ticket_mac mac;

	struct inbox_place place;	/* for the copy that the inbox gets */

	/* once opened */
	struct mime_opened opened;
	struct sender original;		/* of whom a list server of ours says it is; or none */
	struct pl body;			/* points into its entity */
	char *headers, *line;
};

/*
 * envelope_new - with its first copy; takes transfer and cms in any case
 *
 * NULL: no memory. mem_deref() the envelope, which refuses nobody.
 */
struct envelope *envelope_new(struct user *user, struct list *list, struct server *server,
			      const struct route *route, struct bytes *transfer,
			      struct bytes *cms);

/* envelope_find - the one with these parts; NULL if there is none */
struct envelope *envelope_find(const struct list *list, const struct bytes *transfer,
			       const struct bytes *cms);

/*
 * envelope_reserve - a place for it in the inbox, before it is opened, if this is
 * where a copy goes; -EBUSY or -EIO, in words, if there is none
 */
int envelope_reserve(struct envelope *envelope, const struct route *route,
		     struct problem *problem);

/* envelope_join - a further copy of a message whose envelope is there */
void envelope_join(struct envelope *envelope, struct server *server,
		   const struct route *route);

/* envelope_txn - of its first copy, for the log */
const char *envelope_txn(const struct envelope *envelope);

/* envelope_refuse - all copies get the same refusal; ends the envelope */
void envelope_refuse(struct envelope *envelope, const struct problem *problem);

/*
 * envelope_repeat - it was delivered before: the same answer to all copies, and
 * no second delivery; ends the envelope
 * @code: how it was answered then; 0: not known
 */
void envelope_repeat(struct envelope *envelope, uint16_t code);

/*
 * envelope_deliver - give what was opened to each contact that a copy came for,
 * and the contacts' answers to the record; the envelope ends with the last one
 * @opened: is taken, with its entity
 */
void envelope_deliver(struct envelope *envelope, struct mime_opened *opened);

/*
 * envelope_answer - what was opened is not for the client: all copies and the
 * record get this answer; ends the envelope
 * @words: why, for the log; NULL = none
 * @headers: more lines, with their ends, or NULL
 */
void envelope_answer(struct envelope *envelope, struct verdict verdict, const char *words,
		     const char *headers);

/* envelope_message - the first copy, and its way; for as long as the envelope is there */
const struct sip_msg *envelope_message(const struct envelope *envelope);
const struct route *envelope_route(const struct envelope *envelope);

#endif
