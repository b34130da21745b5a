/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing JSON: what a library would do in more lines, since nearly all of it
 * is names and numbers of our own.
 */
#ifndef HELPER_KMS_JSON_H
#define HELPER_KMS_JSON_H

#include <stdio.h>

#include "helper/kms/kms.h"

/* A quoted JSON string; bytes that are not UTF-8 are written as U+00XX. */
void kms_json_string(FILE *f, struct mikey_blob b);

/* The same for a text. */
void kms_json_text(FILE *f, const char *text);

#endif
