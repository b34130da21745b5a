/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of the netlink family "mikey_mime" (uapi/mikey_mime.h has the
 * contract of each command and its errors).
 */
#ifndef HELPER_LIB_MIME_H
#define HELPER_LIB_MIME_H

#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/bytes.h"
#include "helper/lib/problem.h"
#include "helper/lib/uid.h"
#include "uapi/mikey_mime.h"

struct genl_client;

/* How an entity is to be protected. */
struct mime_wish {
	int32_t ticket;			/* serial */
	const struct uid *recipient;	/* IDRr of TRANSFER_INIT */
	bool list_service;		/* a ticket of profile annex-i does not name it */
	uint32_t form;			/* enum mikey_mime_form */
	uint32_t content;		/* enum mikey_mime_content_alg; 0: the form's own */
	bool no_proof;			/* leave the proof of origin out */
};

/*
 * mime_protect - protect one MIME entity with a ticket
 *
 * The outputs are the caller's to bytes_wipe().
 */
int mime_protect(struct genl_client *client, const struct mime_wish *wish,
		 const struct bytes *entity, struct bytes *transfer, struct bytes *cms,
		 struct problem *problem);

struct mime_opened {
	struct bytes entity;
	struct uid initiator, recipient;
	uint32_t proved, form;
	int64_t sent;
};

/*
 * mime_unprotect - verify and open what was received
 * @forms: mask of 1 << acceptable form
 */
int mime_unprotect(struct genl_client *client, int32_t ticket, uint32_t forms,
		   const struct bytes *transfer, const struct bytes *cms,
		   struct mime_opened *opened, struct problem *problem);

struct mime_caps {
	uint32_t api_version, forms, content_algs, max_entity;
	char module_version[64];
};

int mime_caps(struct genl_client *client, struct mime_caps *caps, struct problem *problem);

int mime_stats(struct genl_client *client, uint64_t stats[MIKEY_MIME_S_MAX + 1],
	       struct problem *problem);

/* Names of enum values, as configuration and output write them; NULL if none. */
const char *mime_form_name(uint32_t form);
const char *mime_proved_name(uint32_t proved);
const char *mime_stat_name(int stat);

/* smime-type of a form (Annex F.3) */
const char *mime_form_type(uint32_t form);

const char *mime_content_name(uint32_t content);

/*
 * mime_content_of - what a form encrypts with; 0: nothing
 * @content: what was wished, 0: the form's own
 */
uint32_t mime_content_of(uint32_t form, uint32_t content);

/* The value of a name, 0 if there is none. */
uint32_t mime_form_value(const char *name);
uint32_t mime_content_value(const char *name);

#endif
