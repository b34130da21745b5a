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

/**
 * mikey_psk_get() - a PSK by serial, ready as the PRF's inkey
 * @inkey: filled in; the caller wipes it
 *
 * Return: the key with a reference, to be asked later whether it is still
 * valid; ERR_PTR and @why: as mikey_key_find(), -EOPNOTSUPP for a type that
 * userspace can read, -EINVAL for a length that is not the suite's.
 */
struct key *mikey_psk_get(key_serial_t serial, const struct mikey_suite *suite,
			  struct mikey_hmac *inkey, struct mikey_why *why);

/* Is it still? -EKEYEXPIRED, -EKEYREVOKED, -ENOKEY (invalidated) if not. */
int mikey_psk_check(struct key *psk, struct mikey_why *why);

#endif
