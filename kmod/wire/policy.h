/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contents of TP Data, internal to the codec.
 */
#ifndef MIKEY_WIRE_POLICY_H
#define MIKEY_WIRE_POLICY_H

#include "message.h"

/**
 * mikey_policy_parse() - read the TP Data of a policy whose head was read
 * @p: tp_data set; the rest of its contents are filled in
 * @base: what offsets in @d count from; tp_data lies behind it
 *
 * Return: as mikey_msg_parse().
 */
int mikey_policy_parse(struct mikey_policy *p, const u8 *base,
		       struct mikey_diag *d);

#endif
