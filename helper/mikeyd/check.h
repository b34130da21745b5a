/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the parts that mikeyd needs exist and fit together?
 */
#ifndef HELPER_MIKEYD_CHECK_H
#define HELPER_MIKEYD_CHECK_H

#include "helper/mikeyd/mikeyd.h"

/*
 * check_modules - are both modules there, of this age, and able to do as a
 * configuration says for each of its users?
 */
int check_modules(struct mikeyd *mikeyd, const struct config *config, struct problem *problem);

/*
 * check_kms - `mikeyd --check`: ask the KMS for a ticket for each user's own
 * sake, which tries PSK, KMS and modules together; the tickets are dropped again
 */
int check_kms(struct mikeyd *mikeyd, struct problem *problem);

#endif
