/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow tokens (RFC 5626 5.2): the user part of the Path and Record-Route URIs
 * that lead from the network to a user's client. A token holds the client's
 * transport address and a MAC over it and the user's name, so mikeyd keeps no table of clients,
 * finds them again after a restart, and cannot be made to send anywhere else.
 *
 * The MAC's key protects no message and no identity. It lies in the user
 * keyring as a key of type "user" with the description TOKEN_KEY, for as long
 * as that keyring lives.
 */
#ifndef HELPER_MIKEYD_TOKEN_H
#define HELPER_MIKEYD_TOKEN_H

#include "helper/lib/problem.h"
#include "helper/mikeyd/transport.h"

#define TOKEN_KEY "mikeyd:flow-token"
#define TOKEN_SIZE 96		/* characters at most, with the zero byte */

/* token_open - find or make the key; once, before the others */
int token_open(struct problem *problem);

void token_close(void);

/*
 * token_write - the token of a client's flow, for this user
 * @outbound: the client registers its flows by RFC 5626, and makes a new one
 *	when one fails
 */
void token_write(char token[TOKEN_SIZE], const struct flow *client, bool outbound,
		 const char *user);

/*
 * token_hash - 16 hexadecimal digits that only this mikeyd can make of a text:
 * for branches and tags that have to come out the same each time
 */
void token_hash(char digits[17], const char *text);

/* token_read - back to the flow; false if this is no token of ours for this user */
bool token_read(struct flow *client, bool *outbound, const struct pl *token, const char *user);

#endif
