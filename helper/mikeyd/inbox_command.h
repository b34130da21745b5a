/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may be asked of an inbox, as JSON objects:
 *
 *	{"command": "list", "after": ID}	messages above ID, without bodies,
 *						LIST_MOST at a time
 *	{"command": "show", "id": ID}		one message
 *	{"command": "next", "after": ID, "wait": BOOL, "lend": BOOL}
 *						the oldest above ID; with "wait" the
 *						answer comes when there is one; with
 *						"lend" nobody else is lent it until
 *						it is taken or the connection ends
 *	{"command": "take", "id": ID}		it is the asker's, and gone from here
 *
 * An answer is {"ok": true, ...} with "messages" or "message", or {"ok": false,
 * "error": NAME, "reason": WORDS} with the name of an errno.
 */
#ifndef HELPER_MIKEYD_INBOX_COMMAND_H
#define HELPER_MIKEYD_INBOX_COMMAND_H

#include <jansson.h>

#include "helper/mikeyd/inbox.h"

#define INBOX_LIST_MOST 64

/* What an asker has been lent, or 0; all askers of an inbox are in one list. */
struct inbox_loan {
	struct le le;
	int64_t id;
};

/*
 * inbox_command - answer a request
 * @loan: of the asker
 *
 * json_decref() the answer. NULL: it has to wait; ask again when there is
 * something new.
 */
json_t *inbox_command(struct inbox *inbox, const struct list *loans, struct inbox_loan *loan,
		      const json_t *request);

#endif
