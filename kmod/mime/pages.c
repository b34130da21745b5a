// SPDX-License-Identifier: GPL-2.0
/*
 * A scatterlist addresses pages. Memory of vmalloc()'s is contiguous only
 * virtually, so every page of it has an entry of its own.
 */
#include <linux/mm.h>

#include "pages.h"

unsigned int mime_pages_num(const u8 *p, u32 len)
{
	if (!is_vmalloc_addr(p))
		return 1;
	return DIV_ROUND_UP(offset_in_page(p) + len, PAGE_SIZE);
}

struct scatterlist *mime_pages_append(struct scatterlist *sg, u8 *p, u32 len)
{
	if (!is_vmalloc_addr(p)) {
		sg_set_buf(sg, p, len);
		return sg + 1;
	}
	while (len) {
		u32 off = offset_in_page(p);
		u32 n = min_t(u32, len, PAGE_SIZE - off);

		sg_set_page(sg++, vmalloc_to_page(p), n, off);
		p += n;
		len -= n;
	}
	return sg;
}
