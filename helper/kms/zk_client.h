/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking peers over Zk: RESOLVE_INITs out, over HTTPS with certificates on both
 * sides, and what comes back in. The HTTP is that of Annex A.
 */
#ifndef HELPER_KMS_ZK_CLIENT_H
#define HELPER_KMS_ZK_CLIENT_H

#include "helper/kms/config.h"
#include "helper/lib/bytes.h"

struct kms_zk_client;

/**
 * struct kms_zk_call - one question
 * @done: called once, in another thread
 * @reply: the peer's message; empty if there is none. To be wiped.
 */
struct kms_zk_call {
	void (*done)(void *ctx);
	void *ctx;
	struct bytes reply;
	const char *peer;		/* its name, for the log */
	const char *name;		/* of the request, for the log */
};

/**
 * kms_zk_client_new() - a thread that asks the peers of a configuration
 * @config: kept by the caller until kms_zk_client_free()
 */
struct kms_zk_client *kms_zk_client_new(const struct kms_config *config,
					struct problem *problem);

/* Certificates and lists of peers are to be looked at anew. NULL is fine. */
void kms_zk_client_renew(struct kms_zk_client *client);

/* Ends all calls and takes no more. NULL is fine. */
void kms_zk_client_stop(struct kms_zk_client *client);
void kms_zk_client_free(struct kms_zk_client *client);

/**
 * kms_zk_call() - ask whom @pending is to be asked of
 *
 * Return: 0, and @call->done will be called; -EAGAIN, and it never is: as many
 * as may already wait for this peer, so that a slow one costs nobody else.
 */
int kms_zk_call(struct kms_zk_client *client, struct kms_pending *pending,
		struct kms_zk_call *call);

#endif
