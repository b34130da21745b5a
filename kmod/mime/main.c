// SPDX-License-Identifier: GPL-2.0
/*
 * mikey_mime.ko: protects one MIME entity with the keys of a ticket, and
 * opens it (TS 33.328 Annexes D, F and K). The keys are mikey_ticket.ko's.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "../compat.h"
#include "../ticket/version.h"
#include "aead.h"
#include "cbc.h"
#include "cms.h"
#include "form.h"
#include "keywrap.h"
#include "mac.h"
#include "netlink.h"
#include "replay.h"
#include "selftest.h"
#include "stats.h"

#define ENTITY_MAX (1024 * 1024)

/* A body of 256 KiB and the headers that stand before it in its entity. */
static unsigned int max_entity = (256 + 8) * 1024;
static unsigned int forms = ~0;
static unsigned int content_algs = ~0;

static int set_max_entity(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, ENTITY_MAX);
}

static const struct kernel_param_ops max_entity_ops = {
	.set = set_max_entity,
	.get = param_get_uint,
};

module_param_cb(max_entity, &max_entity_ops, &max_entity, 0644);
MODULE_PARM_DESC(max_entity, "longest MIME entity in bytes (270336, at most 1048576)");
module_param(forms, uint, 0644);
MODULE_PARM_DESC(forms, "mask of 1 << form of the forms that are allowed (all)");

module_param(content_algs, uint, 0644);
MODULE_PARM_DESC(content_algs, "mask of 1 << algorithm of the content algorithms that are allowed (all)");

u32 mime_max_entity(void)
{
	return READ_ONCE(max_entity);
}

u32 mime_forms_allowed(void)
{
	return READ_ONCE(forms) & mime_form_mask();
}

u32 mime_content_algs_allowed(void)
{
	return READ_ONCE(content_algs) & cms_cipher_mask();
}

static int __init mime_init(void)
{
	int err;

	err = mime_aead_init();
	if (err)
		return err;
	err = mime_cbc_init();
	if (err)
		goto err_aead;
	err = mime_mac_init();
	if (err)
		goto err_cbc;
	err = mime_keywrap_init();
	if (err)
		goto err_mac;
	err = mime_selftest();
	if (err)
		goto err_keywrap;
	err = mime_stats_init();
	if (err)
		goto err_keywrap;
	err = mime_netlink_init();
	if (err)
		goto err_stats;
	return 0;

err_stats:
	mime_stats_exit();
err_keywrap:
	mime_keywrap_exit();
err_mac:
	mime_mac_exit();
err_cbc:
	mime_cbc_exit();
err_aead:
	mime_aead_exit();
	return err;
}

static void __exit mime_exit(void)
{
	mime_netlink_exit();
	mime_replay_exit();
	mime_stats_exit();
	mime_keywrap_exit();
	mime_mac_exit();
	mime_cbc_exit();
	mime_aead_exit();
}

module_init(mime_init);
module_exit(mime_exit);

MODULE_DESCRIPTION("Protection of MIME bodies with MIKEY-TICKET keys (TS 33.328)");
MODULE_AUTHOR("The mikey-mime developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(MIKEY_MODULE_VERSION);
MODULE_IMPORT_NS(MIKEY_NS(MIKEY_TICKET));
