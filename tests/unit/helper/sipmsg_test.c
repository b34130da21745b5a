// SPDX-License-Identifier: GPL-2.0-or-later
/* What changes in a message that passes, and what does not. */
#include "tests/unit/helper/loop.h"

#include <errno.h>

#include "helper/mikeyd/sipmsg.h"

#define LINES "From: \"A, B\" <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n"

static struct sip_msg *decode(const char *text)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct sip_msg *msg;

	mbuf_write_str(mb, text);
	mb->pos = 0;
	assert_int_equal(sipmsg_decode(&msg, mb), 0);
	mem_deref(mb);
	sa_set_str(&msg->src, "192.0.2.7", 4444);
	return msg;
}

static void written(const struct sip_pass *pass, const char *expected)
{
	struct mbuf *mb = mbuf_alloc(512);

	assert_int_equal(sipmsg_write(mb, pass), 0);
	mbuf_set_pos(mb, mb->end);
	mbuf_write_u8(mb, 0);
	assert_string_equal((char *)mb->buf, expected);
	sipmsg_wipe(mb);
}

static void request_passes(void **state)
{
	static const char text[] = "MESSAGE sip:b@x;y=z SIP/2.0\r\n"
		"v: SIP/2.0/UDP c.test;rport;branch=z9hG4bK1, SIP/2.0/TCP d;branch=2\r\n"
		"Route: <sip:one;lr>,<sip:two;lr>\r\nRoute: <sip:three;lr>\r\n"
		LINES "Subject: folded\r\n  here\r\nmax-forwards: 9\r\n"
		"p-mikey-verified: <x@y>; proved=body\r\nX-Ours: 1, 2\r\n"
		"Content-Type: text/plain\r\nMIME-Version: 1.0\r\nl: 2\r\n\r\nhi";
	struct sip_msg *msg = decode(text);
	struct sip_pass pass = {
		.msg = msg,
		.via = "SIP/2.0/TCP us;branch=z9hG4bK2",
		.received_via = "SIP/2.0/UDP c.test;branch=z9hG4bK1;received=192.0.2.7;rport=4444",
		.drop_routes = 2,
		.max_forwards = 8,
		.headers = "Path: <sip:us;lr>\r\n",
	};
	struct sip_content content;

	(void)state;
	written(&pass, "MESSAGE sip:b@x;y=z SIP/2.0\r\nVia: SIP/2.0/TCP us;branch=z9hG4bK2\r\n"
		"Path: <sip:us;lr>\r\n"
		"Via: SIP/2.0/UDP c.test;branch=z9hG4bK1;received=192.0.2.7;rport=4444\r\n"
		"v: SIP/2.0/TCP d;branch=2\r\nRoute: <sip:three;lr>\r\n" LINES
		"Subject: folded\r\n  here\r\nX-Ours: 1, 2\r\n"
		"Content-Type: text/plain\r\nMIME-Version: 1.0\r\nMax-Forwards: 8\r\n"
		"Content-Length: 2\r\n\r\nhi");
	pl_set_str(&content.headers, "Content-Type: multipart/mixed\r\n");
	pl_set_str(&content.body, "other");
	pass.content = &content;
	pass.drop_routes = 0;
	pass.headers = NULL;
	pass.from = "<sip:m@x>;tag=1";
	written(&pass, "MESSAGE sip:b@x;y=z SIP/2.0\r\nVia: SIP/2.0/TCP us;branch=z9hG4bK2\r\n"
		"Via: SIP/2.0/UDP c.test;branch=z9hG4bK1;received=192.0.2.7;rport=4444\r\n"
		"v: SIP/2.0/TCP d;branch=2\r\nRoute: <sip:one;lr>\r\nRoute: <sip:two;lr>\r\n"
		"Route: <sip:three;lr>\r\nFrom: <sip:m@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\n"
		"CSeq: 1 MESSAGE\r\nSubject: folded\r\n  here\r\nX-Ours: 1, 2\r\nMax-Forwards: 8\r\n"
		"Content-Type: multipart/mixed\r\nContent-Length: 5\r\n\r\nother");
	sipmsg_release(msg);
}

static void response_passes(void **state)
{
	static const char text[] = "SIP/2.0 486 Busy Here, Sorry\r\n"
		"Via: SIP/2.0/UDP us;branch=z9hG4bK2\r\n"
		"Via: SIP/2.0/UDP c;branch=z9hG4bK1;received=192.0.2.7;rport=4444\r\n"
		LINES "Max-Forwards: 3\r\nP-Mikey-Verified: x\r\nContent-Length: 0\r\n\r\n";
	struct sip_msg *msg = decode(text);
	struct sip_pass pass = { .msg = msg, .pop_via = true };

	(void)state;
	written(&pass, "SIP/2.0 486 Busy Here, Sorry\r\n"
		"Via: SIP/2.0/UDP c;branch=z9hG4bK1;received=192.0.2.7;rport=4444\r\n"
		LINES "Max-Forwards: 3\r\nContent-Length: 0\r\n\r\n");
	sipmsg_release(msg);
}

static void own_response(void **state)
{
	struct sip_msg *msg = decode("MESSAGE sip:b@x SIP/2.0\r\n"
				     "Via: SIP/2.0/UDP c;branch=1, SIP/2.0/UDP d\r\n"
				     LINES "Subject: s\r\nContent-Length: 0\r\n\r\n");
	struct mbuf *mb = mbuf_alloc(512);

	(void)state;
	assert_int_equal(sipmsg_respond(mb, msg, "SIP/2.0/UDP c;branch=1;received=192.0.2.7", "tt",
					503, "Service Unavailable", "Retry-After: 3\r\n"), 0);
	mbuf_set_pos(mb, mb->end);
	mbuf_write_u8(mb, 0);
	assert_string_equal((char *)mb->buf, "SIP/2.0 503 Service Unavailable\r\n"
			    "Via: SIP/2.0/UDP c;branch=1;received=192.0.2.7\r\nVia: SIP/2.0/UDP d\r\n"
			    "From: \"A, B\" <sip:a@x>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n"
			    "To: <sip:b@x>;tag=tt\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n");
	mem_deref(mb);
	sipmsg_release(msg);
}

static void received_is(const char *via, const char *expected)
{
	char text[512], *value;
	struct sip_msg *msg;

	re_snprintf(text, sizeof(text), "MESSAGE sip:b@x SIP/2.0\r\nVia: %s\r\n" LINES "\r\n", via);
	msg = decode(text);
	assert_int_equal(sipmsg_received_via(&value, msg), 0);
	assert_string_equal(value, expected);
	mem_deref(value);
	sipmsg_release(msg);
}

static void via_received_and_rport(void **state)
{
	(void)state;
	received_is("SIP/2.0/UDP 192.0.2.7:5060;branch=1", "SIP/2.0/UDP 192.0.2.7:5060;branch=1");
	received_is("SIP/2.0/UDP 10.0.0.1;branch=1",
		    "SIP/2.0/UDP 10.0.0.1;branch=1;received=192.0.2.7");
	received_is("SIP/2.0/UDP host.test;branch=1",
		    "SIP/2.0/UDP host.test;branch=1;received=192.0.2.7");
	received_is("SIP/2.0/UDP 10.0.0.1;rport;branch=1",
		    "SIP/2.0/UDP 10.0.0.1;branch=1;received=192.0.2.7;rport=4444");
	received_is("SIP/2.0/UDP 10.0.0.1;branch=1 ; RPORT ",
		    "SIP/2.0/UDP 10.0.0.1;branch=1 ;received=192.0.2.7;rport=4444");
	received_is("SIP/2.0/UDP 192.0.2.7;branch=1;rport",
		    "SIP/2.0/UDP 192.0.2.7;branch=1;received=192.0.2.7;rport=4444");
	received_is("SIP/2.0/UDP 192.0.2.7;xrport;rport=1;branch=2",
		    "SIP/2.0/UDP 192.0.2.7;xrport;rport=1;branch=2");
	/* RFC 3261 18.2.1: what the sender says of it counts for nothing */
	received_is("SIP/2.0/UDP 10.0.0.1;received=203.0.113.9;branch=1",
		    "SIP/2.0/UDP 10.0.0.1;branch=1;received=192.0.2.7");
	received_is("SIP/2.0/UDP 192.0.2.7;branch=1; RECEIVED =203.0.113.9",
		    "SIP/2.0/UDP 192.0.2.7;branch=1");
	received_is("SIP/2.0/UDP h;received=10.0.0.9;received=10.0.0.8;receivedx=1;branch=1;rport",
		    "SIP/2.0/UDP h;receivedx=1;branch=1;received=192.0.2.7;rport=4444");
}

static void reply_is(enum sip_transp tp, const char *via, uint16_t expected)
{
	char text[512];
	struct sip_msg *msg;

	re_snprintf(text, sizeof(text), "MESSAGE sip:b@x SIP/2.0\r\nVia: %s\r\n" LINES "\r\n", via);
	msg = decode(text);
	msg->tp = tp;
	assert_int_equal(sipmsg_reply_port(msg), expected);
	sipmsg_release(msg);
}

static void way_of_responses(void **state)
{
	(void)state;
	reply_is(SIP_TRANSP_UDP, "SIP/2.0/UDP 192.0.2.7;branch=1", 5060);
	reply_is(SIP_TRANSP_UDP, "SIP/2.0/UDP 192.0.2.7:5070;branch=1", 5070);
	reply_is(SIP_TRANSP_UDP, "SIP/2.0/UDP 192.0.2.7:5070;branch=1; rport ;x", 4444);
	reply_is(SIP_TRANSP_UDP, "SIP/2.0/UDP 192.0.2.7:5070;xrport;branch=1", 5070);
	reply_is(SIP_TRANSP_UDP, "SIP/2.0/UDP 10.0.0.1:5070;branch=1", 4444);
	reply_is(SIP_TRANSP_UDP, "SIP/2.0/UDP host.test:5070;branch=1", 4444);
	reply_is(SIP_TRANSP_TCP, "SIP/2.0/TCP 192.0.2.7:5070;branch=1;rport", 5070);
	reply_is(SIP_TRANSP_TCP, "SIP/2.0/TCP host.test;branch=1;rport", 5060);
	reply_is(SIP_TRANSP_TLS, "SIP/2.0/TLS host.test;branch=1", 5061);
}

static void length_of(const char *head, const char *expected)
{
	struct pl value = PL_INIT;
	char text[32] = "none";

	if (sipmsg_content_length(head, strlen(head), &value))
		pl_strcpy(&value, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void content_length(void **state)
{
	(void)state;
	length_of("X y\r\nContent-Length: 12\r\n\r\n", "12");
	length_of("X y\r\ncontent-length:0\r\n\r\n", "0");
	length_of("X y\r\nL : 7 \r\nA: b\r\n\r\n", "7");
	length_of("X y\r\nl: 7\r\nContent-Length: 7\r\n\r\n", "7");
	/* a fold is a blank, and its line is no header's */
	length_of("X y\r\nContent-Length:\r\n 7\r\n\r\n", "7");
	length_of("X y\r\nl \t:\r\n\t7\r\n \r\nS: x\r\n l: 8\r\n\r\n", "7");
	length_of("X y\r\nl: 7\r\n 1\r\n\r\n", "none");
	length_of("X y\r\nS: x\r\n\tContent-Length: 8\r\n\r\n", "none");
	length_of("X y\r\nl: 7\r\nContent-Length: 8\r\n\r\n", "none");
	length_of("X y\r\n\r\n", "none");
	length_of("X y\r\nContent-Length:\r\n\r\n", "none");
	length_of("X y\r\nContent-Length: -1\r\n\r\n", "none");
	length_of("X y\r\nContent-Length: 1x\r\n\r\n", "none");
	length_of("X y\r\nX-Content-Length: 1\r\n\r\n", "none");
}

static void is_complete(bool expected, const char *text)
{
	struct sip_msg *msg = decode(text);

	assert_int_equal(!sipmsg_fault(msg), expected);
	sipmsg_release(msg);
}

static void completeness(void **state)
{
#define VIA "Via: SIP/2.0/UDP x;branch=1\r\n"
	(void)state;
	is_complete(true, "MESSAGE sip:b@x SIP/2.0\r\n" VIA LINES "\r\n");
	is_complete(true, "SIP/2.0 200 OK\r\n" VIA LINES "\r\n");
	is_complete(true, "MESSAGE sip:b@x SIP/2.0\r\n" VIA LINES "l: 2\r\n\r\nhi");
	is_complete(true, "MESSAGE sip:b@x SIP/2.0\r\n" VIA LINES "l: 1\r\n\r\nhi");
	is_complete(false, "MESSAGE sip:b@x SIP/2.0\r\n" VIA LINES "l: 3\r\n\r\nhi");
	is_complete(false, "OPTIONS sip:b@x SIP/2.0\r\n" VIA LINES "\r\n");
	is_complete(false, "MESSAGE sip:b@x SIP/2.0\r\n" LINES "\r\n");
	is_complete(false, "MESSAGE sip:b@x SIP/2.0\r\n" VIA "\r\n");
	is_complete(false, "MESSAGE sip:b@x SIP/2.0\r\n" VIA "f: <sip:a@x>\r\nt: <sip:b@x>\r\n"
		    "CSeq: 1 MESSAGE\r\n\r\n");
}

/* An unknown header may have the number of a known one: names decide. */
static void headers_by_name(void **state)
{
	struct sip_hdr hdr = { .id = SIP_HDR_ROUTE };

	(void)state;
	pl_set_str(&hdr.name, "X-Collision");
	assert_false(sipmsg_named(&hdr, "Route"));
	pl_set_str(&hdr.name, "ROUTE");
	assert_true(sipmsg_named(&hdr, "Route"));
	pl_set_str(&hdr.name, "V");
	assert_true(sipmsg_named(&hdr, "Via"));
	assert_false(sipmsg_named(&hdr, "From"));
	pl_set_str(&hdr.name, "e");
	assert_true(sipmsg_is_content(&hdr));
	pl_set_str(&hdr.name, "Content-X");
	assert_true(sipmsg_is_content(&hdr));
	pl_set_str(&hdr.name, "Content");
	assert_false(sipmsg_is_content(&hdr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_passes),
		cmocka_unit_test(response_passes),
		cmocka_unit_test(own_response),
		cmocka_unit_test(via_received_and_rport),
		cmocka_unit_test(way_of_responses),
		cmocka_unit_test(content_length),
		cmocka_unit_test(completeness),
		cmocka_unit_test(headers_by_name),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
