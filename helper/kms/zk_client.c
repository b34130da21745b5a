// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asking peers over Zk; see zk_client.h.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/kms/remote.h"
#include "helper/kms/zk_client.h"
#include "helper/lib/base64.h"
#include "helper/lib/log.h"

#define PATH "/keymanagement?requesttype=ticketresolve"

struct kms_zk_client {
	struct kms_remote *remote;
	size_t num;
	const struct kms_peers *peers;
	struct kms_target *targets;	/* one for each peer */
};

static int target_init(struct kms_target *t, const struct kms_config *config,
		       const struct kms_peer_entry *e)
{
	const char *port = e->address ? strrchr(e->address, ':') : NULL;

	if (!port)
		return 0;		/* it is never asked */
	t->ca = e->ca;
	t->crl = e->crl;
	t->certificate = config->peer_certificate ? config->peer_certificate :
			 config->certificate;
	t->private_key = config->peer_private_key ? config->peer_private_key :
			 config->private_key;
	t->timeout = config->peer_timeout;
	t->most = config->peer_requests;
	t->answer_max = base64_size(MIKEY_MSG_MAX, BASE64_MIME_LINE) + 2;
	/* the certificate must name the host of the URL */
	if (asprintf(&t->url, "https://%s%s" PATH, e->tls_name, port) < 0)
		t->url = NULL;
	if (asprintf(&t->connect_to, "::%s", e->address) < 0)
		t->connect_to = NULL;
	return t->url && t->connect_to ? 0 : -ENOMEM;
}

struct kms_zk_client *kms_zk_client_new(const struct kms_config *config,
					struct problem *problem)
{
	struct kms_zk_client *client = calloc(1, sizeof(*client));
	int ret = client ? 0 : -ENOMEM;

	if (client) {
		client->peers = &config->peers;
		client->targets = calloc(config->peers.num + 1,
					 sizeof(*client->targets));
		ret = client->targets ? 0 : -ENOMEM;
	}
	for (; !ret && client->num < config->peers.num; client->num++)
		ret = target_init(&client->targets[client->num], config,
				  &config->peers.entries[client->num]);
	if (!ret) {
		client->remote = kms_remote_new(problem);
		if (client->remote)
			return client;
	} else {
		problem_set(problem, ret, "no memory");
	}
	kms_zk_client_free(client);
	return NULL;
}

void kms_zk_client_renew(struct kms_zk_client *client)
{
	if (client)
		kms_remote_renew(client->remote);
}

void kms_zk_client_stop(struct kms_zk_client *client)
{
	if (client)
		kms_remote_stop(client->remote);
}

void kms_zk_client_free(struct kms_zk_client *client)
{
	size_t i;

	if (!client)
		return;
	kms_remote_free(client->remote);
	for (i = 0; i < client->num; i++) {
		free(client->targets[i].url);
		free(client->targets[i].connect_to);
	}
	free(client->targets);
	free(client);
}

static void on_reply(void *ctx, const char *body, size_t len, const char *why)
{
	struct kms_zk_call *call = ctx;

	if (!why && base64_read(&call->reply, body, len))
		why = "its answer is not base64";
	if (!why && !call->reply.len)
		why = "its answer is empty";
	if (why)
		log_event(WARNING, "peer-failed", log_text("req", call->name),
			  log_text("peer", call->peer), log_text("reason", why));
	call->done(call->ctx);
}

int kms_zk_call(struct kms_zk_client *client, struct kms_pending *pending,
		struct kms_zk_call *call)
{
	const struct kms_peer *peer = kms_pending_peer(pending);
	struct mikey_blob msg = kms_pending_message(pending);
	size_t len = base64_size(msg.len, 0), i;
	char *text = malloc(len + 1);
	int ret = -ENOMEM;

	call->peer = peer->name;
	for (i = 0; i < client->num && client->peers->list[i] != peer; i++)
		;
	if (text && i < client->num) {
		base64_write(text, msg.p, msg.len, 0);
		ret = kms_remote_post(client->remote, &client->targets[i],
				      "application/mikey", text, len, on_reply,
				      call);
	}
	free(text);
	if (!ret)
		return 0;
	log_event(WARNING, "peer-not-asked", log_text("req", call->name),
		  log_text("peer", peer->name), log_text("reason", ret == -EBUSY ?
		  "too many wait for it already" : "it cannot be asked now"));
	return -EAGAIN;
}
