// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Listening sockets and names of peers; see listener.h.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helper/kms/listener.h"

#define BACKLOG 128

int kms_listener_open(const struct kms_listen *listen_at,
		      struct problem *problem)
{
	const struct sockaddr *address;
	socklen_t len;
	int on = 1;
	int fd, ret;

	address = (const struct sockaddr *)&listen_at->address;
	len = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					       sizeof(struct sockaddr_in);
	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", listen_at->text,
				   strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, address, len) || listen(fd, BACKLOG)) {
		ret = problem_set(problem, -errno, "%s: %s", listen_at->text,
				  strerror(errno));
		close(fd);
		return ret;
	}
	return fd;
}

void kms_listener_close(int fd)
{
	close(fd);
}

unsigned int kms_listener_port(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &len);
	return ntohs(address.ss_family == AF_INET6 ?
		     ((struct sockaddr_in6 *)&address)->sin6_port :
		     ((struct sockaddr_in *)&address)->sin_port);
}

void kms_peer_name(const struct sockaddr *address, char name[KMS_PEER_MAX])
{
	socklen_t len = sizeof(struct sockaddr_in);

	if (address && address->sa_family == AF_INET6)
		len = sizeof(struct sockaddr_in6);
	if (!address || getnameinfo(address, len, name, KMS_PEER_MAX, NULL, 0,
				    NI_NUMERICHOST))
		snprintf(name, KMS_PEER_MAX, "?");
}
