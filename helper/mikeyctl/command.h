/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of mikeyctl: one table (main.c), one function for each, and
 * what they all share: exit codes, words on standard error, standard options.
 */
#ifndef HELPER_MIKEYCTL_COMMAND_H
#define HELPER_MIKEYCTL_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/problem.h"

/* Exit codes; those from 3 to 8 are of `send` and say what became of the message. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_SUCH = 3,		/* there is no such recipient */
	EXIT_REFUSED = 4,		/* somebody will not have it: a policy, or the recipient */
	EXIT_NOT_UNDERSTOOD = 5,	/* malformed, too large, undecipherable, ... */
	EXIT_UNREACHABLE = 6,		/* KMS, proxy or recipient are away: try again later */
	EXIT_SILENT = 7,		/* no final answer in time */
	EXIT_PARTLY = 8,		/* some recipients' messages were accepted, not all */
	EXIT_NOTHING = 9,		/* no (such) message in the inbox */
};

struct command {
	const char *words;	/* "psk load" */
	const char *summary;	/* one line for the list of commands */
	const char *help;	/* usage and options, whole lines */
	/* argv[0] is the command, as messages name it; returns an exit code */
	int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command psk_load, psk_list, psk_revoke, psk_seal, psk_unseal;
extern const struct command ticket_list, ticket_show, ticket_revoke, ticket_invalidate;
extern const struct command queue_list, queue_show, queue_retry, queue_drop;
extern const struct command policy_show, stats_show, watch_refusals, send_message;
extern const struct command inbox_list, inbox_show, inbox_take, inbox_wait, follow_inbox;

/* Options that several commands have. */
#define OPTION_HELP { "help", no_argument, NULL, 'h' }
#define OPTION_JSON { "json", no_argument, NULL, 'j' }
#define OPTION_KEYRING { "keyring", required_argument, NULL, 'k' }

/*
 * command_option - the next option of a command, as getopt_long(3) gives it
 *
 * Answers --help and wrong options itself: *code is then the exit code and the
 * result -1, as it is at the end of the options with *code left alone.
 */
int command_option(const struct command *command, int argc, char **argv,
		   const struct option *options, int *code);

/* command_usage - "mikeyctl psk load: words" and a hint at --help */
__attribute__((format(printf, 2, 3)))
int command_usage(const struct command *command, const char *format, ...);

/* command_failed - "mikeyctl: words"; returns EXIT_FAILED */
int command_failed(const struct problem *problem);

/* command_read_seconds - a whole number with an optional s, m, h or d */
bool command_read_seconds(const char *text, int64_t *seconds);

/* command_read_number - a whole number from 1 */
bool command_read_number(const char *text, uint64_t *number);

#endif
