/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MIKEY_MIME_REPLAY_H
#define MIKEY_MIME_REPLAY_H

#include <linux/uidgid.h>

#include "../wire/numbers.h"
#include "../wire/wire.h"

struct netlink_ext_ack;

#define MIME_READER_LEN 32

/**
 * struct mime_receipt - one delivered TRANSFER_INIT
 * @uid: to whom it was delivered
 * @reader: and to which of those whom the KMS knows under that uid,
 *	MIME_READER_LEN bytes
 * @sender: IDRi, verified
 * @mac: V's MAC, at most MIKEY_MAC_MAX bytes
 * @sent: T in Unix seconds
 */
struct mime_receipt {
	kuid_t uid;
	struct mikey_blob reader;
	struct mikey_blob sender;
	struct mikey_blob mac;
	s64 sent;
};

/**
 * mime_replay_commit() - remember a delivery, unless it happened before
 *
 * To be called once everything has verified. Check and entry are one step:
 * of two copies at the same time one gets 0. May sleep.
 * Return: 0; -EALREADY; -ESTALE where what was forgotten might have
 * contained it; -ENOMEM.
 */
int mime_replay_commit(const struct mime_receipt *r,
		       struct netlink_ext_ack *extack);

/* Take back a commit whose delivery failed after all. */
void mime_replay_forget(const struct mime_receipt *r);

/* TRANSFER_INITs remembered now */
u64 mime_replay_entries(void);

void mime_replay_exit(void);

#endif
