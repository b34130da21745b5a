/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AES in counter mode as MIKEY's KEMAC uses it (RFC 3830 4.2.3).
 */
#ifndef MIKEY_TICKET_KEMAC_H
#define MIKEY_TICKET_KEMAC_H

#include "derive.h"

/* Key data of a KEMAC: three keys with the longest SPIs, and room to spare. */
#define MIKEY_KEMAC_MAX 1024

/**
 * mikey_aes_cm() - encrypt or decrypt in place
 * @key_len: of encr->key, 16 or 32
 * @csb_id: and @t as RFC 3830 4.2.3 puts them into the IV
 * @len: at most MIKEY_KEMAC_MAX
 *
 * Return: 0, or -EINVAL for lengths that are not possible.
 */
int mikey_aes_cm(const struct mikey_encr_key *encr, u32 key_len, u32 csb_id,
		 u64 t, u8 *data, u32 len);

#endif
