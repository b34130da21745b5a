/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One generic netlink family as a client sees it: a socket, requests that are
 * one round trip each, and the kernel's extended ack as the words of a failure.
 *
 * Requests are synchronous: the commands of both families never sleep for
 * long, and a receive timeout bounds what cannot happen. A socket has one
 * request outstanding, so a large reply always finds an empty queue. When the
 * module was unloaded and loaded again its family has another number; the
 * request that notices (-ENOENT) asks for it once more and is repeated.
 */
#ifndef HELPER_LIB_NETLINK_H
#define HELPER_LIB_NETLINK_H

#include <stdint.h>

#include "helper/lib/bytes.h"
#include "helper/lib/problem.h"
#include "helper/lib/uid.h"

struct nl_msg;
struct nlattr;
struct genl_client;

/*
 * genl_client_open - open a socket and find the family, which asks the kernel
 * to load its module
 *
 * Returns -ENOENT if there is no such family, or what socket(2) says.
 */
int genl_client_open(struct genl_client **client, const char *family,
		     struct problem *problem);

void genl_client_close(struct genl_client *client);

/*
 * genl_message - a request to fill with attributes
 * @room: bytes that the attributes will need at most
 *
 * Returns NULL without memory.
 */
struct nl_msg *genl_message(struct genl_client *client, uint8_t command, size_t room);

/* genl_message_free - wipe and free: a request may hold plaintext */
void genl_message_free(struct nl_msg *message);

/*
 * genl_request - send message and get the reply's attributes
 * @reply: the reply in memory of its own, to be given to bytes_wipe()
 * @attrs: NULL, or a table of max + 1 to be filled with pointers into reply
 *
 * The message stays the caller's. A refusal is the kernel's errno with its
 * words. Every command has to have a reply.
 */
int genl_request(struct genl_client *client, struct nl_msg *message, struct bytes *reply,
		 struct nlattr **attrs, int max, struct problem *problem);

/*
 * genl_ask - genl_request() for a message that is of no use behind it, and is freed
 * @put: 0, or that an attribute did not fit into it: then there was no memory
 * @message: NULL: there was no memory, either
 */
int genl_ask(struct genl_client *client, struct nl_msg *message, int put,
	     struct bytes *reply, struct nlattr **attrs, int max, struct problem *problem);

/*
 * genl_counters - ask for the counters that a family nests in one attribute
 * @stats: of most + 1, those up to pad are none; 0 for what the kernel does not have
 */
int genl_counters(struct genl_client *client, uint8_t command, int type, int pad,
		  uint64_t *stats, int most, struct problem *problem);

/* genl_unexpected - an answer of the kernel that its own contract rules out: -EPROTO */
int genl_unexpected(struct problem *problem);

/* genl_get_u32, genl_get_s64 - 0 if there is none */
uint32_t genl_get_u32(struct nlattr *attr);
int64_t genl_get_s64(struct nlattr *attr);

/* genl_get_uid - -EPROTO if there is none */
int genl_get_uid(struct uid *uid, struct nlattr *attr);

/*
 * genl_reply_join - all attributes of one type in a reply, concatenated; used
 * for bodies that one attribute cannot carry. -ENOMEM, -ENODATA if none.
 */
int genl_reply_join(const struct bytes *reply, int type, struct bytes *out);

/* genl_reply_each - call back for every attribute of one type in a reply */
int genl_reply_each(const struct bytes *reply, int type,
		    int (*each)(struct nlattr *attr, void *arg), void *arg);

#endif
