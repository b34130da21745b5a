/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions (RFC 3261 section 17, RFC 4320, RFC 6026), which absorb
 * retransmissions on one side and make them on the other. The ACK of a 2xx has
 * none and passes statelessly.
 */
#ifndef HELPER_MIKEYD_TRANSACTION_H
#define HELPER_MIKEYD_TRANSACTION_H

#include "helper/lib/log.h"
#include "helper/mikeyd/deadline.h"
#include "helper/mikeyd/transport.h"
#include "helper/mikeyd/txn.h"

/* The branch of a Via of ours, with the zero byte. */
#define BRANCH_SIZE 48

struct transactions {
	struct transport *transport;
	struct deadlines *deadlines;
	struct hash *servers, *clients;
	unsigned int n_servers[SIDES];
	size_t n_bytes[SIDES];		/* of answers, and of requests without one */
};

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
	uint16_t reply_port;		/* where its sender hears answers */
	struct sip_msg *msg;
	size_t size;			/* of msg, while it is there */
	size_t response_size;
	char txn[TXN_SIZE];		/* for the log, with the method ... */
	char method[16];		/* ... which may be cut off */
	uint64_t since;
	char *key;
	char *via;			/* topmost Via as responses carry it */
	char tag[17];			/* of our own responses */
	char branch[BRANCH_SIZE];	/* under which an INVITE was sent on, or "" */
	struct mbuf *response;		/* the last one */
	bool invite;
	bool final;
	bool accepted;			/* with 2xx, an INVITE (RFC 6026) */
	struct deadline timer;
	struct deadline again;		/* Timer G; until an answer: the 100 of RFC 4320 */
	uint32_t interval;
};

/*
 * server_absorb - does a request belong to a transaction that is there?
 *
 * It has then been answered with the last response again: it is a
 * retransmission.
 */
bool server_absorb(struct transactions *transactions, const struct flow *flow,
		   const struct sip_msg *msg);

/*
 * server_acknowledged - an ACK: true if it is the one of a final response here,
 * which ends; false if it has to pass, as that of a 2xx
 */
bool server_acknowledged(struct transactions *transactions, const struct flow *flow,
			 const struct sip_msg *msg);

/*
 * server_invited - the transaction of the INVITE that a CANCEL is about
 *
 * Returns NULL if there is none.
 */
struct server *server_invited(struct transactions *transactions, const struct flow *flow,
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

/*
 * server_event - a log line about a request: its transaction, method and side
 * come before the other fields
 */
#define server_event(server, level, event, ...) \
	server_fields(server, LOG_LEVEL_##level, event, \
		      (const struct log_field[]){ __VA_ARGS__, { 0 } })
void server_fields(const struct server *server, enum log_level level, const char *event,
		   const struct log_field *fields);

/* server_forwarded - a log line: the request goes there, under that branch */
void server_forwarded(const struct server *server, const struct flow *to, const char *branch);

/* ---- client: a request that we send on */

/*
 * client_response_h - a response, or what went wrong instead (negative errno,
 * -ETIMEDOUT when none came)
 *
 * After a final response or an error it is not called again. But of an INVITE
 * several 2xx may come; once a final response is there the last call is that
 * with -ESHUTDOWN.
 */
typedef void (client_response_h)(int err, const struct sip_msg *msg, void *arg);

/*
 * client_send - send a request and look after it
 * @branch: of the Via that we put on top
 * @mb: the message
 *
 * An INVITE is acknowledged here if it is refused, and cancelled if it rings
 * for too long (Timer C).
 */
int client_send(struct transactions *transactions, const struct flow *to, const char *branch,
		const struct pl *method, struct mbuf *mb, client_response_h *handler, void *arg);

/*
 * client_cancel - cancel an INVITE that was sent with that branch, if it waits
 * @msg: the CANCEL that wants it, whose Reason goes along (RFC 3326 section 2)
 */
void client_cancel(struct transactions *transactions, const char *branch,
		   const struct sip_msg *msg);

/* client_response - find the transaction of a response; false if there is none */
bool client_response(struct transactions *transactions, const struct sip_msg *msg);

/*
 * client_failed - what was sent on this flow is lost
 *
 * A request to the next hop is sent once more, on a new connection: the branch
 * tells the next hop whether it had it already.
 */
void client_failed(struct transactions *transactions, const struct flow *flow, int err);

/* client_stop - end all with -ECANCELED */
void client_stop(struct transactions *transactions);

#endif
