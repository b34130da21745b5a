/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tickets that the initiator makes (RFC 6043 4.1.1, mode 3): MINT.
 */
#ifndef MIKEY_TICKET_MINT_H
#define MIKEY_TICKET_MINT_H

#include "ticket.h"
#include "wish.h"

struct sk_buff;
struct genl_info;

/* What goes into a ticket and nobody may know; random. */
struct mikey_minted {
	u8 mpk[MIKEY_KEY_MAX];
	u8 traffic[MIKEY_KEY_MAX];
	u8 spi[MIKEY_SPI_LEN];
};

/**
 * mikey_mint() - make a ticket with a PSK as its TPK
 * @psk: prepared
 * @now: Unix time
 *
 * Return: the ticket, which nobody knows yet; ERR_PTR of -EINVAL (not a good
 * policy), -EMSGSIZE, -ENOMEM.
 */
struct mikey_ticket *mikey_mint(const struct mikey_wish *w,
				const struct mikey_hmac *psk,
				const struct mikey_minted *keys, s64 now,
				struct mikey_why *why);

int mikey_mint_doit(struct sk_buff *skb, struct genl_info *info);

#endif
