/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the queue is inside: for queue.c and its parts only. A lane is the
 * messages for one recipient: parcels, whose clients have no answer yet, or rows that
 * were answered with 202; both are on the disk, and the first is the next to be
 * sent. There are never parcels behind rows.
 */
#ifndef HELPER_MIKEYD_QUEUELANE_H
#define HELPER_MIKEYD_QUEUELANE_H

#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/queuestore.h"
#include "helper/mikeyd/route.h"

/* After a start, or when somebody is seen alive again, not all at one moment. */
#define QUEUE_SPREAD_MS 500

struct bundle;
struct flight;

struct queue {
	struct user *user;
	struct mikeyd *mikeyd;		/* the user's */
	struct queue_store *store;
	struct list lanes;
	struct list bundles;		/* of queuebundle.c */
	unsigned int flights;
	struct tmr sweep;
	unsigned int sweeps;
	uint64_t opened;
	bool settled;
	bool hop_away, kms_away;
};

struct lane {
	struct le le;
	struct queue *queue;
	struct uid recipient;
	struct list parcels;
	bool rows;
	struct flight *flight;		/* no more than one */
	unsigned int failures;		/* since the last success */
	bool unanswered;		/* the last attempt had no answer */
	struct tmr timer;
};

struct parcel {
	struct le le;
	struct lane *lane;
	int64_t id;			/* on the disk; 0: it could not be put down */
	bool begun;			/* its attempt, on the disk */
	struct server *server;
	struct route route;
	struct uid sender;
	struct multipart body;
	int64_t valid_until;
	struct tmr patience;
	struct bundle *bundle;		/* what is held back for it, or NULL */
};

/* lane_of - the lane of a recipient, made if there is none; NULL: no memory */
struct lane *lane_of(struct queue *queue, const struct uid *recipient);

/* lane_find - the lane of a recipient; NULL if there is none */
struct lane *lane_find(const struct queue *queue, const struct uid *recipient);

/* lane_parcel - one more parcel of this lane; mem_deref() it. NULL: no memory */
struct parcel *lane_parcel(struct lane *lane);

/* lane_go - the next step of a lane, if none is under way; may end the lane */
void lane_go(struct lane *lane);

/* lane_go_soon - the same within QUEUE_SPREAD_MS; lane_go_next - from the event loop */
void lane_go_soon(struct lane *lane);
void lane_go_next(struct lane *lane);

/* lane_pause - after a failure: longer each time, and not less than so many seconds */
void lane_pause(struct lane *lane, unsigned int retry_after);

/* lane_flies - is this row under way? */
bool lane_flies(const struct lane *lane, int64_t id);

/*
 * lane_send - a parcel that was put down, or could not be, joins its lane, which goes
 * on with it; if rows are before it, it becomes one
 */
void lane_send(struct lane *lane, struct parcel *parcel);

/* queue_limits_of - how much may wait, by the rules in force */
struct queue_limits queue_limits_of(const struct queue *queue);

/* lane_put - put a parcel on the disk, if it can; @begun: its attempt begins at once */
void lane_put(struct parcel *parcel, bool begun, const char *why);

/*
 * lane_accept - make a parcel a row and tell its client; the caller gives
 * the parcel back in any case but that its attempt is under way and false came
 * @unsure, @code: it may have arrived; the answer that it had (if it is not kept yet)
 * @why: in words
 */
bool lane_accept(struct parcel *parcel, bool unsure, uint16_t code, const char *why);

/* lane_accept_all - all parcels; those that cannot wait are refused */
void lane_accept_all(struct lane *lane, const char *why);

/* lane_failed - the disk fails, or the file: what that concerns (or NULL) is tried again */
void lane_failed(const struct queue_item *item, const struct problem *problem);

/* lane_end_row - it is over with a row */
void lane_end_row(struct lane *lane, const struct queue_item *item, bool delivered,
		  uint16_t code, const char *words);

#endif
