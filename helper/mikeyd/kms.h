/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key management service over HTTP (TS 33.328 Annex A): POST a MIKEY
 * message, get one back, without ever holding up the event loop.
 */
#ifndef HELPER_MIKEYD_KMS_H
#define HELPER_MIKEYD_KMS_H

#include "helper/lib/bytes.h"
#include "helper/lib/config.h"
#include "helper/lib/problem.h"

/* Longest answer accepted, as base64; a MIKEY message has at most 65000 bytes. */
#define KMS_ANSWER_MAX (96 * 1024)
/* Longest time for which a KMS can keep us from asking it (Retry-After), in seconds. */
#define KMS_RETRY_AFTER_MOST 300
/* How many exchanges run at once; more wait in line. */
#define KMS_CONNECTIONS_MAX 8

struct kms;
struct kms_exchange;

int kms_open(struct kms **kms, const struct config_user *config, struct problem *problem);

/* kms_use - from now on as this configuration says; what is under way goes on */
void kms_use(struct kms *kms, const struct config_user *config);

/* kms_close - stop; handlers of exchanges under way are not called */
void kms_close(struct kms *kms);

/*
 * kms_answer_h - how an exchange ended
 * @answer: a MIKEY message (an Error message may be one), NULL on failure
 * @problem: why there is none: -EHOSTUNREACH the KMS is away, slow, ill or asked
 *	too often (try again later, not before problem->retry_after seconds);
 *	-EPROTO it refused or answered nonsense
 */
typedef void (kms_answer_h)(const struct bytes *answer, const struct problem *problem,
			    void *arg);

enum kms_request {
	KMS_TICKET_REQUEST,
	KMS_TICKET_RESOLVE,
};

/*
 * kms_post - begin an exchange; the handler is called once, from the event
 * loop and never from within this call
 * @txn: of the request that needs it, for the log (txn.h)
 *
 * A KMS that said Retry-After (429 or 5xx, RFC 9110 10.2.3) is not asked for that
 * kind again until then, or for KMS_RETRY_AFTER_MOST; the handler has
 * -EHOSTUNREACH at once.
 */
int kms_post(struct kms *kms, enum kms_request request, const struct bytes *message,
	     const char *txn, kms_answer_h *handler, void *arg, struct problem *problem);

#endif
