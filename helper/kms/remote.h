/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking other servers over HTTPS with certificates on both sides: one thread
 * for all of them, so that a slow server costs nobody a thread.
 */
#ifndef HELPER_KMS_REMOTE_H
#define HELPER_KMS_REMOTE_H

#include <stdatomic.h>
#include <stddef.h>

#include "helper/lib/problem.h"

struct kms_remote;

/**
 * struct kms_target - a server; lives until kms_remote_free()
 * @url: what is asked for; its host is what the server's certificate must name
 * @connect_to: "::HOST:PORT" in the form of CURLOPT_CONNECT_TO, or NULL
 * @ca: PEM file; the only authority that is trusted
 * @crl: PEM file with its revocation lists, or NULL
 * @certificate, @private_key: PEM files of our own, or both NULL
 * @timeout: seconds for everything
 * @most: how many may wait for it at once
 * @answer_max: most bytes of an answer
 */
struct kms_target {
	char *url;
	char *connect_to;
	const char *ca;
	const char *crl;
	const char *certificate;
	const char *private_key;
	long timeout;
	unsigned int most;
	size_t answer_max;
	atomic_uint waiting;
};

/**
 * kms_remote_fn - what came of it, in the thread of the remote
 * @body: 200's, @len bytes, wiped when this returns; NULL if there is none
 * @why: then what is wrong, for the log
 */
typedef void (kms_remote_fn)(void *ctx, const char *body, size_t len,
			     const char *why);

struct kms_remote *kms_remote_new(struct problem *problem);

/*
 * No connection that was made before now is used for what is posted from now on:
 * the files that say whom to trust have changed.
 */
void kms_remote_renew(struct kms_remote *remote);

/*
 * Ends everything under way, each with a call, and then the thread; what is
 * posted afterwards is refused. For who still has to answer.
 */
void kms_remote_stop(struct kms_remote *remote);

/* Stopped before, or now. */
void kms_remote_free(struct kms_remote *remote);

/**
 * kms_remote_post() - POST to a server
 * @body: text of @len bytes; copied
 * @done: called exactly once after 0, never before
 *
 * Return: 0; -EBUSY if too many wait for this server, -ENOMEM, -ECANCELED.
 */
int kms_remote_post(struct kms_remote *remote, struct kms_target *target,
		    const char *type, const char *body, size_t len,
		    kms_remote_fn *done, void *ctx);

#endif
