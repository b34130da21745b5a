/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pre-shared key, of which mikeyd knows the serial and nothing else.
 */
#ifndef HELPER_MIKEYD_PSK_H
#define HELPER_MIKEYD_PSK_H

#include "helper/mikeyd/mikeyd.h"

/* psk_open - find it, and fill in who asks the KMS */
int psk_open(struct mikeyd *mikeyd, struct problem *problem);

/*
 * psk_renew - an operation failed with error: was it the PSK, and is there
 * another one of that name by now? Then do it again.
 */
bool psk_renew(struct mikeyd *mikeyd, int error);

#endif
