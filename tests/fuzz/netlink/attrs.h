/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request taken apart into attributes, bent, and put together again.
 */
#ifndef MIKEY_FUZZ_ATTRS_H
#define MIKEY_FUZZ_ATTRS_H

#include "recipe.h"

#define SERIALS_MAX 8

/**
 * struct live - what is only known when a request is made
 * @serials: keys, of which ATTR_SERIAL chooses
 * @exchange: the open one
 */
struct live {
	int serials[SERIALS_MAX];
	u32 num_serials;
	u32 exchange;
};

/**
 * attrs_bend() - all edits of LAYER_ATTRS
 * @p: a netlink message of generic netlink
 * @cap: room for it
 *
 * Return: its new length.
 */
u32 attrs_bend(u8 *p, u32 cap, const struct recipe *r, const struct live *live);

#endif
