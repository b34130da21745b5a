/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exchanges with a KMS that wait for its answer.
 */
#ifndef MIKEY_TICKET_EXCHANGE_H
#define MIKEY_TICKET_EXCHANGE_H

#include <linux/key.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/uidgid.h>

#include "../wire/profile.h"
#include "derive.h"
#include "refusal.h"

struct genl_info;

/**
 * struct mikey_exchange - one REQUEST or RESOLVE and what its answer needs
 * @by_socket: in the table, while pending
 * @by_age: in the list of all, oldest first, while pending
 * @ref: one while pending, one for each command at work on it
 * @closed: an answer was accepted; under @lock
 * @net: with @portid, the socket; compared only, the socket holds it
 * @uid: who opened it; nobody else finds it
 * @psk: asked again when the answer comes; the key bytes are not kept
 * @psk_digest: see mikey_psk_digest()
 * @auth_init: auth_key of the initial message, which an Error has too
 * @auth: and @encr: keys of the answer
 * @initial: REQUEST_INIT or RESOLVE_INIT, which the answer's MAC covers
 * @transfer: RESOLVE: TRANSFER_INIT
 * @asker: RESOLVE: who asks, see mikey_kept_asker()
 * @reader: RESOLVE: SHA-256 of the UID in whose name
 */
struct mikey_exchange {
	struct hlist_node by_socket;
	struct list_head by_age;
	refcount_t ref;
	struct mutex lock;		/* one answer at a time */
	bool closed;

	struct net *net;
	u32 portid;
	u32 id;
	kuid_t uid;
	unsigned long deadline;

	bool resolve;
	const struct mikey_profile *profile;
	const struct mikey_suite *suite;
	struct key *psk;
	u8 psk_digest[32];
	u8 auth_init[MIKEY_MAC_MAX];
	u8 auth[MIKEY_MAC_MAX];
	struct mikey_encr_key encr;

	u8 *initial;
	u32 initial_len;
	u8 *transfer;
	u32 transfer_len;
	u8 asker[32];
	u8 reader[32];
};

int mikey_exchange_init(void);

/* No new exchange can come any more; frees all that are left. */
void mikey_exchange_exit(void);

/* One that nobody else can see yet. Return: it, or NULL without memory. */
struct mikey_exchange *mikey_exchange_new(void);

/**
 * mikey_exchange_publish() - let its socket find it
 *
 * Sets the id. On success the table has a reference of its own.
 * Return: 0, or -EDQUOT with MIKEY_TICKET_EXCHANGE_MAX pending.
 */
int mikey_exchange_publish(struct mikey_exchange *ex, struct genl_info *info,
			   struct mikey_why *why);

/**
 * mikey_exchange_find() - this socket's exchange of that id, if it is of this user
 *
 * Return: with a reference and locked, or ERR_PTR(-ESRCH).
 */
struct mikey_exchange *mikey_exchange_find(struct genl_info *info, u32 id,
					   bool resolve, struct mikey_why *why);
void mikey_exchange_release(struct mikey_exchange *ex);

/* Over: nobody finds it any more. The caller's reference stays. */
void mikey_exchange_close(struct mikey_exchange *ex);

void mikey_exchange_put(struct mikey_exchange *ex);

#endif
