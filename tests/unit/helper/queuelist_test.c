// SPDX-License-Identifier: GPL-2.0-or-later
/* MESSAGEs to lists of recipients that wait: all of a list, or nothing of it. */
#include "tests/unit/helper/queue_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ON "queue = true;\nticket = \"self\";\n"

#define RL "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists' " \
	"xmlns:c='urn:ietf:params:xml:ns:copycontrol'><list>"
#define TO(user) "<entry uri='sip:" user "@example.test' c:copyControl='to'/>"
#define BCC(user) "<entry uri='sip:" user "@example.test' c:copyControl='bcc'/>"
#define SERVICE "MESSAGE sip:list@example.test SIP/2.0"
#define CAROL "MESSAGE sip:carol@example.test SIP/2.0"
#define DORA "MESSAGE sip:dora@example.test SIP/2.0"

/* Alice writes to a list; its branch is its Call-ID. */
static void writes(const char *branch, const char *entries)
{
	char text[4096], content[2048];

	snprintf(content, sizeof(content),
		 "--b\r\nContent-Type: application/resource-lists+xml\r\n"
		 "Content-Disposition: recipient-list\r\n\r\n" RL "%s</list></resource-lists>\r\n"
		 "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n", entries);
	snprintf(text, sizeof(text), "MESSAGE sip:list@example.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bK%s;rport\r\n"
		 "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:list@example.test>\r\n"
		 "Call-ID: %s\r\nCSeq: 7 MESSAGE\r\nRequire: recipient-list-message, x\r\n"
		 "P-Preferred-Identity: <sip:alice@example.test>\r\n"
		 "Content-Type: multipart/mixed;boundary=b\r\nContent-Length: %zu\r\n\r\n%s",
		 branch, branch, strlen(content), content);
	client_sends(text);
}

/* And to carol alone. */
static void writes_to_carol(const char *branch)
{
	char text[1024];

	snprintf(text, sizeof(text), CAROL "\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bK%s;rport\r\n"
		 "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:carol@example.test>\r\n"
		 "Call-ID: %s\r\nCSeq: 7 MESSAGE\r\nSubject: single\r\n"
		 "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi", branch, branch);
	client_sends(text);
}

static int open_stage(void **state)
{
	(void)state;
	kernel_reset();
	stage_open(ON);
	return 0;
}

/* The next message at the hop, however long the pause. */
static void hop_gets_later(const char *line)
{
	hop_gets_late(QUEUE_WAIT_MS);
	first_line_is(line);
	assert_null(strstr(stage.got, "hello"));
}

/* What somebody gets whom the list hides; the hop takes it. */
static void apart(const char *line, const char *to)
{
	hop_gets_later(line);
	assert_string_equal(header("To", 0), to);
	assert_string_equal(header("Require", 0), "x");
	assert_string_equal(header("P-Preferred-Identity", 0), "<sip:alice@example.test>");
	assert_string_not_equal(header("Call-ID", 0), "a");
	assert_null(strstr(body(), "resource-lists"));
	hop_answers("200 OK");
}

static void through_the_service(void)
{
	hop_gets_later(SERVICE);
	assert_non_null(strstr(body(), "sip:bob@example.test"));
	assert_null(strstr(body(), "carol"));
}

static void all_wait(void **state)
{
	char first[8192];

	(void)state;
	writes("a", TO("bob") BCC("carol"));
	through_the_service();
	strcpy(first, body());
	assert_int_equal(waiting(), 2);
	silence();
	hop_answers("503 Service Unavailable");
	client_is_told(LATER, "it will be sent later: the answer was 503");
	/* from now on they are each their own */
	apart(CAROL, "<sip:carol@example.test>");
	assert_int_equal(waiting(), 2);
	through_the_service();
	assert_string_equal(body(), first);
	assert_string_equal(header("Require", 0), "recipient-list-message, x");
	hop_answers("202 Accepted");
	wait_for_nothing();
	silence();
	assert_int_equal(kernel.protects, 2);
}

static void refused_by_the_service(void **state)
{
	(void)state;
	writes("a", TO("bob") BCC("carol") BCC("dora"));
	through_the_service();
	assert_int_equal(waiting(), 3);
	hop_answers("403 Not To Them");
	client_gets();
	first_line_is("SIP/2.0 403 Not To Them");
	assert_int_equal(waiting(), 0);
	silence();
	/* trying again is the client's right */
	writes("a2", TO("bob"));
	through_the_service();
	hop_answers("200 OK");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
}

static void one_apart_waits(void **state)
{
	(void)state;
	writes("a", TO("bob") BCC("carol"));
	through_the_service();
	hop_answers("202 Accepted");
	client_gets();
	first_line_is("SIP/2.0 202 Accepted");
	hop_gets_later(CAROL);
	hop_answers("503 Service Unavailable");
	apart(CAROL, "<sip:carol@example.test>");
	wait_for_nothing();
}

static void nobody_to_refuse(void **state)
{
	(void)state;
	writes("a", BCC("carol") BCC("dora"));
	client_is_told(LATER, "everybody gets a message apart");
	apart(CAROL, "<sip:carol@example.test>");
	apart(DORA, "<sip:dora@example.test>");
	wait_for_nothing();
}

/* What is held back lets others pass, and is not sent with them. */
static void held_back(void **state)
{
	char accepted[4096];

	(void)state;
	writes("a", TO("bob") BCC("carol"));
	through_the_service();
	snprintf(accepted, sizeof(accepted), "%s", answer("202 Accepted"));
	writes_to_carol("s");
	hop_gets_later(CAROL);
	assert_string_equal(header("Subject", 0), "single");
	hop_answers("200 OK");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
	silence();
	assert_int_equal(waiting(), 2);
	writes_to_carol("t");
	hop_gets_later(CAROL);
	hop_answers("503 Service Unavailable");
	client_is_told(LATER, "503");
	assert_int_equal(waiting(), 3);
	hop_sends(accepted);
	client_gets();
	first_line_is("SIP/2.0 202 Accepted");
	/* in the order in which they came */
	apart(CAROL, "<sip:carol@example.test>");
	hop_gets_later(CAROL);
	assert_string_equal(header("Subject", 0), "single");
	hop_answers("200 OK");
	wait_for_nothing();
}

static void killed_under_way(void **state)
{
	(void)state;
	writes("a", TO("bob") BCC("carol"));
	through_the_service();
	stage_killed(ON);
	writes("a", TO("bob") BCC("carol"));
	client_is_told(LATER, "it came before");
	for (unsigned int i = 0; i < 2; i++) {
		hop_gets_late(QUEUE_WAIT_MS);
		hop_answers("200 OK");
	}
	wait_for_nothing();
	silence();
	assert_int_equal(kernel.protects, 2);
}

/* Without room for all nothing is put down: sent as without a queue. */
static void no_room(void **state)
{
	(void)state;
	stage_restart(ON "queue-messages = 2;\n");
	writes("a", TO("bob") BCC("carol") BCC("dora"));
	through_the_service();
	assert_int_equal(waiting(), 0);
	hop_answers("503 Service Unavailable");
	client_gets();
	first_line_is("SIP/2.0 503 Service Unavailable");
	/* unless one of them would overtake */
	writes_to_carol("s");
	hop_gets_later(CAROL);
	hop_answers("503 Service Unavailable");
	client_is_told(LATER, "503");
	writes("b", TO("bob") BCC("carol") BCC("dora"));
	client_is_told("SIP/2.0 503 Service Unavailable", "2 messages wait already");
	assert_int_equal(waiting(), 1);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_stage, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(all_wait),
		EACH(refused_by_the_service),
		EACH(one_apart_waits),
		EACH(nobody_to_refuse),
		EACH(held_back),
		EACH(killed_under_way),
		EACH(no_room),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
