/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pre-shared keys: kernel keys that userspace cannot read.
 */
#ifndef MIKEY_TICKET_PSK_H
#define MIKEY_TICKET_PSK_H

#include <linux/key.h>

#include "../wire/profile.h"
#include "hmac.h"
#include "refusal.h"
#include "ticket.h"

/**
 * mikey_psk_get() - a PSK by serial, ready as the PRF's inkey
 * @inkey: filled in; the caller wipes it
 *
 * Return: the key with a reference, to be asked later whether it is still
 * valid; ERR_PTR and @why: as mikey_key_find(), for a key that can neither be
 * searched nor linked; -EACCES for one that guarded_psk does not allow,
 * -EOPNOTSUPP for a type that userspace can read, -EINVAL for a length that is
 * not the suite's.
 */
struct key *mikey_psk_get(key_serial_t serial, const struct mikey_suite *suite,
			  struct mikey_hmac *inkey, struct mikey_why *why);

/*
 * What tells one PSK from another, whatever key it lies in; no secret. @inkey was
 * zeros before it was prepared.
 */
int mikey_psk_digest(const struct mikey_hmac *inkey, u8 digest[32]);

/*
 * Was @t made, or resolved, with this PSK? Whoever may write a keyring can put
 * tickets there that look like the KMS's and come from a PSK of their own, so
 * that they know the keys. Return: 0, -EKEYREJECTED, or as mikey_psk_get().
 */
int mikey_psk_made(key_serial_t serial, const struct mikey_ticket *t,
		   struct mikey_why *why);

/* Is it still? -EKEYEXPIRED, -EKEYREVOKED, -ENOKEY (invalidated) if not. */
int mikey_psk_check(struct key *psk, struct mikey_why *why);

#endif
