// SPDX-License-Identifier: GPL-2.0-or-later
/* A SIP client for one request. */
#include "helper/mikeyctl/delivery.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper/lib/libre.h"

struct client {
	const struct delivery *delivery;
	struct delivery_answer *answer;
	struct sip *sip;
	struct sip_request *request;
	struct tmr timer;
	int err;		/* positive errno, as libre has them */
};

bool delivery_needs_tcp(const struct delivery *delivery)
{
	return delivery->body.len + strlen(delivery->content_type) +
	       2 * strlen(delivery->to) + strlen(delivery->from) +
	       DELIVERY_HEADERS > DELIVERY_UDP_MAX;
}

static socklen_t address_size(const struct endpoint *via)
{
	return via->address.ss_family == AF_INET ? sizeof(struct sockaddr_in) :
						   sizeof(struct sockaddr_in6);
}

/*
 * The own address as the other side will see it. On the way a keep-alive
 * (RFC 5626 4.4.1, which servers ignore) shows whether nobody listens on a UDP
 * port of this machine; without it that would take 32 s to find out.
 */
static int probe(const struct endpoint *via, struct sa *local, struct problem *problem)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int fd, err = 0;
	char byte;

	fd = socket(via->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return problem_set(problem, -errno, "socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&via->address, address_size(via)) ||
	    getsockname(fd, (struct sockaddr *)&address, &len))
		err = problem_set(problem, -errno, "no way to the proxy: %s", strerror(errno));
	else if (sa_set_sa(local, (struct sockaddr *)&address))
		err = problem_set(problem, -EAFNOSUPPORT, "no such kind of address");
	else if (via->transport == ENDPOINT_UDP && send(fd, "\r\n\r\n", 4, 0) == 4 &&
		 recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == ECONNREFUSED)
		err = problem_set(problem, -ECONNREFUSED, "nobody listens there");
	close(fd);
	sa_set_port(local, 0);
	return err;
}

static void copy(char *out, size_t size, const struct pl *text)
{
	if (pl_strcpy(text, out, size))
		out[0] = '\0';
}

static void copy_header(char *out, size_t size, const struct sip_msg *msg, enum sip_hdrid id)
{
	const struct sip_hdr *header = sip_msg_hdr(msg, id);

	out[0] = '\0';
	if (header)
		copy(out, size, &header->val);
}

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
	struct client *client = arg;
	struct delivery_answer *answer = client->answer;

	if (!err && msg->scode < 200)
		return;
	client->err = err;
	if (!err) {
		answer->code = msg->scode;
		copy(answer->reason, sizeof(answer->reason), &msg->reason);
		copy_header(answer->warning, sizeof(answer->warning), msg, SIP_HDR_WARNING);
		copy_header(answer->retry_after, sizeof(answer->retry_after), msg,
			    SIP_HDR_RETRY_AFTER);
	}
	re_cancel();
}

static void on_timer(void *arg)
{
	struct client *client = arg;

	client->err = ETIMEDOUT;
	re_cancel();
}

static int start(struct client *client, const struct sa *local)
{
	const struct delivery *delivery = client->delivery;
	const bool tcp = delivery->via.transport == ENDPOINT_TCP;
	struct uri route = { 0 };
	char host[64];
	struct sa to;
	int err;

	err = sa_set_sa(&to, (const struct sockaddr *)&delivery->via.address) ?:
		sa_ntop(&to, host, sizeof(host)) ?:
		sip_alloc(&client->sip, NULL, 1, 1, 1, NULL, NULL, NULL) ?:
		sip_transp_add(client->sip, tcp ? SIP_TRANSP_TCP : SIP_TRANSP_UDP, local);
	if (err)
		return err;
	pl_set_str(&route.scheme, "sip");
	pl_set_str(&route.host, host);
	pl_set_str(&route.params, tcp ? ";transport=tcp" : ";transport=udp");
	route.port = sa_port(&to);
	return sip_requestf(&client->request, client->sip, true, "MESSAGE", delivery->to,
			    &route, NULL, NULL, on_response, client,
			    "To: <%s>\r\n"
			    "From: <%s>;tag=%016llx\r\n"
			    "Call-ID: %016llx%016llx\r\n"
			    "CSeq: 1 MESSAGE\r\n"
			    "Content-Type: %s\r\n"
			    "Content-Length: %zu\r\n"
			    "\r\n"
			    "%b",
			    delivery->to, delivery->from, rand_u64(), rand_u64(), rand_u64(),
			    delivery->content_type, delivery->body.len,
			    delivery->body.data, delivery->body.len);
}

static void on_signal(int number)
{
	(void)number;
	re_cancel();
}

/* All of libre's errors, and no answer without one (a signal). */
static int result(const struct client *client, struct problem *problem)
{
	switch (client->err) {
	case 0:
		if (client->answer->code)
			return 0;
		return problem_set(problem, -EINTR, "interrupted; the message may have been sent");
	case ETIMEDOUT:
		return problem_set(problem, -ETIMEDOUT,
				   "no final answer in time; the message may have been sent");
	default:
		return problem_set(problem, -client->err, "%s", strerror(client->err));
	}
}

int delivery_send(const struct delivery *delivery, struct delivery_answer *answer,
		  struct problem *problem)
{
	struct client client = { .delivery = delivery, .answer = answer };
	struct sa local;
	int err;

	memset(answer, 0, sizeof(*answer));
	err = probe(&delivery->via, &local, problem);
	if (err < 0)
		return err;
	if (libre_init())
		return problem_set(problem, -ENOMEM, "libre cannot start");
	client.err = start(&client, &local);
	if (!client.err) {
		if (delivery->timeout)
			tmr_start(&client.timer, delivery->timeout * 1000ULL, on_timer, &client);
		re_main(on_signal);
	}
	tmr_cancel(&client.timer);
	mem_deref(client.request);
	if (client.sip)
		sip_close(client.sip, true);
	mem_deref(client.sip);
	libre_close();
	return result(&client, problem);
}
