/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the HTTP service share: http.c starts and stops it,
 * http_connection.c says who may connect, http_request.c answers,
 * http_reply.c words refusals and http_admin.c tells how the service is.
 */
#ifndef HELPER_KMS_HTTP_SERVER_H
#define HELPER_KMS_HTTP_SERVER_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "helper/kms/http.h"
#include "helper/kms/listener.h"

struct kms_bsf;
struct kms_limit;
struct kms_peer_tls;
struct kms_watch;
struct kms_watched;
struct kms_zk_client;

struct kms_server {
	struct kms_http *http;
	struct MHD_Daemon *daemon;
	struct kms_watch *watch;
	int fd;
};

struct kms_http {
	struct kms_parts parts;
	struct kms_metrics *metrics;
	struct kms_server admin;	/* without a daemon: there is none */
	/* by the address they come from, or NULL; refused since the last tick */
	struct kms_limit *connections;
	struct kms_limit *requests;
	atomic_uint refused;		/* for the log; @metrics has the sums */
	size_t body_max;
	size_t num_servers;
	struct kms_server *servers;
	char *certificate;
	char *private_key;
	/* only where there are peers */
	struct kms_peer_tls *peer_tls;
	struct kms_zk_client *zk;
	struct kms_bsf *bsf;		/* only where there is one */
	char *peer_certificate;
	char *peer_private_key;
};

/*
 * Of libmicrohttpd's connections and requests; @ctx is the struct kms_http, and
 * for kms_http_on_connection() the struct kms_server.
 */
enum MHD_Result kms_http_on_accept(void *ctx, const struct sockaddr *address,
				   socklen_t len);
void kms_http_on_connection(void *ctx, struct MHD_Connection *connection,
			    void **state, enum MHD_ConnectionNotificationCode code);
enum MHD_Result kms_http_on_request(void *ctx, struct MHD_Connection *connection,
				    const char *url, const char *method,
				    const char *version, const char *data,
				    size_t *len, void **state);
/* The same where peers are listened to. */
enum MHD_Result kms_http_on_peer_request(void *ctx, struct MHD_Connection *connection,
					 const char *url, const char *method,
					 const char *version, const char *data,
					 size_t *len, void **state);
void kms_http_on_completed(void *ctx, struct MHD_Connection *connection,
			   void **state, enum MHD_RequestTerminationCode code);

/* A token of an address: 0, or in how many seconds there is one. */
unsigned int kms_http_count_address(struct kms_limit *limit,
				    const struct sockaddr *address);

/* The connection's record, or NULL if there was no memory for one. */
struct kms_watched *kms_http_watched(struct MHD_Connection *connection);

/* The address at the other end, in words. */
void kms_http_name_peer(struct MHD_Connection *connection, char peer[KMS_PEER_MAX]);

/* @body is copied. @retry_after: seconds, or 0. */
enum MHD_Result kms_http_reply(struct kms_http *http, struct MHD_Connection *connection,
			       unsigned int status, const char *type,
			       const char *body, size_t len, unsigned int retry_after);

/* Said to who asked, and to the log. */
enum MHD_Result kms_http_refuse(struct kms_http *http, struct MHD_Connection *connection,
				unsigned int status, const char *words);

/* 429. So many may come that they are counted and not logged one by one. */
enum MHD_Result kms_http_slow_down(struct kms_http *http,
				   struct MHD_Connection *connection,
				   unsigned int seconds);

/* listen-admin (http_admin.c). */
int kms_http_admin_start(struct kms_http *http, struct problem *problem);
void kms_http_admin_stop(struct kms_http *http);

#endif
