/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A MESSAGE for a list of recipients (RFC 5365): one ticket for all who may
 * know of each other, and a MESSAGE and a ticket of its own for each of the
 * others (copyControl "bcc", anonymize; RFC 5364).
 */
#ifndef HELPER_MIKEYD_MAILING_H
#define HELPER_MIKEYD_MAILING_H

#include "helper/mikeyd/route.h"
#include "helper/mikeyd/user.h"

/* More MESSAGEs of our own than this are not made of one. */
#define MAILING_APART_MAX 32

/* mailing_wanted - does it require, or have, a list of recipients? */
bool mailing_wanted(const struct sip_msg *msg);

/*
 * mailing_may_pass - may everybody on its list, if it has one, get it without
 * protection? If it cannot be read, that has to be the rule for all.
 */
bool mailing_may_pass(const struct user *user, const struct sip_msg *msg);

/*
 * mailing_refuse_body - answer that a body, or the list in it, is not as
 * list_body_read() wants it; false, and no answer, if that is not what is wrong
 */
bool mailing_refuse_body(struct mikeyd *mikeyd, struct server *server,
			 const struct problem *problem);

/*
 * mailing_message - take care of a MESSAGE to a list service; it will be
 * answered
 *
 * Nothing is sent before everything is protected. What goes to the service is
 * sent first, and its refusal is the answer. Then the others get theirs; the
 * answer is 202, with a Warning that names whom it did not reach. With a queue all
 * of them are put down before the first is sent, and can wait (queue_send_list()).
 */
void mailing_message(struct user *user, struct server *server, const struct route *route,
		     const struct uid *initiator, const struct uid *service);

#endif
