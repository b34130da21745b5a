/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pseudo-random function of MIKEY (RFC 3830 4.1.2).
 */
#ifndef MIKEY_TICKET_PRF_H
#define MIKEY_TICKET_PRF_H

#include "hmac.h"

/* inkey is used in blocks of 256 bits. */
#define MIKEY_PRF_BLOCK 32

/**
 * mikey_prf_prepare() - an inkey of at most one block, for several labels
 *
 * Return: 0, -EINVAL for a longer inkey, -EPROTONOSUPPORT for an unknown @prf.
 */
int mikey_prf_prepare(struct mikey_hmac *h, u8 prf, const u8 *inkey, u32 len);

/* outkey from a prepared inkey */
int mikey_prf_expand(const struct mikey_hmac *h, struct mikey_blob label,
		     u8 *outkey, u32 len);

/* outkey from an inkey of any length; after an error @outkey is zeroed */
int mikey_prf(u8 prf, struct mikey_blob inkey, struct mikey_blob label,
	      u8 *outkey, u32 len);

#endif
