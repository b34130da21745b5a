// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections: who may open one, and since when it is open; see http_server.h.
 */
#include <microhttpd.h>

#include "helper/kms/http_server.h"
#include "helper/kms/limit.h"
#include "helper/kms/watch.h"

unsigned int kms_http_count_address(struct kms_limit *limit, const struct sockaddr *address)
{
	u8 name[KMS_LIMIT_SOURCE_MAX];

	return kms_limit_take(limit, kms_limit_source(address, name), kms_limit_now());
}

struct kms_watched *kms_http_watched(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

void kms_http_on_connection(void *ctx, struct MHD_Connection *connection,
			    void **state, enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	struct kms_server *server = ctx;
	int fd;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		/* the second question may overwrite what the first one gave */
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		fd = info ? info->connect_fd : -1;
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
		*state = fd < 0 ? NULL : kms_watch_add(server->watch, fd,
						       info ? info->client_addr : NULL);
		kms_metrics_connection(server->http->metrics, 1);
		return;
	}
	if (*state)
		kms_watch_remove(*state);
	*state = NULL;
	kms_metrics_connection(server->http->metrics, -1);
}

/* Before TLS: handshakes cost more than anything that comes behind them. */
enum MHD_Result kms_http_on_accept(void *ctx, const struct sockaddr *address,
				   socklen_t len)
{
	struct kms_http *http = ctx;

	(void)len;
	if (!kms_http_count_address(http->connections, address))
		return MHD_YES;
	atomic_fetch_add(&http->refused, 1);
	kms_metrics_count(http->metrics, KMS_COUNT_CONNECTIONS_REFUSED);
	return MHD_NO;
}
