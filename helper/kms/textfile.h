/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole text files: the configuration, certificates and their keys.
 */
#ifndef HELPER_KMS_TEXTFILE_H
#define HELPER_KMS_TEXTFILE_H

#include "helper/lib/problem.h"

/**
 * kms_text_read() - a file as a string
 * @text: to be wiped and freed with kms_text_wipe()
 *
 * Return: 0, or a negative errno with words: not readable, not a plain file,
 * larger than 256 KiB, or with zero bytes in it.
 */
int kms_text_read(const char *path, char **text, struct problem *problem);

/* Overwrite and free; NULL is fine. */
void kms_text_wipe(char *text);

#endif
