/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The body of a MESSAGE to a list of recipients, taken apart: what is to be
 * protected, and the list, which is not (TS 33.328 Annex F.3).
 */
#ifndef HELPER_MIKEYD_LISTBODY_H
#define HELPER_MIKEYD_LISTBODY_H

#include "helper/lib/bytes.h"
#include "helper/lib/libre.h"
#include "helper/lib/problem.h"
#include "helper/mikeyd/recipients.h"

struct list_body {
	/*
	 * The MIME entity without the list: the one other part, or the
	 * multipart body with that part cut out.
	 */
	struct bytes entity;
	struct recipients recipients;
	struct bytes list;	/* the list's part as it may be seen; empty if by nobody */
	bool list_first;	/* it stood before all others */
};

/* list_body_has - is there a part with the disposition recipient-list? */
bool list_body_has(const struct sip_msg *msg);

/*
 * list_body_read - take it apart; list_body_wipe() it after success
 *
 * Errors of recipients_read(), and -EOPNOTSUPP if the list is in another format.
 */
int list_body_read(struct list_body *body, const struct sip_msg *msg,
		   struct problem *problem);

void list_body_wipe(struct list_body *body);

/*
 * list_body_read_list - only who is on the list, as a list service reads it
 *
 * Errors of list_body_read(); recipients_free() them after success.
 */
int list_body_read_list(struct recipients *recipients, const struct sip_msg *msg,
			struct problem *problem);

/*
 * list_body_expand - the body that a list service sends on: all parts are
 * copied as they are, and another one takes the list's place (RFC 5365 7.3)
 * @part: headers, an empty line, content; empty: nothing takes its place, and a
 *	part that is left alone loses the multipart around it
 * @headers, @body: Content-* lines and body, mem_deref() them after success
 *
 * For a message that list_body_read_list() could read. -EBADMSG, -ENOMEM
 */
int list_body_expand(const struct sip_msg *msg, const struct bytes *part, char **headers,
		     struct mbuf **body);

#endif
