/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queued messages as text. Towards the network a queued message is a request
 * of mikeyd's own: it has a Call-ID that nothing of the client's has, and each
 * new attempt the next CSeq (RFC 3261 8.1.3.5).
 */
#ifndef HELPER_MIKEYD_QUEUETEXT_H
#define HELPER_MIKEYD_QUEUETEXT_H

#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/queuestore.h"
#include "helper/mikeyd/route.h"

/*
 * queue_text_may_wait - can it be sent without its client?
 *
 * Not if it belongs to a dialog, or carries credentials, which do not last.
 */
bool queue_text_may_wait(const struct sip_msg *msg);

/*
 * queue_text_lifetime - for how many seconds it may wait: what is left of Expires,
 * by Date if it is there (RFC 3428 section 7), of the ticket, and not more than most
 */
int64_t queue_text_lifetime(const struct sip_msg *msg, int64_t most, int64_t valid_until);

/*
 * queue_text_write - what is stored of a client's request
 * @body: takes the place of its body; is wiped by the caller
 * @readdress: to whom instead, or NULL
 *
 * Fills uri, branch, head and body of item; queue_item_wipe() it.
 */
int queue_text_write(struct queue_item *item, const struct sip_msg *msg,
		     const struct route *route, const struct multipart *body,
		     const struct sip_readdress *readdress);

/*
 * queue_text_name - let an item have the transaction of its client's request;
 * queue_text_txn - that transaction, for the log, for as long as it waits
 */
void queue_text_name(struct queue_item *item, const char *txn);
void queue_text_txn(char txn[TXN_SIZE], const struct queue_item *item);

/*
 * queue_text_attempt - the request of the next attempt, on the way in route
 *
 * It has the same bytes each time until an attempt has ended: who gets it twice
 * sees that it is a retransmission.
 * @as: is told its transaction, which is not the client's: it has a Call-ID of its own
 */
int queue_text_attempt(struct user *user, const struct queue_item *item,
		       struct route *route, char branch[BRANCH_SIZE], struct mbuf **mb,
		       char as[TXN_SIZE]);

#endif
