// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The KMS over HTTP and HTTPS, started and stopped; see http.h.
 */
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/kms/bsf.h"
#include "helper/kms/http_server.h"
#include "helper/kms/limit.h"
#include "helper/kms/listener.h"
#include "helper/kms/peer_tls.h"
#include "helper/kms/textfile.h"
#include "helper/kms/watch.h"
#include "helper/kms/zk_client.h"
#include "helper/lib/base64.h"
#include "helper/lib/log.h"

#define MEDIA_TYPE "application/mikey"
/* Suites with AEAD and forward secrecy only; the longest key first. */
#define TLS_PRIORITIES \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE:-CIPHER-ALL:" \
	"+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
#define STOP_SECONDS 5		/* for answers under way */

__attribute__((format(printf, 2, 0)))
static void on_log(void *ctx, const char *format, va_list args)
{
	char words[256];

	(void)ctx;
	vsnprintf(words, sizeof(words), format, args);
	log_event(DEBUG, "http-library", log_bytes("reason", words, strcspn(words, "\n")));
}

static int start_server(struct kms_http *http, const struct kms_listen *listen,
			struct kms_server *server, struct problem *problem)
{
	const struct kms_config *config = http->parts.config;
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
			     MHD_USE_ERROR_LOG;
	/* without any peer there is nobody to ask for a certificate, nor to serve */
	const char *hints = listen->peers ? kms_peer_tls_hints(http->peer_tls) : NULL;
	s64 limit = config->max_connections < config->threads ?
		    config->threads : config->max_connections;
	struct MHD_OptionItem options[] = {
		{ MHD_OPTION_THREAD_POOL_SIZE, config->threads, NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, limit, NULL },
		{ MHD_OPTION_PER_IP_CONNECTION_LIMIT, config->max_per_address, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, config->request_timeout, NULL },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)kms_http_on_completed, http },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)kms_http_on_connection, server },
		/* the rest only with TLS: else the list ends here */
		{ listen->tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0,
		  listen->peers && http->peer_certificate ?
		  http->peer_certificate : http->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0,
		  listen->peers && http->peer_private_key ?
		  http->peer_private_key : http->private_key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES },
		/* makes the client be asked for its certificate */
		{ hints ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		  (void *)hints },
		{ MHD_OPTION_END, 0, NULL },
	};

	server->http = http;
	/* before there are so many that nobody else gets in */
	server->watch = kms_watch_new(limit - (limit + 7) / 8);
	if (!server->watch)
		return problem_set(problem, -ENOMEM, "no memory");
	server->fd = kms_listener_open(listen, problem);
	if (server->fd < 0)
		return server->fd;
	if (listen->tls)
		flags |= MHD_USE_TLS;
	if (listen->address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (http->zk || http->bsf)
		flags |= MHD_ALLOW_SUSPEND_RESUME;
	server->daemon = MHD_start_daemon(flags, 0,
					  listen->peers ? NULL : kms_http_on_accept, http,
					  listen->peers ? kms_http_on_peer_request :
							  kms_http_on_request, http,
					  MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
					  MHD_OPTION_LISTEN_SOCKET, server->fd,
					  MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (!server->daemon) {
		kms_listener_close(server->fd);
		return problem_set(problem, -EIO, "%s: cannot be served%s", listen->text,
				   listen->tls ? " (are certificate and key PEM?)" : "");
	}
	return 0;
}

static int start_peers(struct kms_http *http, struct problem *problem)
{
	const struct kms_config *config = http->parts.config;

	if (config->peer_certificate &&
	    (kms_text_read(config->peer_certificate, &http->peer_certificate,
			   problem) ||
	     kms_text_read(config->peer_private_key, &http->peer_private_key,
			   problem)))
		return problem->error;
	http->peer_tls = kms_peer_tls_new(&config->peers, problem);
	if (!http->peer_tls)
		return problem->error;
	http->zk = kms_zk_client_new(config, problem);
	return http->zk ? 0 : problem->error;
}

struct kms_http *kms_http_start(const struct kms_parts *parts,
				struct problem *problem)
{
	const struct kms_config *config = parts->config;
	struct kms_http *http = calloc(1, sizeof(*http));
	size_t i;

	if (http) {
		http->servers = calloc(config->num_listen + 1,
				       sizeof(*http->servers));
		http->metrics = kms_metrics_new();
	}
	if (!http || !http->servers || !http->metrics) {
		problem_set(problem, -ENOMEM, "no memory");
		goto fail;
	}
	http->parts = *parts;
	if (config->address_rate) {
		http->connections = kms_limit_new(config->address_rate,
						  config->address_burst);
		http->requests = kms_limit_new(config->address_rate,
					       config->address_burst);
		if (!http->connections || !http->requests) {
			problem_set(problem, -ENOMEM, "no memory");
			goto fail;
		}
	}
	http->body_max = base64_size(MIKEY_MSG_MAX, BASE64_MIME_LINE) + 2;
	if (config->certificate &&
	    kms_text_read(config->certificate, &http->certificate, problem))
		goto fail;
	if (config->private_key &&
	    kms_text_read(config->private_key, &http->private_key, problem))
		goto fail;
	if (config->peers_file && start_peers(http, problem))
		goto fail;
	if (config->bsf.url) {
		http->bsf = kms_bsf_new(&config->bsf, problem);
		if (!http->bsf)
			goto fail;
	}
	for (i = 0; i < config->num_listen; i++) {
		if (start_server(http, &config->listen[i], &http->servers[i],
				 problem))
			goto fail;
		http->num_servers++;
	}
	if (config->admin.text && kms_http_admin_start(http, problem))
		goto fail;
	return http;
fail:
	kms_http_stop(http);
	return NULL;
}

unsigned int kms_http_port(const struct kms_http *http, size_t listener)
{
	return kms_listener_port(http->servers[listener].fd);
}

unsigned int kms_http_admin_port(const struct kms_http *http)
{
	return kms_listener_port(http->admin.fd);
}

void kms_http_tick(struct kms_http *http)
{
	unsigned int refused;
	size_t i;

	for (i = 0; i < http->num_servers; i++)
		kms_watch_close_older(http->servers[i].watch,
				      http->parts.config->request_timeout);
	kms_record_counted(http->parts.recorder);
	refused = atomic_exchange(&http->refused, 0);
	if (refused)
		log_event(WARNING, "too-many", log_number("refused", refused));
}

int kms_http_renew(struct kms_http *http, struct problem *problem)
{
	int ret;

	if (!http->peer_tls)
		return 0;
	ret = kms_peer_tls_renew(http->peer_tls, problem);
	/* libcurl reads the files itself, for each connection */
	kms_zk_client_renew(http->zk);
	if (!ret)
		log_event(INFO, "lists-read",
			  log_number("peers", http->parts.config->peers.num));
	return ret;
}

static void drain(struct kms_http *http)
{
	size_t i;

	for (i = 0; i < http->num_servers; i++)
		kms_watch_drain(http->servers[i].watch, STOP_SECONDS);
}

void kms_http_stop(struct kms_http *http)
{
	size_t i;

	if (!http)
		return;
	if (http->parts.status)
		kms_status_stopping(http->parts.status);
	for (i = 0; i < http->num_servers; i++)
		MHD_quiesce_daemon(http->servers[i].daemon);
	drain(http);
	/* wakes who still waits for others, as no server may stop before */
	kms_bsf_stop(http->bsf);
	kms_zk_client_stop(http->zk);
	/* who was woken has not been answered yet */
	drain(http);
	for (i = 0; i < http->num_servers; i++) {
		MHD_stop_daemon(http->servers[i].daemon);
		kms_listener_close(http->servers[i].fd);
	}
	/* last of all: it tells that the others are going */
	kms_http_admin_stop(http);
	kms_bsf_free(http->bsf);
	kms_zk_client_free(http->zk);
	kms_metrics_free(http->metrics);
	kms_limit_free(http->connections);
	kms_limit_free(http->requests);
	kms_text_wipe(http->certificate);
	kms_text_wipe(http->private_key);
	kms_text_wipe(http->peer_certificate);
	kms_text_wipe(http->peer_private_key);
	kms_peer_tls_free(http->peer_tls);
	/* the last one may have failed half way */
	for (i = 0; http->servers && i <= http->num_servers; i++)
		kms_watch_free(http->servers[i].watch);
	free(http->servers);
	free(http);
}
