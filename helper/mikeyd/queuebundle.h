/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue's part of a message to a list of recipients: for queue.c and queuelane.c
 * only. All its messages are put down together; those that do not go through
 * the list service are held back until that has the list, or until the list waits.
 */
#ifndef HELPER_MIKEYD_QUEUEBUNDLE_H
#define HELPER_MIKEYD_QUEUEBUNDLE_H

#include "helper/mikeyd/queuelane.h"

/* bundle_holds - is this row one of those that are held back? */
bool bundle_holds(const struct queue *queue, int64_t id);

/* bundle_release - those that a parcel held back go their way now; NULL: none */
void bundle_release(struct parcel *parcel);

/*
 * bundle_withdraw - it was refused: neither it nor what is held back for it is sent. To
 * be called before the client is told. All are forgotten, or none is: then they are
 * there still, and are held back.
 */
int bundle_withdraw(struct parcel *parcel, struct problem *problem);

#endif
