/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inbox of a user as a part of mikeyd: its settings, its record, its socket. */
#ifndef HELPER_MIKEYD_INBOX_USER_H
#define HELPER_MIKEYD_INBOX_USER_H

#include "helper/mikeyd/user.h"

/*
 * inbox_user_open - what the settings say; nothing if they have no inbox
 *
 * After the record: what a folder holds from before is put down there as
 * delivered, which mikeyd may have had no time for.
 */
int inbox_user_open(struct user *user, struct problem *problem);

/* inbox_user_close - before those who wait for an answer of the inbox go */
void inbox_user_close(struct user *user);

#endif
