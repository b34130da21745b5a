// SPDX-License-Identifier: GPL-2.0-or-later
/* How the network reaches clients, and whom: Path (RFC 3327), flows (RFC 5626), owners. */
#include "tests/unit/helper/stage.h"

#define OPTIONS "OPTIONS sip:bob@example.test SIP/2.0\r\n"
#define AB(id, cseq) FROM_TO("alice@example.test", "bob@example.test", id, cseq)

static void register_gets_a_path(void **state)
{
	char expected[64];

	(void)state;
	client_sends("REGISTER sip:example.test SIP/2.0\r\n" VIA("$C", "r1")
		     FROM_TO("alice@example.test", "alice@example.test", "r1", "REGISTER")
		     "\r\n");
	hop_gets();
	snprintf(expected, sizeof(expected), "@127.0.0.1:%u;transport=tcp;lr>",
		 stage.outside_port);
	assert_non_null(strstr(header("Path", 0), expected));
	assert_string_equal(header("Path", 1), "");
	assert_string_equal(header("Supported", 0), "path");
	hop_answers("200 OK");
	client_gets();
	client_sends("REGISTER sip:example.test SIP/2.0\r\n" VIA("$C", "r2")
		     FROM_TO("alice@example.test", "alice@example.test", "r2", "REGISTER")
		     "k: gruu, path\r\n\r\n");
	hop_gets();
	assert_string_equal(header("Supported", 0), "");
	hop_answers("200 OK");
	client_gets();
	client_registers("alice");
	hop_sends("OPTIONS sip:alice@127.0.0.1:9 SIP/2.0\r\n" VIA("$H", "8")
		  "Route: <$P>, <sip:127.0.0.1:$I;lr>\r\n" AB("8", "OPTIONS") "\r\n");
	client_gets();
	first_line_is("OPTIONS sip:alice@127.0.0.1:9 SIP/2.0");
	assert_string_equal(header("Route", 0), "");
	client_answers("200 OK");
	hop_gets();
	first_line_is("SIP/2.0 200 OK");
}

/* Only tokens that mikeyd made lead anywhere, and only to where they say. */
static void forged_tokens(void **state)
{
	char *digit = stage.path + strlen("sip:");

	(void)state;
	client_registers("alice");
	for (unsigned int i = 0; digit[i] != '@'; i++) {
		char text[1024], good = digit[i], id[16];

		digit[i] = good == '0' ? '1' : '0';
		snprintf(id, sizeof(id), "f%u", i);
		snprintf(text, sizeof(text), "OPTIONS sip:alice@127.0.0.1 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 127.0.0.1:$H;branch=z9hG4bK%s;rport\r\nRoute: <$P>\r\n"
			 AB("f", "OPTIONS") "\r\n", id);
		hop_sends(text);
		hop_gets();
		first_line_is("SIP/2.0 403 Bad Flow Token");
		digit[i] = good;
	}
	hop_sends("OPTIONS sip:alice@127.0.0.1 SIP/2.0\r\n" VIA("$H", "g") "Route: <$P>\r\n"
		  AB("g", "OPTIONS") "\r\n");
	client_gets();
}

static void from_the_network_without_token(void **state)
{
	(void)state;
	hop_sends("OPTIONS sip:alice@example.test SIP/2.0\r\n" VIA("$H", "n1") AB("n", "OPTIONS")
		  "\r\n");
	hop_gets();
	first_line_is("SIP/2.0 480 No Client Is Registered");
	client_registers("alice");
	hop_sends("OPTIONS sip:alice@example.test SIP/2.0\r\n" VIA("$H", "n2") AB("n", "OPTIONS")
		  "\r\n");
	client_gets();
	first_line_is("OPTIONS sip:alice@example.test SIP/2.0");
	/* no relay for others, nor to the machine's other ports */
	hop_sends("OPTIONS sip:carol@example.test SIP/2.0\r\n" VIA("$H", "n3") AB("n", "OPTIONS")
		  "\r\n");
	hop_gets();
	first_line_is("SIP/2.0 404 Not Found");
	hop_sends("OPTIONS sip:x@127.0.0.1:22 SIP/2.0\r\n" VIA("$H", "n4") AB("n", "OPTIONS")
		  "\r\n");
	hop_gets();
	first_line_is("SIP/2.0 404 Not Found");
}

/* A flow of RFC 5626 is the client's to look after: it is told that it failed. */
static void flow_of_a_client(void **state)
{
	(void)state;
	client_sends("REGISTER sip:example.test SIP/2.0\r\n" VIA("$C", "ob")
		     FROM_TO("alice@example.test", "alice@example.test", "ob", "REGISTER")
		     "Supported: path, outbound\r\nContact: <sip:alice@127.0.0.1:$C;ob>;reg-id=1;"
		     "+sip.instance=\"<urn:uuid:1>\"\r\n\r\n");
	hop_gets();
	assert_non_null(strstr(header("Path", 0), ";ob>"));
	assert_non_null(strstr(header("Contact", 0), ";reg-id=1;+sip.instance=\"<urn:uuid:1>\""));
	snprintf(stage.path, sizeof(stage.path), "%s", header("Path", 0) + 1);
	*strchr(stage.path, '>') = '\0';
	hop_answers("200 OK");
	client_gets();
	hop_sends("OPTIONS sip:alice@127.0.0.1:$C SIP/2.0\r\n" VIA("$H", "ob1") "Route: <$P>\r\n"
		  AB("ob", "OPTIONS") "\r\n");
	client_gets();
	first_line_is("OPTIONS sip:alice@127.0.0.1:$C SIP/2.0");
	client_answers("200 OK");
	hop_gets();
	kernel.gone = stage.client_port;
	hop_sends("OPTIONS sip:alice@127.0.0.1:$C SIP/2.0\r\n" VIA("$H", "ob2") "Route: <$P>\r\n"
		  AB("ob", "OPTIONS") "\r\n");
	hop_gets();
	first_line_is("SIP/2.0 430 Flow Failed");
}

/* RFC 5630 5.3: nor on the last hop, which is the client's. */
static void no_tls_to_the_client(void **state)
{
	(void)state;
	client_registers("alice");
	hop_sends("OPTIONS sips:alice@127.0.0.1:$C SIP/2.0\r\n" VIA("$H", "s1") "Route: <$P>\r\n"
		  AB("s", "OPTIONS") "\r\n");
	hop_gets();
	first_line_is("SIP/2.0 480 SIPS Not Allowed");
	assert_string_equal(header("Warning", 0), "380 mikeyd \"SIPS Not Allowed\"");
	silence();
}

/* A client that left, or whose port somebody else took. */
static void client_that_is_gone(void **state)
{
	(void)state;
	client_registers("alice");
	kernel.gone = stage.client_port;
	hop_sends("OPTIONS sip:alice@127.0.0.1:$C SIP/2.0\r\n" VIA("$H", "g1") "Route: <$P>\r\n"
		  AB("g", "OPTIONS") "\r\n");
	hop_gets();
	first_line_is("SIP/2.0 480 No Client Is Registered");
	/* the contact in the Request-URI is another way to it */
	stage.user->client_known = false;
	hop_sends("OPTIONS sip:alice@127.0.0.1:$C SIP/2.0\r\n" VIA("$H", "g2") "Route: <$P>\r\n"
		  AB("g", "OPTIONS") "\r\n");
	hop_gets();
	first_line_is("SIP/2.0 480 No Client Is Registered");
	kernel.gone = 0;
	hop_sends("OPTIONS sip:alice@127.0.0.1:$C SIP/2.0\r\n" VIA("$H", "g3") "Route: <$P>\r\n"
		  AB("g", "OPTIONS") "\r\n");
	client_gets();
}

static void client_of_another_user(void **state)
{
	(void)state;
	kernel.stranger = true;
	client_sends(OPTIONS VIA("$C", "u") AB("u", "OPTIONS") "\r\n");
	silence();
}

static int open_for_others(void **state)
{
	(void)state;
	kernel_reset();
	stage_open("clients = [\"10.0.0.0/8\"];\n");
	return 0;
}

static void who_is_no_client(void **state)
{
	(void)state;
	client_sends(OPTIONS VIA("$C", "s") AB("s", "OPTIONS") "\r\n");
	silence();
	/* nor does anybody outside make mikeyd send to them */
	hop_sends("SIP/2.0 200 OK\r\n" VIA("$O", "i") VIA("$C", "i") AB("i", "INVITE") "\r\n");
	silence();
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(register_gets_a_path),
		EACH(forged_tokens),
		EACH(from_the_network_without_token),
		EACH(flow_of_a_client),
		EACH(no_tls_to_the_client),
		EACH(client_that_is_gone),
		EACH(client_of_another_user),
		cmocka_unit_test_setup_teardown(who_is_no_client, open_for_others, stage_teardown),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
