// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls through mikeyd: INVITE, CANCEL and ACK (RFC 3261 16, 17, RFC 6026). */
#include "tests/unit/helper/stage.h"

#include <stdlib.h>
#include <unistd.h>

#define AB(cseq) FROM_TO("alice@example.test", "bob@example.test", "call", cseq)
#define INVITE "INVITE sip:bob@example.test SIP/2.0\r\n" VIA("$C", "i") \
	"Timestamp: 54\r\nRoute: <sip:127.0.0.1:$I;lr>, <sip:far.test;lr>\r\n" AB("INVITE") \
	"Content-Length: 4\r\n\r\nv=0\n"
#define ELSEWHERE "SIP;cause=200;text=\"Call completed elsewhere\""
#define CANCEL "CANCEL sip:bob@example.test SIP/2.0\r\n" VIA("$C", "i") AB("CANCEL") \
	"reason: " ELSEWHERE "\r\nReason: Q.850;cause=26\r\n\r\n"
#define ACK "ACK sip:bob@example.test SIP/2.0\r\n" VIA("$C", "i") AB("ACK") "\r\n"

static char ringing[4096], busy[4096], accepted[4096], branch[256];

/* The client calls; what the next hop may answer is kept. */
static void call(void)
{
	client_sends(INVITE);
	client_gets();
	first_line_is("SIP/2.0 100 Trying");
	assert_string_equal(header("To", 0), "<sip:bob@example.test>");
	assert_string_equal(header("Timestamp", 0), "54");
	hop_gets();
	first_line_is("INVITE sip:bob@example.test SIP/2.0");
	assert_string_equal(body(), "v=0\n");
	strcpy(ringing, answer("180 Ringing"));
	strcpy(busy, answer("486 Busy Here"));
	strcpy(accepted, answer("200 OK"));
	snprintf(branch, sizeof(branch), "%s", header("Via", 0));
}

/* The hop has an ACK or a CANCEL for this INVITE alone. */
static void hop_gets_own(const char *method)
{
	char line[64];

	hop_gets();
	snprintf(line, sizeof(line), "%s sip:bob@example.test SIP/2.0", method);
	first_line_is(line);
	assert_string_equal(header("Via", 0), branch);
	assert_string_equal(header("Via", 1), "");
	assert_string_equal(header("Route", 0), "<sip:far.test;lr>");
	snprintf(line, sizeof(line), "1 %s", method);
	assert_string_equal(header("CSeq", 0), line);
	assert_string_equal(header("Call-ID", 0), "call");
	assert_string_equal(header("From", 0), "<sip:alice@example.test>;tag=f");
}

static void client_gets_line(const char *line)
{
	client_gets();
	first_line_is(line);
}

static void refused_call(void **state)
{
	(void)state;
	call();
	/* repeated, it goes nowhere, and the client hears what it heard */
	client_sends(INVITE);
	client_gets_line("SIP/2.0 100 Trying");
	hop_sends(ringing);
	client_gets_line("SIP/2.0 180 Ringing");
	client_sends(INVITE);
	client_gets_line("SIP/2.0 180 Ringing");
	silence();
	hop_sends(busy);
	hop_gets_own("ACK");
	assert_string_equal(header("To", 0), "<sip:bob@example.test>;tag=t");
	client_gets_line("SIP/2.0 486 Busy Here");
	/* a lost ACK is sent again, and nobody hears of it */
	hop_sends(busy);
	hop_gets_own("ACK");
	/* Timer G: until the client's own ACK, which ends here */
	client_gets_line("SIP/2.0 486 Busy Here");
	client_sends(ACK);
	loop_for(1200);
	silence();
}

static void accepted_call(void **state)
{
	(void)state;
	call();
	hop_sends(accepted);
	client_gets_line("SIP/2.0 200 OK");
	assert_string_equal(header("Via", 1), "");
	/* it comes until the ACK is there, which is the caller's business */
	hop_sends(accepted);
	client_gets_line("SIP/2.0 200 OK");
	client_sends(INVITE);
	silence();
	client_sends("ACK sip:bob@192.0.2.4 SIP/2.0\r\n" VIA("$C", "ack") AB("ACK") "\r\n");
	hop_gets();
	first_line_is("ACK sip:bob@192.0.2.4 SIP/2.0");
	assert_non_null(strstr(header("Via", 1), "branch=z9hG4bKack"));
	/* too late for another answer */
	hop_sends(busy);
	silence();
}

static void cancelled_call(void **state)
{
	(void)state;
	call();
	/* nothing came yet: the CANCEL could overtake its INVITE (9.1) */
	client_sends(CANCEL);
	client_gets_line("SIP/2.0 200 OK");
	assert_string_equal(header("CSeq", 0), "1 CANCEL");
	silence();
	hop_sends(ringing);
	hop_gets_own("CANCEL");
	/* RFC 3326: so that no phone shows a missed call */
	assert_string_equal(header("Reason", 0), ELSEWHERE);
	assert_string_equal(header("Reason", 1), "Q.850;cause=26");
	hop_sends(answer("200 OK"));
	client_gets_line("SIP/2.0 180 Ringing");
	silence();
	memcpy(busy + strlen("SIP/2.0 "), "487", 3);
	hop_sends(busy);
	hop_gets_own("ACK");
	client_gets_line("SIP/2.0 487 Busy Here");
	client_sends(ACK);
	silence();
}

/* A CANCEL whose INVITE is not known, after a restart: it passes, with its branch. */
static void cancelled_after_restart(void **state)
{
	(void)state;
	client_sends(CANCEL);
	hop_gets();
	first_line_is("CANCEL sip:bob@example.test SIP/2.0");
	snprintf(branch, sizeof(branch), "%s", header("Via", 0));
	hop_sends(answer("200 OK"));
	client_gets_line("SIP/2.0 200 OK");
	client_sends(INVITE);
	client_gets_line("SIP/2.0 100 Trying");
	hop_gets();
	/* the Route is part of the loop's hash, not of what tells transactions */
	assert_memory_equal(header("Via", 0), branch, strcspn(branch, "."));
}

/* Nobody forwards what belongs to no transaction (RFC 6026 7.3). */
static void stray_responses(void **state)
{
	(void)state;
	hop_sends("SIP/2.0 200 OK\r\n" VIA("$O", "guess") VIA("$C", "i") AB("INVITE") "\r\n");
	hop_sends("SIP/2.0 180 Ringing\r\n" VIA("$O", "guess") VIA("$C", "i") AB("INVITE") "\r\n");
	silence();
}

/* The client of RFC 2543, without branch: one transaction all the same. */
static void without_branch(void **state)
{
	static const char via[] = "Via: SIP/2.0/UDP 127.0.0.1:$C\r\n";
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text), "INVITE sip:bob@example.test SIP/2.0\r\n%s" AB("INVITE")
		 "\r\n", via);
	client_sends(text);
	client_gets_line("SIP/2.0 100 Trying");
	hop_gets();
	assert_null(strstr(header("Via", 1), "branch"));
	client_sends(text);
	client_gets_line("SIP/2.0 100 Trying");
	silence();
	hop_gets();		/* Timer A */
	hop_sends(answer("404 Not Found"));
	hop_gets();
	first_line_is("ACK sip:bob@example.test SIP/2.0");
	client_gets_line("SIP/2.0 404 Not Found");
	snprintf(text, sizeof(text), "ACK sip:bob@example.test SIP/2.0\r\n%sTo: %s\r\n"
		 "From: <sip:alice@example.test>;tag=f\r\nCall-ID: call\r\nCSeq: 1 ACK\r\n"
		 "\r\n", via, "<sip:bob@example.test>;tag=t");
	client_sends(text);
	loop_for(700);
	silence();
}

static void next_hop_is_away(void **state)
{
	(void)state;
	close(stage.hop_tcp);
	stage.hop_tcp = dup(stage.hop);
	stage.mikeyd.next_hop.tp = SIP_TRANSP_TCP;
	client_sends(INVITE);
	client_gets_line("SIP/2.0 100 Trying");
	client_gets_line("SIP/2.0 503 Service Unavailable");
	assert_non_null(strstr(header("Warning", 0), "next SIP hop cannot be reached"));
	client_sends(ACK);
}

static void reset(void)
{
	const struct linger reset = { .l_onoff = 1 };

	setsockopt(stage.hop_conn, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(stage.hop_conn);
	stage.hop_conn = -1;
}

/* The next hop resets the connection: what had no answer is sent on another one. */
static void connection_is_reset(void **state)
{
	char first[2048];

	(void)state;
	stage.mikeyd.next_hop.tp = SIP_TRANSP_TCP;
	client_sends("OPTIONS sip:bob@example.test SIP/2.0\r\n" VIA("$C", "o")
		     AB("OPTIONS") "\r\n");
	strcpy(first, hop_gets_tcp());
	reset();
	assert_string_equal(hop_gets_tcp(), first);
	/* once, so that a request which kills its reader does no more harm */
	reset();
	client_gets_line("SIP/2.0 503 Service Unavailable");
}

/* The next hop said 100 and died; a call that rings goes on without a connection. */
static void reset_after_trying(void **state)
{
	char first[2048];

	(void)state;
	stage.mikeyd.next_hop.tp = SIP_TRANSP_TCP;
	client_sends(INVITE);
	client_gets_line("SIP/2.0 100 Trying");
	strcpy(first, hop_gets_tcp());
	strcpy(ringing, answer("180 Ringing"));
	hop_sends(answer("100 Trying"));
	silence();
	reset();
	assert_string_equal(hop_gets_tcp(), first);
	hop_sends(ringing);
	client_gets_line("SIP/2.0 180 Ringing");
	reset();
	loop_for(50);
	assert_int_equal(accept4(stage.hop_tcp, NULL, NULL, SOCK_NONBLOCK), -1);
	silence();
}

/* A call that was taken at once, without any other answer before: nothing of it is lost. */
static void reset_after_answer(void **state)
{
	(void)state;
	stage.mikeyd.next_hop.tp = SIP_TRANSP_TCP;
	client_sends(INVITE);
	client_gets_line("SIP/2.0 100 Trying");
	hop_gets_tcp();
	hop_sends(answer("200 OK"));
	client_gets_line("SIP/2.0 200 OK");
	reset();
	loop_for(50);
	assert_int_equal(accept4(stage.hop_tcp, NULL, NULL, SOCK_NONBLOCK), -1);
	silence();
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(refused_call),
		EACH(accepted_call),
		EACH(cancelled_call),
		EACH(cancelled_after_restart),
		EACH(stray_responses),
		EACH(without_branch),
		EACH(next_hop_is_away),
		EACH(connection_is_reset),
		EACH(reset_after_trying),
		EACH(reset_after_answer),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
