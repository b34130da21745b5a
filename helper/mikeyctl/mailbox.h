/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end of a socket of mikeyd's: its inbox's, or the one where it is asked
 * about itself. Both have a JSON object in each line.
 */
#ifndef HELPER_MIKEYCTL_MAILBOX_H
#define HELPER_MIKEYCTL_MAILBOX_H

#include <jansson.h>
#include <stdint.h>

#include "helper/lib/problem.h"

enum mailbox_kind {
	MAILBOX_INBOX,
	MAILBOX_CONTROL,
};

struct mailbox {
	enum mailbox_kind kind;
	int fd;
	char *text;		/* what came, up to a whole line */
	size_t len, size;
};

/*
 * mailbox_open - connect
 * @path: the socket, or NULL: what the configuration says, else where it is usually
 * @config: the configuration's file, or NULL for the usual one
 *
 * -ENOENT, -ECONNREFUSED: nobody is there.
 */
int mailbox_open(struct mailbox *mailbox, enum mailbox_kind kind, const char *path,
		 const char *config, struct problem *problem);

void mailbox_close(struct mailbox *mailbox);

/*
 * mailbox_ask - a request and its answer
 * @request: is taken; NULL: no memory
 * @seconds: how long to wait for the answer, 0 for ever
 *
 * 0 and *answer for json_decref(). What mikeyd refuses has mikeyd's errno, such as
 * -ENOENT; -ETIMEDOUT: no answer in time. -EPIPE: mikeyd left.
 */
int mailbox_ask(struct mailbox *mailbox, json_t *request, int64_t seconds, json_t **answer,
		struct problem *problem);

/* mailbox_take - a message is ours now, and gone from there */
int mailbox_take(struct mailbox *mailbox, int64_t id, struct problem *problem);

#endif
