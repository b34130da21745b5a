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

#endif
