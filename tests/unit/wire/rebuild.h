/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A parsed message written again from its fields, for the unit tests and the
 * fuzzers.
 */
#ifndef TESTS_UNIT_WIRE_REBUILD_H
#define TESTS_UNIT_WIRE_REBUILD_H

#include "kmod/wire/builder.h"

/*
 * Can the builder say all that @m says? It writes less than the parser reads:
 * one crypto session without policies and session data, KEMAC without a MAC.
 */
bool can_rebuild(const struct mikey_msg *m);

/*
 * Write @m's expected payloads; @copied takes a TICKET over as bytes. False
 * where its Ticket Data or Initiator Data cannot be read.
 */
bool rebuild(struct mikey_builder *b, const struct mikey_msg *m, bool copied);

#endif
