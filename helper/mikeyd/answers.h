/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the last messages were answered, so that one that comes again gets the
 * same answer. Whether it came before is for the kernel to say; this is only
 * what the client then said to it.
 */
#ifndef HELPER_MIKEYD_ANSWERS_H
#define HELPER_MIKEYD_ANSWERS_H

#include <stdint.h>

#include "helper/lib/bytes.h"

#define ANSWERS_MAX 512

struct answer_key {
	uint8_t digest[32];
};

struct answers {
	struct {
		struct answer_key key;
		uint16_t code;
	} ring[ANSWERS_MAX];
	unsigned int next;
};

/* answer_key - what a message is known by here: a digest of both its parts */
void answer_key(struct answer_key *key, const struct bytes *transfer,
		const struct bytes *cms);

void answers_add(struct answers *answers, const struct answer_key *key, uint16_t code);

/* answers_find - the final status code, 0 if it is not known */
uint16_t answers_find(const struct answers *answers, const struct answer_key *key);

#endif
