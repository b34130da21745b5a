// SPDX-License-Identifier: GPL-2.0-or-later
/* The owner of the socket at the other end of the loopback interface. */
#include "helper/mikeyd/owner.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "helper/lib/log.h"

struct owner {
	int fd;
	uint32_t sequence;
	const struct config *config;
};

static void put_address(__be32 *address, __be16 *port, const struct sa *sa)
{
	if (sa_af(sa) == AF_INET)
		memcpy(address, &sa->u.in.sin_addr, 4);
	else
		memcpy(address, &sa->u.in6.sin6_addr, 16);
	*port = htons(sa_port(sa));
}

/*
 * Ask for the socket with one end here and one there. For UDP the kernel takes
 * the two ends the other way round.
 */
static int ask(struct owner *owner, enum sip_transp tp, const struct sa *here,
	       const struct sa *there)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
			.nlmsg_seq = ++owner->sequence,
		},
		.body = {
			.sdiag_family = sa_af(here),
			.sdiag_protocol = tp == SIP_TRANSP_UDP ? IPPROTO_UDP : IPPROTO_TCP,
			.idiag_states = ~0u,
			.id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
		},
	};
	struct inet_diag_sockid *id = &request.body.id;

	put_address(id->idiag_src, &id->idiag_sport, tp == SIP_TRANSP_UDP ? there : here);
	put_address(id->idiag_dst, &id->idiag_dport, tp == SIP_TRANSP_UDP ? here : there);
	return send(owner->fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

/* The answer: -ENOENT if there is no such socket, or nobody can tell. */
static int hear(struct owner *owner, struct inet_diag_msg *answer)
{
	union {
		struct nlmsghdr header;
		uint8_t bytes[4096];
	} in;

	for (;;) {
		ssize_t len = recv(owner->fd, &in, sizeof(in), 0);

		if (len < 0)
			return -errno;
		if (!NLMSG_OK(&in.header, (size_t)len) ||
		    in.header.nlmsg_seq != owner->sequence)
			continue;
		if (in.header.nlmsg_type == NLMSG_ERROR &&
		    in.header.nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
			return ((struct nlmsgerr *)NLMSG_DATA(&in.header))->error ?: -EPROTO;
		if (in.header.nlmsg_len < NLMSG_LENGTH(sizeof(*answer)))
			return -EPROTO;
		memcpy(answer, NLMSG_DATA(&in.header), sizeof(*answer));
		return 0;
	}
}

static int look_up(struct owner *owner, enum sip_transp tp, const struct sa *here,
		   const struct sa *there, struct inet_diag_msg *answer)
{
	int err = ask(owner, tp, here, there);

	return err ?: hear(owner, answer);
}

/* Our own listeners are sockets the kernel must know. */
static int try_out(struct owner *owner, const struct transport *transport,
		   struct problem *problem)
{
	struct flow nobody = { .side = SIDE_INSIDE };
	struct inet_diag_msg answer;
	const struct sa *local;

	for (enum sip_transp tp = SIP_TRANSP_UDP; tp <= SIP_TRANSP_TLS; tp++) {
		nobody.tp = tp;
		sa_init(&nobody.peer, AF_INET);
		local = transport_local(transport, &nobody);
		if (!local) {
			sa_init(&nobody.peer, AF_INET6);
			local = transport_local(transport, &nobody);
		}
		if (!local)
			continue;
		if (look_up(owner, tp, local, &nobody.peer, &answer))
			return problem_set(problem, -EOPNOTSUPP,
					   "the kernel does not tell whose socket a client has: modprobe %s_diag, or let everybody in with client-users = [\"*\"]",
					   tp == SIP_TRANSP_UDP ? "udp" : "tcp");
	}
	return 0;
}

/* Does the setting of this user, or of all, or of any, let everybody in? */
static bool lets_all_in(const struct config *config, const struct config_user *user, bool all)
{
	if (user)
		return user->any_client_user;
	for (unsigned int i = 0; i < config->n_users; i++)
		if (config->users[i].any_client_user != all)
			return !all;
	return all;
}

int owner_open(struct owner **out, const struct config *config,
	       const struct transport *transport, struct problem *problem)
{
	const struct timeval timeout = { .tv_sec = 2 };
	struct owner *owner = calloc(1, sizeof(*owner));
	int err;

	*out = owner;
	if (!owner)
		return problem_set(problem, -ENOMEM, "no memory");
	owner->config = config;
	owner->fd = -1;
	if (lets_all_in(config, NULL, true))
		return 0;
	owner->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (owner->fd < 0 ||
	    setsockopt(owner->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		err = problem_set(problem, -errno, "socket diagnosis: %s", strerror(errno));
	else
		err = try_out(owner, transport, problem);
	if (err) {
		owner_close(owner);
		*out = NULL;
	}
	return err;
}

void owner_close(struct owner *owner)
{
	if (!owner)
		return;
	if (owner->fd >= 0)
		close(owner->fd);
	free(owner);
}

static bool is_listed_for(const struct config_user *user, uid_t uid)
{
	for (unsigned int i = 0; i < user->n_client_users; i++)
		if (user->client_users[i] == uid)
			return true;
	return false;
}

static bool is_listed(const struct owner *owner, const struct config_user *user, uid_t uid)
{
	if (!uid || uid == geteuid())
		return true;
	if (user)
		return is_listed_for(user, uid);
	for (unsigned int i = 0; i < owner->config->n_users; i++)
		if (is_listed_for(&owner->config->users[i], uid))
			return true;
	return false;
}

/* Who holds the client's socket, as far as that is to be known and asked. */
static bool check(struct owner *owner, const struct config_user *user,
		  const struct flow *client, const struct sa *local, bool listens)
{
	struct inet_diag_msg answer;
	bool is_listener;
	int err;

	if (lets_all_in(owner->config, user, false))
		return true;
	err = look_up(owner, client->tp, &client->peer, local, &answer);
	/* without a connection the kernel finds the listener at that port */
	is_listener = !err && answer.idiag_state == TCP_LISTEN;
	if (client->tp != SIP_TRANSP_UDP && is_listener != listens)
		err = err ?: -ENOENT;
	if (err == -ENOENT)
		return !sa_is_loopback(&client->peer);
	if (!err && answer.idiag_inode && is_listed(owner, user, answer.idiag_uid))
		return true;
	if (err)
		log_event(WARNING, "client-unknown", log_text("reason", strerror(-err)));
	else if (!answer.idiag_inode)	/* nobody holds it any more: it shows as root's */
		log_event(DEBUG, "client-unknown",
			  log_text("reason", "it left before it could be asked whose it is"));
	else
		log_event(WARNING, "client-refused", log_number("uid", answer.idiag_uid));
	return false;
}

bool owner_allows(struct owner *owner, const struct config_user *user,
		  const struct flow *client, const struct sa *local)
{
	return check(owner, user, client, local, false);
}

bool owner_listens(struct owner *owner, const struct config_user *user,
		   const struct flow *client, const struct sa *local)
{
	return check(owner, user, client, local, true);
}
