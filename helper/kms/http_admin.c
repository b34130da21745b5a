// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * listen-admin: what says how the service is, on this machine only; see
 * http_server.h. It has a thread for each connection, so that it is answered
 * whatever else is slow.
 */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "helper/kms/http_server.h"

#define CONNECTIONS 16
#define TIMEOUT 5		/* seconds without a byte */
#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int code,
			      const char *text, size_t len)
{
	struct MHD_Response *response;
	enum MHD_Result ret;

	response = MHD_create_response_from_buffer(len, (void *)text, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, TEXT_TYPE);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ret = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result on_admin_request(void *ctx, struct MHD_Connection *connection,
					const char *url, const char *method,
					const char *version, const char *data,
					size_t *len, void **state)
{
	static const char refusal[] = "only GET is understood\n";
	struct kms_http *http = ctx;
	enum MHD_Result ret;
	unsigned int code;
	size_t text_len;
	char *text;

	(void)version;
	(void)data;
	(void)len;
	(void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, refusal,
			      strlen(refusal));
	text = kms_status_page(http->parts.status, http->metrics, url, &code, &text_len);
	if (!text)
		return MHD_NO;
	ret = answer(connection, code, text, text_len);
	free(text);
	return ret;
}

int kms_http_admin_start(struct kms_http *http, struct problem *problem)
{
	const struct kms_listen *listen = &http->parts.config->admin;
	unsigned int flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
			     MHD_USE_POLL | MHD_USE_ITC;

	http->admin.fd = kms_listener_open(listen, problem);
	if (http->admin.fd < 0)
		return http->admin.fd;
	if (listen->address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	http->admin.daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_admin_request, http,
					      MHD_OPTION_LISTEN_SOCKET, http->admin.fd,
					      MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
					      MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT,
					      MHD_OPTION_END);
	if (http->admin.daemon)
		return 0;
	kms_listener_close(http->admin.fd);
	return problem_set(problem, -EIO, "%s: cannot be served", listen->text);
}

void kms_http_admin_stop(struct kms_http *http)
{
	if (!http->admin.daemon)
		return;
	/* else it would close the socket, too */
	MHD_quiesce_daemon(http->admin.daemon);
	MHD_stop_daemon(http->admin.daemon);
	kms_listener_close(http->admin.fd);
}
