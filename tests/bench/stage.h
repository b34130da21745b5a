/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread's Alice and Bob, and as many live tickets as are asked for.
 */
#ifndef MIKEY_BENCH_STAGE_H
#define MIKEY_BENCH_STAGE_H

#include "client.h"
#include "tests/kselftest/mime/body.h"

/**
 * struct stage - what contestants find there
 * @lane: Alice, Bob and a ticket from the KMS, whose keys the test knows too
 * @tickets: live tickets of Alice's, the first of which is @lane's
 * @num: how many
 */
struct stage {
	struct lane lane;
	key_serial_t *tickets;
	u32 num;
};

/* Whom the @i-th ticket is for; good until the next call of the thread. */
const char *stage_recipient(u32 i);

/* In a session keyring of the calling thread's own. */
void stage_open(struct stage *s);

/* Live tickets until there are @num, made by Alice (mode 3). */
void stage_fill(struct stage *s, u32 num);
void stage_close(struct stage *s);

#endif
