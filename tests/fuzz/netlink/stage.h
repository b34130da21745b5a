/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One profile and suite of the scene.
 */
#ifndef MIKEY_FUZZ_STAGE_H
#define MIKEY_FUZZ_STAGE_H

#include "attrs.h"
#include "scene.h"
#include "tests/kselftest/mime/body.h"

/**
 * struct stage - alice, bob and all between them
 * @keys: keyring of PSKs and the ticket to send with; @tickets: of all others
 * @received: bob's last ticket
 * @used: recipes so far
 */
struct stage {
	struct peer_kind kind;
	struct lane lane;
	key_serial_t keys;
	key_serial_t tickets;
	key_serial_t received;
	u32 used;
};

/*
 * Bend @m as @r says, send it, give it back to libnl. Return: 0 or the errno
 * that the kernel answered.
 */
int stage_send(struct stage *s, const struct recipe *r, struct nlc *c, struct nl_msg *m,
	       u32 exchange);

/* All of one recipe. Return: as stage_send(), or SCENE_NEVER. */
int stage_step(struct stage *s, const struct recipe *r);

/* Options of an honest request: bits of a recipe's arg */
#define ARG_REUSABLE 1		/* J; of a letter: no proof of origin */
#define ARG_CACHEABLE 2		/* E0: a ticket that is kept */
#define ARG_MORE 4		/* second responder, group, list service */
#define ARG_MINTED 8		/* mode 3; of an Error message: without MAC */
#define ARG_REKEY 16		/* TRr */
#define ARG_TWICE 32		/* all of it once more */
/* of PROTECT and letters: form and algorithm, one of STAGE_FORMS */
#define ARG_FORM(arg) ((arg) / 2 % 8)

#endif
