/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a service can serve, looked at once a second by who keeps it running,
 * and the pages of listen-admin that tell it. Who asks for a page costs the
 * store nothing, and is answered even while the store hangs.
 */
#ifndef HELPER_KMS_STATUS_H
#define HELPER_KMS_STATUS_H

#include "helper/kms/audit_record.h"
#include "helper/kms/config.h"
#include "helper/kms/database.h"
#include "helper/kms/metrics.h"

struct kms_status;

/* Not ready until it was looked at. Both are kept by the caller. NULL without memory. */
struct kms_status *kms_status_new(const struct kms_config *config,
				  struct kms_recorder *recorder);
void kms_status_free(struct kms_status *status);

/**
 * kms_status_look() - look at store, TPK, audit trail and clock
 * @d: the caller's connection to the store
 *
 * About once a second; who is not looked at for long is not ready. What has
 * changed is logged.
 */
void kms_status_look(struct kms_status *status, struct kms_database *d);

/* From now on it is not ready. */
void kms_status_stopping(struct kms_status *status);

/**
 * kms_status_page() - /healthz, /readyz or /metrics
 * @code: the HTTP status
 *
 * Return: the page, for the caller to free; NULL without memory.
 */
char *kms_status_page(struct kms_status *status, struct kms_metrics *metrics,
		      const char *path, unsigned int *code, size_t *len);

#endif
