// SPDX-License-Identifier: GPL-2.0-or-later
/* The headers of MESSAGEs: RFC 3428, RFC 3325, RFC 3323. */
#include "tests/unit/helper/stage.h"

#include <time.h>

#include "helper/lib/mime.h"

#define PLAIN "Content-Length: 5\r\n\r\nhello"
#define SENT "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:bob@x.test>\r\n"

static const char *outgoing(const char *branch, const char *from_to, const char *rest)
{
	static char text[2048];

	snprintf(text, sizeof(text), "MESSAGE sip:bob@x.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bK%s;rport\r\n%sCall-ID: %s\r\n"
		 "CSeq: 1 MESSAGE\r\n%s", branch, from_to, branch, rest);
	return text;
}

static const char *incoming(const char *branch, const char *rest)
{
	static char text[2048];

	snprintf(text, sizeof(text), "MESSAGE sip:bob@example.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$H;branch=z9hG4bK%s;rport\r\n"
		 "From: <sip:ann@x.test>;tag=f\r\nTo: <sip:bob@example.test>\r\nCall-ID: %s\r\n"
		 "CSeq: 1 MESSAGE\r\n%s", branch, branch, rest);
	return text;
}

static void open_with(const char *policy, const char *more)
{
	char text[512];

	kernel_reset();
	snprintf(text, sizeof(text), "policy = { %s };\n%s", policy, more);
	stage_open(text);
	client_registers("bob");
}

static int open_passing(void **state)
{
	(void)state;
	open_with("outgoing = \"pass\"; unprotected = \"mark\";", "");
	return 0;
}

static int open_protecting(void **state)
{
	(void)state;
	open_with("", "");
	return 0;
}

/* What is not answered comes again. */
static void answered_by_the_hop(void)
{
	hop_answers("200 OK");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
}

/* RFC 3428 4: no Contact; RFC 3325: what the network is told is the network's to assert. */
static void to_the_network(void **state)
{
	(void)state;
	client_sends(outgoing("1", SENT, "Contact: <sip:a@127.0.0.1>\r\nm: <sip:a@127.0.0.1>\r\n"
			      "P-Asserted-Identity: <sip:king@example.test>\r\n"
			      "P-Preferred-Identity: \"B\" <sip:bob@example.test>\r\n"
			      "Privacy: id\r\nIn-Reply-To: 1, 2\r\nExpires: 0\r\n" PLAIN));
	hop_gets();
	assert_string_equal(header("Contact", 0), "");
	assert_string_equal(header("m", 0), "");
	assert_string_equal(header("P-Asserted-Identity", 0), "");
	assert_string_equal(header("P-Preferred-Identity", 0), "\"B\" <sip:bob@example.test>");
	assert_string_equal(header("Privacy", 0), "id");
	assert_string_equal(header("In-Reply-To", 0), "1, 2");
	assert_string_equal(header("Expires", 0), "0");
	assert_string_equal(header("Date", 0), "");
	answered_by_the_hop();
	client_sends(outgoing("2", SENT, "P-Preferred-Identity: <sip:king@example.test>\r\n"
			      PLAIN));
	hop_gets();
	assert_string_equal(header("P-Preferred-Identity", 0), "");
	answered_by_the_hop();
	/* nor beside one that is */
	client_sends(outgoing("3", SENT, "P-Preferred-Identity: <sip:bob@example.test>\r\n"
			      "P-Preferred-Identity: <sip:king@example.test>\r\n" PLAIN));
	hop_gets();
	assert_string_equal(header("P-Preferred-Identity", 0), "");
}

/* The same of what is protected. */
static void to_the_network_protected(void **state)
{
	(void)state;
	client_sends(outgoing("1", SENT, "Contact: <sip:a@127.0.0.1>\r\nIn-Reply-To: 1\r\n"
			      PLAIN));
	kms_grants(1);
	hop_gets();
	assert_string_equal(header("Contact", 0), "");
	assert_string_equal(header("In-Reply-To", 0), "1");
}

static const char *answer_with_contact(const char *status)
{
	static char text[8192];
	const char *plain = answer(status), *end = strstr(plain, "Content-Length");

	snprintf(text, sizeof(text), "%.*sContact: <sip:bob@192.0.2.1>\r\n%s",
		 (int)(end - plain), plain, end);
	return text;
}

/* RFC 3428 7: nor in an answer of class 2xx; a redirection is nothing without it. */
static void contact_of_answers(void **state)
{
	(void)state;
	client_sends(outgoing("1", SENT, PLAIN));
	hop_gets();
	hop_sends(answer_with_contact("202 Accepted"));
	client_gets();
	first_line_is("SIP/2.0 202 Accepted");
	assert_string_equal(header("Contact", 0), "");
	client_sends(outgoing("2", SENT, PLAIN));
	hop_gets();
	hop_sends(answer_with_contact("302 Moved Temporarily"));
	client_gets();
	assert_string_equal(header("Contact", 0), "<sip:bob@192.0.2.1>");
}

/* RFC 3428 4: how long it holds needs to say since when. */
static void date_for_expires(void **state)
{
	time_t now = time(NULL);
	struct tm tm = { 0 };

	(void)state;
	client_sends(outgoing("1", SENT, "Expires: 600\r\n" PLAIN));
	hop_gets();
	assert_non_null(strptime(header("Date", 0), "%a, %d %b %Y %H:%M:%S GMT", &tm));
	assert_true(timegm(&tm) >= now && timegm(&tm) < now + 60);
	assert_string_equal(header("Date", 1), "");
	hop_sends(answer("200 OK"));
	client_gets();
	client_sends(outgoing("2", SENT, "Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n"
			      "Expires: 2000000000\r\n" PLAIN));
	hop_gets();
	assert_string_equal(header("Date", 0), "Sat, 13 Nov 2010 23:29:00 GMT");
	assert_string_equal(header("Date", 1), "");
}

#define ANN "P-Asserted-Identity: <sip:ann@x.test>\r\n"

static void identity_is(const char *branch, const char *headers, const char *identity)
{
	char rest[256];

	snprintf(rest, sizeof(rest), "%s" PLAIN, headers);
	hop_sends(incoming(branch, rest));
	client_gets();
	assert_string_equal(header("P-Asserted-Identity", 0), identity);
	assert_string_equal(header("P-Preferred-Identity", 0), "");
	assert_string_equal(header("Contact", 0), "");
	client_sends(answer("200 OK"));
	hop_gets();
}

/* RFC 3325 5 and 7: whose word counts, and for whom it is. */
static void to_the_client(void **state)
{
	(void)state;
	identity_is("1", ANN "P-Preferred-Identity: <sip:bob@example.test>\r\nm: <sip:x@y>\r\n",
		    "<sip:ann@x.test>");
	identity_is("2", ANN "Privacy: none\r\n", "<sip:ann@x.test>");
	identity_is("3", ANN "Privacy: header; ID\r\n", "");
	stage_close();
	open_with("unprotected = \"mark\";", "trusted = [\"192.0.2.0/24\"];\n");
	identity_is("4", ANN, "");
	stage_close();
	open_with("unprotected = \"mark\";", "trusted = [\"192.0.2.0/24\", \"127.0.0.1/32\"];\n");
	identity_is("5", ANN, "<sip:ann@x.test>");
	stage_close();
	open_with("unprotected = \"mark\";", "trusted = \"none\";\n");
	identity_is("6", ANN, "");
}

static void dated(const char *branch, int64_t since, const char *expires, bool expired)
{
	char date[64], rest[256];
	time_t sent = time(NULL) + since;
	struct tm tm;

	gmtime_r(&sent, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	snprintf(rest, sizeof(rest), "Date: %s\r\nExpires: %s\r\n" PLAIN, date, expires);
	hop_sends(incoming(branch, rest));
	if (expired) {
		hop_gets();
		first_line_is("SIP/2.0 400 Message Expired");
		return;
	}
	client_gets();
	assert_string_equal(header("Expires", 0), expires);
	assert_string_equal(header("Date", 0), date);
	client_sends(answer("200 OK"));
	hop_gets();
}

/* RFC 3428 7 */
static void expired(void **state)
{
	(void)state;
	dated("1", -1000, "2000", false);
	dated("2", -1000, "500", true);
	/* within what clocks may differ */
	dated("3", -630, "600", false);
	dated("4", -700, "600", true);
	dated("5", 5000, "1", false);
	/* what says nothing, or nothing that can be read */
	dated("6", -100000, "never", false);
	hop_sends(incoming("7", "Expires: 0\r\n" PLAIN));
	client_gets();
	hop_sends(incoming("8", "Expires: 1\r\nDate: yesterday\r\n" PLAIN));
	client_gets();
	assert_int_equal(kernel.resolves, 0);
}

#define ANONYMOUS "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=f\r\n" \
	"To: <sip:bob@x.test>\r\n"

/* RFC 3323 4.1.1.3: From names nobody; the ticket needs a name. */
static void nobody_in_from(void **state)
{
	(void)state;
	client_sends(outgoing("1", ANONYMOUS, "Privacy: id\r\n" PLAIN));
	kms_grants(1);
	hop_gets();
	assert_string_equal(kernel.wanted_by, "alice@example.test");
	assert_memory_equal(header("From", 0),
			    "\"Anonymous\" <sip:anonymous@anonymous.invalid>", 45);
	answered_by_the_hop();
	client_sends(outgoing("2", ANONYMOUS, "Privacy: id\r\n"
			      "P-Preferred-Identity: <tel:+4930>, <sip:bob@example.test>\r\n"
			      PLAIN));
	kms_grants(1);
	hop_gets();
	assert_string_equal(kernel.wanted_by, "bob@example.test");
	answered_by_the_hop();
	/* RFC 3323 5: what cannot be hidden is not sent if hiding is critical */
	client_sends(outgoing("3", ANONYMOUS, "Privacy: user;critical\r\n" PLAIN));
	client_gets();
	first_line_is("SIP/2.0 500 Privacy Not Possible");
	client_sends(outgoing("4", SENT, "Privacy: none;critical\r\n" PLAIN));
	hop_gets();
	assert_string_equal(header("Call-ID", 0), "4");
}

int main(void)
{
#define PASSING(test) cmocka_unit_test_setup_teardown(test, open_passing, stage_teardown)
#define PROTECTING(test) cmocka_unit_test_setup_teardown(test, open_protecting, stage_teardown)
	const struct CMUnitTest tests[] = {
		PASSING(to_the_network),
		PROTECTING(to_the_network_protected),
		PASSING(contact_of_answers),
		PASSING(date_for_expires),
		PASSING(to_the_client),
		PASSING(expired),
		PROTECTING(nobody_in_from),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
