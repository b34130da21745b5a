/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offline: a user's outgoing MESSAGEs that the next hop, or the recipient's side,
 * cannot take for now wait on the disk, protected, and are sent again.
 *
 * All is done for one recipient after the other's answer (RFC 3428 section 8), so
 * their order stays. As long as nothing waits a message is sent at once and its
 * answer is the client's; what has to wait is answered with 202.
 *
 * All are put down before they are sent. At whatever moment mikeyd is killed: the
 * message is not there and was not sent; or it is there until its final answer was
 * the client's, or put down. A repeat of the client's is then answered with 202, and
 * an attempt that may have had an answer is made again with the same TRANSFER_INIT,
 * which the recipient's mikeyd knows.
 */
#ifndef HELPER_MIKEYD_QUEUE_H
#define HELPER_MIKEYD_QUEUE_H

#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/route.h"
#include "helper/mikeyd/user.h"

/*
 * queue_open - open what waits, beside the record, and go on with it
 *
 * user->queue stays NULL if there is none and none is wanted.
 */
int queue_open(struct user *user, struct problem *problem);

/* queue_close - nothing of it may be under way (transactions_stop()) */
void queue_close(struct user *user);

/*
 * queue_repeats - is it the repeat of a request that was answered with 202 before
 * mikeyd was started? It has been answered so again.
 */
bool queue_repeats(struct user *user, struct server *server);

/* queue_takes - may a message like this wait? Others are sent as ever. */
bool queue_takes(const struct user *user, const struct sip_msg *msg);

/* A protected message to send. */
struct queue_wish {
	struct server *server;
	const struct route *route;
	const struct uid *sender, *recipient;
	struct multipart *body;		/* is taken */
	int64_t valid_until;		/* its ticket; seconds since 1970 */
};

/* queue_send - send it, now or later; its client will be answered */
void queue_send(struct user *user, const struct queue_wish *wish);

/* One message of those that a message for a list of recipients becomes. */
struct queue_sheet {
	const struct uid *recipient;
	const struct sip_readdress *readdress;	/* NULL: to whom the client's is */
	struct multipart *body;
	int64_t valid_until;		/* its ticket */
};

struct queue_list {
	struct server *server;
	const struct route *route;
	const struct uid *sender;
	const struct queue_sheet *sheets;
	unsigned int count;		/* at least one */
	bool through_service;		/* the first one is the list service's */
};

/*
 * queue_send_list - send all of them, now or later; the client will be answered
 *
 * The service's is sent first, and what it says is the client's answer; if it
 * refuses the list nobody gets anything. Bodies stay the caller's, but for what the
 * service's held. False: they cannot be kept, and nobody was answered or sent
 * anything.
 */
bool queue_send_list(struct user *user, const struct queue_list *list);

/* queue_hop_alive - something came from the network: all who wait for it try */
void queue_hop_alive(struct mikeyd *mikeyd);

/* queue_waiting - messages of this user that wait, and their bytes; none without a queue */
void queue_waiting(const struct user *user, uint64_t *messages, uint64_t *bytes);

/* queue_kms - the KMS answered, or did not */
void queue_kms(struct user *user, bool alive);

#endif
