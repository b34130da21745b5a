// SPDX-License-Identifier: GPL-2.0-or-later
/* What passes through mikeyd, and how: RFC 3261 section 16. */
#include "tests/unit/helper/stage.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/mikeyd/route.h"
#include "helper/mikeyd/sipmsg.h"

#define OPTIONS "OPTIONS sip:bob@example.test SIP/2.0\r\n"
#define AB(id, cseq) FROM_TO("alice@example.test", "bob@example.test", id, cseq)

static void request_and_response(void **state)
{
	char via[300], expected[300];

	(void)state;
	client_sends(OPTIONS VIA("$C", "1") "Max-Forwards: 5\r\nX-Strange: \"a, b\"; c\r\n"
		     "Route: <sip:127.0.0.1:$I;lr>, <sip:far.test;lr>\r\n" AB("1", "OPTIONS")
		     "P-Mikey-Verified: <x@y>; proved=body\r\nContent-Length: 2\r\n\r\nhi");
	hop_gets();
	first_line_is("OPTIONS sip:bob@example.test SIP/2.0");
	assert_string_equal(header("Max-Forwards", 0), "4");
	assert_string_equal(header("Route", 0), "<sip:far.test;lr>");
	assert_string_equal(header("Route", 1), "");
	assert_string_equal(header("X-Strange", 0), "\"a, b\"; c");
	assert_string_equal(header("P-Mikey-Verified", 0), "");
	assert_string_equal(header("Path", 0), "");
	assert_string_equal(header("Record-Route", 0), "");
	assert_string_equal(body(), "hi");
	snprintf(expected, sizeof(expected), "SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK",
		 stage.outside_port);
	assert_memory_equal(header("Via", 0), expected, strlen(expected));
	snprintf(expected, sizeof(expected),
		 "SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK1;received=127.0.0.1;rport=%u",
		 stage.client_port, stage.client_port);
	assert_string_equal(header("Via", 1), expected);
	assert_string_equal(header("Via", 2), "");
	strcpy(via, expected);

	hop_answers("200 Fine");
	client_gets();
	first_line_is("SIP/2.0 200 Fine");
	assert_string_equal(header("Via", 0), via);
	assert_string_equal(header("Via", 1), "");
}

static void retransmissions(void **state)
{
	static const char request[] = OPTIONS VIA("$C", "2") AB("2", "OPTIONS") "\r\n";
	char *first;

	(void)state;
	client_sends(request);
	first = strdup(hop_gets());
	client_sends(request);
	silence();
	/* Timer E: mikeyd itself repeats, the same message */
	hop_gets();
	assert_string_equal(stage.got, first);
	free(first);
	hop_answers("404 Not Found");
	client_gets();
	first_line_is("SIP/2.0 404 Not Found");
	/* a lost answer comes again, and the hop is not asked again */
	client_sends(request);
	client_gets();
	first_line_is("SIP/2.0 404 Not Found");
	silence();
}

static void responses_that_are_not_ours(void **state)
{
	(void)state;
	client_sends(OPTIONS VIA("$C", "3") AB("3", "OPTIONS") "\r\n");
	hop_gets();
	/* the right branch in somebody else's Via, a wrong branch in ours */
	hop_sends("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\r\n"
		  VIA("$C", "3") AB("3", "OPTIONS") "\r\n");
	hop_sends("SIP/2.0 200 OK\r\n" VIA("$O", "guess") VIA("$C", "3") AB("3", "OPTIONS")
		  "\r\n");
	/* a stateless one to somebody who is no client */
	hop_sends("SIP/2.0 200 OK\r\n" VIA("$O", "guess")
		  "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK3\r\n" AB("3", "INVITE") "\r\n");
	silence();
}

static void hops_run_out(void **state)
{
	(void)state;
	client_sends(OPTIONS VIA("$C", "4") "Max-Forwards: 0\r\n" AB("4", "OPTIONS") "\r\n");
	client_gets();
	first_line_is("SIP/2.0 483 Too Many Hops");
	assert_non_null(strstr(header("To", 0), ";tag="));
	client_sends(OPTIONS VIA("$C", "5") "Max-Forwards: x\r\n" AB("5", "OPTIONS") "\r\n");
	client_gets();
	first_line_is("SIP/2.0 400 Bad Max-Forwards");
	client_sends(OPTIONS VIA("$C", "6") AB("6", "OPTIONS") "\r\n");
	hop_gets();
	assert_string_equal(header("Max-Forwards", 0), "70");
}

/* A request that comes back as it left is a loop; with another URI it is none. */
static void loops(void **state)
{
	char text[4096], via0[300], via1[300];

	(void)state;
	client_registers("alice");
	client_sends("OPTIONS sip:alice@example.test SIP/2.0\r\n" VIA("$C", "7")
		     AB("7", "OPTIONS") "\r\n");
	hop_gets();
	strcpy(via0, header("Via", 0));
	strcpy(via1, header("Via", 1));
	/* to the outside door it comes once */
	snprintf(text, sizeof(text), "OPTIONS sip:alice@example.test SIP/2.0\r\n" VIA("$H", "h1")
		 "Via: %s\r\nVia: %s\r\nRoute: <$P>\r\n" AB("7", "OPTIONS") "\r\n", via0, via1);
	hop_sends(text);
	client_gets();
	first_line_is("OPTIONS sip:alice@example.test SIP/2.0");
	strcpy(via0, header("Via", 0));
	snprintf(text, sizeof(text), "OPTIONS sip:alice@example.test SIP/2.0\r\n" VIA("$H", "h2")
		 "Via: SIP/2.0/UDP 127.0.0.1:$O;branch=%s\r\nRoute: <$P>\r\n" AB("7", "OPTIONS")
		 "\r\n", strstr(via0, "z9hG4bK"));
	hop_sends(text);
	hop_gets();
	first_line_is("SIP/2.0 482 Loop Detected");
}

/* A request that makes a dialog is recorded, so that the other side's find back. */
static void dialogs_come_back(void **state)
{
	char text[4096], *route;

	(void)state;
	client_sends("SUBSCRIBE sip:bob@example.test SIP/2.0\r\n" VIA("$C", "i")
		     "Record-Route: <sip:before.test;lr>\r\n" AB("i", "SUBSCRIBE") "\r\n");
	hop_gets();
	/* later requests come back: to the outside from there, to the inside from here */
	snprintf(text, sizeof(text), "@127.0.0.1:%u;transport=tcp;lr>", stage.outside_port);
	assert_non_null(strstr(header("Record-Route", 0), text));
	route = strdup(header("Record-Route", 0));
	snprintf(text, sizeof(text), "<sip:127.0.0.1:%u;lr>", stage.inside_port);
	assert_string_equal(header("Record-Route", 1), text);
	assert_string_equal(header("Record-Route", 2), "<sip:before.test;lr>");
	snprintf(text, sizeof(text), "NOTIFY sip:alice@127.0.0.1:$C SIP/2.0\r\n" VIA("$H", "b")
		 "Route: %s, <sip:127.0.0.1:$I;lr>\r\n" AB("i", "NOTIFY") "\r\n", route);
	hop_sends(text);
	client_gets();
	first_line_is("NOTIFY sip:alice@127.0.0.1:$C SIP/2.0");
	assert_string_equal(header("Route", 0), "");
	/* and where a strict router made our URI the Request-URI (16.4) */
	*strchr(route, '>') = '\0';
	snprintf(text, sizeof(text), "NOTIFY %s SIP/2.0\r\n" VIA("$H", "s")
		 "Route: <sip:127.0.0.1:$I;lr>, <sip:alice@127.0.0.1:$C>\r\n" AB("i", "NOTIFY")
		 "\r\n", route + 1);
	hop_sends(text);
	client_gets();
	first_line_is("NOTIFY sip:alice@127.0.0.1:$C SIP/2.0");
	assert_string_equal(header("Route", 0), "");
	free(route);
}

/* For a strict router the Request-URI goes to the end of the Route (16.6 step 6). */
static void strict_router(void **state)
{
	(void)state;
	client_sends("BYE sip:bob@192.0.2.9 SIP/2.0\r\n" VIA("$C", "q")
		     "Route: <sip:127.0.0.1:$I;lr>, <sip:old.test;x=1>, <sip:last.test;lr>\r\n"
		     AB("q", "BYE") "\r\n");
	hop_gets();
	first_line_is("BYE sip:old.test;x=1 SIP/2.0");
	assert_string_equal(header("Route", 0), "<sip:last.test;lr>");
	assert_string_equal(header("Route", 1), "<sip:bob@192.0.2.9>");
	assert_string_equal(header("Route", 2), "");
	client_sends("BYE sip:bob@192.0.2.9 SIP/2.0\r\n" VIA("$C", "q2")
		     "Route: <sip:127.0.0.1:$I;lr>, nothing\r\n" AB("q", "BYE") "\r\n");
	client_gets();
	first_line_is("SIP/2.0 400 Bad Route");
	/* a fold would break the request line */
	client_sends("BYE sip:bob@192.0.2.9 SIP/2.0\r\n" VIA("$C", "q3")
		     "Route: <sip:old.test\r\n SIP/2.0>\r\n" AB("q", "BYE") "\r\n");
	client_gets();
	first_line_is("SIP/2.0 400 Bad Route");
}

/* What has to go over TLS does not go without it. */
static void no_tls(void **state)
{
	(void)state;
	client_sends("OPTIONS sips:bob@example.test SIP/2.0\r\n" VIA("$C", "tls")
		     AB("tls", "OPTIONS") "\r\n");
	client_gets();
	first_line_is("SIP/2.0 416 Unsupported URI Scheme");
	assert_string_equal(header("Warning", 0),
			    "399 mikeyd \"sips: has to go over TLS, and next-hop does not\"");
	silence();
}

static void contains(const char *text, const char *before, unsigned int port,
		     const char *after)
{
	char part[128];

	snprintf(part, sizeof(part), "%s127.0.0.1:%u%s", before, port, after);
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* The way of an INVITE by TLS: how its Record-Route URIs begin and end, and its Via. */
static void way_over_tls(const struct flow *from, const char *request, const char *scheme,
			 const char *end, const unsigned int ports[SIDES])
{
	struct mbuf *mb = mbuf_alloc(1024), *out = NULL;
	struct sip_pass pass = { 0 };
	struct sip_msg *msg;
	struct route route;

	mbuf_write_str(mb, request);
	mb->pos = 0;
	assert_int_equal(sipmsg_decode(&msg, mb), 0);
	mem_deref(mb);
	assert_int_equal(route_request(&stage.mikeyd, from, msg, &route).code, 0);
	if (from->tp == SIP_TRANSP_TLS)
		contains(route.headers, scheme, ports[SIDE_INSIDE], end);
	assert_non_null(strstr(route.headers, scheme));
	contains(route.headers, "@", ports[SIDE_OUTSIDE], end);
	pass.msg = msg;
	assert_int_equal(route_write(&stage.mikeyd, &route, &pass, "z9hG4bKx", &out), 0);
	assert_int_equal(route.to.tp, SIP_TRANSP_TLS);
	out->pos = out->end;
	mbuf_write_u8(out, 0);
	contains((const char *)out->buf, "Via: SIP/2.0/TLS ", ports[SIDE_OUTSIDE],
		 ";branch=z9hG4bKx");
	mem_deref(out);
	sipmsg_release(msg);
}

#define INVITE(scheme) "INVITE " scheme ":bob@example.test SIP/2.0\r\n" \
	"Via: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKw\r\n" \
	"From: <sip:alice@example.test>;tag=1\r\nTo: <sip:bob@example.test>\r\n" \
	"Call-ID: w\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"

/* 26.2.2: sips: needs both; 16.6 step 4: and then all that it leaves behind is sips: */
static void tls_on_both_sides(void **state)
{
	struct flow from = { .side = SIDE_INSIDE, .tp = SIP_TRANSP_TLS };
	struct mbuf *mb = mbuf_alloc(1024);
	unsigned int ports[SIDES];
	struct problem problem;
	struct sip_msg *msg;
	struct route route;
	struct sa local;

	(void)state;
	for (enum side side = 0; side < SIDES; side++) {
		ports[side] = loop_free_port();
		sa_set_str(&local, "127.0.0.1", ports[side]);
		assert_int_equal(transport_listen(stage.mikeyd.transport, side, SIP_TRANSP_TLS,
						  &local, &problem), 0);
	}
	sa_set_str(&from.peer, "127.0.0.1", 9);
	stage.mikeyd.next_hop.tp = SIP_TRANSP_TLS;
	way_over_tls(&from, INVITE("sips"), "<sips:", ";lr>", ports);
	way_over_tls(&from, INVITE("sip"), "<sip:", ";transport=tls;lr>", ports);
	from.tp = SIP_TRANSP_TCP;
	way_over_tls(&from, INVITE("sip"), ";transport=tcp;lr>", ";transport=tls;lr>", ports);
	mbuf_write_str(mb, INVITE("sips"));
	mb->pos = 0;
	assert_int_equal(sipmsg_decode(&msg, mb), 0);
	mem_deref(mb);
	assert_int_equal(route_request(&stage.mikeyd, &from, msg, &route).code, 416);
	assert_string_equal(route.words,
			    "sips: has to come over TLS, and the client's connection is none");
	sipmsg_release(msg);
}

/* OPTIONS without user asks mikeyd itself, on both sides. */
static void options_for_us(void **state)
{
	(void)state;
	client_sends("OPTIONS sip:127.0.0.1:$I SIP/2.0\r\n" VIA("$C", "us1") "Max-Forwards: 0\r\n"
		     AB("us", "OPTIONS") "\r\n");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
	assert_string_equal(header("Supported", 0), "path, outbound");
	assert_string_equal(header("Allow", 0), "");
	hop_sends("OPTIONS sip:127.0.0.1:$O SIP/2.0\r\n" VIA("$H", "us2") AB("us", "OPTIONS")
		  "\r\n");
	hop_gets();
	first_line_is("SIP/2.0 200 OK");
}

/* 408 says nothing that a sender's own timer does not, and 100 is for one hop. */
static void answers_that_do_not_pass(void **state)
{
	char saved[2048];

	(void)state;
	client_sends(OPTIONS VIA("$C", "k") AB("k", "OPTIONS") "\r\n");
	hop_gets();
	strcpy(saved, answer("408 Request Timeout"));
	hop_answers("100 Trying");
	silence();
	hop_sends(saved);
	silence();
}

static void incomplete_requests(void **state)
{
	(void)state;
	client_sends("OPTIONS sip:bob@example.test SIP/2.0\r\n" VIA("$C", "x1")
		     AB("x", "MESSAGE") "\r\n");
	client_gets();
	first_line_is("SIP/2.0 400 Bad Request");
	client_sends("OPTIONS sip:bob@example.test SIP/2.0\r\n" VIA("$C", "x2") AB("x", "OPTIONS")
		     "Content-Length: 10\r\n\r\nshort");
	client_gets();
	first_line_is("SIP/2.0 400 Bad Request");
	client_sends("SIP/2.0 200 OK\r\n\r\n");
	client_sends("rubbish");
	client_sends("\r\n\r\n");
	silence();
}

static void too_large_for_udp(void **state)
{
	char *text = malloc(4096);
	size_t at;

	(void)state;
	at = sprintf(text, "%s", OPTIONS VIA("$C", "t") AB("t", "OPTIONS")
		     "Content-Length: 1500\r\n\r\n");
	memset(text + at, 'x', 1500);
	text[at + 1500] = '\0';
	client_sends(text);
	hop_gets_tcp();
	first_line_is("OPTIONS sip:bob@example.test SIP/2.0");
	assert_memory_equal(header("Via", 0), "SIP/2.0/TCP 127.0.0.1:", 22);
	assert_int_equal(strlen(body()), 1500);
	/* answered on the same connection */
	at = strlen(answer("200 OK"));
	assert_int_equal(write(stage.hop_conn, answer("200 OK"), at), at);
	client_gets();
	first_line_is("SIP/2.0 200 OK");
	free(text);
}

/* What the kernel says of a path's MTU; the names are the linker's: ld(1) --wrap */
static int path_mtu;

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	if (level != IPPROTO_IP || name != IP_MTU)
		return __real_getsockopt(fd, level, name, value, len);
	*(int *)value = path_mtu;
	return path_mtu ? 0 : -1;
}

/* An OPTIONS with so many bytes of body, of three digits. */
static void options_of(unsigned int n, size_t size)
{
	char text[4096];
	size_t at;

	at = snprintf(text, sizeof(text), OPTIONS
		      "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bKmtu%03u;rport\r\n"
		      AB("mtu", "OPTIONS") "Content-Length: %zu\r\n\r\n", n, size);
	memset(text + at, 'x', size);
	text[at + size] = '\0';
	client_sends(text);
}

/* RFC 3261 18.1.1: 1300 bytes, or 200 less than the path takes if that is known. */
static void limits_of_udp(void **state)
{
	static const struct {
		int mtu;
		size_t most;
	} paths[] = {
		{ 0, 1300 }, { 65536, 1300 }, { 9000, 1300 }, { 1500, 1300 }, { 1499, 1299 },
		{ 1492, 1292 }, { 1280, 1080 }, { 500, 300 }, { 68, 0 },
	};
	size_t head;

	(void)state;
	path_mtu = 0;
	options_of(999, 100);
	head = strlen(hop_gets()) - 100;
	hop_answers("200 OK");
	client_gets();
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		path_mtu = paths[i].mtu;
		if (paths[i].most > head) {
			options_of(2 * i, paths[i].most - head);
			assert_int_equal(strlen(hop_gets()), paths[i].most);
			assert_memory_equal(header("Via", 0), "SIP/2.0/UDP ", 12);
			hop_answers("200 OK");
			client_gets();
		}
		options_of(2 * i + 1, paths[i].most > head ? paths[i].most - head + 1 : 999);
		hop_gets_tcp();
		assert_memory_equal(header("Via", 0), "SIP/2.0/TCP ", 12);
	}
	path_mtu = 0;
}

static void next_hop_is_away(void **state)
{
	(void)state;
	close(stage.hop_tcp);
	stage.hop_tcp = dup(stage.hop);
	stage.mikeyd.next_hop.tp = SIP_TRANSP_TCP;
	client_sends(OPTIONS VIA("$C", "a") AB("a", "OPTIONS") "\r\n");
	client_gets();
	first_line_is("SIP/2.0 503 Service Unavailable");
	assert_string_equal(header("Retry-After", 0), "30");
	assert_non_null(strstr(header("Warning", 0), "next SIP hop cannot be reached"));
}

static struct sip_msg *request_of(size_t size, unsigned int number)
{
	struct mbuf *mb = mbuf_alloc(size);
	struct sip_msg *msg;

	mbuf_printf(mb, "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK%u\r\n"
		    "From: <sip:a@x>\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
		    number);
	mb->pos = 0;
	assert_int_equal(sipmsg_decode(&msg, mb), 0);
	mem_deref(mb);
	return msg;
}

static struct sip_msg *large_request(unsigned int number)
{
	return request_of(TRANSPORT_MESSAGE_MAX, number);
}

/* As docs/sip.md has it: 512 a second for Timer J. */
static void transactions_remembered(void **state)
{
	struct flow flow = stage.mikeyd.next_hop;
	struct server *server = NULL;
	unsigned int number = 0;
	struct sip_msg *msg;
	int timers = loop_timers();
	int err;

	(void)state;
	do {
		msg = request_of(512, number);
		err = server_new(&server, stage.mikeyd.transactions, &flow, msg);
		mem_deref(msg);
	} while (!err && ++number < 100000);
	assert_int_equal(err, -EMFILE);
	assert_int_equal(number, 16384);
	/* for the hundredth second and for the first, a message costs the same */
	assert_int_equal(loop_timers() - timers, 2);
}

/* What waits for an answer is held in memory, so not without limit. */
static void requests_not_answered(void **state)
{
	struct transactions *transactions = stage.mikeyd.transactions;
	struct flow flow = stage.mikeyd.next_hop;
	struct server *server = NULL, *early[2] = { NULL };
	unsigned int number = 0;
	struct sip_msg *msg;
	int err = 0;

	(void)state;
	while (!err && number < 4096) {
		msg = large_request(number);
		err = server_new(&server, transactions, &flow, msg);
		mem_deref(msg);
		if (number < ARRAY_SIZE(early))
			early[number] = server;
		number++;
	}
	assert_int_equal(err, -EMFILE);
	assert_in_range(number, 64, 256);
	/* the other side has a share of its own; answers give room, but for their own */
	flow.side = SIDE_INSIDE;
	msg = large_request(number);
	assert_int_equal(server_new(&server, transactions, &flow, msg), 0);
	mem_deref(msg);
	for (unsigned int i = 0; i < ARRAY_SIZE(early); i++)
		server_respond(early[i], 503, "Service Unavailable", NULL);
	flow.side = SIDE_OUTSIDE;
	msg = large_request(number);
	assert_int_equal(server_new(&server, transactions, &flow, msg), 0);
	mem_deref(msg);
}

/* Nor are the answers, which stay for Timer J. */
static void answers_count(void **state)
{
	struct transactions *transactions = stage.mikeyd.transactions;
	struct flow flow = stage.mikeyd.next_hop;
	static char headers[256 * 1024];
	struct server *server = NULL;
	unsigned int number = 0;
	struct sip_msg *msg;
	int err = 0;

	(void)state;
	memset(headers, 'a', sizeof(headers) - 1);
	memcpy(headers, "X: ", 3);
	memcpy(headers + sizeof(headers) - 3, "\r\n", 2);
	while (!err && number < 1024) {
		msg = large_request(number++);
		err = server_new(&server, transactions, &flow, msg);
		mem_deref(msg);
		if (!err)
			server_respond(server, 200, "OK", headers);
	}
	assert_int_equal(err, -EMFILE);
	assert_in_range(number, 64, 256);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(request_and_response),
		EACH(retransmissions),
		EACH(responses_that_are_not_ours),
		EACH(hops_run_out),
		EACH(loops),
		EACH(dialogs_come_back),
		EACH(strict_router),
		EACH(no_tls),
		EACH(tls_on_both_sides),
		EACH(options_for_us),
		EACH(answers_that_do_not_pass),
		EACH(incomplete_requests),
		EACH(too_large_for_udp),
		EACH(limits_of_udp),
		EACH(next_hop_is_away),
		EACH(transactions_remembered),
		EACH(requests_not_answered),
		EACH(answers_count),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
