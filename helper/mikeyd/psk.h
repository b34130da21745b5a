/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A user's pre-shared key, of which mikeyd knows the serial and nothing else.
 */
#ifndef HELPER_MIKEYD_PSK_H
#define HELPER_MIKEYD_PSK_H

#include "helper/mikeyd/user.h"

/* psk_open - find it, and fill in who asks the KMS */
int psk_open(struct user *user, struct problem *problem);

/*
 * psk_renew - an operation failed with error: was it the PSK, and is there
 * another one of that name by now? Then do it again.
 */
bool psk_renew(struct user *user, int error);

#endif
