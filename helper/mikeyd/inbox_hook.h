/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that is run for each received message: the body is its standard
 * input, what is known of the message is in variables MIKEY_* of its
 * environment. No shell takes part, it inherits no descriptor, and it and all
 * that it started in its process group are killed when its time is over.
 */
#ifndef HELPER_MIKEYD_INBOX_HOOK_H
#define HELPER_MIKEYD_INBOX_HOOK_H

#include "helper/lib/libre.h"
#include "helper/lib/problem.h"
#include "helper/mikeyd/inbox_message.h"

/*
 * inbox_hook_done_h - how a program ended
 * @status: its exit status (0: it took the message), or a negative errno:
 *	-ETIMEDOUT: its time was over. -ECHILD: a signal ended it. -ECANCELED:
 *	inbox_hooks_stop() came first.
 */
typedef void (inbox_hook_done_h)(int status, void *arg);

/* Runs that have not ended; part of whoever starts them. */
struct inbox_hooks {
	struct list running;
};

/*
 * inbox_hook_run - start a program
 * @program: path and arguments, ends with NULL
 * @seconds: its time
 *
 * Without an error done is called, once and later.
 */
int inbox_hook_run(struct inbox_hooks *hooks, char * const *program, unsigned int seconds,
		   const struct inbox_message *message, inbox_hook_done_h *done, void *arg,
		   struct problem *problem);

/* inbox_hooks_stop - kill all that run; done is called for each */
void inbox_hooks_stop(struct inbox_hooks *hooks);

#endif
