/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KMS over HTTP and HTTPS (TS 33.328 Annex A):
 *
 *	POST /keymanagement?requesttype=ticketrequest	(or ticketresolve)
 *	Content-Type: application/mikey, the body base64
 *
 * 200 carries an answer, be it a MIKEY Error; 4xx: the client erred; 5xx: we
 * did.
 */
#ifndef HELPER_KMS_HTTP_H
#define HELPER_KMS_HTTP_H

#include "helper/kms/audit_record.h"
#include "helper/kms/config.h"
#include "helper/kms/pool.h"
#include "helper/kms/status.h"

struct kms_http;

/**
 * struct kms_parts - what answers; kept by the caller until kms_http_stop()
 * @recorder: everything is put down here before it is answered
 * @status: what listen-admin tells; may be NULL where there is none
 */
struct kms_parts {
	const struct kms_config *config;
	struct kms *kms;
	struct kms_pool *pool;
	struct kms_recorder *recorder;
	struct kms_status *status;
};

/**
 * kms_http_start() - listen at all addresses of the configuration
 *
 * Threads are started with the signal mask of the caller.
 * Return: NULL with words if any address cannot be served.
 */
struct kms_http *kms_http_start(const struct kms_parts *parts,
				struct problem *problem);

/* Answers what has been asked, takes nothing new, then frees. */
void kms_http_stop(struct kms_http *http);

/* Port of a listener, for an address with port 0. */
unsigned int kms_http_port(const struct kms_http *http, size_t listener);

/* That of listen-admin. */
unsigned int kms_http_admin_port(const struct kms_http *http);

/*
 * The revocation lists of peers are read again, and nothing that was concluded
 * from the old ones counts any more; or they cannot be, and the old ones stay.
 */
int kms_http_renew(struct kms_http *http, struct problem *problem);

/* Call about once a second: closes connections that take too long. */
void kms_http_tick(struct kms_http *http);

#endif
