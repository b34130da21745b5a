/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The group "inbox" of mikeyd.conf(5): mikeyd itself takes a user's messages. */
#ifndef HELPER_LIB_CONFIG_INBOX_H
#define HELPER_LIB_CONFIG_INBOX_H

#include <stdbool.h>
#include <stdint.h>

/* When mikeyd takes a message and no SIP client gets it. */
enum inbox_when {
	INBOX_NEVER,			/* there is no group "inbox" */
	INBOX_ABSENT,			/* no SIP client of the user's is there */
	INBOX_ALWAYS,
};

struct config_inbox {
	uint32_t when;			/* enum inbox_when */
	unsigned int messages;		/* that wait at most ... */
	unsigned int kilobytes;		/* ... and how large all may be */
	char *directory;		/* NULL: they are kept in memory only */
	char *socket;			/* NULL: where the environment says */
	char **program;			/* path and arguments, ends with NULL; NULL: none */
	unsigned int program_time;	/* seconds for one run */
	unsigned int programs;		/* that may run at the same time */
	bool keep_failed;		/* what the program did not take is kept */
};

/* config_inbox_free - what the settings put into it; it is then as without them */
void config_inbox_free(struct config_inbox *inbox);

#endif
