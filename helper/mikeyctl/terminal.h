/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A terminal that does not show what is typed, for as long as a key is. */
#ifndef HELPER_MIKEYCTL_TERMINAL_H
#define HELPER_MIKEYCTL_TERMINAL_H

#include <signal.h>
#include <termios.h>

struct terminal {
	int fd;
	struct termios before;
	struct sigaction actions[4];
};

/*
 * terminal_hide - ask, and turn the echo off
 *
 * Signals that would end or stop the process interrupt read(2) instead
 * (-EINTR), so that the echo comes back. Returns 0, or -1 and errno.
 */
int terminal_hide(struct terminal *terminal, int fd, const char *question);

/* terminal_show - everything as it was; a signal that came takes effect now */
void terminal_show(struct terminal *terminal);

#endif
