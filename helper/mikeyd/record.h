/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of delivered messages: which TRANSFER_INITs the user has had, and
 * what the client said to each. The kernel knows that too, but only until its
 * module leaves; this is on disk and holds across restarts of everything.
 *
 * The order is: the kernel verifies, record_begin() is on the disk, the client
 * is given the message, its answer is put down. So whatever is killed or loses
 * power, nothing is given out twice; and what was under way then is known as
 * such (code 0), and not as delivered.
 *
 * The record is bounded, and what it forgets leaves a floor: of a sender
 * nothing is taken any more that is not newer than the newest forgotten of
 * theirs. Forgetting costs late messages and never lets one through twice.
 */
#ifndef HELPER_MIKEYD_RECORD_H
#define HELPER_MIKEYD_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "helper/lib/config.h"
#include "helper/lib/problem.h"
#include "helper/lib/ticket.h"

struct record;

/*
 * record_open - open or make the record in a directory
 * @config: how much is remembered
 * @only_check: another mikeyd may have it open
 *
 * Nobody else can open it meanwhile: -EBUSY. -EUCLEAN: the file is damaged.
 */
int record_open(struct record **record, const char *dir, const struct config_user *config,
		bool only_check, struct problem *problem);

/* record_use - from now on as this configuration says */
void record_use(struct record *record, const struct config_user *config);

void record_close(struct record *record);

/*
 * record_ready - can a message be put down? Asked before one is opened, since
 * the kernel opens each only once. -EIO, in words, if not.
 */
int record_ready(struct record *record, struct problem *problem);

/*
 * record_begin - put a verified message down, about to be delivered
 * @sent: T of its TRANSFER_INIT, seconds since 1970
 * @code: the answer it got, if it is there already; 0 = none is known
 *
 * 0: it is on the disk. -EALREADY: it was there. -ESTALE: it is not newer than
 * what had to be forgotten. -EIO: it could not be written.
 */
int record_begin(struct record *record, const struct uid *sender, const struct ticket_mac *mac,
		 int64_t sent, uint16_t *code, struct problem *problem);

/* record_find - the answer that a message got; 0 if none is known */
uint16_t record_find(struct record *record, const struct uid *sender,
		     const struct ticket_mac *mac);

/*
 * record_answer - the client's final answer; of several clients the one that
 * took the message counts
 */
void record_answer(struct record *record, const struct uid *sender,
		   const struct ticket_mac *mac, uint16_t code);

#endif
