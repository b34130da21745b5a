/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service has done since it was started, in numbers: no identity, no
 * address. Any number of threads count at once.
 */
#ifndef HELPER_KMS_METRICS_H
#define HELPER_KMS_METRICS_H

#include <stdio.h>

#include "helper/kms/kms.h"

struct kms_metrics;

/* What only grows, by one. */
enum kms_count {
	KMS_COUNT_CONNECTIONS,
	KMS_COUNT_CONNECTIONS_REFUSED,	/* by address, before TLS */
	KMS_COUNT_REQUESTS_REFUSED,	/* by address */
	KMS_COUNT_STORE_ERRORS,
	KMS_COUNT_AUDIT_REFUSALS,
	KMS_COUNT_PEER_ANSWERED,
	KMS_COUNT_PEER_FAILED,
	KMS_COUNT_BSF_ANSWERED,
	KMS_COUNT_BSF_FAILED,
	KMS_COUNTS
};

struct kms_metrics *kms_metrics_new(void);
void kms_metrics_free(struct kms_metrics *m);

void kms_metrics_count(struct kms_metrics *m, enum kms_count what);

/* An HTTP answer of this status was given. */
void kms_metrics_answer(struct kms_metrics *m, unsigned int status);

/* A connection was opened (1) or closed (-1). */
void kms_metrics_connection(struct kms_metrics *m, int change);

/**
 * kms_metrics_exchange() - an exchange is over
 * @peer: it is another KMS that asks
 * @result: what kms_handle() returned
 * @recorded: it could be put down in the audit trail, or need not be
 * @ns: nanoseconds since the head of its request was read
 */
void kms_metrics_exchange(struct kms_metrics *m, enum kms_exchange_kind kind, bool peer,
			  int result, const struct kms_answer *answer, bool recorded, s64 ns);

/* In the text format of Prometheus, version 0.0.4. */
void kms_metrics_print(struct kms_metrics *m, FILE *f);

/* The same for a single number; @type as Prometheus calls it. */
void kms_metrics_print_one(FILE *f, const char *name, const char *type,
			   const char *help, s64 value);

#endif
