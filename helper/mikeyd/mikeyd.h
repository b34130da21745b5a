/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as a whole: what main.c puts together in order, and the others
 * are handed.
 */
#ifndef HELPER_MIKEYD_MIKEYD_H
#define HELPER_MIKEYD_MIKEYD_H

#include "helper/lib/config.h"
#include "helper/lib/libre.h"
#include "helper/lib/ticket.h"
#include "helper/mikeyd/transaction.h"
#include "helper/mikeyd/transport.h"

struct genl_client;
struct kms;
struct queue;
struct owner;
struct incoming;
struct inbox;
struct inbox_socket;
struct record;
struct sealings;
struct standing;
struct tickets;
struct user;

struct mikeyd {
	const struct config *config;	/* counted (mem_ref) */
	struct list users;		/* of struct user */
	struct list retired;		/* whom a reload took out; what is theirs goes on */
	bool only_check;		/* --check: ends before it serves anybody */

	/* the kernel */
	struct genl_client *ticket_client, *mime_client;
	struct list circulars;		/* what list servers are sending */

	/* SIP */
	struct transport *transport;
	struct transactions *transactions;
	struct owner *owner;
	struct flow next_hop;
	struct standing *standing;	/* the connection to it; NULL: none is kept */
};

#endif
