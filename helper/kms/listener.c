// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Listening sockets and names of peers; see listener.h.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "helper/kms/listener.h"

#define BACKLOG 128

static socklen_t length_of(const struct sockaddr *address)
{
	switch (address->sa_family) {
	case AF_UNIX:
		return sizeof(struct sockaddr_un);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return sizeof(struct sockaddr_in);
	}
}

/* A socket that somebody left behind: nobody listens at it any more. */
static void remove_stale(const struct sockaddr *address, socklen_t len)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)address;
	struct stat st;
	int fd;

	if (address->sa_family != AF_UNIX || lstat(un->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, address, len) && errno == ECONNREFUSED)
		unlink(un->sun_path);
	close(fd);
}

int kms_listener_open(const struct kms_listen *listen_at,
		      struct problem *problem)
{
	const struct sockaddr *address;
	socklen_t len;
	int on = 1;
	int fd, ret;

	address = (const struct sockaddr *)&listen_at->address;
	len = length_of(address);
	remove_stale(address, len);
	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", listen_at->text,
				   strerror(errno));
	if (address->sa_family != AF_UNIX)
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
	struct sockaddr_un address = { 0 };
	socklen_t len = sizeof(address);

	if (!getsockname(fd, (struct sockaddr *)&address, &len) &&
	    address.sun_family == AF_UNIX)
		unlink(address.sun_path);
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
