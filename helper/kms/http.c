// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The KMS over HTTP and HTTPS; see http.h.
 */
#include <errno.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "helper/kms/bsf.h"
#include "helper/kms/http.h"
#include "helper/kms/limit.h"
#include "helper/kms/listener.h"
#include "helper/kms/peer_tls.h"
#include "helper/kms/textfile.h"
#include "helper/kms/watch.h"
#include "helper/kms/zk_client.h"
#include "helper/lib/base64.h"
#include "helper/lib/log.h"

#define PATH "/keymanagement"
#define MEDIA_TYPE "application/mikey"
/* Suites with AEAD and forward secrecy only; the longest key first. */
#define TLS_PRIORITIES \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE:-CIPHER-ALL:" \
	"+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
#define STOP_SECONDS 5		/* for answers under way */

struct server {
	struct MHD_Daemon *daemon;
	int fd;
};

struct kms_http {
	struct kms_parts parts;
	struct kms_watch *watch;
	/* by the address they come from, or NULL; refused since the last tick */
	struct kms_limit *connections;
	struct kms_limit *requests;
	atomic_uint refused;
	size_t body_max;
	size_t num_servers;
	struct server *servers;
	char *certificate;
	char *private_key;
	/* only where there are peers */
	struct kms_peer_tls *peer_tls;
	struct kms_zk_client *zk;
	struct kms_bsf *bsf;		/* only where there is one */
	char *peer_certificate;
	char *peer_private_key;
};

/* One request while its body arrives. */
struct request {
	enum kms_exchange_kind kind;
	bool too_large;
	size_t size;			/* of body */
	size_t len;
	char *body;
	const struct kms_peer *peer;	/* that asks over Zk, or NULL */
	struct bytes msg;
	struct kms_gba *gba;		/* PSKs that a BSF knows, or NULL */
	/* while a peer is asked: what the message led to */
	struct kms_answer *answer;
	struct kms_zk_call call;
};

/* @retry_after: seconds, or 0 */
static enum MHD_Result reply(struct MHD_Connection *connection,
			     unsigned int status, const char *type,
			     const char *body, size_t len, unsigned int retry_after)
{
	struct MHD_Response *response;
	enum MHD_Result ret;
	char number[16];

	response = MHD_create_response_from_buffer(len, (void *)body,
						   MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
				"no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					MHD_HTTP_METHOD_POST);
	snprintf(number, sizeof(number), "%u", retry_after);
	if (retry_after)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER,
					number);
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

static void name_peer(struct MHD_Connection *connection, char peer[KMS_PEER_MAX])
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	kms_peer_name(info ? info->client_addr : NULL, peer);
}

static enum MHD_Result refuse(struct MHD_Connection *connection,
			      unsigned int status, const char *words)
{
	char peer[KMS_PEER_MAX];

	name_peer(connection, peer);
	log_warning("%s: %u: %s", peer, status, words);
	return reply(connection, status, "text/plain; charset=utf-8", words,
		     strlen(words), status == MHD_HTTP_SERVICE_UNAVAILABLE);
}

/* So many may come that they are not told one by one. */
static enum MHD_Result slow_down(struct kms_http *http,
				 struct MHD_Connection *connection,
				 unsigned int seconds)
{
	static const char words[] = "too many requests\n";

	atomic_fetch_add(&http->refused, 1);
	return reply(connection, MHD_HTTP_TOO_MANY_REQUESTS,
		     "text/plain; charset=utf-8", words, strlen(words), seconds);
}

static unsigned int count_address(struct kms_limit *limit, const struct sockaddr *address)
{
	u8 name[KMS_LIMIT_SOURCE_MAX];

	return kms_limit_take(limit, kms_limit_source(address, name), kms_limit_now());
}

static const struct {
	const char *name;
	enum kms_exchange_kind kind;
} request_types[] = {
	{ "ticketrequest", KMS_TICKET_REQUEST },
	{ "ticketresolve", KMS_TICKET_RESOLVE },
};

static bool is_mikey(const char *type)
{
	size_t len;

	if (!type)
		return false;
	len = strcspn(type, "; \t");
	return len == strlen(MEDIA_TYPE) && !strncasecmp(type, MEDIA_TYPE, len);
}

/* What can be said before the body: NULL, or words and the status. */
static const char *check_head(struct kms_http *http,
			      struct MHD_Connection *connection,
			      const char *url, const char *method,
			      struct request *request, unsigned int *status)
{
	const char *type, *length;
	size_t i;

	*status = MHD_HTTP_NOT_FOUND;
	if (strcmp(url, PATH))
		return "only " PATH " is here\n";
	*status = MHD_HTTP_METHOD_NOT_ALLOWED;
	if (strcmp(method, MHD_HTTP_METHOD_POST))
		return "only POST is understood\n";
	*status = MHD_HTTP_BAD_REQUEST;
	type = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND,
					   "requesttype");
	for (i = 0; i < ARRAY_SIZE(request_types); i++)
		if (type && !strcmp(type, request_types[i].name))
			break;
	if (i == ARRAY_SIZE(request_types))
		return "requesttype is ticketrequest or ticketresolve\n";
	request->kind = request_types[i].kind;
	*status = MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
	if (!is_mikey(MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						  MHD_HTTP_HEADER_CONTENT_TYPE)))
		return "the body's type is not " MEDIA_TYPE "\n";
	*status = MHD_HTTP_CONTENT_TOO_LARGE;
	length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					     MHD_HTTP_HEADER_CONTENT_LENGTH);
	request->size = http->body_max;
	if (length && strtoull(length, NULL, 10) > http->body_max)
		return "the body is too large for a MIKEY message\n";
	if (length)
		request->size = strtoull(length, NULL, 10);
	return NULL;
}

static struct kms_watched *watched(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

/* Whose certificate it is, anew for each request: it may have expired. */
static const char *check_peer(struct kms_http *http,
			      struct MHD_Connection *connection,
			      struct request *request, unsigned int *status)
{
	const union MHD_ConnectionInfo *info;
	const char *why;

	*status = MHD_HTTP_FORBIDDEN;
	info = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_GNUTLS_SESSION);
	request->peer = kms_peer_tls_who(http->peer_tls,
					 info ? info->tls_session : NULL, &why);
	return request->peer ? NULL : why;
}

static enum MHD_Result begin(struct kms_http *http,
			     struct MHD_Connection *connection,
			     const char *url, const char *method, bool peers,
			     void **state)
{
	struct request *request = calloc(1, sizeof(*request));
	struct kms_watched *w = watched(connection);
	const union MHD_ConnectionInfo *info;
	unsigned int status, wait = 0;
	const char *words;

	if (!request)
		return MHD_NO;
	if (w)
		kms_watch_busy(http->watch, w);
	*state = request;
	info = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (!peers)
		wait = count_address(http->requests, info ? info->client_addr : NULL);
	if (wait)
		return slow_down(http, connection, wait);
	words = peers ? check_peer(http, connection, request, &status) : NULL;
	if (!words)
		words = check_head(http, connection, url, method, request, &status);
	if (!words && peers && request->kind != KMS_TICKET_RESOLVE) {
		status = MHD_HTTP_BAD_REQUEST;
		words = "between KMSs requesttype is ticketresolve\n";
	}
	return words ? refuse(connection, status, words) : MHD_YES;
}

static enum MHD_Result more(struct request *request, const char *data,
			    size_t *len)
{
	if (!request->body)
		request->body = malloc(request->size);
	if (!request->body)
		return MHD_NO;
	if (*len > request->size - request->len)
		request->too_large = true;
	if (!request->too_large) {
		memcpy(request->body + request->len, data, *len);
		request->len += *len;
	}
	*len = 0;
	return MHD_YES;
}

static void log_answer(const char *peer, const struct request *request,
		       const struct kms_answer *answer)
{
	const char *what = request_types[request->kind].name;

	if (answer->error_no < 0)
		log_info("%s: %s: psk=%s %s", peer, what, answer->who,
			 answer->summary);
	else
		log_warning("%s: %s refused (%s%s): psk=%s: %s", peer, what,
			    kms_error_name(answer->error_no),
			    answer->authentic ? "" : ", not authenticated",
			    answer->who, answer->why);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection,
				   const struct kms_answer *answer)
{
	enum MHD_Result ret;
	size_t len = base64_size(answer->len, 0);
	char *text = malloc(len + 1);

	if (!text)
		return MHD_NO;
	base64_write(text, answer->buf, answer->len, 0);
	ret = reply(connection, MHD_HTTP_OK, MEDIA_TYPE, text, len, 0);
	free(text);
	return ret;
}

/* What came of it, said to who asked. */
static enum MHD_Result conclude(struct kms_http *http,
				struct MHD_Connection *connection,
				const struct request *request, int ret)
{
	const struct kms_answer *answer = request->answer;
	struct problem problem;
	char peer[KMS_PEER_MAX];

	name_peer(connection, peer);
	if (kms_record_exchange(http->parts.recorder, peer, request->kind, ret,
				answer, &problem)) {
		log_error("%s", problem.words);
		return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "the KMS cannot keep its records\n");
	}
	if (!ret) {
		log_answer(peer, request, answer);
		return send_answer(connection, answer);
	}
	if (ret == -EDQUOT)
		return slow_down(http, connection, answer->retry_after);
	if (ret == -EBADMSG)
		return refuse(connection, MHD_HTTP_BAD_REQUEST,
			      "the body is not a MIKEY message\n");
	if (ret == -EAGAIN)
		return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "the KMS is busy\n");
	log_error("%s", answer->why);
	return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
		      "the KMS has a fault\n");
}

static void wake(void *ctx)
{
	MHD_resume_connection(ctx);
}

/* The connection sleeps meanwhile: no thread waits for a peer. */
static enum MHD_Result ask_peer(struct kms_http *http,
				struct MHD_Connection *connection,
				struct request *request)
{
	request->call.done = wake;
	request->call.ctx = connection;
	MHD_suspend_connection(connection);
	if (kms_zk_call(http->zk, request->answer->pending, &request->call))
		MHD_resume_connection(connection);
	return MHD_YES;
}

/* Woken up again, with an answer of the peer or without. */
static enum MHD_Result finish_asked(struct kms_http *http,
				    struct MHD_Connection *connection,
				    struct request *request)
{
	const struct bytes *reply = &request->call.reply;
	int ret = -EAGAIN;

	if (reply->len) {
		ret = kms_pending_finish(request->answer->pending, reply->data,
					 reply->len);
		if (ret == -EAGAIN)
			log_warning("peer %s: psk=%s: %s", request->call.peer,
				    request->answer->who, request->answer->why);
	}
	return conclude(http, connection, request, ret);
}

/* The whole message as a request; 0, or a status with words. */
static unsigned int decode(struct kms_http *http, struct request *request,
			   const char **words)
{
	int ret;

	*words = "the body is too large for a MIKEY message\n";
	if (request->too_large)
		return MHD_HTTP_CONTENT_TOO_LARGE;
	ret = base64_read(&request->msg, request->body ? request->body : "",
			  request->len);
	*words = "the body is not base64\n";
	if (ret && ret != -ENOMEM)
		return MHD_HTTP_BAD_REQUEST;
	*words = "no memory\n";
	if (!ret && http->bsf)
		request->gba = malloc(sizeof(*request->gba));
	if (ret || !request->gba != !http->bsf)
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	if (request->gba)
		kms_gba_begin(request->gba,
			      (const char *const *)http->parts.config->bsf.domains,
			      http->parts.config->bsf.num_domains, request->msg.data,
			      request->msg.len);
	return 0;
}

static int handle(struct kms_http *http, struct request *request)
{
	struct kms_database *d = kms_pool_take(http->parts.pool);
	struct kms_store *store = &d->store;
	const struct bytes *msg = &request->msg;
	int ret;

	if (request->gba)
		store = kms_gba_store(request->gba, store);
	if (request->peer)
		ret = kms_handle_peer(http->parts.kms, store, request->peer, msg->data,
				      msg->len, request->answer);
	else
		ret = kms_handle(http->parts.kms, store, request->kind, msg->data,
				 msg->len, request->answer);
	kms_pool_give(http->parts.pool, d);
	return ret;
}

/* Once the body is there, and again after each answer of the BSF. */
static enum MHD_Result finish(struct kms_http *http,
			      struct MHD_Connection *connection,
			      struct request *request)
{
	struct kms_gba_wanted *wanted = NULL;
	unsigned int status;
	const char *words;
	int ret;

	if (!request->msg.data) {
		status = decode(http, request, &words);
		if (status)
			return refuse(connection, status, words);
	}
	if (request->gba)
		wanted = kms_bsf_next(http->bsf, request->gba, time(NULL));
	if (wanted) {
		MHD_suspend_connection(connection);
		if (kms_bsf_ask(http->bsf, wanted, wake, connection))
			MHD_resume_connection(connection);
		return MHD_YES;
	}
	request->answer = calloc(1, sizeof(*request->answer));
	if (!request->answer)
		return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "no memory\n");
	ret = handle(http, request);
	if (ret == KMS_WAITS)
		return ask_peer(http, connection, request);
	return conclude(http, connection, request, ret);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *len, void **state)
{
	struct request *request = *state;

	(void)version;
	if (!request)
		return begin(ctx, connection, url, method, false, state);
	if (*len)
		return more(request, data, len);
	return request->answer ? finish_asked(ctx, connection, request) :
				 finish(ctx, connection, request);
}

/* The same where peers are listened to. */
static enum MHD_Result on_peer_request(void *ctx,
				       struct MHD_Connection *connection,
				       const char *url, const char *method,
				       const char *version, const char *data,
				       size_t *len, void **state)
{
	return *state ? on_request(ctx, connection, url, method, version, data,
				   len, state) :
			begin(ctx, connection, url, method, true, state);
}

static void on_completed(void *ctx, struct MHD_Connection *connection,
			 void **state, enum MHD_RequestTerminationCode code)
{
	struct kms_watched *w = watched(connection);
	struct kms_http *http = ctx;
	struct request *request = *state;

	(void)code;
	if (request) {
		if (request->answer) {
			kms_pending_free(request->answer->pending);
			OPENSSL_cleanse(request->answer, sizeof(*request->answer));
		}
		free(request->answer);
		if (request->gba)
			kms_gba_wipe(request->gba);
		free(request->gba);
		bytes_wipe(&request->msg);
		bytes_wipe(&request->call.reply);
		free(request->body);
		free(request);
		*state = NULL;
	}
	if (w)
		kms_watch_again(http->watch, w);
}

static void on_connection(void *ctx, struct MHD_Connection *connection,
			  void **state, enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	struct kms_http *http = ctx;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(connection,
					       MHD_CONNECTION_INFO_CONNECTION_FD);
		*state = info ? kms_watch_add(http->watch, info->connect_fd) :
			 NULL;
	} else if (*state) {
		kms_watch_remove(http->watch, *state);
		*state = NULL;
	}
}

/* Before TLS: handshakes cost more than anything that comes behind them. */
static enum MHD_Result on_accept(void *ctx, const struct sockaddr *address,
				 socklen_t len)
{
	struct kms_http *http = ctx;

	(void)len;
	if (!count_address(http->connections, address))
		return MHD_YES;
	atomic_fetch_add(&http->refused, 1);
	return MHD_NO;
}

__attribute__((format(printf, 2, 0)))
static void on_log(void *ctx, const char *format, va_list args)
{
	char words[256];

	(void)ctx;
	vsnprintf(words, sizeof(words), format, args);
	words[strcspn(words, "\n")] = '\0';
	log_debug("http: %s", words);
}

static int start_server(struct kms_http *http, const struct kms_listen *listen,
			struct server *server, struct problem *problem)
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
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, http },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, http },
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

	server->fd = kms_listener_open(listen, problem);
	if (server->fd < 0)
		return server->fd;
	if (listen->tls)
		flags |= MHD_USE_TLS;
	if (listen->address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (http->zk || http->bsf)
		flags |= MHD_ALLOW_SUSPEND_RESUME;
	server->daemon = MHD_start_daemon(flags, 0, listen->peers ? NULL : on_accept, http,
					  listen->peers ? on_peer_request : on_request,
					  http,
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
		http->watch = kms_watch_new();
	}
	if (!http || !http->servers || !http->watch) {
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
	return http;
fail:
	kms_http_stop(http);
	return NULL;
}

unsigned int kms_http_port(const struct kms_http *http, size_t listener)
{
	return kms_listener_port(http->servers[listener].fd);
}

void kms_http_tick(struct kms_http *http)
{
	unsigned int refused;

	kms_watch_close_older(http->watch, http->parts.config->request_timeout);
	kms_record_counted(http->parts.recorder);
	refused = atomic_exchange(&http->refused, 0);
	if (refused)
		log_warning("%u requests or connections were too many", refused);
}

void kms_http_stop(struct kms_http *http)
{
	size_t i;

	if (!http)
		return;
	for (i = 0; i < http->num_servers; i++)
		MHD_quiesce_daemon(http->servers[i].daemon);
	if (http->watch)
		kms_watch_drain(http->watch, STOP_SECONDS);
	/* wakes who still waits for others, as no server may stop before */
	kms_bsf_stop(http->bsf);
	kms_zk_client_stop(http->zk);
	/* who was woken has not been answered yet */
	if (http->watch)
		kms_watch_drain(http->watch, STOP_SECONDS);
	for (i = 0; i < http->num_servers; i++) {
		MHD_stop_daemon(http->servers[i].daemon);
		kms_listener_close(http->servers[i].fd);
	}
	kms_bsf_free(http->bsf);
	kms_zk_client_free(http->zk);
	kms_watch_free(http->watch);
	kms_limit_free(http->connections);
	kms_limit_free(http->requests);
	kms_text_wipe(http->certificate);
	kms_text_wipe(http->private_key);
	kms_text_wipe(http->peer_certificate);
	kms_text_wipe(http->peer_private_key);
	kms_peer_tls_free(http->peer_tls);
	free(http->servers);
	free(http);
}
