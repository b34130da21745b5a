// SPDX-License-Identifier: GPL-2.0-or-later
/* MESSAGEs of the client: protected, waiting for tickets, refused in words. */
#include "tests/unit/helper/stage.h"

#include <errno.h>
#include <stdlib.h>

#include "helper/lib/mime.h"
#include "helper/mikeyd/sealing.h"

#define ENTITY "Content-Type: text/plain\r\nContent-Language: en\r\n\r\nhello"

/* A text message of alice's; its branch is its Call-ID. */
static const char *to(const char *uri, const char *branch)
{
	static char text[1024];

	snprintf(text, sizeof(text), "MESSAGE %s SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bK%s;rport\r\n"
		 "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:bob@example.test>\r\n"
		 "Call-ID: %s\r\nCSeq: 1 MESSAGE\r\nSubject: seen by all\r\n"
		 "p-mikey-verified: <king@example.test>; proved=body\r\n"
		 "Content-Type: text/plain\r\nContent-Language: en\r\n"
		 "Content-Length: 5\r\n\r\nhello", uri, branch, branch);
	return text;
}

static const char *to_bob(const char *branch)
{
	return to("sip:bob@example.test", branch);
}

static void refused(const char *request, const char *line, const char *words)
{
	client_sends(request);
	client_is_told(line, words);
	silence();
}

static void protected_on_the_way(void **state)
{
	(void)state;
	client_sends(to_bob("1"));
	kms_gets(1);
	/* impatient clients change nothing */
	client_sends(to_bob("1"));
	silence();
	assert_int_equal(kms_waiting(), 1);
	kms_answers();
	hop_gets();
	first_line_is("MESSAGE sip:bob@example.test SIP/2.0");
	assert_string_equal(header("Subject", 0), "seen by all");
	assert_string_equal(header("P-Mikey-Verified", 0), "");	/* ours to say, to ours */
	assert_string_equal(header("Content-Language", 0), "");
	assert_string_equal(header("Content-Type", 1), "");
	assert_memory_equal(header("Content-Type", 0), "multipart/mixed;boundary=", 25);
	assert_int_equal(atoi(header("Content-Length", 0)), strlen(body()));
	assert_null(strstr(stage.got, "hello"));
	opens_to(ENTITY);
	assert_string_equal(kernel.protected_for, "bob@example.test");
	assert_int_equal(kernel.psk_seen, 77);
	assert_int_equal(kernel.profile_seen, MIKEY_PROFILE_IMMEDIATE);
	assert_int_equal(kernel.suite_seen, MIKEY_SUITE_256);
	assert_int_equal(kernel.rekey_seen, 0);
	assert_false(kernel.cacheable_seen);
	assert_int_equal(kernel.form_seen, MIKEY_FORM_AUTH_ENVELOPED);
	assert_int_equal(kernel.content_seen, 0);
	assert_false(kernel.no_proof_seen);
	hop_sends(answer("202 Accepted"));
	client_gets();
	first_line_is("SIP/2.0 202 Accepted");

	/* the second goes with the same ticket, at once */
	client_sends(to_bob("2"));
	hop_gets();
	assert_int_equal(kernel.protected_with, 1000);
	assert_int_equal(kernel.requests, 1);
}

static void many_share_one_exchange(void **state)
{
	char id[16];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		client_sends(to_bob(id));
	}
	kms_gets(1);
	loop_for(50);
	assert_int_equal(kms_waiting(), 1);
	kms_answers();
	for (int i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		hop_gets();
		assert_string_equal(header("Call-ID", 0), id);
	}
	assert_int_equal(kernel.requests, 1);
	assert_int_equal(kernel.grants, 1);
	assert_int_equal(kernel.protects, 5);
}

static void single_use_tickets(void **state)
{
	(void)state;
	kernel.not_reusable = true;
	client_sends(to_bob("1"));
	client_sends(to_bob("2"));
	kms_gets(1);
	loop_for(50);
	for (int i = 0; i < 2; i++) {
		kms_answers();
		hop_gets();
		assert_int_equal(kernel.protected_with, 1000 + i);
		assert_int_equal(kernel.dropped[i], 1000 + i);
	}
	assert_int_equal(kms_waiting(), 0);
	client_sends(to_bob("3"));
	kms_gets(1);
	assert_int_equal(kernel.requests, 3);
}

static void tickets_are_for_one_recipient(void **state)
{
	(void)state;
	client_sends(to_bob("1"));
	kms_gets(1);
	kms_answers();
	hop_gets();
	client_sends(to("sip:carol@example.test", "c1"));
	kms_gets(1);
	kms_answers();
	hop_gets();
	assert_string_equal(kernel.protected_for, "carol@example.test");
	assert_int_equal(kernel.protected_with, 1001);
	/* the recipient is the Request-URI's; in a dialog that is To's */
	client_sends("MESSAGE sip:bob@192.0.2.9:5090 SIP/2.0\r\n" VIA("$C", "d1")
		     "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:bob@example.test>;tag=t\r\n"
		     "Call-ID: d\r\nCSeq: 2 MESSAGE\r\n\r\nx");
	hop_gets();
	assert_string_equal(kernel.protected_for, "bob@example.test");
	assert_int_equal(kernel.protected_with, 1000);
}

/* The ticket was revoked, or spent, since: another one is asked for, once. */
static void stale_tickets(void **state)
{
	static const int errors[] = { -ENOKEY, -EKEYEXPIRED, -EKEYREVOKED, -EPERM };
	char id[16];
	int32_t before;

	(void)state;
	client_sends(to_bob("1"));
	kms_gets(1);
	kms_answers();
	hop_gets();
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		before = kernel.protected_with;
		kernel.protect = FAULT(errors[i], 1);
		snprintf(id, sizeof(id), "s%zu", i);
		client_sends(to_bob(id));
		kms_gets(1);
		kms_answers();
		while (hop_gets() && strncmp(header("Call-ID", 0), "s", 1))
			;
		assert_int_equal(kernel.protected_with, before + 1);
		assert_int_equal(kernel.dropped[i], before);
		hop_sends(answer("200 OK"));
		client_gets();
	}
	kernel.protect = FAULT(-EKEYREVOKED, -1);
	client_sends(to_bob("9"));
	kms_gets(1);
	kms_answers();
	client_gets();
	first_line_is("SIP/2.0 500 Server Internal Error");
}

static void kms_troubles(void **state)
{
	(void)state;
	client_sends(to_bob("1"));
	client_sends(to_bob("2"));
	kms_gets(1);
	loop_for(30);
	kms_fails(-EHOSTUNREACH, "the KMS is \"away\"\r\nX-Evil: 1");
	for (int i = 0; i < 2; i++) {
		client_gets();
		first_line_is("SIP/2.0 503 Service Unavailable");
		assert_string_equal(header("Retry-After", 0), "30");
		assert_string_equal(header("Warning", 0),
				    "399 mikeyd \"the KMS is 'away'''X-Evil: 1\"");
		assert_string_equal(header("X-Evil", 0), "");
	}
	client_sends(to_bob("3"));
	kms_gets(1);
	kms_fails(-EPROTO, "nonsense");
	client_gets();
	first_line_is("SIP/2.0 502 Bad Gateway");
	assert_string_equal(header("Retry-After", 0), "");
	silence();
	assert_int_equal(kernel.protects, 0);
}

static void grants_refused(void **state)
{
	static const struct {
		int error;
		const char *line;
	} cases[] = {
		{ -EREMOTEIO, "SIP/2.0 403 Forbidden" },
		{ -EACCES, "SIP/2.0 403 Forbidden" },
		{ -ECOMM, "SIP/2.0 503 Service Unavailable" },
		{ -EKEYREJECTED, "SIP/2.0 502 Bad Gateway" },
		{ -EBADMSG, "SIP/2.0 502 Bad Gateway" },
		{ -EPROTONOSUPPORT, "SIP/2.0 502 Bad Gateway" },
		{ -ENOMEM, "SIP/2.0 503 Service Unavailable" },
		{ -ESRCH, "SIP/2.0 500 Server Internal Error" },
	};
	char id[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		kernel.grant = FAULT(cases[i].error, 1);
		snprintf(id, sizeof(id), "g%zu", i);
		client_sends(to_bob(id));
		kms_gets(1);
		kms_answers();
		client_gets();
		first_line_is(cases[i].line);
		assert_non_null(strstr(header("Warning", 0), "the double refuses"));
	}
	assert_int_equal(kernel.protects, 0);
}

/* Short of keys: the oldest ticket makes room, and the answer is used again. */
static void quota_of_keys(void **state)
{
	(void)state;
	client_sends(to_bob("1"));
	kms_gets(1);
	kms_answers();
	hop_gets();
	kernel.grant = FAULT(-EDQUOT, 1);
	client_sends(to("sip:carol@example.test", "q1"));
	kms_gets(1);
	kms_answers();
	hop_gets();
	assert_string_equal(header("Call-ID", 0), "q1");
	assert_int_equal(kernel.dropped[0], 1000);
	kernel.grant = FAULT(-EDQUOT, -1);
	client_sends(to("sip:dave@example.test", "q2"));
	kms_gets(1);
	kms_answers();
	client_gets();
	first_line_is("SIP/2.0 503 Service Unavailable");
}

/* The PSK was loaded anew: it has another serial. */
static void another_psk(void **state)
{
	(void)state;
	kernel.request = FAULT(-EKEYREVOKED, 1);
	kernel.psk_there = 78;
	client_sends(to_bob("1"));
	kms_gets(1);
	assert_int_equal(kernel.psk_seen, 78);
	kernel.request = FAULT(-EKEYREVOKED, -1);
	refused(to("sip:carol@example.test", "p1"), "SIP/2.0 500 Server Internal Error",
		"the double refuses");
	assert_int_equal(kernel.requests, 3);
}

static void never_in_the_clear(void **state)
{
	(void)state;
	refused("MESSAGE sip:bob@example.test SIP/2.0\r\n" VIA("$C", "n1")
		FROM_TO("mallory@example.test", "bob@example.test", "n1", "MESSAGE") "\r\nx",
		"SIP/2.0 403 Forbidden", "From is no identity");
	refused(to("tel:+4930", "n2"), "SIP/2.0 416 Unsupported URI Scheme", "sips:");
	refused(to("sip:example.test", "n3"), "SIP/2.0 484 Address Incomplete",
		"user@domain");
	refused(to("sip:bo%6@example.test", "n4"), "SIP/2.0 484 Address Incomplete", "");
	kernel.request = FAULT(-EKEYEXPIRED, -1);
	refused(to_bob("n5"), "SIP/2.0 500 Server Internal Error", "the double refuses");
	kernel.request = FAULT(-ENOENT, -1);
	refused(to_bob("n6"), "SIP/2.0 503 Service Unavailable", "the double refuses");
	silence();
	assert_int_equal(kernel.protects, 0);
}

static void entity_too_large_for_the_kernel(void **state)
{
	(void)state;
	kernel.protect = FAULT(-EMSGSIZE, -1);
	client_sends(to_bob("1"));
	kms_gets(1);
	kms_answers();
	client_gets();
	first_line_is("SIP/2.0 413 Request Entity Too Large");
}

static int open_short_queue(void **state)
{
	(void)state;
	kernel_reset();
	stage_open("max-waiting = 1;\nreuse = false;\n");
	return 0;
}

static void waiting_is_limited(void **state)
{
	(void)state;
	client_sends(to_bob("1"));
	kms_gets(1);
	refused(to_bob("2"), "SIP/2.0 503 Service Unavailable", "too many messages wait");
	kms_answers();
	hop_gets();
	hop_sends(answer("200 OK"));
	client_gets();
	first_line_is("SIP/2.0 200 OK");
	/* reuse = false: the ticket is not kept */
	assert_int_equal(kernel.dropped[0], 1000);
	client_sends(to_bob("3"));
	kms_gets(1);
}

static int open_annex_i(void **state)
{
	(void)state;
	kernel_reset();
	stage_open("policy = { profile = \"annex-i\"; suite = \"ts-128\"; content = \"ccm\";\n"
		   "cacheable = true; rekey = 3600; proof = false; };\n");
	return 0;
}

/* What the policy says is what is asked for and how it is protected. */
static void policy_is_followed(void **state)
{
	(void)state;
	client_sends(to_bob("1"));
	kms_gets(1);
	assert_int_equal(kernel.profile_seen, MIKEY_PROFILE_ANNEX_I);
	assert_int_equal(kernel.suite_seen, MIKEY_SUITE_TS_128);
	assert_int_equal(kernel.rekey_seen, 3600);
	assert_true(kernel.cacheable_seen);
	kms_answers();
	hop_gets();
	assert_int_equal(kernel.form_seen, MIKEY_FORM_AUTH_ENVELOPED);
	assert_int_equal(kernel.content_seen, MIKEY_CONTENT_AES_CCM);
	assert_true(kernel.no_proof_seen);
}

static int open_minting(void **state)
{
	(void)state;
	kernel_reset();
	stage_open("policy = { ticket = \"self\"; form = \"authenticated-enveloped\"; };\n");
	return 0;
}

/* Mode 3 of RFC 6043 4.1: no exchange with the KMS, and the same ticket again. */
static void tickets_of_our_own(void **state)
{
	(void)state;
	client_sends(to_bob("1"));
	hop_gets();
	opens_to(ENTITY);
	assert_int_equal(kernel.mints, 1);
	assert_int_equal(kernel.protected_with, 1000);
	assert_int_equal(kernel.form_seen, MIKEY_FORM_AUTHENTICATED_ENVELOPED);
	client_sends(to_bob("2"));
	while (hop_gets() && strcmp(header("Call-ID", 0), "2"))
		;
	assert_int_equal(kernel.mints, 1);
	assert_int_equal(kernel.protected_with, 1000);
	client_sends(to("sip:carol@example.test", "c1"));
	while (hop_gets() && strcmp(header("Call-ID", 0), "c1"))
		;
	assert_int_equal(kernel.mints, 2);
	assert_int_equal(kernel.requests, 0);
	assert_int_equal(kms_waiting(), 0);
}

static void minting_fails(void **state)
{
	(void)state;
	kernel.not_reusable = true;
	client_sends(to_bob("1"));
	hop_gets();
	assert_int_equal(kernel.dropped[0], 1000);
	kernel.not_reusable = false;
	kernel.mint = FAULT(-EPROTONOSUPPORT, 1);
	client_sends(to_bob("2"));
	client_gets();
	first_line_is("SIP/2.0 500 Server Internal Error");
	assert_non_null(strstr(header("Warning", 0), "the double refuses"));
	/* short of keys, with one that can go; then another PSK is there */
	client_sends(to_bob("3"));
	while (hop_gets() && strcmp(header("Call-ID", 0), "3"))
		;
	kernel.mint = FAULT(-EDQUOT, 1);
	client_sends(to("sip:carol@example.test", "c1"));
	while (hop_gets() && strcmp(header("Call-ID", 0), "c1"))
		;
	assert_int_equal(kernel.dropped[1], 1001);
	kernel.mint = FAULT(-EKEYREVOKED, 1);
	kernel.psk_there = 78;
	client_sends(to("sip:dave@example.test", "d1"));
	while (hop_gets() && strcmp(header("Call-ID", 0), "d1"))
		;
	assert_int_equal(kernel.psk_seen, 78);
}

/* What the network answers is the client's to know as it was said. */
static void answers_pass(void **state)
{
	static const char * const answers[] = {
		"180 Ringing", "200 OK", "202 Accepted", "299 Whatever", "302 Moved Temporarily",
		"404 Not Found", "480 Temporarily Unavailable", "486 Busy Here",
		"493 Undecipherable", "500 Server Internal Error", "504 Gone Fishing",
		"600 Busy Everywhere", "603 Decline",
	};
	char branch[8], line[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		snprintf(branch, sizeof(branch), "a%zu", i);
		client_sends(to_bob(branch));
		if (!i) {
			kms_gets(1);
			kms_answers();
		}
		hop_gets();
		hop_sends(answer(answers[i]));
		client_gets();
		snprintf(line, sizeof(line), "SIP/2.0 %s", answers[i]);
		first_line_is(line);
		assert_string_equal(header("Call-ID", 0), branch);
		assert_string_equal(header("Warning", 0), "");
	}
}

static int open_passing(void **state)
{
	(void)state;
	kernel_reset();
	stage_open("policy = { outgoing = \"pass\"; must-protect = [\"boss@?\"]; };\n");
	return 0;
}

static void passed_if_configured_so(void **state)
{
	(void)state;
	client_sends(to_bob("1"));
	hop_gets();
	assert_string_equal(body(), "hello");
	assert_string_equal(header("Content-Type", 0), "text/plain");
	assert_string_equal(header("P-Mikey-Verified", 0), "");
	hop_sends(answer("200 OK"));
	client_gets();
	/* ... but not to those with whom everything is protected */
	client_sends(to("sip:boss@example.test", "2"));
	kms_gets(1);
	kms_answers();
	hop_gets();
	assert_string_equal(header("Call-ID", 0), "2");
	opens_to(ENTITY);
	/* in a dialog only To names them (RFC 3261 12.2.1.1) */
	client_sends("MESSAGE sip:phone@192.0.2.9 SIP/2.0\r\n" VIA("$C", "3")
		     "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:boss@x.test>;tag=t\r\n"
		     "Call-ID: 3\r\nCSeq: 1 MESSAGE\r\nContent-Length: 5\r\n\r\nhello");
	kms_gets(1);
	kms_answers();
	hop_gets();
	assert_string_equal(header("Call-ID", 0), "3");
	opens_to("\r\nhello");
}

static int open_ruled(void **state)
{
	(void)state;
	kernel_reset();
	stage_open("policy = { must-protect = [\"boss@plain.test\", \"dave@other.test\"];\n"
		   "rules = (\n"
		   "{ peer = \"carol@plain.test\"; send = \"protect\"; },\n"
		   "{ peer = [\"?@plain.test\", \"dave@?\"]; send = \"pass\"; },\n"
		   "{ peer = \"?@silent.test\"; receive = \"mark\"; } ); };\n");
	return 0;
}

/* The first rule that fits decides, before must-protect and outgoing do. */
static void rules_for_peers(void **state)
{
	static const struct {
		const char *uri;
		bool passes;
	} cases[] = {
		{ "sip:carol@plain.test", false },
		{ "sip:bob@plain.test", true },
		{ "sip:boss@PLAIN.test", true },
		{ "sip:dave@other.test", true },
		{ "sip:eve@other.test", false },
		{ "sip:eve@silent.test", false },
	};
	char text[1024], branch[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(branch, sizeof(branch), "u%zu", i);
		snprintf(text, sizeof(text), "MESSAGE %s SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bK%s;rport\r\n"
			 "From: <sip:alice@example.test>;tag=f\r\nTo: <%s>\r\nCall-ID: %s\r\n"
			 "CSeq: 1 MESSAGE\r\nContent-Length: 5\r\n\r\nhello", cases[i].uri, branch,
			 cases[i].uri, branch);
		client_sends(text);
		if (!cases[i].passes) {
			kms_gets(1);
			kms_answers();
		}
		hop_gets();
		assert_string_equal(header("Call-ID", 0), branch);
		if (cases[i].passes)
			assert_string_equal(body(), "hello");
		else
			opens_to("\r\nhello");
		hop_sends(answer("200 OK"));
		client_gets();
	}
	/* all whom it names have to be such peers */
	client_sends("MESSAGE sip:bob@plain.test SIP/2.0\r\n" VIA("$C", "m")
		     "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:bob@example.test>\r\n"
		     "Call-ID: m\r\nCSeq: 1 MESSAGE\r\nContent-Length: 5\r\n\r\nhello");
	kms_gets(1);
	assert_string_equal(kernel.wanted, "bob@plain.test");
}

/* Whoever waits when mikeyd ends is told; nothing stays (the sanitizer looks). */
static void ended_while_waiting(void **state)
{
	(void)state;
	client_sends(to_bob("1"));
	client_sends(to("sip:carol@example.test", "e2"));
	kms_gets(2);
	kms_answers();
	hop_gets();
	sealing_close(stage.user);
	client_gets();
	first_line_is("SIP/2.0 503 Service Unavailable");
	assert_string_equal(header("Call-ID", 0), "e2");
	assert_non_null(strstr(header("Warning", 0), "mikeyd is ending"));
	transactions_stop(stage.mikeyd.transactions);
	client_gets();
	first_line_is("SIP/2.0 503 Service Unavailable");
	assert_string_equal(header("Call-ID", 0), "1");
	silence();
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(protected_on_the_way),
		EACH(many_share_one_exchange),
		EACH(single_use_tickets),
		EACH(tickets_are_for_one_recipient),
		EACH(stale_tickets),
		EACH(kms_troubles),
		EACH(grants_refused),
		EACH(quota_of_keys),
		EACH(another_psk),
		EACH(never_in_the_clear),
		EACH(entity_too_large_for_the_kernel),
		cmocka_unit_test_setup_teardown(waiting_is_limited, open_short_queue,
						stage_teardown),
		cmocka_unit_test_setup_teardown(policy_is_followed, open_annex_i, stage_teardown),
		cmocka_unit_test_setup_teardown(tickets_of_our_own, open_minting, stage_teardown),
		cmocka_unit_test_setup_teardown(minting_fails, open_minting, stage_teardown),
		EACH(answers_pass),
		cmocka_unit_test_setup_teardown(passed_if_configured_so, open_passing,
						stage_teardown),
		cmocka_unit_test_setup_teardown(rules_for_peers, open_ruled, stage_teardown),
		EACH(ended_while_waiting),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
