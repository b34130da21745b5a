/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The key type "mikey_ticket", and keys by serial.
 */
#ifndef MIKEY_TICKET_KEY_H
#define MIKEY_TICKET_KEY_H

#include <linux/key.h>

#include "refusal.h"
#include "ticket.h"

/* "i:" or "r:", UID, ":", 32 hexadecimal digits, and the terminating zero */
#define MIKEY_KEY_DESC_MAX (2 + MIKEY_UID_MAX + 1 + 32 + 1)

int mikey_key_init(void);
void mikey_key_exit(void);

/* Can this UID stand in a key's description and in /proc/keys? */
bool mikey_key_uid_ok(struct mikey_blob uid);

/* The description of a ticket received from @uid. */
void mikey_key_describe_received(char desc[MIKEY_KEY_DESC_MAX],
				 struct mikey_blob uid, const u8 digest[32]);

/* The description of @t's key. Return: 0, -ENOMEM, or an error of the hash. */
int mikey_key_describe(char desc[MIKEY_KEY_DESC_MAX], struct mikey_ticket *t);

/**
 * mikey_key_make() - turn a ticket into a key of the caller's
 * @t: belongs to the key on success, to the caller still after an error
 * @ring: where to link it
 *
 * Return: the key with a reference, or ERR_PTR of -EDQUOT, -ENOMEM, -EACCES
 * (a security module), -EKEYREVOKED (the keyring).
 */
struct key *mikey_key_make(struct mikey_ticket *t, const char *desc,
			   struct key *ring);

/* A keyring to link into, by serial. Return: with a reference, or ERR_PTR. */
struct key *mikey_key_ring(key_serial_t serial, struct mikey_why *why);

/**
 * mikey_key_search() - a living ticket by its description
 * @ring: serial of a keyring, searched with current's permissions, as are the
 *	keyrings in it
 *
 * Return: the ticket with a reference on its key; NULL if there is none that
 * lives; ERR_PTR when the keyring cannot be searched.
 */
struct mikey_ticket *mikey_key_search(key_serial_t ring, const char *desc,
				      struct mikey_why *why);

/**
 * mikey_key_find() - any instantiated key by serial
 *
 * Return: with a reference, after key_validate() and the check for that
 * permission with current's credentials; ERR_PTR.
 */
struct key *mikey_key_find(key_serial_t serial, enum key_need_perm perm);

/* Words for what mikey_key_find() returns. */
const char *mikey_key_words(int err);

/* The ticket by serial, whatever its role. The reference is on its key. */
struct mikey_ticket *mikey_key_ticket(key_serial_t serial,
				      struct mikey_why *why);

#endif
