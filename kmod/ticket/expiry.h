/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When tickets end: all of them in one queue, and one timer for the first.
 */
#ifndef MIKEY_TICKET_EXPIRY_H
#define MIKEY_TICKET_EXPIRY_H

struct mikey_ticket;

void mikey_expiry_init(void);

/* After the last ticket. */
void mikey_expiry_exit(void);

/* From now on its keys are wiped at its @expires, in hard interrupt. */
void mikey_expiry_add(struct mikey_ticket *t);

/* Whether it is still there or not; when this returns, nobody is wiping it. */
void mikey_expiry_remove(struct mikey_ticket *t);

#endif
