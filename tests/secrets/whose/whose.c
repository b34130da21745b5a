// SPDX-License-Identifier: GPL-2.0
/*
 * whose.ko at=ADDRESS,...: has the kernel say in its log what lies at physical
 * addresses. It never stays: loading it fails with ECANCELED.
 *
 * A page that nobody refers to is free; one of several, with many references, is
 * what sockets cut the data of their packets from.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pfn.h>

static unsigned long at[256];
static unsigned int num;
module_param_array(at, ulong, &num, 0);

static int __init whose_init(void)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		struct page *page;

		if (!pfn_valid(PFN_DOWN(at[i])))
			continue;
		page = compound_head(pfn_to_page(PFN_DOWN(at[i])));
		pr_info("whose: %lx %s of order %u, %d references,", at[i],
			page_count(page) ? "page" : "free page", compound_order(page),
			page_count(page));
		mem_dump_obj(phys_to_virt(at[i]));
	}
	return -ECANCELED;
}
module_init(whose_init);

MODULE_DESCRIPTION("Names what lies at physical addresses, for tests");
MODULE_LICENSE("GPL");
