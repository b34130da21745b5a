// SPDX-License-Identifier: GPL-2.0
/*
 * AES-CM. A KEMAC is a few hundred bytes, once for each ticket: the AES
 * library does it without allocating a transform.
 */
#include <crypto/aes.h>
#include <crypto/algapi.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../compat.h"
#include "kemac.h"

int mikey_aes_cm(const struct mikey_encr_key *encr, u32 key_len, u32 csb_id,
		 u64 t, u8 *data, u32 len)
{
	u8 counter[AES_BLOCK_SIZE], stream[AES_BLOCK_SIZE];
	struct aes_enckey aes;
	u32 at, part;
	u16 block;
	int err;

	if (len > MIKEY_KEMAC_MAX)
		return -EINVAL;
	err = aes_prepareenckey(&aes, encr->key, key_len);
	if (err)
		return err;
	mikey_aes_cm_iv(counter, encr->salt, csb_id, t);

	/* the IV ends in 16 zero bits, which count the blocks */
	for (at = 0, block = 0; at < len; at += part, block++) {
		counter[AES_BLOCK_SIZE - 2] = block >> 8;
		counter[AES_BLOCK_SIZE - 1] = block;
		aes_encrypt(&aes, stream, counter);
		part = min_t(u32, len - at, AES_BLOCK_SIZE);
		crypto_xor(data + at, stream, part);
	}
	memzero_explicit(&aes, sizeof(aes));
	memzero_explicit(counter, sizeof(counter));
	memzero_explicit(stream, sizeof(stream));
	return 0;
}
