/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands for pre-shared keys share.
 */
#ifndef HELPER_MIKEYCTL_PSK_H
#define HELPER_MIKEYCTL_PSK_H

#include <stdbool.h>

#include "helper/mikeyctl/command.h"

/* The kernel's limit for a description, with its zero byte, is a page. */
#define PSK_DESCRIPTION_MAX 4095

/* psk_describe - "mikey:ID"; false without an ID, or with too long a one */
bool psk_describe(char description[PSK_DESCRIPTION_MAX + 1], const char *id);

/*
 * psk_is_plain - can it be a description? One with white space or controls could
 * not be named again.
 */
bool psk_is_plain(const char *description);

/* psk_hide_process - neither a core dump nor a debugger of the same user gets at it */
void psk_hide_process(void);

/*
 * psk_refuse_argument - what stands on a command line, everybody can read, and it
 * may be a key: wipe it and say so; an exit code
 */
int psk_refuse_argument(const struct command *command, int argc, char **argv);

#endif
