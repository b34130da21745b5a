/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The leanest netlink client: requests are bytes that were made before, one
 * send(2) and one recv(2) each, without an ACK where there is an
 * answer. The floor and the product have the same one.
 */
#ifndef MIKEY_BENCH_CLIENT_H
#define MIKEY_BENCH_CLIENT_H

#include "tests/kselftest/nl.h"

struct request {
	u8 *p;
	u32 len;
};

/*
 * The bytes of @msg, which is given back to libnl. @answered: the command has
 * an answer, so that no ACK is needed.
 */
struct request request_of(struct nlc *c, struct nl_msg *msg, bool answered);
void request_free(struct request *r);

#define CLIENT_ROOM (1024 * 1024 + 65536)

/*
 * One round trip, the answer into @room of CLIENT_ROOM bytes. An error ends the
 * program. Return: the answer's length.
 */
u32 client_call(struct nlc *c, const struct request *r, u8 *room);

/* All bytes of the attributes of @type in an answer, to be freed. */
struct request client_bytes(const u8 *answer, u32 len, int type);

#endif
