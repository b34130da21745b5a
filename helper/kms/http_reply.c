// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is said without a MIKEY message; see http_server.h.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "helper/kms/event.h"
#include "helper/kms/http_server.h"
#include "helper/kms/listener.h"

enum MHD_Result kms_http_reply(struct kms_http *http, struct MHD_Connection *connection,
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
	kms_metrics_answer(http->metrics, status);
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

void kms_http_name_peer(struct MHD_Connection *connection, char peer[KMS_PEER_MAX])
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	kms_peer_name(info ? info->client_addr : NULL, peer);
}

enum MHD_Result kms_http_refuse(struct kms_http *http, struct MHD_Connection *connection,
				unsigned int status, const char *words)
{
	char peer[KMS_PEER_MAX];

	kms_http_name_peer(connection, peer);
	log_event(WARNING, "http-refused", kms_event_req(), log_text("client", peer),
		  log_number("status", status),
		  /* a line of text, for who asked */
		  log_bytes("reason", words, strcspn(words, "\n")));
	return kms_http_reply(http, connection, status, "text/plain; charset=utf-8", words,
		     strlen(words), status == MHD_HTTP_SERVICE_UNAVAILABLE);
}

/* So many may come that they are not told one by one. */
enum MHD_Result kms_http_slow_down(struct kms_http *http,
				   struct MHD_Connection *connection,
				   unsigned int seconds)
{
	static const char words[] = "too many requests\n";

	atomic_fetch_add(&http->refused, 1);
	return kms_http_reply(http, connection, MHD_HTTP_TOO_MANY_REQUESTS,
		     "text/plain; charset=utf-8", words, strlen(words), seconds);
}
