// SPDX-License-Identifier: GPL-2.0
/*
 * whose.ko at=ADDRESS,...: has the kernel say in its log what lies at physical
 * addresses. It never stays: loading it fails with ECANCELED.
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
		pr_info("whose: %lx", at[i]);
		if (pfn_valid(PFN_DOWN(at[i])))
			mem_dump_obj(phys_to_virt(at[i]));
	}
	return -ECANCELED;
}
module_init(whose_init);

MODULE_DESCRIPTION("Names what lies at physical addresses, for tests");
MODULE_LICENSE("GPL");
