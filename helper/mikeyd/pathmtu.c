// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel knows of a path. */
#include "helper/mikeyd/pathmtu.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 3261 18.1.1, where the path's MTU is not known */
#define UNKNOWN_MOST 1300
/* and what is left for the response, which is larger than the request */
#define MARGIN 200
/* On the loopback interface a datagram of any size arrives whole. */
#define LOOPBACK_MOST 65000

/* 0: it is not known */
static size_t mtu_of(const struct sa *peer)
{
	bool is_ipv6 = sa_af(peer) == AF_INET6;
	int fd = socket(sa_af(peer), SOCK_DGRAM | SOCK_CLOEXEC, 0), mtu = 0;
	socklen_t len = sizeof(mtu);

	if (fd < 0)
		return 0;
	/* a UDP socket that is connected sends nothing, and has a route */
	if (connect(fd, &peer->u.sa, peer->len) ||
	    getsockopt(fd, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_MTU : IP_MTU,
		       &mtu, &len) || mtu < 0)
		mtu = 0;
	close(fd);
	return mtu;
}

size_t pathmtu_udp_most(const struct flow *to)
{
	size_t mtu;

	if (to->side == SIDE_INSIDE && sa_is_loopback(&to->peer))
		return LOOPBACK_MOST;
	mtu = mtu_of(&to->peer);
	if (!mtu || mtu >= UNKNOWN_MOST + MARGIN)
		return UNKNOWN_MOST;
	return mtu > MARGIN ? mtu - MARGIN : 0;
}
