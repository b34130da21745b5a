/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store as a file, whichever database it is in, and back into either. Keys
 * stay sealed: the file is of no use without the store's key.
 *
 * The replay record is not in it: whatever it says is out of date when the
 * file is used. restore begins the record anew.
 */
#ifndef HELPER_KMS_BACKUP_H
#define HELPER_KMS_BACKUP_H

#include "helper/kms/database.h"

/**
 * kms_backup_write() - one unchanging view of the store into a new file, 0600
 *
 * Never overwrites; a file that could not be completed is removed.
 * Return: the number of rows, or a negative errno with words.
 */
s64 kms_backup_write(struct kms_database *d, const char *path,
		     struct problem *problem);

/**
 * kms_backup_restore() - make a new store of a file
 * @where: a store that is not there yet, as for kms_database_create()
 * @until: no request dated before it will be answered
 *
 * All of it or nothing. Return: the number of rows, or a negative errno with
 * words: not a backup, incomplete, changed, of a later version, or sealed
 * under another key.
 */
s64 kms_backup_restore(const char *where, const struct kms_seal *seal,
		       const char *path, s64 now, s64 until,
		       struct problem *problem);

#endif
