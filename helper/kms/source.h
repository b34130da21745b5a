/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a configuration was read from, to tell where in a line
 * something stands: libconfig knows lines, and no columns.
 */
#ifndef HELPER_KMS_SOURCE_H
#define HELPER_KMS_SOURCE_H

#include <libconfig.h>

#include "helper/kms/kms.h"

struct kms_source;

/* Names last until kms_sources_free(), texts until kms_sources_wipe(). */
struct kms_sources {
	struct kms_source *list;
	size_t num;
};

/**
 * kms_source_place() - where a setting stands
 * @main: the file that was read; an included one is read once more
 * @token: what to look for in its line; NULL: no column
 *
 * Looked for from left to right: what is asked for in its order finds the
 * second of two that are alike.
 */
struct kms_place kms_source_place(struct kms_sources *sources, const char *main,
				  const config_setting_t *setting,
				  const char *token);

/* The texts may have held a password. */
void kms_sources_wipe(struct kms_sources *sources);
void kms_sources_free(struct kms_sources *sources);

#endif
