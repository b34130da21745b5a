/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mikeyd as the client of a user who has none: it takes what arrives for them,
 * gives it to a program, or keeps it until somebody comes for it.
 *
 * The kernel opens each message once. So a place is reserved before that is
 * asked of it; who finds none is refused with nothing lost, and comes again.
 */
#ifndef HELPER_MIKEYD_INBOX_H
#define HELPER_MIKEYD_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "helper/lib/config_inbox.h"
#include "helper/lib/problem.h"
#include "helper/lib/libre.h"
#include "helper/mikeyd/inbox_message.h"
#include "helper/mikeyd/inbox_store.h"

struct inbox;

/*
 * inbox_open - by the settings of a user, which stay the caller's and there
 *
 * 0 and *inbox NULL where the settings have no inbox.
 */
int inbox_open(struct inbox **inbox, const struct config_inbox *config, struct problem *problem);

/* inbox_close - programs that run are killed, and their messages answered */
void inbox_close(struct inbox *inbox);

/* inbox_when - INBOX_NEVER for NULL */
enum inbox_when inbox_when(const struct inbox *inbox);

/* Room for one message that is being opened. */
struct inbox_place {
	bool reserved;
	size_t size;
};

/*
 * inbox_reserve - room for a message that has not been opened
 * @size: bytes it may have at most
 *
 * -EBUSY, in words: not now. -EIO: the disk is full.
 */
int inbox_reserve(struct inbox *inbox, struct inbox_place *place, size_t size,
		  struct problem *problem);

/* inbox_release - once the message was given, or will not be; NULL: the inbox went */
void inbox_release(struct inbox *inbox, struct inbox_place *place);

/* inbox_answer_h - how the message is to be answered: 200, or 480 if nobody has it */
typedef void (inbox_answer_h)(uint16_t code, void *arg);

/*
 * inbox_give - a message that is open, and has a place reserved
 * @message: is taken
 * @answer: called once, here or later
 */
void inbox_give(struct inbox *inbox, struct inbox_message *message, inbox_answer_h *answer,
		void *arg);

/* inbox_store - what is kept */
struct inbox_store *inbox_store(struct inbox *inbox);

/* inbox_keeps - is anything ever kept, or has the program all? */
bool inbox_keeps(const struct inbox *inbox);

/* ---- whoever waits for messages */

struct inbox_watch {
	struct le le;
	void (*changed)(void *arg);	/* a message was kept */
	void *arg;
};

/* inbox_watch - from now on, until list_unlink() */
void inbox_watch(struct inbox *inbox, struct inbox_watch *watch);

#endif
