/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the parts that mikeyd needs exist and fit together?
 */
#ifndef HELPER_MIKEYD_CHECK_H
#define HELPER_MIKEYD_CHECK_H

#include "helper/mikeyd/mikeyd.h"

/* check_modules - are both modules there, of this age, and able to do as configured? */
int check_modules(struct mikeyd *mikeyd, struct problem *problem);

/*
 * check_kms - `mikeyd --check`: ask the KMS for a ticket for oneself, which
 * tries PSK, KMS and modules together; the ticket is dropped again
 */
int check_kms(struct mikeyd *mikeyd, struct problem *problem);

#endif
