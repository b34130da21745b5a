// SPDX-License-Identifier: GPL-2.0
/*
 * PRF (inkey, label) of RFC 3830 4.1.2, over HMAC-SHA-1 (MIKEY-1) or
 * HMAC-SHA-256 (RFC 6043 6.1):
 *
 *	P (s, label, m) = HMAC (s, A_1 || label) || HMAC (s, A_2 || label) ...
 *	A_0 = label, A_i = HMAC (s, A_(i-1))
 *	outkey = P (s_1, ...) XOR P (s_2, ...) XOR ...
 *
 * with s_1, s_2, ... the inkey cut into blocks of 256 bits. (Not 512: the
 * block is that of the key, whatever the hash's is.)
 */
#include <crypto/algapi.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "prf.h"

static int p_xor(const struct mikey_hmac *s, struct mikey_blob label,
		 u8 *outkey, u32 len)
{
	u32 hash_len = mikey_hmac_len(s);
	u8 a[MIKEY_MAC_MAX], block[MIKEY_MAC_MAX];
	struct mikey_blob seg[2];
	u32 done;
	int err;

	err = mikey_hmac_sum(s, &label, 1, a);
	for (done = 0; done < len && !err; done += hash_len) {
		seg[0] = (struct mikey_blob){ a, hash_len };
		seg[1] = label;
		err = mikey_hmac_sum(s, seg, 2, block);
		if (err)
			break;
		crypto_xor(outkey + done, block, min(hash_len, len - done));
		if (done + hash_len < len)
			err = mikey_hmac_sum(s, seg, 1, a);
	}
	memzero_explicit(a, sizeof(a));
	memzero_explicit(block, sizeof(block));
	return err;
}

int mikey_prf_prepare(struct mikey_hmac *h, u8 prf, const u8 *inkey, u32 len)
{
	const struct mikey_hash *hash = mikey_hash_of_prf(prf);

	if (!hash)
		return -EPROTONOSUPPORT;
	if (len > MIKEY_PRF_BLOCK)
		return -EINVAL;
	return mikey_hmac_prepare(h, hash, inkey, len);
}

int mikey_prf_expand(const struct mikey_hmac *h, struct mikey_blob label,
		     u8 *outkey, u32 len)
{
	int err;

	memset(outkey, 0, len);
	err = p_xor(h, label, outkey, len);
	if (err)
		memzero_explicit(outkey, len);
	return err;
}

int mikey_prf(u8 prf, struct mikey_blob inkey, struct mikey_blob label,
	      u8 *outkey, u32 len)
{
	struct mikey_hmac h;
	u32 at, part;
	int err = 0;

	memset(outkey, 0, len);
	for (at = 0; at < inkey.len && !err; at += part) {
		part = min_t(u32, inkey.len - at, MIKEY_PRF_BLOCK);
		err = mikey_prf_prepare(&h, prf, inkey.p + at, part);
		err = err ?: p_xor(&h, label, outkey, len);
	}
	memzero_explicit(&h, sizeof(h));
	if (err)
		memzero_explicit(outkey, len);
	return err;
}
