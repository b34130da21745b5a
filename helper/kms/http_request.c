// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One request, from its head to its answer; see http_server.h.
 */
#include <errno.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "helper/kms/bsf.h"
#include "helper/kms/event.h"
#include "helper/kms/http_server.h"
#include "helper/kms/limit.h"
#include "helper/kms/peer_tls.h"
#include "helper/kms/watch.h"
#include "helper/kms/zk_client.h"
#include "helper/lib/base64.h"

#define PATH "/keymanagement"
#define MEDIA_TYPE "application/mikey"

/* One request while its body arrives. */
struct request {
	char name[KMS_EVENT_NAME_MAX];	/* for the log */
	enum kms_exchange_kind kind;
	s64 since;			/* kms_limit_now() */
	bool too_large;
	size_t size;			/* of body */
	size_t len;
	char *body;
	const struct kms_peer *peer;	/* that asks over Zk, or NULL */
	struct bytes msg;
	struct kms_gba *gba;		/* PSKs that a BSF knows, or NULL */
	struct kms_gba_wanted *asked;	/* that the BSF is asked for now */
	/* while a peer is asked: what the message led to */
	struct kms_answer *answer;
	struct kms_zk_call call;
};

static const struct {
	const char *name;
	enum kms_exchange_kind kind;
} request_types[] = {
	{ "ticketrequest", KMS_TICKET_REQUEST },
	{ "ticketresolve", KMS_TICKET_RESOLVE },
};

/* A request to a proxy names the server, too, and is understood (RFC 9112 3.2.2). */
static const char *path_of(const char *target)
{
	const char *host = !strncasecmp(target, "http://", 7) ? target + 7 :
			   !strncasecmp(target, "https://", 8) ? target + 8 : NULL;

	return host ? host + strcspn(host, "/") : target;
}

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
	if (strcmp(path_of(url), PATH))
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

/* Whose certificate it is, anew for each request: it may have expired. */
static const char *check_peer(struct kms_http *http,
			      struct MHD_Connection *connection,
			      struct request *request, unsigned int *status)
{
	const union MHD_ConnectionInfo *info;
	struct kms_stranger why;

	*status = MHD_HTTP_FORBIDDEN;
	info = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_GNUTLS_SESSION);
	request->peer = kms_peer_tls_who(http->peer_tls,
					 info ? info->tls_session : NULL, &why);
	if (!request->peer && why.reason)
		log_event(WARNING, "certificate-refused", kms_event_req(),
			  log_text("peer", why.peer), log_text("reason", why.reason));
	return request->peer ? NULL : why.words;
}

static enum MHD_Result begin(struct kms_http *http,
			     struct MHD_Connection *connection,
			     const char *url, const char *method, bool peers,
			     void **state)
{
	struct request *request = calloc(1, sizeof(*request));
	struct kms_watched *w = kms_http_watched(connection);
	const union MHD_ConnectionInfo *info;
	unsigned int status, wait = 0;
	enum MHD_Result ret;
	const char *words;

	if (!request)
		return MHD_NO;
	if (w)
		kms_watch_busy(w);
	*state = request;
	request->since = kms_limit_now();
	kms_event_name(request->name);
	kms_event_of(request->name);
	info = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (!peers)
		wait = kms_http_count_address(http->requests, info ? info->client_addr : NULL);
	if (wait) {
		kms_metrics_count(http->metrics, KMS_COUNT_REQUESTS_REFUSED);
		return kms_http_slow_down(http, connection, wait);
	}
	words = peers ? check_peer(http, connection, request, &status) : NULL;
	if (!words)
		words = check_head(http, connection, url, method, request, &status);
	if (!words && peers && request->kind != KMS_TICKET_RESOLVE) {
		status = MHD_HTTP_BAD_REQUEST;
		words = "between KMSs requesttype is ticketresolve\n";
	}
	ret = words ? kms_http_refuse(http, connection, status, words) : MHD_YES;
	kms_event_of(NULL);
	return ret;
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

static enum MHD_Result send_answer(struct kms_http *http, struct MHD_Connection *connection,
				   const struct kms_answer *answer)
{
	enum MHD_Result ret;
	size_t len = base64_size(answer->len, 0);
	char *text = malloc(len + 1);

	if (!text)
		return MHD_NO;
	base64_write(text, answer->buf, answer->len, 0);
	ret = kms_http_reply(http, connection, MHD_HTTP_OK, MEDIA_TYPE, text, len, 0);
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
	bool recorded;

	kms_http_name_peer(connection, peer);
	recorded = !kms_record_exchange(http->parts.recorder, peer, request->kind, ret,
					answer, &problem);
	kms_metrics_exchange(http->metrics, request->kind, request->peer, ret, answer,
			     recorded, kms_limit_now() - request->since);
	if (!recorded) {
		kms_metrics_count(http->metrics, KMS_COUNT_AUDIT_REFUSALS);
		log_event(ERROR, "not-recorded", kms_event_req(),
			  log_text("reason", problem.words));
		return kms_http_refuse(http, connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "the KMS cannot keep its records\n");
	}
	if (!ret) {
		kms_event_exchange(peer, request->kind, request->call.peer, answer,
				   (kms_limit_now() - request->since) / 1000000);
		return send_answer(http, connection, answer);
	}
	if (ret == -EDQUOT)
		return kms_http_slow_down(http, connection, answer->retry_after);
	if (ret == -EBADMSG)
		return kms_http_refuse(http, connection, MHD_HTTP_BAD_REQUEST,
			      "the body is not a MIKEY message\n");
	if (ret == -EAGAIN)
		return kms_http_refuse(http, connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "the KMS is busy\n");
	log_event(ERROR, "failed", kms_event_req(), log_text("reason", answer->why));
	return kms_http_refuse(http, connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
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
	request->call.name = request->name;
	request->call.ctx = connection;
	MHD_suspend_connection(connection);
	log_event(DEBUG, "peer-asked", kms_event_req(),
		  log_text("peer", kms_pending_peer(request->answer->pending)->name));
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

	kms_metrics_count(http->metrics, reply->len ? KMS_COUNT_PEER_ANSWERED :
			  KMS_COUNT_PEER_FAILED);
	if (reply->len) {
		ret = kms_pending_finish(request->answer->pending, reply->data,
					 reply->len);
		if (ret == -EAGAIN)
			log_event(WARNING, "peer-failed", kms_event_req(),
				  log_text("peer", request->call.peer),
				  log_text("reason", request->answer->why));
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
	if (ret == -EAGAIN || ret == -EIO)
		kms_metrics_count(http->metrics, KMS_COUNT_STORE_ERRORS);
	return ret;
}

/* Once the body is there, and again after each answer of the BSF. */
static enum MHD_Result finish(struct kms_http *http,
			      struct MHD_Connection *connection,
			      struct request *request)
{
	struct kms_watched *w = kms_http_watched(connection);
	struct kms_gba_wanted *wanted = NULL;
	unsigned int status;
	const char *words;
	int ret;

	if (w)
		kms_watch_answering(w);
	if (!request->msg.data) {
		status = decode(http, request, &words);
		if (status)
			return kms_http_refuse(http, connection, status, words);
	}
	if (request->asked)
		kms_metrics_count(http->metrics, request->asked->found ?
				  KMS_COUNT_BSF_ANSWERED : KMS_COUNT_BSF_FAILED);
	if (request->gba)
		wanted = kms_bsf_next(http->bsf, request->gba, time(NULL));
	request->asked = wanted;
	if (wanted) {
		MHD_suspend_connection(connection);
		if (kms_bsf_ask(http->bsf, wanted, wake, connection))
			MHD_resume_connection(connection);
		return MHD_YES;
	}
	log_event(DEBUG, "received", kms_event_req(),
		  log_text("kind", kms_event_kind(request->kind)),
		  log_number("bytes", request->msg.len),
		  request->peer ? log_text("peer", request->peer->name) : log_none());
	request->answer = calloc(1, sizeof(*request->answer));
	if (!request->answer)
		return kms_http_refuse(http, connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "no memory\n");
	ret = handle(http, request);
	if (ret == KMS_WAITS)
		return ask_peer(http, connection, request);
	return conclude(http, connection, request, ret);
}

/* As often as there is more of a request, and once it is whole. */
static enum MHD_Result go_on(struct kms_http *http, struct MHD_Connection *connection,
			     struct request *request, const char *data, size_t *len)
{
	enum MHD_Result ret;

	if (*len)
		return more(request, data, len);
	kms_event_of(request->name);
	ret = request->answer ? finish_asked(http, connection, request) :
				finish(http, connection, request);
	kms_event_of(NULL);
	return ret;
}

enum MHD_Result kms_http_on_request(void *ctx, struct MHD_Connection *connection,
				    const char *url, const char *method,
				    const char *version, const char *data,
				    size_t *len, void **state)
{
	(void)version;
	return *state ? go_on(ctx, connection, *state, data, len) :
			begin(ctx, connection, url, method, false, state);
}

enum MHD_Result kms_http_on_peer_request(void *ctx,
					 struct MHD_Connection *connection,
					 const char *url, const char *method,
					 const char *version, const char *data,
					 size_t *len, void **state)
{
	(void)version;
	return *state ? go_on(ctx, connection, *state, data, len) :
			begin(ctx, connection, url, method, true, state);
}

void kms_http_on_completed(void *ctx, struct MHD_Connection *connection,
			   void **state, enum MHD_RequestTerminationCode code)
{
	struct kms_watched *w = kms_http_watched(connection);
	struct request *request = *state;

	(void)ctx;
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
		kms_watch_again(w);
}
