/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIP messages as a proxy sees them: mostly passed on, with a few lines
 * changed. libre parses; what is sent on is written here.
 */
#ifndef HELPER_MIKEYD_SIPMSG_H
#define HELPER_MIKEYD_SIPMSG_H

#include "helper/lib/libre.h"

#include "helper/lib/uid.h"

/*
 * The header in which a user's client is told what was verified. It is taken
 * out of everything that arrives.
 */
#define VERIFIED_HEADER "P-Mikey-Verified"

/* The header in which a proxy asserts who sent a request (RFC 3325). */
#define IDENTITY_HEADER "P-Asserted-Identity"

/* sipmsg_release - give a reference back; the last one wipes the message */
void sipmsg_release(void *msg);

/* sipmsg_wipe - the same for a buffer that holds a message */
void sipmsg_wipe(struct mbuf *mb);

/*
 * sipmsg_content_length - find Content-Length in a raw head
 *
 * False if there is none, or several that differ, or one that is no number.
 */
bool sipmsg_content_length(const char *head, size_t len, struct pl *value);

/*
 * sipmsg_decode - divide a message that begins at the buffer's position
 *
 * Values that cannot be read are left unset in the message: sipmsg_fault() is
 * what tells whether it is one to act on. -EBADMSG if this is not SIP at all.
 */
int sipmsg_decode(struct sip_msg **msg, struct mbuf *mb);

/*
 * sipmsg_fault - does a message have what every one must have (8.1.1), and does
 * its head mean the same to every parser?
 *
 * Returns the status code to refuse it with, or 0. A response with a fault is
 * to be dropped.
 */
uint16_t sipmsg_fault(const struct sip_msg *msg);

/* sipmsg_is_uri - may this stand in a request line: without blanks, folds, quotes? */
bool sipmsg_is_uri(const struct pl *text);

/* sipmsg_scheme - the scheme of a request's URI; empty if it has none */
struct pl sipmsg_scheme(const struct sip_msg *msg);

/* sipmsg_is_secure - is it to a sips: URI, with TLS on every hop (26.2.2)? */
bool sipmsg_is_secure(const struct sip_msg *msg);

/* sipmsg_is - is this the method of a request, or that of a response's CSeq? */
bool sipmsg_is(const struct sip_msg *msg, const char *method);

/* sipmsg_body - the body, cut to Content-Length */
struct pl sipmsg_body(const struct sip_msg *msg);

/* sipmsg_is_content - is this one of the Content-* headers? */
bool sipmsg_is_content(const struct sip_hdr *hdr);

/* sipmsg_named - is this that header, or its compact form? */
bool sipmsg_named(const struct sip_hdr *hdr, const char *name);

/* sipmsg_find - the first header of that name; NULL: there is none */
const struct sip_hdr *sipmsg_find(const struct sip_msg *msg, const char *name);

/*
 * sipmsg_is_one - do only parameters follow an address?
 * @params: what libre found behind the address that it read
 *
 * libre reads the first of several; the user's client may show another one.
 */
bool sipmsg_is_one(const struct pl *params);

/* sipmsg_next_value - the next of values that commas divide; false behind the last */
bool sipmsg_next_value(struct pl *rest, struct pl *value);

/* sipmsg_lists - is this among the values of that header, which commas divide? */
bool sipmsg_lists(const struct sip_msg *msg, const char *name, const char *tag);

/* sipmsg_requires - does Require name this option tag? */
bool sipmsg_requires(const struct sip_msg *msg, const char *tag);

/* A body that takes the place of the received one, with its Content-* lines. */
struct sip_content {
	struct pl headers;	/* lines with their ends; no Content-Length */
	struct pl body;
};

/*
 * What a request of our own says in place of the one that it is made from; it
 * has no Via but ours.
 */
struct sip_readdress {
	const char *uri;		/* Request-URI and To */
	const char *call_id;
	const char *not_required;	/* option tag that Require loses */
};

/*
 * A message to be passed on. Members that are NULL or 0 leave things as they
 * are.
 */
struct sip_pass {
	const struct sip_msg *msg;
	const char *via;		/* a request's new topmost Via value */
	const char *received_via;	/* instead of the one that was topmost */
	bool pop_via;			/* a response loses its topmost */
	unsigned int drop_routes;	/* so many Route values from the top */
	bool strict;			/* the next one is to be the Request-URI (16.6 step 6) */
	int max_forwards;		/* a request's new value */
	const char *from;		/* instead of the From value */
	const char *identity;		/* instead of all P-Asserted-Identity */
	const char * const *dropped;	/* names of headers left out; ends with NULL */
	const char *headers;		/* more lines, with their ends */
	const struct sip_content *content;
	const struct sip_readdress *readdress;
};

/*
 * sipmsg_write_readdressed - write what becomes of a header in a request of our own;
 * false, and nothing, if it stays as it is
 * @err: stays, or becomes other than 0
 */
bool sipmsg_write_readdressed(struct mbuf *mb, const struct sip_hdr *hdr,
			      const struct sip_readdress *to, int *err);

/* sipmsg_write - write the message as it is to be passed on */
int sipmsg_write(struct mbuf *mb, const struct sip_pass *pass);

/*
 * sipmsg_respond - write a response of our own to a request
 * @via: the request's topmost Via value with received and rport filled in
 * @headers: more lines, with their ends, or NULL
 */
int sipmsg_respond(struct mbuf *mb, const struct sip_msg *msg, const char *via,
		   const char *tag, uint16_t code, const char *reason, const char *headers);

/*
 * sipmsg_hop - write the ACK of a final response that is no 2xx, or the CANCEL, of
 * a request that was sent: for the next hop only (17.1.1.3, 9.1)
 * @request: as it was sent
 * @to: the response's To for an ACK, NULL for the request's
 * @headers: more lines, with their ends, or NULL
 */
int sipmsg_hop(struct mbuf *mb, struct mbuf *request, const char *method, const struct pl *to,
	       const char *headers);

/*
 * sipmsg_unstrict - undo what a strict router made of a request (16.4): the
 * last Route value is its Request-URI, and what stood there is the first
 *
 * -EBADMSG, and nothing is changed, if there is none.
 */
int sipmsg_unstrict(struct sip_msg *msg);

/*
 * sipmsg_received_via - the topmost Via value, with received and rport as
 * RFC 3261 18.2.1 and RFC 3581 want
 */
int sipmsg_received_via(char **via, const struct sip_msg *msg);

/*
 * sipmsg_reply_port - the port of its sender that an answer to a request goes to: over
 * UDP, and over TCP and TLS if the connection that it came on is gone (18.2.2)
 *
 * Over UDP that is the one in sent-by, unless the sender wants the one that it sent
 * from (RFC 3581), or has another address than sent-by says: then there is a NAT in
 * between, or who knows what, and the port in sent-by is nobody's there.
 */
uint16_t sipmsg_reply_port(const struct sip_msg *msg);

#endif
