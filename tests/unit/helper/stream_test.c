// SPDX-License-Identifier: GPL-2.0-or-later
/* SIP over TCP: where a message ends, however its bytes arrive. */
#include "tests/unit/helper/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/transport.h"

#define HEAD "MESSAGE sip:b@x SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=1\r\n" \
	"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: %d\r\nCSeq: 1 MESSAGE\r\n"
#define GOOD(number, body) \
	"MESSAGE sip:b@x SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=1\r\n" \
	"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: " number "\r\nCSeq: 1 MESSAGE\r\n" body

static struct {
	struct transport *transport;
	uint16_t port;
	unsigned int messages, large, failures;
	char seen[256];			/* "Call-ID body " of each */
	size_t last_body;
	struct flow flow;
} here;

static void recv_handler(const struct flow *flow, struct sip_msg *msg, void *arg)
{
	struct pl body = sipmsg_body(msg);
	size_t at = strlen(here.seen);

	(void)arg;
	here.messages++;
	here.flow = *flow;
	here.last_body = body.l;
	re_snprintf(here.seen + at, sizeof(here.seen) - at, "%r %b ", &msg->callid, body.p,
		    body.l < 16 ? body.l : (size_t)16);
}

static void large_handler(const struct flow *flow, struct sip_msg *msg, void *arg)
{
	struct mbuf *mb = mbuf_alloc(64);

	(void)arg;
	here.large++;
	assert_int_equal(mbuf_get_left(msg->mb), 0);
	mbuf_write_str(mb, "large");
	mb->pos = 0;
	transport_send(here.transport, flow, mb);
	mem_deref(mb);
}

static void fail_handler(const struct flow *flow, int err, void *arg)
{
	(void)flow;
	(void)arg;
	assert_true(err < 0);
	here.failures++;
}

static bool accept_handler(const struct flow *flow, void *arg)
{
	(void)arg;
	return flow->side == SIDE_INSIDE;
}

static int open_transport(void **state)
{
	const struct transport_handlers handlers = {
		.recv = recv_handler,
		.large = large_handler,
		.fail = fail_handler,
		.accept = accept_handler,
	};
	struct problem problem;
	struct sa local;

	(void)state;
	memset(&here, 0, sizeof(here));
	here.port = loop_free_port();
	sa_set_str(&local, "127.0.0.1", here.port);
	return transport_alloc(&here.transport, &handlers) ||
		transport_listen(here.transport, SIDE_INSIDE, SIP_TRANSP_TCP, &local, &problem);
}

static int close_transport(void **state)
{
	(void)state;
	mem_deref(here.transport);
	return 0;
}

/* Send all, with the loop running when the socket is full. */
static void send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

		if (sent < 0) {
			if (errno != EAGAIN)
				return;		/* closed by the other side */
			loop_for(5);
			continue;
		}
		data += sent;
		len -= sent;
	}
}

static bool got_messages(void *arg)
{
	return here.messages >= *(unsigned int *)arg;
}

static void wait_messages(unsigned int count)
{
	assert_true(loop_until(got_messages, &count, 5000));
	assert_int_equal(here.messages, count);
}

static bool got_failure(void *arg)
{
	(void)arg;
	return here.failures;
}

/* Nothing but the end of the connection comes of it. */
static void is_closed(const char *data, size_t len)
{
	unsigned int before = here.messages;
	int fd = loop_connect(here.port);
	char c;

	here.failures = 0;
	send_all(fd, data, len);
	assert_true(loop_until(got_failure, NULL, 5000));
	assert_int_equal(here.messages, before);
	assert_true(recv(fd, &c, 1, 0) <= 0);
	close(fd);
}

static void one_byte_at_a_time(void **state)
{
	static const char text[] = GOOD("1", "Content-Length: 5\r\n\r\nhello");
	int fd = loop_connect(here.port);

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		assert_int_equal(here.messages, 0);
		send_all(fd, text + i, 1);
		loop_for(1);
	}
	wait_messages(1);
	assert_string_equal(here.seen, "1 hello ");
	assert_int_equal(here.flow.tp, SIP_TRANSP_TCP);
	assert_int_equal(here.flow.side, SIDE_INSIDE);
	close(fd);
}

static void many_in_one_packet(void **state)
{
	static const char text[] = GOOD("1", "l: 3\r\n\r\none") "\r\n\r\n"
		GOOD("2", "Content-Length: 0\r\n\r\n") GOOD("3", "l: 5\r\n\r\n\r\n\r\nx")
		"\r\n" GOOD("4", "l: 4\r\n\r\nfour");
	int fd = loop_connect(here.port);
	char pong[8];

	(void)state;
	send_all(fd, text, sizeof(text) - 1);
	wait_messages(4);
	assert_string_equal(here.seen, "1 one 2  3 \r\n\r\nx 4 four ");
	assert_int_equal(recv(fd, pong, sizeof(pong), 0), 2);
	assert_memory_equal(pong, "\r\n", 2);
	close(fd);
}

/* Each cut into two packets gives the same two messages. */
static void every_cut(void **state)
{
	static const char text[] = GOOD("1", "l: 3\r\n\r\none") GOOD("2", "l: 3\r\n\r\ntwo");
	int fd;

	(void)state;
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		here.messages = 0;
		here.seen[0] = '\0';
		fd = loop_connect(here.port);
		send_all(fd, text, cut);
		loop_for(1);
		send_all(fd, text + cut, sizeof(text) - 1 - cut);
		wait_messages(2);
		assert_string_equal(here.seen, "1 one 2 two ");
		close(fd);
	}
}

static size_t build(char **text, size_t body)
{
	size_t head;

	*text = malloc(body + 1024);
	head = snprintf(*text, 1024, HEAD "Content-Length: %zu\r\n\r\n", 7, body);
	memset(*text + head, 'x', body);
	return head + body;
}

static void up_to_the_limit(void **state)
{
	size_t body = TRANSPORT_MESSAGE_MAX - 400, len;
	int fd = loop_connect(here.port);
	char *text;

	(void)state;
	len = build(&text, body);
	send_all(fd, text, len);
	wait_messages(1);
	assert_int_equal(here.last_body, body);
	free(text);
	close(fd);
}

static void over_the_limit_is_told_and_skipped(void **state)
{
	static const char next[] = GOOD("8", "l: 4\r\n\r\nnext");
	int fd = loop_connect(here.port);
	char answer[16], *text;
	size_t len = build(&text, TRANSPORT_MESSAGE_MAX + 1);

	(void)state;
	send_all(fd, text, len);
	send_all(fd, next, sizeof(next) - 1);
	wait_messages(1);
	assert_int_equal(here.large, 1);
	assert_string_equal(here.seen, "8 next ");
	assert_int_equal(recv(fd, answer, sizeof(answer), 0), 5);
	assert_int_equal(here.failures, 0);
	free(text);
	close(fd);
}

static void what_is_no_sip(void **state)
{
	static const char nothing[] = GOOD("1", "\r\n");
	static const char twice[] = GOOD("1", "Content-Length: 1\r\nl: 2\r\n\r\nxx");
	static const char huge[] = GOOD("1", "Content-Length: 99999999\r\n\r\n");
	static const char overflow[] = GOOD("1", "Content-Length: 4294967297\r\n\r\nx");
	static const char other[] = "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
	char *head = malloc(TRANSPORT_HEAD_MAX + 4096);

	(void)state;
	is_closed(nothing, sizeof(nothing) - 1);
	is_closed(twice, sizeof(twice) - 1);
	is_closed(huge, sizeof(huge) - 1);
	is_closed(overflow, sizeof(overflow) - 1);
	is_closed(other, sizeof(other) - 1);
	memset(head, 'A', TRANSPORT_HEAD_MAX + 4096);
	is_closed(head, TRANSPORT_HEAD_MAX + 4096);
	free(head);
}

static void answer_on_the_same_connection(void **state)
{
	static const char text[] = GOOD("1", "l: 0\r\n\r\n");
	struct mbuf *mb = mbuf_alloc(64);
	int fd = loop_connect(here.port);
	char answer[16];

	(void)state;
	send_all(fd, text, sizeof(text) - 1);
	wait_messages(1);
	assert_true(transport_connected(here.transport, &here.flow));
	mbuf_write_str(mb, "back");
	mb->pos = 0;
	assert_int_equal(transport_send(here.transport, &here.flow, mb), 0);
	mem_deref(mb);
	assert_int_equal(recv(fd, answer, sizeof(answer), 0), 4);
	assert_memory_equal(answer, "back", 4);
	close(fd);
	assert_true(loop_until(got_failure, NULL, 5000));
	assert_false(transport_connected(here.transport, &here.flow));
}

static uint64_t longest;

void __real_tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg);
void __wrap_tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg);

void __wrap_tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
	if (delay > longest)
		longest = delay;
	__real_tmr_start(tmr, delay, th, arg);
}

/* A client that says nothing between two registrations, an hour apart, is still there. */
static void silent_client(void **state)
{
	static const char text[] = GOOD("1", "l: 0\r\n\r\n");
	int fd = loop_connect(here.port);

	(void)state;
	longest = 0;
	send_all(fd, text, sizeof(text) - 1);
	wait_messages(1);
	assert_true(longest > 3600 * 1000);
	close(fd);
}

static void nobody_listens(void **state)
{
	struct flow to = { .side = SIDE_INSIDE, .tp = SIP_TRANSP_TCP };
	struct mbuf *mb = mbuf_alloc(64);

	(void)state;
	sa_set_str(&to.peer, "127.0.0.1", loop_free_port());
	mbuf_write_str(mb, "x");
	mb->pos = 0;
	assert_int_equal(transport_send(here.transport, &to, mb), 0);
	mem_deref(mb);
	assert_true(loop_until(got_failure, NULL, 5000));
	assert_false(transport_connected(here.transport, &to));
}

/* Whoever connects as often as they like does not keep us from connecting. */
static void all_connections_taken(void **state)
{
	struct flow to = { .side = SIDE_INSIDE, .tp = SIP_TRANSP_TCP };
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fds[256], listening = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct mbuf *mb = mbuf_alloc(64);
	socklen_t len = sizeof(in);
	char got[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = loop_connect(here.port);
		loop_for(1);
	}
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listening, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(listening, 1), 0);
	getsockname(listening, (struct sockaddr *)&in, &len);
	sa_set_str(&to.peer, "127.0.0.1", ntohs(in.sin_port));
	mbuf_write_str(mb, "mine");
	mb->pos = 0;
	/* nor by asking, and being gone when the answer is there */
	assert_int_equal(transport_answer(here.transport, &to, mb), -EMFILE);
	assert_int_equal(transport_send(here.transport, &to, mb), 0);
	mem_deref(mb);
	loop_for(20);
	fd = accept(listening, NULL, NULL);
	assert_int_equal(recv(fd, got, sizeof(got), 0), 4);
	assert_memory_equal(got, "mine", 4);
	close(fd);
	close(listening);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/* mikeyd's end of a connection, by the port at the other one. */
static int end_here(int there)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	in_port_t port;

	assert_int_equal(getsockname(there, (struct sockaddr *)&in, &len), 0);
	port = in.sin_port;
	for (int fd = 3; fd < 1024; fd++) {
		len = sizeof(in);
		if (!getpeername(fd, (struct sockaddr *)&in, &len) && in.sin_port == port)
			return fd;
	}
	return -1;
}

/* Who is gone without a word is noticed while a request waits, not after it. */
static void silence_is_limited(void **state)
{
	unsigned int limit = 0;
	socklen_t len = sizeof(limit);
	int fd = loop_connect(here.port);

	(void)state;
	loop_for(50);
	assert_int_equal(getsockopt(end_here(fd), IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, &len), 0);
	assert_in_range(limit, 1000, 20000);
	/* and so that a client which says nothing is asked whether it is there */
	assert_int_equal(getsockopt(end_here(fd), SOL_SOCKET, SO_KEEPALIVE, &limit, &len), 0);
	assert_int_equal(limit, 1);
	assert_int_equal(getsockopt(end_here(fd), IPPROTO_TCP, TCP_KEEPIDLE, &limit, &len), 0);
	assert_in_range(limit, 10, 300);
	close(fd);
	loop_for(20);
}

static void receives(int fd, const char *expected)
{
	char got[16] = "";

	for (int i = 0; i < 500 && recv(fd, got, sizeof(got) - 1, MSG_PEEK) <= 0; i++)
		loop_for(5);
	assert_true(recv(fd, got, sizeof(got) - 1, 0) > 0);
	assert_string_equal(got, expected);
}

/* Whoever answered one ping is gone when the next one has no answer. */
static void no_answer_to_a_ping(void **state)
{
	static const char text[] = GOOD("1", "l: 0\r\n\r\n");
	int fd = loop_connect(here.port);

	(void)state;
	send_all(fd, text, sizeof(text) - 1);
	wait_messages(1);
	assert_int_equal(transport_ping(here.transport, &here.flow), 0);
	receives(fd, "\r\n\r\n");
	send_all(fd, "\r\n", 2);
	loop_for(20);
	assert_int_equal(transport_ping(here.transport, &here.flow), 0);
	receives(fd, "\r\n\r\n");
	assert_int_equal(here.failures, 0);
	assert_true(loop_until(got_failure, NULL, 30000));
	assert_false(transport_connected(here.transport, &here.flow));
	assert_int_equal(here.messages, 1);
	close(fd);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_transport, close_transport)
	const struct CMUnitTest tests[] = {
		EACH(one_byte_at_a_time),
		EACH(many_in_one_packet),
		EACH(every_cut),
		EACH(up_to_the_limit),
		EACH(over_the_limit_is_told_and_skipped),
		EACH(what_is_no_sip),
		EACH(answer_on_the_same_connection),
		EACH(silent_client),
		EACH(nobody_listens),
		EACH(all_connections_taken),
		EACH(silence_is_limited),
		EACH(no_answer_to_a_ping),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
