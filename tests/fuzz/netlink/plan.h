/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits of what the peer says, before it is encoded: LAYER_PLAN.
 */
#ifndef MIKEY_FUZZ_PLAN_H
#define MIKEY_FUZZ_PLAN_H

#include "recipe.h"
#include "tests/kselftest/peer.h"

void plan_ticket(struct peer_ticket *t, const struct recipe *r);
void plan_transfer(struct peer_transfer *x, const struct recipe *r);
void plan_answer(struct peer_answer *a, const struct recipe *r);

#endif
