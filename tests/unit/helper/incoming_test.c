// SPDX-License-Identifier: GPL-2.0-or-later
/* MESSAGEs from the network: opened, told apart, refused. */
#include "tests/unit/helper/incoming_stage.h"

#include <errno.h>

#include "helper/lib/mime.h"
#include "helper/mikeyd/incoming.h"

static void opened_and_delivered(void **state)
{
	(void)state;
	hop_sends(message("1", "P-Mikey-Verified: <king@example.test>; proved=body\r\n"
		  MULTIPART(HELLO)));
	kms_gets(1);
	assert_int_equal(kernel.identities, 3);
	silence();
	kms_answers();
	client_gets();
	first_line_is("MESSAGE sip:bob@127.0.0.1 SIP/2.0");
	assert_string_equal(header("P-Mikey-Verified", 0),
			    "<alice@example.test>; proved=body; sent=2023-11-14T22:13:20Z; form=auth-enveloped");
	assert_string_equal(header("P-Mikey-Verified", 1), "");
	assert_string_equal(header("Content-Type", 0), "text/plain");
	assert_string_equal(header("Content-Type", 1), "");
	assert_string_equal(header("Content-Length", 0), "5");
	assert_string_equal(header("Subject", 0), "s");
	assert_string_equal(header("From", 0), "<sip:alice@example.test>;tag=f");
	assert_string_equal(body(), "hello");
	/* the ticket was good for this one */
	assert_int_equal(kernel.dropped[0], 1000);
	client_sends(answer("200 OK"));
	hop_gets();
	first_line_is("SIP/2.0 200 OK");
}

/* "Content-Mikey-Sender: <ann@example.test>; proved=initiator" in front of HELLO */
#define VIA_LIST HELLO "\n\rrotaitini=devorp ;>tset.elpmaxe@nna< :redneS-yekiM-tnetnoC"
#define ASSERTED(user) "P-Asserted-Identity: <sip:" user "@example.test>\r\n"

/* Whom a list server of the user's names may stand in From; nobody else's word counts. */
static void through_a_list_server(void **state)
{
	char line[200];

	(void)state;
	stage_close();
	open_with("list-service = [\"team@example.test\"];\n");
	kernel.initiator = "team@example.test";
	hop_sends(message_from("ann@example.test", "1",
			       ASSERTED("ann") MULTIPART(VIA_LIST)));
	kms_gets(1);
	kms_answers();
	client_gets();
	assert_string_equal(header("From", 0), "<sip:ann@example.test>;tag=f");
	assert_string_equal(header("P-Asserted-Identity", 0), "<sip:ann@example.test>");
	snprintf(line, sizeof(line), "%s; original=\"ann@example.test\"; original-proved=%s",
		 "<team@example.test>; proved=body; sent=2023-11-14T22:13:20Z; form=auth-enveloped",
		 "initiator");
	assert_string_equal(header("P-Mikey-Verified", 0), line);
	assert_string_equal(header("Content-Mikey-Sender", 0), "");
	assert_string_equal(body(), "hello");
	client_sends(answer("200 OK"));
	hop_gets();
	/* changed on the way */
	hop_sends(message_from("king@example.test", "2",
			       ASSERTED("king") MULTIPART(VIA_LIST)));
	kms_gets(1);
	kms_answers();
	client_gets();
	assert_string_equal(header("From", 0),
			    "\"claims to be king@example.test\" <sip:team@example.test>;tag=f");
	assert_string_equal(header("P-Asserted-Identity", 0), "<sip:team@example.test>");
	client_sends(answer("200 OK"));
	hop_gets();
	/* somebody who is no list server says the same */
	kernel.initiator = "mallory@example.test";
	hop_sends(message_from("ann@example.test", "3", MULTIPART(VIA_LIST)));
	kms_gets(1);
	kms_answers();
	client_gets();
	assert_string_equal(header("From", 0),
			    "\"claims to be ann@example.test\" <sip:mallory@example.test>;tag=f");
	assert_null(strstr(stage.got, "original"));
	assert_string_equal(header("Content-Mikey-Sender", 0), "");
}

/* From says one, the keys say another: the client sees the verified one. */
static void another_sender(void **state)
{
	(void)state;
	kernel.initiator = "mallory@example.test";
	kernel.proved = MIKEY_PROVED_INITIATOR;
	hop_sends(message("1", MULTIPART(HELLO)));
	kms_gets(1);
	kms_answers();
	client_gets();
	assert_string_equal(header("From", 0),
			    "\"claims to be alice@example.test\" <sip:mallory@example.test>;tag=f");
	assert_memory_equal(header("P-Mikey-Verified", 0),
			    "<mallory@example.test>; proved=initiator;", 41);
	client_sends(answer("200 OK"));
	hop_gets();
	/* the network gets the From it sent: its transaction needs it */
	assert_string_equal(header("From", 0), "<sip:alice@example.test>;tag=f");

	kernel.initiator = "e\r\nvil>\"@example.test";
	hop_sends(message_from("al%22ice@example.test", "2", MULTIPART(HELLO)));
	kms_gets(1);
	kms_answers();
	client_gets();
	assert_string_equal(header("From", 0),
			    "\"claims to be al'ice@example.test\" <sip:e%0D%0Avil%3E%22@example.test>;tag=f");
}

static void what_is_inside_adds_no_headers(void **state)
{
	(void)state;
	/* "X: y" and "P-Mikey-Verified: <k@x>; proved=body", turned round */
	hop_sends(message("1", MULTIPART("olleh\n\r\n\r>x@k< :deifireV-yekiM-P\n\ry :X")));
	kms_gets(1);
	kms_answers();
	client_gets();
	assert_string_equal(header("X", 0), "");
	assert_memory_equal(header("P-Mikey-Verified", 0), "<alice@example.test>;", 21);
	assert_string_equal(header("P-Mikey-Verified", 1), "");
	assert_string_equal(header("Content-Type", 0), "text/plain");
	client_sends(answer("200 OK"));
	hop_gets();

	hop_sends(message("2", MULTIPART("no entity")));
	kms_gets(1);
	kms_answers();
	refused("SIP/2.0 493 Undecipherable");
}

static void one_at_a_time(const char *branch, struct kernel_fault *fault, int error,
			  const char *line)
{
	*fault = FAULT(error, 1);
	hop_sends(message(branch, MULTIPART(HELLO)));
	if (fault != &kernel.resolve) {
		kms_gets(1);
		kms_answers();
	}
	refused(line);
}

static void everything_that_fails(void **state)
{
	static const int bad[] = {
		-EBADMSG, -EKEYREJECTED, -EACCES, -EADDRNOTAVAIL, -EPROTONOSUPPORT, -EPERM,
	};
	char branch[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(branch, sizeof(branch), "r%zu", i);
		one_at_a_time(branch, &kernel.resolve, bad[i], "SIP/2.0 493 Undecipherable");
		snprintf(branch, sizeof(branch), "a%zu", i);
		one_at_a_time(branch, &kernel.admit, bad[i], "SIP/2.0 493 Undecipherable");
		snprintf(branch, sizeof(branch), "u%zu", i);
		one_at_a_time(branch, &kernel.unprotect, bad[i], "SIP/2.0 493 Undecipherable");
	}
	one_at_a_time("o1", &kernel.admit, -EREMOTEIO, "SIP/2.0 493 Undecipherable");
	/* the KMS's clock or record, and not this message */
	kernel.admit = FAULT(-EREMOTEIO, 1);
	kernel.admit.words = "KMS error 1: invalid timestamp";
	hop_sends(message("o0", MULTIPART(HELLO)));
	kms_gets(1);
	kms_answers();
	refused("SIP/2.0 503 Service Unavailable");
	one_at_a_time("o2", &kernel.unprotect, -ESTALE, "SIP/2.0 493 Undecipherable");
	one_at_a_time("o3", &kernel.admit, -ECOMM, "SIP/2.0 503 Service Unavailable");
	one_at_a_time("o4", &kernel.admit, -EDQUOT, "SIP/2.0 503 Service Unavailable");
	assert_string_equal(header("Retry-After", 0), "30");
	one_at_a_time("o5", &kernel.resolve, -ENOKEY, "SIP/2.0 500 Server Internal Error");
	hop_sends(message("k1", MULTIPART(HELLO)));
	kms_gets(1);
	kms_fails(-EHOSTUNREACH, "away");
	refused("SIP/2.0 503 Service Unavailable");
	assert_string_equal(header("Retry-After", 0), "30");
}

/* TS 33.328 I.4 with J1 and E0: resolved once, good for further messages. */
static void kept_tickets(void **state)
{
	(void)state;
	stage_restart("policy = { accept-profile = [\"annex-i\"]; };\n");
	client_registers("bob");
	kernel.profile = MIKEY_PROFILE_ANNEX_I;
	kernel.keep = true;
	opened("1", MULTIPART(HELLO));
	answered_by_the_client("200 OK");
	assert_int_equal(kernel.n_dropped, 0);
	kernel.kept = 1000;
	hop_sends(message("2", MULTIPART(HELLO)));
	client_gets();
	assert_int_equal(kms_waiting(), 0);
	assert_int_equal(kernel.opened_with, 1000);
	answered_by_the_client("200 OK");
	/* a bad message does not cost the ticket */
	kernel.unprotect = FAULT(-EBADMSG, 1);
	hop_sends(message("3", MULTIPART(HELLO)));
	refused("SIP/2.0 493 Undecipherable");
	assert_int_equal(kernel.n_dropped, 0);
	assert_int_equal(kernel.admits, 1);
	/* but the quota does */
	kernel.kept = 0;
	kernel.admit = FAULT(-EDQUOT, 1);
	opened("4", MULTIPART(HELLO));
	assert_int_equal(kernel.dropped[0], 1000);
}

/* Which profiles and forms come in is policy (TS 33.328 Annex B). */
static void profiles_and_forms(void **state)
{
	(void)state;
	kernel.profile = MIKEY_PROFILE_ANNEX_I;
	hop_sends(message("1", MULTIPART(HELLO)));
	refused("SIP/2.0 493 Undecipherable");
	assert_int_equal(kms_waiting(), 0);
	stage_restart("list-service = \"list@example.test\";\n"
		      "policy = { accept-profile = [\"immediate\", \"annex-i\"];\n"
		      "accept = \"authenticated-enveloped\"; };\n");
	client_registers("bob");
	opened("2", MULTIPART(HELLO));
	assert_int_equal(kernel.forms_seen, 1 << MIKEY_FORM_AUTHENTICATED_ENVELOPED);
	assert_int_equal(kernel.list_services, 1);
}

/*
 * TS 33.328 I.4: somebody resolved IDRi's ticket, and that is all there is to
 * say (RFC 6043 12.4): nobody's name takes From's place.
 */
static void only_a_recipient(void **state)
{
	(void)state;
	kernel.initiator = "mallory@example.test";
	kernel.proved = MIKEY_PROVED_RECIPIENT;
	opened("1", "P-Asserted-Identity: <sip:alice@example.test>\r\n" MULTIPART(HELLO));
	assert_string_equal(header("From", 0), "<sip:alice@example.test>;tag=f");
	assert_string_equal(header("P-Asserted-Identity", 0), "<sip:alice@example.test>");
	assert_memory_equal(header("P-Mikey-Verified", 0),
			    "<mallory@example.test>; proved=recipient;", 41);
	assert_string_equal(header("P-Mikey-Verified", 1), "");
}

static void asserted_identity(void **state)
{
	(void)state;
	kernel.initiator = "mallory@example.test";
	opened("1", "P-Asserted-Identity: \"Al\" <sip:alice@example.test>\r\n"
	       "p-asserted-identity: <tel:+4930>\r\n" MULTIPART(HELLO));
	assert_string_equal(header("P-Asserted-Identity", 0), "<sip:mallory@example.test>");
	assert_string_equal(header("P-Asserted-Identity", 1), "");
	answered_by_the_client("200 OK");
	kernel.initiator = "alice@example.test";
	opened("2", "P-Asserted-Identity: \"Al\" <sip:alice@EXAMPLE.test>\r\n"
	       MULTIPART(HELLO));
	assert_string_equal(header("P-Asserted-Identity", 0),
			    "\"Al\" <sip:alice@EXAMPLE.test>");
	answered_by_the_client("200 OK");
	opened("3", MULTIPART(HELLO));
	assert_string_equal(header("P-Asserted-Identity", 0), "");
	answered_by_the_client("200 OK");
	/* two in one line (RFC 3325 9.1) */
	opened("4", "P-Asserted-Identity: <sip:alice@example.test>, <sip:king@example.test>\r\n"
	       MULTIPART(HELLO));
	assert_string_equal(header("P-Asserted-Identity", 0), "<sip:alice@example.test>");
	answered_by_the_client("200 OK");
	/* and a From that one parser reads as alice's, another as the king's */
	hop_sends(message_from("alice@example.test>, <sip:king@example.test", "5",
			       MULTIPART(HELLO)));
	kms_gets(1);
	kms_answers();
	client_gets();
	assert_string_equal(header("From", 0),
			    "\"claims to be somebody else\" <sip:alice@example.test>;tag=f");
}

/* Without the end of the multipart it was cut: whatever its parts verify to. */
static void multipart_without_its_end(void **state)
{
	(void)state;
	hop_sends(message("1", "Content-Type: multipart/mixed;boundary=b\r\n\r\n"
		  "--b\r\nContent-Type: application/mikey\r\n\r\nTRANSFER\r\n"
		  "--b\r\nContent-Type: application/pkcs7-mime\r\n\r\n" HELLO "\r\n"));
	refused("SIP/2.0 493 Undecipherable");
	assert_int_equal(kernel.resolves, 0);
}

/* RFC 8551 and RFC 5083 spell it in two ways, and it decides nothing. */
static void smime_type_is_no_matter(void **state)
{
	static const char * const types[] = {
		"auth-enveloped-data", "authEnveloped-data", "authenticated-data",
		"signed-data", "",
	};
	char rest[1024], branch[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		snprintf(branch, sizeof(branch), "t%zu", i);
		snprintf(rest, sizeof(rest), "Content-Type: multipart/mixed;boundary=b\r\n\r\n"
			 "--b\r\nContent-Type: application/mikey\r\n\r\nT%zu\r\n"
			 "--b\r\nContent-Type: application/pkcs7-mime; smime-type=\"%s\"\r\n\r\n"
			 HELLO "\r\n--b--\r\n", i, types[i]);
		opened(branch, rest);
		assert_string_equal(body(), "hello");
		answered_by_the_client("200 OK");
	}
}

static void unprotected_is_refused(void **state)
{
	(void)state;
	hop_sends(message("1", "P-Mikey-Verified: <alice@example.test>; proved=body\r\n"
		  "Content-Type: text/plain\r\n\r\nplain"));
	refused("SIP/2.0 488 Not Acceptable Here");
	hop_sends(message("2", "\r\n"));
	refused("SIP/2.0 488 Not Acceptable Here");
	hop_sends(message("3", "Content-Type: multipart/mixed;boundary=b\r\n\r\n"
		  "--b\r\nContent-Type: application/mikey\r\n\r\nx\r\n--b--\r\n"));
	hop_gets();
	first_line_is("SIP/2.0 415 Unsupported Media Type");
	assert_non_null(strstr(header("Accept", 0), "application/pkcs7-mime"));
	hop_sends(message("4", "Content-Type: multipart/mixed;boundary=b\r\n\r\n"
		  "--b\r\nContent-Type: application/mikey\r\n\r\nx\r\n"
		  "--b\r\nContent-Type: application/pkcs7-mime\r\n\r\ncut"));
	refused("SIP/2.0 493 Undecipherable");
	assert_int_equal(kernel.resolves, 0);
}

static int open_marking(void **state)
{
	(void)state;
	return open_with("policy = { unprotected = \"mark\"; must-protect = [\"boss@?\"]; };\n"
			 "max-waiting = 1;\n");
}

static void unprotected_is_marked(void **state)
{
	(void)state;
	hop_sends(message("1", "P-Mikey-Verified: <alice@example.test>; proved=body\r\n"
		  "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nplain"));
	client_gets();
	assert_string_equal(header("P-Mikey-Verified", 0), "<>; proved=none");
	assert_string_equal(header("P-Mikey-Verified", 1), "");
	assert_string_equal(body(), "plain");
	answered_by_the_client("200 OK");
	/* From is only a claim; of these it is not even let through */
	hop_sends(message_from("boss@example.test", "2", "Content-Length: 5\r\n\r\nplain"));
	refused("SIP/2.0 488 Not Acceptable Here");
}

/* Whatever a client may take for the sender (RFC 3325) or read in a strange From. */
static void must_protect_of_all_claims(void **state)
{
	static const char * const claims[] = {
		"P-Asserted-Identity: <sip:boss@example.test>\r\n",
		"P-Asserted-Identity: <tel:+4930>, <sip:boss@example.test>\r\n",
		"P-Asserted-Identity: <tel:+4930>\r\np-asserted-identity: <sip:boss@x>\r\n",
	};
	static const char * const strange[] = {
		"alice@example.test>, <sip:boss@example.test",
		"boss@example.test@x", "%zzboss@example.test",
	};
	char rest[256], branch[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		snprintf(branch, sizeof(branch), "c%zu", i);
		snprintf(rest, sizeof(rest), "%sContent-Length: 5\r\n\r\nplain", claims[i]);
		hop_sends(message(branch, rest));
		refused("SIP/2.0 488 Not Acceptable Here");
	}
	for (size_t i = 0; i < ARRAY_SIZE(strange); i++) {
		snprintf(branch, sizeof(branch), "s%zu", i);
		hop_sends(message_from(strange[i], branch, "Content-Length: 5\r\n\r\nplain"));
		refused("SIP/2.0 488 Not Acceptable Here");
	}
	hop_sends(message("ok", "P-Asserted-Identity: <tel:+4930>\r\n"
			  "Content-Length: 5\r\n\r\nplain"));
	client_gets();
	assert_string_equal(header("P-Mikey-Verified", 0), "<>; proved=none");
	answered_by_the_client("200 OK");
	/* RFC 3325 9.1: two values, in one line or in two */
	hop_sends(message("two", "P-Asserted-Identity: \"A, b\" <sip:alice@example.test>,\r\n"
			  " <tel:+4930>\r\nContent-Length: 5\r\n\r\nplain"));
	client_gets();
	assert_string_equal(header("P-Mikey-Verified", 0), "<>; proved=none");
	assert_string_equal(header("P-Asserted-Identity", 0), "\"A, b\" <sip:alice@example.test>");
	assert_string_equal(header("P-Asserted-Identity", 1), "<tel:+4930>");
}

static int open_ruled(void **state)
{
	(void)state;
	return open_with("policy = { unprotected = \"mark\"; must-protect = [\"boss@?\"];\n"
			 "rules = (\n"
			 "{ peer = \"boss@known.test\"; receive = \"mark\"; },\n"
			 "{ peer = \"?@strict.test\"; receive = \"refuse\"; },\n"
			 "{ peer = [\"?@old.test\", \"?@older.test\"];\n"
			 "  receive = \"refuse-415\"; },\n"
			 "{ peer = \"x@silent.test\"; send = \"pass\"; } ); };\n");
}

/* The first rule that fits decides; of several claims the one that is refused. */
static void rules_for_peers(void **state)
{
	static const char refusal[] = "SIP/2.0 488 Not Acceptable Here";
	static const char type_refusal[] = "SIP/2.0 415 Unsupported Media Type";
	static const struct {
		const char *from, *headers, *line;	/* NULL: let through */
	} cases[] = {
		{ "alice@example.test", "", NULL },
		{ "boss@known.test", "", NULL },
		{ "boss@unknown.test", "", refusal },
		{ "a@strict.test", "", refusal },
		{ "a@older.test", "", type_refusal },
		{ "x@silent.test", "", NULL },
		{ "a@x.test", "P-Asserted-Identity: <sip:b@old.test>\r\n", type_refusal },
		{ "a@old.test", "P-Asserted-Identity: <sip:b@strict.test>\r\n", refusal },
		{ "a@x>, <sip:b@y", "", refusal },
	};
	char branch[8], rest[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(branch, sizeof(branch), "u%zu", i);
		snprintf(rest, sizeof(rest), "%sContent-Length: 5\r\n\r\nplain", cases[i].headers);
		hop_sends(message_from(cases[i].from, branch, rest));
		if (cases[i].line) {
			refused(cases[i].line);
			continue;
		}
		client_gets();
		assert_string_equal(header("P-Mikey-Verified", 0), "<>; proved=none");
		answered_by_the_client("200 OK");
	}
}

static void waiting_is_limited(void **state)
{
	(void)state;
	hop_sends(message("1", MULTIPART(HELLO)));
	kms_gets(1);
	hop_sends(message("2", MULTIPART("x" HELLO)));
	refused("SIP/2.0 503 Service Unavailable");
	kms_answers();
	client_gets();
	hop_sends(message("3", MULTIPART("y" HELLO)));
	kms_gets(1);
}

static int open_with_shares(void **state)
{
	(void)state;
	return open_with("max-waiting = 8;\n");
}

/* TS 33.328 Annex B: resolves are limited for each source. */
static void waiting_of_one_sender(void **state)
{
	(void)state;
	hop_sends(message("1", MULTIPART(HELLO)));
	hop_sends(message("2", MULTIPART("x" HELLO)));
	kms_gets(2);
	hop_sends(message("3", MULTIPART("y" HELLO)));
	refused("SIP/2.0 503 Service Unavailable");
	kernel.initiator = "carol@example.test";
	hop_sends(message("4", MULTIPART("z" HELLO)));
	kms_gets(3);
}

static void ended_while_opening(void **state)
{
	(void)state;
	hop_sends(message("1", MULTIPART(HELLO)));
	hop_sends(message("2", MULTIPART("x" HELLO)));
	hop_sends(message("3", MULTIPART(HELLO)));
	kms_gets(2);
	kms_answers();
	client_gets();
	transactions_stop(stage.mikeyd.transactions);
	incoming_close(stage.user);
	for (int i = 0; i < 3; i++)
		assert_memory_equal(hop_gets(), "SIP/2.0 ", 8);
	silence();
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		EACH(opened_and_delivered),
		EACH(through_a_list_server),
		EACH(another_sender),
		EACH(what_is_inside_adds_no_headers),
		EACH(everything_that_fails),
		EACH(kept_tickets),
		EACH(profiles_and_forms),
		EACH(only_a_recipient),
		EACH(asserted_identity),
		EACH(multipart_without_its_end),
		EACH(smime_type_is_no_matter),
		EACH(unprotected_is_refused),
		cmocka_unit_test_setup_teardown(unprotected_is_marked, open_marking, close_stage),
		cmocka_unit_test_setup_teardown(rules_for_peers, open_ruled, close_stage),
		cmocka_unit_test_setup_teardown(must_protect_of_all_claims, open_marking,
						close_stage),
		cmocka_unit_test_setup_teardown(waiting_is_limited, open_marking, close_stage),
		cmocka_unit_test_setup_teardown(waiting_of_one_sender, open_with_shares,
						close_stage),
		EACH(ended_while_opening),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
