/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All of a store under another key.
 */
#ifndef HELPER_KMS_REKEY_H
#define HELPER_KMS_REKEY_H

#include "helper/kms/database.h"

/**
 * kms_rekey() - seal every row with @seal instead of the database's
 *
 * One transaction: all of it or nothing, whenever it is killed. A row that was
 * tampered with ends it. Return: the number of rows, or an errno with words.
 */
s64 kms_rekey(struct kms_database *d, const struct kms_seal *seal,
	      struct problem *problem);

#endif
