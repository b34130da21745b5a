// SPDX-License-Identifier: GPL-2.0
/*
 * mikey_bench.ko: the floor that make bench measures against.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <net/genetlink.h>

#include "floor.h"

static int cmd_nothing(struct sk_buff *skb, struct genl_info *info)
{
	return 0;
}

static int cmd_floor(struct sk_buff *skb, struct genl_info *info)
{
	if (!info->attrs[MIKEY_BENCH_A_MESSAGE])
		return -EINVAL;
	return floor_run(nla_data(info->attrs[MIKEY_BENCH_A_MESSAGE]));
}

static const struct nla_policy policy[MIKEY_BENCH_A_LAST + 1] = {
	[MIKEY_BENCH_A_MESSAGE] =
		NLA_POLICY_EXACT_LEN(sizeof(struct mikey_bench_message)),
};

static const struct genl_ops ops[] = {
	{
		.cmd = MIKEY_BENCH_CMD_NOTHING,
		.doit = cmd_nothing,
	}, {
		.cmd = MIKEY_BENCH_CMD_FLOOR,
		.flags = GENL_ADMIN_PERM,
		.doit = cmd_floor,
	},
};

static struct genl_family family __ro_after_init = {
	.name = MIKEY_BENCH_GENL_NAME,
	.version = MIKEY_BENCH_GENL_VERSION,
	.maxattr = ARRAY_SIZE(policy) - 1,
	.policy = policy,
	.parallel_ops = true,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.module = THIS_MODULE,
};

static int __init bench_init(void)
{
	int err = floor_init();

	if (err)
		return err;
	err = genl_register_family(&family);
	if (err)
		floor_exit();
	return err;
}

static void __exit bench_exit(void)
{
	genl_unregister_family(&family);
	floor_exit();
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("The cryptography of one MIKEY-TICKET message, for measurements");
MODULE_AUTHOR("The mikey-mime developers");
MODULE_LICENSE("GPL");
