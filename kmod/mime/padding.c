// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Padding without branches on what is in it.
 */
#include "padding.h"

void cms_padding_put(u8 *data, u32 len)
{
	const u8 pad = CMS_BLOCK_LEN - len % CMS_BLOCK_LEN;

	memset(data + len, pad, pad);
}

/* All ones where @a < @b, both below 1 << 31; else 0 */
static u32 below(u32 a, u32 b)
{
	return -((a - b) >> 31);
}

u32 cms_padding_len(const u8 *data, u32 len)
{
	const u8 *block = data + len - CMS_BLOCK_LEN;
	const u32 pad = block[CMS_BLOCK_LEN - 1];
	u32 bad = (below(pad, 1) | below(CMS_BLOCK_LEN, pad)) & 0xff;
	u32 i;

	for (i = 0; i < CMS_BLOCK_LEN; i++)
		bad |= below(CMS_BLOCK_LEN - 1 - i, pad) & (block[i] ^ pad);
	return pad & ~below(0, bad);
}
