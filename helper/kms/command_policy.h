/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What policy show and policy test share.
 */
#ifndef HELPER_KMS_COMMAND_POLICY_H
#define HELPER_KMS_COMMAND_POLICY_H

#include "helper/kms/commands.h"

/* "file", "line" and "column" of a rule, without braces. */
void kms_policy_json_place(const struct kms_rule *rule);

#endif
