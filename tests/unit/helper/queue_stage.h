/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stage with a queue: what waits on the disk, and what the client is told of it. */
#ifndef TESTS_UNIT_HELPER_QUEUE_STAGE_H
#define TESTS_UNIT_HELPER_QUEUE_STAGE_H

#include "tests/unit/helper/stage.h"

#include "helper/mikeyd/queuestore.h"

/* Longer than the pauses after failures are that tests wait for. */
#define QUEUE_WAIT_MS 20000

#define LATER "SIP/2.0 202 Accepted"
#define REFUSED "SIP/2.0 503 Service Unavailable"

/* look - the queue on the disk, to be closed */
struct queue_store *look(void);

/* waiting - so many messages are on the disk */
uint64_t waiting(void);

/* wait_for_nothing - all of them get away */
void wait_for_nothing(void);

#endif
