// SPDX-License-Identifier: GPL-2.0
/*
 * mikey_ticket.ko: tickets of MIKEY-TICKET (RFC 6043) whose keys exist in the
 * kernel only. This file brings the parts up in order and takes them down in
 * the reverse of it.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/random.h>
#include <net/genetlink.h>

#include "exchange.h"
#include "hmac.h"
#include "key.h"
#include "limits.h"
#include "netlink.h"
#include "selftest.h"
#include "ticket.h"
#include "version.h"

static int __init mikey_ticket_module_init(void)
{
	int err;

	err = mikey_limits_check();
	if (err)
		return err;
	/* no key of early boot that can be guessed; a second or so without RDRAND */
	err = wait_for_random_bytes();
	if (err)
		return err;
	err = mikey_hmac_init();
	if (err)
		return err;
	err = mikey_ticket_init();
	if (err)
		goto hmac_exit;
	err = mikey_selftest();
	if (err)
		goto ticket_exit;
	err = mikey_key_init();
	if (err)
		goto ticket_exit;
	err = mikey_exchange_init();
	if (err)
		goto key_exit;
	err = mikey_netlink_init();
	if (err)
		goto exchange_exit;
	return 0;

exchange_exit:
	mikey_exchange_exit();
key_exit:
	mikey_key_exit();
ticket_exit:
	mikey_ticket_exit();
hmac_exit:
	mikey_hmac_exit();
	return err;
}

static void __exit mikey_ticket_module_exit(void)
{
	mikey_netlink_exit();	/* waits for commands at work */
	mikey_exchange_exit();
	mikey_key_exit();	/* wipes and frees every ticket there is */
	mikey_ticket_exit();
	mikey_hmac_exit();
}

module_init(mikey_ticket_module_init);
module_exit(mikey_ticket_module_exit);

MODULE_DESCRIPTION("MIKEY-TICKET (RFC 6043) with all keys in the kernel");
MODULE_AUTHOR("The mikey-mime authors");
MODULE_VERSION(MIKEY_MODULE_VERSION);
MODULE_LICENSE("GPL");
MODULE_ALIAS_GENL_FAMILY(MIKEY_TICKET_GENL_NAME);
