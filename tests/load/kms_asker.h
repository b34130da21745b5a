/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of mikey-kms that plays any of many users over one connection, and
 * believes nothing that it is told: MACs, keys and identities are checked.
 */
#ifndef TESTS_LOAD_KMS_ASKER_H
#define TESTS_LOAD_KMS_ASKER_H

#include "tests/unit/kms/client.h"

#define DOMAIN "example.test"
#define PORTS_MAX 16

/* Where the processes listen, at 127.0.0.1. */
struct ports {
	unsigned int num;
	unsigned int port[PORTS_MAX];
};

/* What came of one exchange. */
enum outcome_of {
	GOOD,
	BUSY,		/* HTTP status 503 */
	LOST,		/* no answer: the connection ended */
	REFUSED,	/* any other status, or an Error */
	OUTCOMES
};

struct user {
	char uid[64];		/* its UID and its PSK's id */
	u8 psk[32];
};

/* User @number: everybody who knows the number knows the PSK. */
void user_make(struct user *u, u32 number);

struct asker {
	const struct ports *ports;
	unsigned int process;	/* of ports */
	int fd;
	struct user from, to;
	struct house *house;	/* what tests/unit/kms/terminal.c wants of one */
	struct message asked;
	struct request request;
	struct granted granted;
	struct resolve_request resolve;
	struct resolved resolved;
	struct kms_answer answer;
	struct http_answer http;
	char text[2 * MIKEY_MSG_MAX];
};

/* NULL without memory. It turns to @process first. */
struct asker *asker_new(const struct ports *ports, unsigned int process);
void asker_free(struct asker *a);

/* Who asks and for whom, from now on. */
void asker_play(struct asker *a, u32 from, u32 to);

/*
 * A Ticket Request, then a->granted is what was granted; and the resolve of
 * that. A good answer that is not what it must be ends the program with words.
 * @us is how long the answer took, without the work before and behind it.
 */
enum outcome_of asker_request(struct asker *a, u32 *us);
enum outcome_of asker_resolve(struct asker *a, u32 *us);

/* A message as it is, and what the answer says: a->answer. */
enum outcome_of asker_post(struct asker *a, const char *path,
			   const struct message *msg, u32 *us);

#endif
