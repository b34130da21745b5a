/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doubles of the kernel and the KMS for mikeyd's tests: they follow the
 * contracts of uapi/ in form, and "encrypt" by turning bytes round, so that a
 * test can tell what went in. Errors are the test's to ask for.
 */
#ifndef TESTS_UNIT_HELPER_KERNEL_H
#define TESTS_UNIT_HELPER_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/bytes.h"
#include "helper/lib/uid.h"

/* One error that a command answers, and how many times (-1 = always). */
struct kernel_fault {
	int error, times;
	const char *words;		/* NULL: some */
};

#define FAULT(error_, times_) ((struct kernel_fault){ .error = error_, .times = times_ })

struct kernel {
	struct kernel_fault request, grant, mint, resolve, admit, protect, unprotect;
	unsigned int requests, grants, mints, resolves, admits, protects, unprotects;

	bool not_reusable;		/* what the KMS grants */
	const char *granted_to;		/* another responder than wanted */
	int32_t next_ticket;
	int32_t psk_seen;		/* of the last REQUEST or RESOLVE */
	int32_t psk_there;		/* what looking for it finds */
	unsigned int identities, list_services;	/* of the last RESOLVE */
	int32_t kept;			/* what RESOLVE finds in the keyring */
	bool keep;			/* what ADMIT makes may be kept */
	uint32_t profile;		/* of what was received; 0 = immediate */
	uint8_t mac;			/* the same for all messages; 0: another each time */
	int32_t opened_with;		/* of the last UNPROTECT */
	uint32_t forms_seen;
	int64_t sent;			/* T of what UNPROTECT opens; 0 = in 2023 */
	uint32_t profile_seen, suite_seen, rekey_seen;	/* of the last REQUEST or MINT */
	bool cacheable_seen;
	char wanted_by[UID_MAX + 1];	/* initiator of the last REQUEST or MINT */
	char wanted[2048];		/* responders of the last REQUEST or MINT */
	char protected_for[UID_MAX + 1];
	bool list_service;		/* of the last PROTECT */
	uint32_t form_seen, content_seen;	/* of the last PROTECT */
	bool no_proof_seen;
	int32_t protected_with;

	const char *initiator;		/* whom UNPROTECT names */
	uint32_t proved;

	bool stranger;			/* the client is another user's */
	const char *not_user;		/* the client at this port may not be this one */
	unsigned int not_user_port;
	unsigned int gone;		/* nobody of the user's listens at this port */

	int32_t dropped[16];		/* tickets given to keyring_drop() */
	unsigned int n_dropped;
};

extern struct kernel kernel;

/* kernel_reset - everything is well, and alice sends */
void kernel_reset(void);

/* kernel_key - a ticket in the keyring, for what reads it at start */
struct kernel_ticket {
	int32_t serial;
	uint32_t role;
	bool reusable;
	int64_t remaining;
	const char *initiator, *responder;
	bool minted, cacheable;
	uint32_t rekey;
	int64_t age;			/* seconds since TRs; 0 = one */
	uint32_t profile, suite;	/* 0 = the default */
	int32_t psk;			/* that it was made with; 0 = whichever is asked for */
};

extern const struct kernel_ticket *kernel_tickets;
extern unsigned int n_kernel_tickets;

/* ---- the KMS: exchanges wait until the test answers the oldest */

unsigned int kms_waiting(void);

/* kms_answers - with a message (anything), or with an error and words */
void kms_answers(void);
void kms_fails(int error, const char *words);

#endif
