// SPDX-License-Identifier: GPL-2.0-or-later
/* A client of one generic netlink family. */
#include "helper/lib/netlink.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/*
 * Room for the largest request (an entity of 512 KiB and its attributes), as
 * far as net.core.wmem_max lets an ordinary user go.
 */
#define GENL_BUFFER (1024 * 1024)
#define GENL_TIMEOUT_SECONDS 5

struct genl_client {
	struct nl_sock *socket;
	int family;
	char name[GENL_NAMSIZ];
};

/*
 * On a socket of its own: libnl counts the messages of a socket, and requests
 * here do not go through its counting.
 */
static int resolve(struct genl_client *client, struct problem *problem)
{
	struct nl_sock *socket = nl_socket_alloc();
	int family = -NLE_NOMEM;

	if (socket) {
		family = genl_connect(socket);
		if (!family)
			family = genl_ctrl_resolve(socket, client->name);
		nl_socket_free(socket);
	}
	if (family == -NLE_OBJ_NOTFOUND)
		return problem_set(problem, -ENOENT,
				   "the kernel has no family \"%s\": load the module (modprobe %s)",
				   client->name, client->name);
	if (family < 0)
		return problem_set(problem, -EIO, "netlink family \"%s\": %s",
				   client->name, nl_geterror(family));
	client->family = family;
	return 0;
}

int genl_client_open(struct genl_client **out, const char *family, struct problem *problem)
{
	const struct timeval timeout = { .tv_sec = GENL_TIMEOUT_SECONDS };
	struct genl_client *client = calloc(1, sizeof(*client));
	int one = 1, fd, err;

	*out = NULL;
	if (!client)
		return problem_set(problem, -ENOMEM, "no memory");
	strncpy(client->name, family, sizeof(client->name) - 1);
	client->socket = nl_socket_alloc();
	if (!client->socket) {
		err = problem_set(problem, -ENOMEM, "no memory");
		goto fail;
	}
	err = genl_connect(client->socket);
	if (err < 0) {
		err = problem_set(problem, -EIO, "netlink socket: %s", nl_geterror(err));
		goto fail;
	}
	/* Best effort: without it only entities over 200 KB fail, in words. */
	nl_socket_set_buffer_size(client->socket, GENL_BUFFER, GENL_BUFFER);
	fd = nl_socket_get_fd(client->socket);
	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout))) {
		err = problem_set(problem, -errno, "netlink socket: %s", strerror(errno));
		goto fail;
	}
	err = resolve(client, problem);
	if (err < 0)
		goto fail;
	*out = client;
	return 0;
fail:
	genl_client_close(client);
	return err;
}

void genl_client_close(struct genl_client *client)
{
	if (!client)
		return;
	nl_socket_free(client->socket);
	free(client);
}

struct nl_msg *genl_message(struct genl_client *client, uint8_t command, size_t room)
{
	struct nl_msg *message = nlmsg_alloc_size(NLMSG_HDRLEN + GENL_HDRLEN + room + 64);

	if (!message)
		return NULL;
	/*
	 * Every command has a reply, so no ack is asked for: behind a large reply
	 * it would find no room in the receive buffer. Both families are version
	 * 1; a newer kernel still speaks it.
	 */
	if (!genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, client->family, 0, NLM_F_REQUEST,
			 command, 1)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

void genl_message_free(struct nl_msg *message)
{
	struct nlmsghdr *header;

	if (!message)
		return;
	header = nlmsg_hdr(message);
	OPENSSL_cleanse((char *)header + NLMSG_HDRLEN, header->nlmsg_len - NLMSG_HDRLEN);
	nlmsg_free(message);
}

/*
 * One datagram in memory of exactly its size. nl_recv() grows its buffer, and
 * each time leaves a copy of the beginning behind.
 */
static int receive(struct genl_client *client, struct bytes *datagram)
{
	int fd = nl_socket_get_fd(client->socket);
	ssize_t size;

	do {
		size = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	} while (size < 0 && errno == EINTR);
	if (size < 0)
		return -errno;
	if (bytes_alloc(datagram, size) < 0)
		return -ENOMEM;
	size = recv(fd, datagram->data, datagram->len, 0);
	if (size < 0 || (size_t)size != datagram->len) {
		bytes_wipe(datagram);
		return size < 0 ? -errno : -EIO;
	}
	return 0;
}

/* A reply, or a refusal with its words. */
static int judge(struct nlmsghdr *header, struct problem *problem)
{
	struct nlmsgerr *answer = nlmsg_data(header);
	struct nlattr *attr = (struct nlattr *)(answer + 1), *words;
	int left = (int)header->nlmsg_len - NLMSG_HDRLEN - (int)sizeof(*answer);

	if (header->nlmsg_type != NLMSG_ERROR)
		return header->nlmsg_len >= NLMSG_HDRLEN + GENL_HDRLEN ? 0 :
			problem_set(problem, -EPROTO, "netlink: short reply");
	if (left < 0 || !answer->error)
		return problem_set(problem, -EPROTO, "netlink: an error message without error");
	problem_set(problem, answer->error, "%s", strerror(-answer->error));
	/* NETLINK_CAP_ACK: the request is not echoed, the attributes follow */
	words = header->nlmsg_flags & NLM_F_ACK_TLVS && left > 0 ?
		nla_find(attr, left, NLMSGERR_ATTR_MSG) : NULL;
	if (words && nla_len(words) > 0) {
		problem_set(problem, answer->error, "%.*s", nla_len(words),
			    (char *)nla_data(words));
		problem->kernel = true;
	}
	return answer->error;
}

/*
 * Wait for the reply to request number seq, or its refusal; answers to requests
 * that were given up (a timeout) are dropped.
 */
static int await(struct genl_client *client, uint32_t seq, struct bytes *reply,
		 struct problem *problem)
{
	for (;;) {
		struct nlmsghdr *header;
		int err = receive(client, reply);

		if (err == -EAGAIN)
			return problem_set(problem, -ETIMEDOUT,
					   "the kernel did not answer within %d s",
					   GENL_TIMEOUT_SECONDS);
		if (err < 0)
			return problem_set(problem, err, "netlink: %s", strerror(-err));
		header = (struct nlmsghdr *)reply->data;
		if (nlmsg_ok(header, reply->len) && header->nlmsg_seq == seq)
			break;
		bytes_wipe(reply);
	}
	return judge((struct nlmsghdr *)reply->data, problem);
}

static int exchange(struct genl_client *client, struct nl_msg *message, struct bytes *reply,
		    struct problem *problem)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	int err;

	/* a number of its own for the repetition as well */
	header->nlmsg_seq = nl_socket_use_seq(client->socket);
	header->nlmsg_pid = nl_socket_get_local_port(client->socket);
	header->nlmsg_type = client->family;
	if (send(nl_socket_get_fd(client->socket), header, header->nlmsg_len, 0) < 0) {
		err = -errno;
		if (err == -EMSGSIZE)
			return problem_set(problem, err,
					   "too large for this socket: raise net.core.wmem_max");
		return problem_set(problem, err, "netlink: %s", strerror(-err));
	}
	err = await(client, header->nlmsg_seq, reply, problem);
	if (err < 0)
		bytes_wipe(reply);
	return err;
}

int genl_request(struct genl_client *client, struct nl_msg *message, struct bytes *reply,
		 struct nlattr **attrs, int max, struct problem *problem)
{
	struct bytes none = { 0 };
	int err;

	*reply = none;
	if (attrs)
		memset(attrs, 0, sizeof(*attrs) * (max + 1));
	err = exchange(client, message, reply, problem);
	if (err == -ENOENT && !problem->kernel) {
		err = resolve(client, problem);
		if (!err)
			err = exchange(client, message, reply, problem);
	}
	if (err == -ENOBUFS)	/* the answer was dropped, not the request */
		problem_set(problem, err, "netlink: the answer found no room");
	if (err < 0 || !reply->data || !attrs)
		return err;
	err = nla_parse(attrs, max, (struct nlattr *)(reply->data + NLMSG_HDRLEN + GENL_HDRLEN),
			reply->len - NLMSG_HDRLEN - GENL_HDRLEN, NULL);
	if (err < 0) {
		bytes_wipe(reply);
		return problem_set(problem, -EPROTO, "netlink: malformed reply");
	}
	return 0;
}
