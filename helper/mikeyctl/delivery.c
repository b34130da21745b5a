// SPDX-License-Identifier: GPL-2.0-or-later
/* A SIP client for some requests. */
#include "helper/mikeyctl/delivery.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper/lib/libre.h"

/* Requests that wait for an answer at the same time. */
#define AT_ONCE 8

struct client {
	const struct delivery *deliveries;
	struct delivery_answer *answers;
	unsigned int count, next, running;
	bool stopped;			/* what is running is given up */
	struct sip *sip;
	struct uri route;
	char host[64];
};

struct request {
	struct client *client;
	struct delivery_answer *answer;
	struct sip_request *sip;
	struct tmr timer;
};

bool delivery_needs_tcp(const struct delivery *delivery)
{
	return delivery->body.len + strlen(delivery->content_type) +
	       (delivery->headers ? strlen(delivery->headers) : 0) +
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

static void request_destroy(void *data)
{
	struct request *request = data;

	tmr_cancel(&request->timer);
	mem_deref(request->sip);
}

static void failed(struct delivery_answer *answer, int err)
{
	answer->error = -err;
	snprintf(answer->words, sizeof(answer->words), "%s", err == ETIMEDOUT ?
		 "no final answer in time; the message may have been sent" :
		 err == EINTR ? "interrupted; the message may have been sent" : strerror(err));
}

static void start_more(struct client *client);

static void finished(struct request *request)
{
	struct client *client = request->client;

	mem_deref(request);
	client->running--;
	start_more(client);
}

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
	struct request *request = arg;
	struct delivery_answer *answer = request->answer;

	if (!err && msg->scode < 200)
		return;
	if (request->client->stopped) {
		failed(answer, EINTR);
	} else if (err) {
		failed(answer, err);
	} else {
		answer->code = msg->scode;
		copy(answer->reason, sizeof(answer->reason), &msg->reason);
		copy_header(answer->warning, sizeof(answer->warning), msg, SIP_HDR_WARNING);
		copy_header(answer->retry_after, sizeof(answer->retry_after), msg,
			    SIP_HDR_RETRY_AFTER);
	}
	finished(request);
}

static void on_timer(void *arg)
{
	struct request *request = arg;

	failed(request->answer, ETIMEDOUT);
	finished(request);
}

static int start(struct client *client, const struct delivery *delivery,
		 struct delivery_answer *answer)
{
	struct request *request = mem_zalloc(sizeof(*request), request_destroy);
	int err = ENOMEM;

	if (!request)
		return err;
	request->client = client;
	request->answer = answer;
	err = sip_requestf(&request->sip, client->sip, true, "MESSAGE", delivery->to,
			   &client->route, NULL, NULL, on_response, request,
			   "To: <%s>\r\n"
			   "From: <%s>;tag=%016llx\r\n"
			   "Call-ID: %016llx%016llx\r\n"
			   "CSeq: 1 MESSAGE\r\n"
			   "%sContent-Type: %s\r\n"
			   "Content-Length: %zu\r\n"
			   "\r\n"
			   "%b",
			   delivery->to, delivery->from, rand_u64(), rand_u64(), rand_u64(),
			   delivery->headers ? delivery->headers : "", delivery->content_type,
			   delivery->body.len, delivery->body.data, delivery->body.len);
	if (err) {
		mem_deref(request);
		return err;
	}
	client->running++;
	if (delivery->timeout)
		tmr_start(&request->timer, delivery->timeout * 1000ULL, on_timer, request);
	return 0;
}

static void start_more(struct client *client)
{
	while (client->running < AT_ONCE && client->next < client->count && !client->stopped) {
		unsigned int at = client->next++;
		int err = start(client, &client->deliveries[at], &client->answers[at]);

		if (err)
			failed(&client->answers[at], err);
	}
	if (!client->running)
		re_cancel();
}

static int open_client(struct client *client, const struct sa *local)
{
	const struct endpoint *via = &client->deliveries->via;
	const bool tcp = via->transport == ENDPOINT_TCP;
	struct sa to;
	int err;

	err = sa_set_sa(&to, (const struct sockaddr *)&via->address) ?:
		sa_ntop(&to, client->host, sizeof(client->host)) ?:
		sip_alloc(&client->sip, NULL, AT_ONCE, AT_ONCE, AT_ONCE, NULL, NULL, NULL) ?:
		sip_transp_add(client->sip, tcp ? SIP_TRANSP_TCP : SIP_TRANSP_UDP, local);
	pl_set_str(&client->route.scheme, "sip");
	pl_set_str(&client->route.host, client->host);
	pl_set_str(&client->route.params, tcp ? ";transport=tcp" : ";transport=udp");
	client->route.port = sa_port(&to);
	return err;
}

static void on_signal(int number)
{
	(void)number;
	re_cancel();
}

int delivery_send(const struct delivery *deliveries, struct delivery_answer *answers,
		  unsigned int count, struct problem *problem)
{
	struct client client = {
		.deliveries = deliveries,
		.answers = answers,
		.count = count,
	};
	struct sa local;
	int err;

	memset(answers, 0, count * sizeof(*answers));
	err = probe(&deliveries->via, &local, problem);
	if (err < 0)
		return err;
	if (libre_init())
		return problem_set(problem, -ENOMEM, "libre cannot start");
	err = open_client(&client, &local);
	if (!err) {
		start_more(&client);
		if (client.running)
			re_main(on_signal);
	}
	client.stopped = true;
	if (client.sip)
		sip_close(client.sip, true);
	mem_deref(client.sip);
	libre_close();
	if (err)
		return problem_set(problem, -err, "%s", strerror(err));
	/* a signal came first */
	for (unsigned int i = 0; i < count; i++)
		if (!answers[i].code && !answers[i].error)
			failed(&answers[i], EINTR);
	return 0;
}
