// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peers that nobody here has: what they write is unusual and legal (RFC 3261 25.1),
 * and where they listen is not where they send from.
 */
#include "tests/unit/helper/incoming_stage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define TO_BOB "OPTIONS sip:bob@example.test SIP/2.0\r\n"

static struct sockaddr_in at(const char *address, unsigned int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, address, &in.sin_addr);
	return in;
}

/* A socket that hears from that address only. */
static int talks_to(const char *address, unsigned int port)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in in = at(address, port);

	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

static unsigned int port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	return ntohs(in.sin_port);
}

static bool heard(void *arg)
{
	ssize_t len = recv(*(int *)arg, stage.got, sizeof(stage.got) - 1, 0);

	stage.got[len > 0 ? len : 0] = '\0';
	return len > 0;
}

static void hears(int fd, const char *line)
{
	assert_true(loop_until(heard, &fd, 10000));
	first_line_is(line);
}

static void says(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* An angle bracket in the quotes of a name is no URI's. */
static void names_in_quotes(void **state)
{
	static const char * const names[] = {
		"\"Al <mobile>\" ", "\"<sip:king@example.test>\"", "\"a \\\" <b>, c; d\"\t",
		"\"\" ", "\">\"", "\"\\\\\"", "A. B-c ", "",
	};
	char text[1024], from[256], branch[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(branch, sizeof(branch), "n%zu", i);
		snprintf(from, sizeof(from), "%s<sip:alice@example.test>;tag=f", names[i]);
		snprintf(text, sizeof(text), TO_BOB
			 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bK%s;rport\r\n"
			 "Route: %s<sip:127.0.0.1:$I;lr>,%s<sip:far.test;lr>\r\n"
			 "From: %s\r\nTo: %s<tel:+4930;phone-context=x>\r\nCall-ID: %s\r\n"
			 "CSeq: 1 OPTIONS\r\n\r\n", branch, names[i], names[i], from, names[i],
			 branch);
		client_sends(text);
		hop_gets();
		first_line_is("OPTIONS sip:bob@example.test SIP/2.0");
		if (!strstr(stage.got, from))
			fail_msg("not as it was: %s", stage.got);
		assert_non_null(strstr(stage.got, "<sip:far.test;lr>"));
		assert_null(strstr(stage.got, ";lr>,"));
		assert_null(strstr(strstr(stage.got, ";lr>") + 1, ";lr>"));
		hop_answers("200 OK");
		client_gets();
		first_line_is("SIP/2.0 200 OK");
	}
}

/* ... but a client may take it for one: what it shows has to be who was verified. */
static void another_in_the_name(void **state)
{
	static const char king[] =
		"P-Asserted-Identity: \"<sip:king@example.test>\" <sip:alice@example.test>\r\n";
	char text[1024];

	(void)state;
	client_registers("bob");
	snprintf(text, sizeof(text), "MESSAGE sip:bob@127.0.0.1 SIP/2.0\r\n" VIA("$H", "k")
		 "Route: <$P>\r\nTo: <sip:bob@example.test>\r\nCall-ID: k\r\n"
		 "From: \"K <sip:king@example.test>\" <sip:alice@example.test>;tag=f\r\n"
		 "CSeq: 1 MESSAGE\r\n%s%s", king, MULTIPART(HELLO));
	hop_sends(text);
	kms_gets(1);
	kms_answers();
	client_gets();
	assert_string_equal(header("From", 0),
			    "\"claims to be somebody else\" <sip:alice@example.test>;tag=f");
	assert_string_equal(header("P-Asserted-Identity", 0), "<sip:alice@example.test>");
	answered_by_the_client("200 OK");
}

/* Version and names in any case (7.1, 7.3.1), sips: and tel: as well. */
static void in_any_case(void **state)
{
	(void)state;
	client_sends("OPTIONS SIP:bob@EXAMPLE.test sip/2.0\r\n"
		     "VIA: SIP/2.0/UDP 127.0.0.1:$C;BRANCH=z9hG4bKc;RPORT\r\n"
		     "f: <SIP:alice@EXAMPLE.test>;TAG=f\r\nT: <TEL:+4930>\r\nI: c\r\n"
		     "cseq: 1 OPTIONS\r\nMAX-FORWARDS: 05\r\nL: 0\r\n\r\n");
	hop_gets();
	first_line_is("OPTIONS SIP:bob@EXAMPLE.test SIP/2.0");
	assert_string_equal(header("Max-Forwards", 0), "4");
}

/* RFC 3261 7.1 tells methods by case, but not everybody does. */
static void message_in_another_case(void **state)
{
	static const char * const methods[] = { "message", "Message", "MESSAGe" };
	char text[1024];

	(void)state;
	client_registers("bob");
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		snprintf(text, sizeof(text), "%s sip:bob@127.0.0.1 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 127.0.0.1:$H;branch=z9hG4bK%s;rport\r\nRoute: <$P>\r\n"
			 FROM_TO("alice@example.test", "bob@example.test", "m", "%s")
			 "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nplain", methods[i],
			 methods[i], methods[i]);
		hop_sends(text);
		refused("SIP/2.0 400 Bad Request");
	}
}

static void route_by(const char *host, const char *branch)
{
	char text[1024];

	snprintf(text, sizeof(text), TO_BOB
		 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bK%s;rport\r\n"
		 "Route: <sip:%s:$I;lr>, <sip:far.test;lr>\r\n"
		 FROM_TO("alice@example.test", "bob@example.test", "%s", "OPTIONS") "\r\n",
		 branch, host, branch);
	client_sends(text);
	hop_gets();
	assert_string_equal(header("Route", 0), "<sip:far.test;lr>");
	assert_string_equal(header("Route", 1), "");
}

/* The outbound proxy of a client's configuration, by a name that is known. */
static void by_name(void **state)
{
	char name[256] = "";

	(void)state;
	assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
	route_by(name, "h1");
	name[strcspn(name, ".")] = '\0';
	route_by(name, "h2");
	route_by("LOCALHOST", "l1");
	client_sends("OPTIONS sip:localhost:$I SIP/2.0\r\n" VIA("$C", "l2")
		     FROM_TO("alice@example.test", "x@localhost", "l2", "OPTIONS") "\r\n");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
	assert_string_equal(header("Server", 0), "mikeyd");
	/* at another port it is somebody else's */
	client_sends(TO_BOB VIA("$C", "l3") "Route: <sip:localhost:$H;lr>\r\n"
		     FROM_TO("alice@example.test", "bob@example.test", "l3", "OPTIONS") "\r\n");
	hop_gets();
	assert_memory_equal(header("Route", 0), "<sip:localhost:", 15);
}

/*
 * Two clients of one mikeyd in a dialog, through a proxy that does not record itself:
 * the request goes out, and by what is left of its Route comes back in.
 */
static void dialog_within(void **state)
{
	char in[64], out[300];

	(void)state;
	client_registers("bob");
	client_sends("BYE sip:bob@127.0.0.1:$C SIP/2.0\r\n" VIA("$C", "b")
		     "Route: <sip:127.0.0.1:$I;lr>\r\nRoute: <sip:127.0.0.1:$I;lr>\r\n"
		     "Route: <$P>\r\nRoute: <$P>\r\nRoute: <sip:127.0.0.1:$I;lr>\r\n"
		     FROM_TO("alice@example.test", "bob@example.test", "b", "BYE") "\r\n");
	hop_gets();
	snprintf(in, sizeof(in), "<sip:127.0.0.1:%u;lr>", stage.inside_port);
	snprintf(out, sizeof(out), "<%s>", stage.path);
	assert_string_equal(header("Route", 0), out);
	assert_string_equal(header("Route", 1), in);
	assert_string_equal(header("Route", 2), "");
	hop_sends("BYE sip:bob@127.0.0.1:$C SIP/2.0\r\n" VIA("$H", "b2")
		  "Route: <$P>, <sip:127.0.0.1:$I;lr>\r\n"
		  FROM_TO("alice@example.test", "bob@example.test", "b", "BYE") "\r\n");
	client_gets();
	first_line_is("BYE sip:bob@127.0.0.1:$C SIP/2.0");
	assert_string_equal(header("Route", 0), "");
}

static void asks(int fd, const char *host, const char *branch, const char *params)
{
	char text[1024];

	snprintf(text, sizeof(text), TO_BOB "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bK%s%s\r\n"
		 FROM_TO("alice@example.test", "bob@example.test", "%s", "OPTIONS") "\r\n", host,
		 stage.client_port, branch, params, branch);
	says(fd, text);
}

/*
 * RFC 3261 18.2.2: without rport the answer goes to the port in Via, where the sender
 * listens, though it sends from another one.
 */
static void answers_to_another_port(void **state)
{
	int fd = talks_to("127.0.0.1", stage.inside_port);

	(void)state;
	asks(fd, "127.0.0.1", "a1", "");
	hop_gets();
	hop_answers("200 OK");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
	/* its repeat is answered there, too */
	asks(fd, "127.0.0.1", "a1", "");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
	/* who asks for it is answered where it sent from (RFC 3581) */
	asks(fd, "127.0.0.1", "a2", ";rport");
	hop_gets();
	hop_answers("200 OK");
	hears(fd, "SIP/2.0 200 OK");
	/* and so is who has another address than Via says: nobody is at that port */
	asks(fd, "192.0.2.1", "a3", "");
	hop_gets();
	hop_answers("200 OK");
	hears(fd, "SIP/2.0 200 OK");
	silence();
	close(fd);
}

/* And so for what comes for it: Path leads to where it listens. */
static void requests_to_another_port(void **state)
{
	int fd = talks_to("127.0.0.1", stage.inside_port);
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text), "REGISTER sip:example.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKr\r\n"
		 FROM_TO("alice@example.test", "alice@example.test", "r", "REGISTER") "\r\n",
		 stage.client_port);
	says(fd, text);
	hop_gets();
	snprintf(stage.path, sizeof(stage.path), "%s", header("Path", 0) + 1);
	*strchr(stage.path, '>') = '\0';
	hop_answers("200 OK");
	client_gets();
	hop_sends("OPTIONS sip:alice@127.0.0.1:9 SIP/2.0\r\n" VIA("$H", "o") "Route: <$P>\r\n"
		  FROM_TO("bob@example.test", "alice@example.test", "o", "OPTIONS") "\r\n");
	client_gets();
	first_line_is("OPTIONS sip:alice@127.0.0.1:9 SIP/2.0");
	close(fd);
}

/* The same for what has no transaction. */
static void malformed_from_another_port(void **state)
{
	int fd = talks_to("127.0.0.1", stage.inside_port);
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), TO_BOB "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKm\r\n"
		 FROM_TO("alice@example.test", "bob@example.test", "m", "INVITE") "\r\n",
		 stage.client_port);
	says(fd, text);
	client_gets();
	first_line_is("SIP/2.0 400 Bad Request");
	close(fd);
}

/* 18.2.2: the connection of a request is gone, so the answer goes to where its sender listens. */
static void answer_on_another_connection(void **state)
{
	char text[1024];
	int fd;

	(void)state;
	client_registers("alice");
	fd = loop_connect(stage.outside_port);
	snprintf(text, sizeof(text), "OPTIONS sip:alice@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/TCP 127.0.0.1:%u;branch=z9hG4bKt\r\nRoute: <%s>\r\n"
		 FROM_TO("bob@example.test", "alice@example.test", "t", "OPTIONS")
		 "Content-Length:\r\n 0\r\n\r\n", stage.hop_port, stage.path);
	says(fd, text);
	client_gets();
	close(fd);
	loop_for(20);
	client_answers("200 OK");
	hop_gets_tcp();
	first_line_is("SIP/2.0 200 OK");
}

static void listens_also_at(const char *address)
{
	struct problem problem;
	struct sa local;

	sa_set_str(&local, address, stage.inside_port);
	assert_int_equal(transport_listen(stage.mikeyd.transport, SIDE_INSIDE, SIP_TRANSP_UDP,
					  &local, &problem), 0);
}

/* Who came to one of several addresses hears from that one (RFC 3581 4), and of no other. */
static void several_addresses(void **state)
{
	char text[1024], via[64];
	int fd;

	(void)state;
	listens_also_at("127.0.0.2");
	fd = talks_to("127.0.0.2", stage.inside_port);
	snprintf(text, sizeof(text), "REGISTER sip:example.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKr;rport\r\n"
		 FROM_TO("alice@example.test", "alice@example.test", "r", "REGISTER") "\r\n",
		 port_of(fd));
	says(fd, text);
	hop_gets();
	hop_answers("200 OK");
	hears(fd, "SIP/2.0 200 OK");
	hop_sends("OPTIONS sip:alice@example.test SIP/2.0\r\n" VIA("$H", "o")
		  FROM_TO("bob@example.test", "alice@example.test", "o", "OPTIONS") "\r\n");
	hears(fd, "OPTIONS sip:alice@example.test SIP/2.0");
	snprintf(via, sizeof(via), "SIP/2.0/UDP 127.0.0.2:%u;", stage.inside_port);
	assert_memory_equal(header("Via", 0), via, strlen(via));
	close(fd);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(names_in_quotes),
		EACH(another_in_the_name),
		EACH(in_any_case),
		EACH(message_in_another_case),
		EACH(by_name),
		EACH(dialog_within),
		EACH(answers_to_another_port),
		EACH(requests_to_another_port),
		EACH(malformed_from_another_port),
		EACH(answer_on_another_connection),
		EACH(several_addresses),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
