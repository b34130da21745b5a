/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attempts of the queue, of which a lane has one at a time: for queuelane.c and
 * what belongs to it only.
 */
#ifndef HELPER_MIKEYD_QUEUEFLIGHT_H
#define HELPER_MIKEYD_QUEUEFLIGHT_H

#include "helper/mikeyd/queuelane.h"

/* An attempt, of a parcel or of a row. */
struct flight {
	struct lane *lane;		/* NULL: the queue was closed meanwhile */
	struct parcel *parcel;		/* NULL: of a row */
	struct queue_item item;		/* without texts */
};

/* flight_of_parcel - send the first parcel of a lane; its client waits for the answer */
void flight_of_parcel(struct lane *lane, struct parcel *parcel);

/* flight_of_row - send a lane's first row. Takes what item holds. */
void flight_of_row(struct lane *lane, struct queue_item *item);

#endif
