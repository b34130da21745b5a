/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recipients of a URI-list message (RFC 5365): a resource list (RFC 4826)
 * with the copy control attributes of RFC 5364.
 */
#ifndef HELPER_MIKEYD_RECIPIENTS_H
#define HELPER_MIKEYD_RECIPIENTS_H

#include "helper/lib/bytes.h"
#include "helper/lib/problem.h"
#include "helper/lib/uid.h"
#include "uapi/mikey_ticket.h"

/* Far more than so many entries need. */
#define RECIPIENTS_DOCUMENT_MAX (64 * 1024)
#define RECIPIENTS_MAX MIKEY_TICKET_RESPONDERS_MAX
#define RECIPIENT_URI_MAX 511
#define RECIPIENT_URI_SIZE (RECIPIENT_URI_MAX + 1)

/* In order of precedence (RFC 5364 section 4). */
enum copy_control {
	COPY_BCC,
	COPY_CC,
	COPY_TO,
};

struct recipient {
	struct uid uid;
	char *uri;		/* printable, fit to stand between < and > */
	enum copy_control control;
	bool anonymous;
	bool hidden;		/* either way: the others must not learn of this one */
};

struct recipients {
	struct recipient *all;	/* each once */
	unsigned int count, hidden;
	/* the document without the entries that must not be seen */
	struct bytes shown;
	bool changed;		/* there were some */
};

/*
 * recipients_read - who is in a document
 *
 * A missing copyControl is "bcc" (RFC 5364 section 4). Nested lists count like
 * their outer one. Returns, with words,
 *
 *	-E2BIG		too long, too many entries, nested too deeply
 *	-EBADMSG	not well-formed, no resource list, a document type
 *			declaration, a reference to recipients elsewhere, an
 *			attribute or a URI that is malformed
 *	-EPROTONOSUPPORT  an entry that is no sip: or sips: URI of a user
 *	-ENOMEM
 */
int recipients_read(struct recipients *recipients, const struct bytes *document,
		    struct problem *problem);

void recipients_free(struct recipients *recipients);

/*
 * recipient_request_uri - the URI without what is no part of a Request-URI
 * (RFC 3261 19.1.1, RFC 5365 7.3)
 */
void recipient_request_uri(char out[RECIPIENT_URI_SIZE], const struct recipient *recipient);

#endif
