// SPDX-License-Identifier: GPL-2.0-or-later
/* MESSAGEs to lists of recipients (RFC 5365, RFC 5364). */
#include "tests/unit/helper/stage.h"

#include <errno.h>
#include <stdlib.h>

#include "helper/lib/base64.h"
#include "helper/mikeyd/mailing.h"
#include "helper/mikeyd/sealing.h"

#define RL "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists' " \
	"xmlns:c='urn:ietf:params:xml:ns:copycontrol'><list>"
#define END_RL "</list></resource-lists>"
#define TO(user) "<entry uri='sip:" user "@example.test' c:copyControl='to'/>"
#define CC(user) "<entry uri='sip:" user "@example.test' c:copyControl='cc'/>"
#define BCC(user) "<entry uri='sip:" user "@example.test'/>"
#define ANON(user) "<entry uri='sip:" user "@example.test' c:copyControl='to' c:anonymize='1'/>"

#define LIST_HEAD "Content-Type: application/resource-lists+xml\r\n" \
	"Content-Disposition: recipient-list\r\n\r\n"
#define LIST(entries) LIST_HEAD RL entries "</list></resource-lists>"
#define TEXT "Content-Type: text/plain\r\nX: y\r\n\r\nhello"
#define NEXT "\r\n--b\r\n"
#define END "\r\n--b--\r\n"
#define BODY(one, other) "--b\r\n" one NEXT other END
#define REQUIRE "Require: recipient-list-message\r\n"
#define TYPE "Content-Type: multipart/mixed;boundary=b\r\n"

static const char *message(const char *branch, const char *headers, const char *content)
{
	static char text[80000];

	snprintf(text, sizeof(text), "MESSAGE sip:list@example.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bK%s;rport\r\n"
		 "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:list@example.test>\r\n"
		 "Call-ID: %s\r\nCSeq: 7 MESSAGE\r\nSubject: s\r\n"
		 "Content-Length: %zu\r\n%s\r\n%s",
		 branch, branch, strlen(content), headers, content);
	return text;
}

static void sends(const char *branch, const char *content)
{
	client_sends(message(branch, REQUIRE TYPE, content));
}

static void granted(unsigned int count)
{
	kms_gets(count);
	while (count--)
		kms_answers();
}

/* The list is there as these bytes, and before or behind what is protected. */
static void list_is(const char *part, bool first)
{
	const char *at = strstr(body(), part), *mikey = strstr(body(), "application/mikey");

	assert_non_null(at);
	assert_non_null(mikey);
	assert_int_equal(at < mikey, first);
	assert_memory_equal(at - 2, "\r\n", 2);
	assert_memory_equal(at + strlen(part), "\r\n--", 4);
}

/* RFC 5365 6; one ticket for the service and all members, the list as it was. */
static void one_ticket_for_all(void **state)
{
	(void)state;
	sends("1", BODY(TEXT, LIST(TO("bob") CC("carol"))));
	kms_gets(1);
	silence();
	assert_string_equal(kernel.wanted, "list@example.test bob@example.test carol@example.test");
	kms_answers();
	hop_gets();
	first_line_is("MESSAGE sip:list@example.test SIP/2.0");
	assert_string_equal(header("Require", 0), "recipient-list-message");
	assert_string_equal(header("Subject", 0), "s");
	assert_string_equal(kernel.protected_for, "list@example.test");
	assert_false(kernel.list_service);
	opens_to(TEXT);
	list_is(LIST(TO("bob") CC("carol")), false);
	assert_null(strstr(body(), "hello"));
	hop_sends(answer("202 Accepted"));
	client_gets();
	first_line_is("SIP/2.0 202 Accepted");
	assert_string_equal(header("Warning", 0), "");

	/* the same recipients in another order: the same ticket */
	sends("2", BODY(TEXT, LIST(TO("carol") TO("bob"))));
	hop_gets();
	assert_int_equal(kernel.protected_with, 1000);
	hop_sends(answer("404 Not Found"));
	client_gets();
	first_line_is("SIP/2.0 404 Not Found");
	/* fewer of them: another ticket */
	sends("3", BODY(TEXT, LIST(TO("bob"))));
	kms_gets(1);
	assert_int_equal(kernel.requests, 2);
}

/* TS 33.328 I.4: the ticket is for the members, the service only the addressee. */
static void profile_annex_i(void **state)
{
	(void)state;
	stage.config->users[0].profile = MIKEY_PROFILE_ANNEX_I;
	sends("1", BODY(TEXT, LIST(TO("bob") CC("carol"))));
	kms_gets(1);
	assert_string_equal(kernel.wanted, "bob@example.test carol@example.test");
	kms_answers();
	hop_gets();
	assert_string_equal(kernel.protected_for, "list@example.test");
	assert_true(kernel.list_service);
}

static void service_among_members(void **state)
{
	(void)state;
	sends("1", BODY(TEXT, LIST(TO("bob") TO("list") TO("bob"))));
	kms_gets(1);
	assert_string_equal(kernel.wanted, "list@example.test bob@example.test");
}

/* What is left is one entity, byte for byte, and the list keeps its place. */
static void places_and_wrappers(void **state)
{
#define MEMBERS LIST(TO("bob"))
#define CODED "Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\nAA=="
#define NESTED "Content-Type: multipart/alternative;boundary=c\r\n\r\n" \
	"--c\r\n\r\nx\r\n--c--"
	static const struct {
		const char *headers, *content, *entity;
		bool first;
	} cases[] = {
		{ TYPE, BODY(MEMBERS, TEXT), TEXT, true },
		{ TYPE, "preamble\r\n" BODY(TEXT, MEMBERS) "epilogue", TEXT, false },
		/* RFC 5365 7.3: several parts stay together */
		{ TYPE, BODY("X: 1\r\n\r\n1", MEMBERS NEXT TEXT),
		  TYPE "\r\n" BODY("X: 1\r\n\r\n1", TEXT), false },
		{ TYPE, "p\r\n" BODY(MEMBERS, TEXT NEXT "\r\n2") "e",
		  TYPE "\r\np\r\n" BODY(TEXT, "\r\n2") "e", true },
		/* what the wrapper says, or SIP would not, keeps it */
		{ "c: multipart/mixed;\r\n boundary=b\r\nContent-Language:tlh\r\n",
		  BODY(TEXT, MEMBERS),
		  "Content-Type: multipart/mixed;\r\n boundary=b\r\nContent-Language:tlh\r\n\r\n"
		  "--b\r\n" TEXT END, false },
		{ TYPE, BODY("\r\nno type", MEMBERS), TYPE "\r\n--b\r\n\r\nno type" END, false },
		{ TYPE, BODY(CODED, MEMBERS), TYPE "\r\n--b\r\n" CODED END, false },
		/* without content, and so without an empty line */
		{ TYPE, BODY("Content-Type: a/b\r\n", MEMBERS),
		  TYPE "\r\n--b\r\nContent-Type: a/b\r\n" END, false },
		/* nested parts are left alone */
		{ TYPE, BODY(NESTED, MEMBERS), NESTED, false },
	};
	char branch[16], headers[256];

	(void)state;
	stage.mikeyd.next_hop.tp = SIP_TRANSP_TCP;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(branch, sizeof(branch), "p%zu", i);
		snprintf(headers, sizeof(headers), REQUIRE "%s", cases[i].headers);
		client_sends(message(branch, headers, cases[i].content));
		if (!i)
			granted(1);
		hop_gets_tcp();
		opens_to(cases[i].entity);
		list_is(MEMBERS, cases[i].first);
	}
}

/*
 * RFC 5364 4: the others do not learn of those with "bcc" (or no copyControl) or
 * anonymize. They get a message and a ticket of their own, after the service
 * took the list without them.
 */
static void apart(void **state)
{
	static const char * const to[] = { "ted", "randy" };
	char line[100];

	(void)state;
	client_sends(message("1", "Require: x, Recipient-List-Message,\r\n y\r\n" TYPE,
			     BODY(TEXT, LIST(TO("bob") BCC("ted") CC("carol") ANON("randy")))));
	kms_gets(3);
	kms_answers();
	kms_answers();
	silence();
	assert_int_equal(kernel.protects, 2);
	kms_answers();
	hop_gets();
	first_line_is("MESSAGE sip:list@example.test SIP/2.0");
	assert_string_equal(header("Call-ID", 0), "1");
	opens_to(TEXT);
	list_is(LIST(TO("bob") CC("carol")), false);
	silence();		/* until the service took it */
	hop_sends(answer("202 Accepted"));
	for (int i = 0; i < 2; i++) {
		hop_gets();
		snprintf(line, sizeof(line), "MESSAGE sip:%s@example.test SIP/2.0", to[i]);
		first_line_is(line);
		snprintf(line, sizeof(line), "<sip:%s@example.test>", to[i]);
		assert_string_equal(header("To", 0), line);
		assert_string_equal(header("From", 0), "<sip:alice@example.test>;tag=f");
		assert_string_not_equal(header("Call-ID", 0), "1");
		assert_int_equal(strlen(header("Call-ID", 0)), 32);
		assert_string_equal(header("CSeq", 0), "7 MESSAGE");
		assert_string_equal(header("Require", 0), "x, y");
		assert_string_equal(header("Via", 1), "");
		assert_string_equal(header("Subject", 0), "s");
		opens_to(TEXT);
		assert_null(strstr(body(), "resource-lists"));
		hop_sends(answer("200 OK"));
	}
	client_gets();
	first_line_is("SIP/2.0 202 Accepted");
	assert_string_equal(header("Warning", 0), "");
	assert_string_equal(header("Call-ID", 0), "1");
	silence();
}

/* Each has a ticket for one; the list's names none of them. */
static void tickets_apart(void **state)
{
	(void)state;
	sends("1", BODY(TEXT, LIST(BCC("ted"))));
	kms_gets(1);
	assert_string_equal(kernel.wanted, "ted@example.test");
	kms_answers();
	hop_gets();
	first_line_is("MESSAGE sip:ted@example.test SIP/2.0");
	assert_string_equal(kernel.protected_for, "ted@example.test");
	assert_string_equal(header("Require", 0), "");
	hop_sends(answer("200 OK"));
	client_gets();
	first_line_is("SIP/2.0 202 Accepted");
	/* it is an ordinary ticket for ted, and serves again */
	sends("2", BODY(TEXT, LIST(TO("bob") ANON("ted"))));
	kms_gets(1);
	assert_string_equal(kernel.wanted, "list@example.test bob@example.test");
}

/* RFC 3261 19.1.1, RFC 5365 7.3: what a Request-URI does not have is left out. */
static void uris_apart(void **state)
{
	static const char * const uris[][2] = {
		{ "sip:t;e?d@example.test:5070;transport=tcp;method=INVITE;x=y?Subject=z",
		  "sip:t;e?d@example.test:5070;transport=tcp;x=y" },
		{ "sips:ted@example.test?Subject=z", "sips:ted@example.test" },
		{ "sip:ted@example.test;Method=MESSAGE", "sip:ted@example.test" },
	};
	char content[1024], line[200], branch[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		snprintf(content, sizeof(content),
			 BODY(TEXT, LIST("<entry uri='%s'/>")), uris[i][0]);
		snprintf(branch, sizeof(branch), "u%zu", i);
		sends(branch, content);
		if (i < 2)
			granted(1);
		hop_gets();
		snprintf(line, sizeof(line), "MESSAGE %s SIP/2.0", uris[i][1]);
		first_line_is(line);
		hop_sends(answer("200 OK"));
		client_gets();
		first_line_is("SIP/2.0 202 Accepted");
	}
}

static void list_in_base64(void **state)
{
	static const char head[] = "Content-Transfer-Encoding: base64\r\n" LIST_HEAD;
	static const char plain[] = RL BCC("ted") TO("bob") END_RL;
	static const char shown[] = RL TO("bob") END_RL;
	char content[2048], expected[1024];
	size_t at;

	(void)state;
	stage.mikeyd.next_hop.tp = SIP_TRANSP_TCP;
	at = snprintf(content, sizeof(content), "--b\r\n%s", head);
	at += base64_write(content + at, (const uint8_t *)plain, sizeof(plain) - 1, 30);
	snprintf(content + at, sizeof(content) - at, "--b\r\n%s" END, TEXT);
	at = snprintf(expected, sizeof(expected), "%s", head);
	at += base64_write(expected + at, (const uint8_t *)shown, sizeof(shown) - 1, 57);
	sends("1", content);
	granted(2);
	hop_gets_tcp();
	list_is(expected, true);
	opens_to(TEXT);
}

/* ---- when something fails */

static void refused(const char *request, const char *line, const char *words)
{
	client_sends(request);
	client_gets();
	first_line_is(line);
	if (!strstr(header("Warning", 0), words))
		fail_msg("\"%s\" is not in \"%s\"", words, header("Warning", 0));
	silence();
	assert_int_equal(kernel.protects, 0);
}

static void bad_request(const char *branch, const char *content, const char *words)
{
	refused(message(branch, REQUIRE TYPE, content), "SIP/2.0 400 Bad Request", words);
}

static void bodies_refused(void **state)
{
	(void)state;
	bad_request("1", "", "damaged");
	bad_request("2", "--b\r\n" TEXT NEXT LIST(TO("bob")), "cut short");
	bad_request("3", BODY(TEXT, TEXT), "no part with the disposition");
	bad_request("4", BODY(TEXT, LIST(TO("bob")) NEXT LIST(TO("bob"))), "more than one");
	bad_request("5", "--b\r\n" LIST(TO("bob")) END, "nothing to protect");
	bad_request("6", BODY(TEXT, LIST_HEAD "no XML"), "line 1");
	bad_request("7", BODY(TEXT, LIST("<entry-ref ref='x'/>")), "elsewhere");
	bad_request("8", BODY(TEXT, LIST("<entry uri='tel:+4930'/>")), "tel:+4930");
	bad_request("9", BODY(TEXT, LIST_HEAD), "empty");
	refused(message("10", REQUIRE "Content-Type: text/plain\r\n", "x"),
		"SIP/2.0 400 Bad Request", "multipart/mixed");
	refused(message("11", REQUIRE, ""), "SIP/2.0 400 Bad Request", "multipart/mixed");
	refused(message("12", REQUIRE "Content-Type: multipart/related;boundary=b\r\n",
			BODY(TEXT, LIST(TO("bob")))), "SIP/2.0 400 Bad Request", "multipart/mixed");
	/* RFC 5365 6: a list must be required to be understood */
	refused(message("13", TYPE, BODY(TEXT, LIST(TO("bob")))),
		"SIP/2.0 400 Bad Request", "wants Require");
	refused(message("14", "Require: x-recipient-list-message\r\n" TYPE,
			BODY(TEXT, LIST(TO("bob")))), "SIP/2.0 400 Bad Request", "wants Require");
	client_sends(message("15", REQUIRE TYPE, BODY(TEXT, "Content-Type: text/plain\r\n"
		     "Content-Disposition: recipient-list\r\n\r\nsip:bob@example.test")));
	client_gets();
	first_line_is("SIP/2.0 415 Unsupported Media Type");
	assert_string_equal(header("Accept", 0), "multipart/mixed, application/resource-lists+xml");
	silence();
	assert_int_equal(kernel.requests, 0);
}

static void limits(void **state)
{
	char *content = malloc(70000), *at = content;

	(void)state;
	at += sprintf(at, "--b\r\n" TEXT NEXT LIST_HEAD RL);
	for (int i = 0; i <= MAILING_APART_MAX; i++)
		at += sprintf(at, BCC("u%d"), i);
	strcpy(at, END_RL END);
	refused(message("1", REQUIRE TYPE, content), "SIP/2.0 413 Request Entity Too Large",
		"33 recipients want");
	at = content + sprintf(content, "--b\r\n" TEXT NEXT LIST_HEAD RL);
	for (int i = 0; i < MIKEY_TICKET_RESPONDERS_MAX; i++)
		at += sprintf(at, TO("u%d"), i);
	strcpy(at, END_RL END);
	refused(message("2", REQUIRE TYPE, content), "SIP/2.0 413 Request Entity Too Large",
		"at most 256");
	strcpy(at, TO("one-more") END_RL END);
	refused(message("3", REQUIRE TYPE, content), "SIP/2.0 413 Request Entity Too Large",
		"more than 256");
	free(content);
}

/* The KMS refuses one of them: nobody gets anything. */
static void one_ticket_refused(void **state)
{
	(void)state;
	sends("1", BODY(TEXT, LIST(TO("bob") BCC("ted") BCC("ned"))));
	kms_gets(3);
	kms_answers();
	kms_fails(-EREMOTEIO, "not this one");
	client_gets();
	first_line_is("SIP/2.0 403 Forbidden");
	assert_string_equal(header("Warning", 0),
			    "399 mikeyd \"for ted@example.test: not this one\"");
	kms_answers();
	silence();
	/* or that of the list */
	sends("2", BODY(TEXT, LIST(TO("carol") BCC("ned"))));
	kms_gets(1);
	kms_fails(-EHOSTUNREACH, "away");
	client_gets();
	first_line_is("SIP/2.0 503 Service Unavailable");
	assert_string_equal(header("Retry-After", 0), "30");
	assert_non_null(strstr(header("Warning", 0), "for those on the list: away"));
	silence();
}

/* The service does not take the list: nobody gets anything, and that is told. */
static void service_refuses(void **state)
{
	(void)state;
	sends("1", BODY(TEXT, LIST(TO("bob") BCC("ted"))));
	granted(2);
	hop_gets();
	hop_sends(answer("100 Trying"));
	hop_sends(answer("420 Bad Extension"));
	client_gets();
	first_line_is("SIP/2.0 420 Bad Extension");
	assert_string_equal(header("Via", 1), "");
	silence();
	assert_int_equal(kernel.protects, 2);
}

static void one_apart_not_reached(void **state)
{
	(void)state;
	sends("1", BODY(TEXT, LIST(TO("bob") BCC("ted") BCC("ned"))));
	granted(3);
	hop_gets();
	hop_sends(answer("202 Accepted"));
	hop_gets();
	hop_sends(answer("404 Not Found"));
	hop_gets();
	hop_sends(answer("407 Proxy Authentication Required"));
	client_gets();
	first_line_is("SIP/2.0 202 Accepted");
	assert_string_equal(header("Warning", 0),
			    "399 mikeyd \"not delivered to ted@example.test (404), ned@example.test (407)\"");
}

static void none_apart_reached(void **state)
{
	(void)state;
	sends("1", BODY(TEXT, LIST(BCC("ted"))));
	granted(1);
	hop_gets();
	hop_sends(answer("404 Not Found"));
	client_gets();
	first_line_is("SIP/2.0 480 Temporarily Unavailable");
	assert_string_equal(header("Warning", 0),
			    "399 mikeyd \"not delivered to ted@example.test (404)\"");
}

static int open_passing(void **state)
{
	(void)state;
	kernel_reset();
	stage_open("policy = { outgoing = \"pass\"; must-protect = [\"bob@example.test\"]; };\n");
	return 0;
}

/* Lists pass, too, if the configuration says so, but not with such a peer on them. */
static void peers_that_must_be_protected(void **state)
{
	(void)state;
	sends("1", BODY(TEXT, LIST(TO("carol") BCC("ted"))));
	hop_gets();
	assert_string_equal(body(), BODY(TEXT, LIST(TO("carol") BCC("ted"))));
	sends("2", BODY(TEXT, LIST(TO("carol") TO("bob"))));
	granted(1);
	hop_gets();
	opens_to(TEXT);
	client_sends(message("3", REQUIRE TYPE, BODY(TEXT, TEXT)));
	client_gets();
	first_line_is("SIP/2.0 400 Bad Request");
}

/* Whoever waits when mikeyd ends is told; nothing stays (the sanitizer looks). */
static void ended_while_sealing(void **state)
{
	(void)state;
	sends("1", BODY(TEXT, LIST(TO("bob") BCC("ted"))));
	kms_gets(2);
	kms_answers();
	sealing_close(stage.user);
	client_gets();
	first_line_is("SIP/2.0 503 Service Unavailable");
	assert_non_null(strstr(header("Warning", 0), "mikeyd is ending"));
	silence();
}

static void ended_while_sending(void **state)
{
	(void)state;
	sends("1", BODY(TEXT, LIST(TO("bob") BCC("ted"))));
	granted(2);
	hop_gets();
	sends("2", BODY(TEXT, LIST(TO("bob") BCC("ted"))));
	hop_gets();
	hop_sends(answer("202 Accepted"));
	hop_gets();
	transactions_stop(stage.mikeyd.transactions);
	for (int i = 0; i < 2; i++) {
		client_gets();
		first_line_is(strcmp(header("Call-ID", 0), "1") ? "SIP/2.0 202 Accepted" :
			      "SIP/2.0 503 Service Unavailable");
	}
	silence();
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(one_ticket_for_all),
		EACH(profile_annex_i),
		EACH(service_among_members),
		EACH(places_and_wrappers),
		EACH(apart),
		EACH(tickets_apart),
		EACH(uris_apart),
		EACH(list_in_base64),
		EACH(bodies_refused),
		EACH(limits),
		EACH(one_ticket_refused),
		EACH(service_refuses),
		EACH(one_apart_not_reached),
		EACH(none_apart_reached),
		cmocka_unit_test_setup_teardown(peers_that_must_be_protected, open_passing,
						stage_teardown),
		EACH(ended_while_sealing),
		EACH(ended_while_sending),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
