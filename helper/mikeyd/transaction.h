/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Non-INVITE transactions (RFC 3261 17.1.2 and 17.2.2), which absorb
 * retransmissions on one side and make them on the other. INVITE, ACK and CANCEL
 * pass statelessly (16.11) and need none.
 */
#ifndef HELPER_MIKEYD_TRANSACTION_H
#define HELPER_MIKEYD_TRANSACTION_H

#include "helper/mikeyd/transport.h"

struct transactions;

int transactions_alloc(struct transactions **transactions, struct transport *transport);

/*
 * transactions_stop - end all client transactions with -ECANCELED
 *
 * Afterwards references to servers are to be given back before transactions
 * itself.
 */
void transactions_stop(struct transactions *transactions);

/* ---- server: a request that somebody sent us */

struct server {
	struct le le;
	struct transactions *transactions;
	struct flow flow;
	struct sip_msg *msg;
	size_t size;			/* of msg, while it is there */
	char *key;
	char *via;			/* topmost Via as responses carry it */
	char tag[17];			/* of our own responses */
	struct mbuf *response;		/* the last one */
	bool final;
	struct tmr timer;
};

/*
 * server_find - the transaction a request belongs to, if there is one
 *
 * It has then been answered with the last response again: it is a
 * retransmission.
 */
bool server_absorb(struct transactions *transactions, const struct flow *flow,
		   const struct sip_msg *msg);

/*
 * server_new - a transaction for a new request
 *
 * It lives until it was answered and no retransmission can come any more; keep
 * a reference (mem_ref) to answer later. -EMFILE when there are too many,
 * or too much in them.
 */
int server_new(struct server **server, struct transactions *transactions,
	       const struct flow *flow, struct sip_msg *msg);

/*
 * server_respond - answer with a response of our own
 * @headers: more lines, with their ends, or NULL
 */
void server_respond(struct server *server, uint16_t code, const char *reason,
		    const char *headers);

/* server_relay - pass a response on that is already written; takes mb */
void server_relay(struct server *server, uint16_t code, struct mbuf *mb);

/* ---- client: a request that we send on */

/*
 * client_response_h - a response, or what went wrong instead (negative errno,
 * -ETIMEDOUT when none came); after a final response or an error it is not
 * called again
 */
typedef void (client_response_h)(int err, const struct sip_msg *msg, void *arg);

/*
 * client_send - send a request and look after it
 * @branch: of the Via that we put on top
 * @mb: the message
 */
int client_send(struct transactions *transactions, const struct flow *to, const char *branch,
		const struct pl *method, struct mbuf *mb, client_response_h *handler, void *arg);

/* client_response - find the transaction of a response; false if there is none */
bool client_response(struct transactions *transactions, const struct sip_msg *msg);

/* client_failed - what was sent on this flow is lost */
void client_failed(struct transactions *transactions, const struct flow *flow, int err);

#endif
