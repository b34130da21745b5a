/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list servers of mikeyd.conf(5) (TS 33.328 Annex F.3): addresses under
 * which mikeyd takes a MESSAGE and sends it to many.
 */
#ifndef HELPER_LIB_LISTS_H
#define HELPER_LIB_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/problem.h"
#include "helper/lib/setting.h"
#include "helper/lib/uid.h"
#include "uapi/mikey_ticket.h"

/* As many as a ticket can be for. */
#define LIST_MEMBERS_MAX MIKEY_TICKET_RESPONDERS_MAX

/* What becomes of the recipient-list-history (RFC 5365 7.3). */
enum list_history {
	LIST_HISTORY_PLAIN = 1,		/* beside what is protected */
	LIST_HISTORY_PROTECT,		/* protected by the service, for those it shows */
	LIST_HISTORY_NONE,
};

struct list_server {
	struct uid psi;			/* a group with members that are known here */
	struct uid uri_list;		/* or a service whose messages name them */
	struct uid *members;
	unsigned int n_members;
	char *members_file;		/* read for each message */
	struct uid *senders;		/* patterns; none: the members */
	unsigned int n_senders;
	struct uid *recipients;		/* patterns: to whom a URI-list may lead */
	unsigned int n_recipients;
	uint32_t history;		/* enum list_history; 0: plain */
};

/* take_list_servers - the setting "list-server" */
take_h take_list_servers;

void list_servers_free(struct list_server *lists, unsigned int count);

/* list_server_address - its psi or uri_list */
const struct uid *list_server_address(const struct list_server *list);

/*
 * list_server_members - who is in a group right now; free() them
 *
 * -EINVAL, in words with file and line, if the file has a fault; -ENOENT and
 * the like if it cannot be read.
 */
int list_server_members(const struct list_server *list, struct uid **members,
			unsigned int *count, struct problem *problem);

/* list_server_matches - does one of the patterns fit? */
bool list_server_matches(const struct uid *patterns, unsigned int count, const struct uid *uid);

#endif
