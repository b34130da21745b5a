// SPDX-License-Identifier: GPL-2.0-or-later
/* mikeyd as a list server: groups, and URI-lists (RFC 5365). */
#include "tests/unit/helper/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/lib/mime.h"
#include "helper/mikeyd/history.h"
#include "helper/mikeyd/listbody.h"
#include "helper/mikeyd/listserver.h"
#include "helper/mikeyd/sender.h"

#define GROUP "list-server = ( { psi = \"bob@example.test\"; " \
	"members = [\"carol@example.test\", \"alice@example.test\", \"dave@example.test\"]; } );\n"
#define URIS "list-server = ( { uri-list = \"list@example.test\"; " \
	"senders = [\"?@example.test\"]; recipients = [\"?@example.test\"]; } );\n"

#define PARTS(cms) \
	"--b\r\nContent-Type: application/mikey\r\nContent-Transfer-Encoding: base64\r\n\r\n" \
	"VFJBTlNGRVI=\r\n--b\r\nContent-Type: application/pkcs7-mime; name=smime.p7m\r\n" \
	"Content-Transfer-Encoding: binary\r\n\r\n" cms "\r\n"
#define TYPE "Content-Type: multipart/mixed;boundary=b\r\n"
#define MULTIPART(cms) TYPE "\r\n" PARTS(cms) "--b--\r\n"
/* "Content-Type: text/plain" and "hello", turned round as the double does */
#define HELLO "olleh\n\r\n\rnialp/txet :epyT-tnetnoC"

static const char *message(const char *branch, const char *from, const char *to,
			   const char *rest)
{
	static char text[80000];

	snprintf(text, sizeof(text), "MESSAGE sip:%s SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$H;branch=z9hG4bK%s;rport\r\n"
		 "From: %s;tag=f\r\nTo: <sip:%s>\r\nCall-ID: %s\r\nCSeq: 1 MESSAGE\r\n"
		 "Max-Forwards: 20\r\nContact: <sip:alice@192.0.2.1>\r\nSubject: s\r\n%s",
		 to, branch, from, to, branch, rest);
	return text;
}

static void to_group(const char *branch, const char *rest)
{
	hop_sends(message(branch, "\"A\" <sip:alice@example.test>", "bob@example.test", rest));
}

static int open_with(void **state, const char *more)
{
	(void)state;
	kernel_reset();
	stage_open(more);
	return 0;
}

static int open_group(void **state)
{
	return open_with(state, GROUP);
}

static int open_uris(void **state)
{
	return open_with(state, URIS);
}

static void refused(const char *line)
{
	hop_gets();
	first_line_is(line);
	assert_string_equal(header("Warning", 0), "");
	silence();
}

/* RFC 5365 7.2 */
static void copy_is_for(const char *user, const char *call_id)
{
	char line[100];

	snprintf(line, sizeof(line), "MESSAGE sip:%s@example.test SIP/2.0", user);
	first_line_is(line);
	snprintf(line, sizeof(line), "<sip:%s@example.test>", user);
	assert_string_equal(header("To", 0), line);
	assert_memory_equal(header("From", 0), "\"A\" <sip:alice@example.test>;tag=", 33);
	assert_string_not_equal(header("From", 0) + 33, "f");
	assert_string_not_equal(header("Call-ID", 0), call_id);
	assert_string_equal(header("Via", 1), "");
	assert_string_equal(header("Max-Forwards", 0), "19");
	assert_string_equal(header("Contact", 0), "");
	assert_string_equal(header("Subject", 0), "s");
}

static void copies_to_members(void)
{
	static const char * const members[] = { "carol", "dave" };

	for (int i = 0; i < 2; i++) {
		hop_gets();
		copy_is_for(members[i], "1");
		assert_string_equal(header(LIST_HEADER, 0), "<bob@example.test>");
		assert_string_equal(header("P-Asserted-Identity", 0), "<sip:alice@example.test>");
		assert_string_equal(header("P-Asserted-Identity", 1), "");
		opens_to("Content-Mikey-Sender: <alice@example.test>; proved=body\r\n"
			 "Content-Type: text/plain\r\n\r\nhello");
		hop_sends(answer("200 OK"));
	}
}

/* F.3.3: opened with the group's own name, protected once, sent to each but the sender. */
static void group(void **state)
{
	(void)state;
	to_group("1", "P-Asserted-Identity: <sip:king@example.test>\r\n" MULTIPART(HELLO));
	kms_grants(1);
	assert_int_equal(kernel.identities, 1);
	assert_int_equal(kernel.list_services, 0);
	kms_grants(1);
	assert_string_equal(kernel.wanted,
			    "bob@example.test carol@example.test alice@example.test dave@example.test");
	assert_string_equal(kernel.protected_for, "bob@example.test");
	assert_false(kernel.list_service);
	assert_int_equal(kernel.protects, 1);
	copies_to_members();
	hop_gets();
	first_line_is("SIP/2.0 202 Accepted");
	assert_string_equal(header("Call-ID", 0), "1");
	assert_string_equal(header("Warning", 0), "");
	assert_int_equal(kernel.protects, 1);
	silence();
}

/* The next message has the same ticket; one that came again is not sent again. */
static void group_again(void **state)
{
	(void)state;
	kernel.mac = 7;
	to_group("1", MULTIPART(HELLO));
	kms_grants(2);
	copies_to_members();
	hop_gets();
	first_line_is("SIP/2.0 202 Accepted");
	kernel.unprotect = FAULT(-EALREADY, 1);
	to_group("2", MULTIPART(HELLO));
	kms_grants(1);
	hop_gets();
	assert_memory_equal(stage.got, "SIP/2.0 202 ", 12);
	silence();
	assert_int_equal(kernel.requests, 1);
	kernel.mac = 8;
	to_group("3", MULTIPART(HELLO));
	kms_grants(1);
	assert_int_equal(kms_waiting(), 0);
	hop_gets();
	first_line_is("MESSAGE sip:carol@example.test SIP/2.0");
	assert_int_equal(kernel.requests, 1);
	assert_int_equal(kernel.protects, 2);
}

static void group_in_annex_i(void **state)
{
	(void)state;
	stage.config->users[0].profile = MIKEY_PROFILE_ANNEX_I;
	to_group("1", MULTIPART(HELLO));
	kms_grants(2);
	assert_string_equal(kernel.wanted,
			    "carol@example.test alice@example.test dave@example.test");
	assert_true(kernel.list_service);
}

/* Who may send is told by the keys, and From has to say the same. */
static void group_senders(void **state)
{
	(void)state;
	hop_sends(message("1", "<sip:dave@example.test>", "bob@example.test", MULTIPART(HELLO)));
	kms_grants(1);
	refused("SIP/2.0 403 Forbidden");
	kernel.initiator = "mallory@example.test";
	hop_sends(message("2", "<sip:mallory@example.test>", "bob@example.test",
			  MULTIPART(HELLO)));
	kms_grants(1);
	refused("SIP/2.0 403 Forbidden");
	hop_sends(message("3", "<sip:mallory@example.test>, <sip:alice@example.test>",
			  "bob@example.test", MULTIPART(HELLO)));
	kms_grants(1);
	refused("SIP/2.0 403 Forbidden");
	assert_int_equal(kernel.requests, 0);
	stage_restart("list-server = ( { psi = \"bob@example.test\"; "
		      "members = \"dave@example.test\"; senders = [\"m?@example.test\"]; } );\n");
	hop_sends(message("4", "<sip:mallory@example.test>", "bob@example.test",
			  MULTIPART(HELLO)));
	kms_grants(2);
	hop_gets();
	first_line_is("MESSAGE sip:dave@example.test SIP/2.0");
}

/* RFC 3323: who does not want to be known is not named to the members. */
static void group_privacy(void **state)
{
	(void)state;
	hop_sends(message("1", "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
			  "bob@example.test", "Privacy: id\r\n"
			  "P-Asserted-Identity: <sip:alice@example.test>\r\n"
			  MULTIPART(HELLO)));
	kms_grants(2);
	hop_gets();
	first_line_is("MESSAGE sip:carol@example.test SIP/2.0");
	assert_memory_equal(header("From", 0),
			    "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=", 50);
	assert_string_equal(header("P-Asserted-Identity", 0), "");
	assert_string_equal(header("Subject", 0), "s");
	opens_to("Content-Type: text/plain\r\n\r\nhello");
	stage_restart(GROUP);
	to_group("2", "Privacy: user;id\r\ns: about alice\r\nReply-To: <sip:alice@example.test>\r\n"
		 MULTIPART(HELLO));
	kms_grants(2);
	hop_gets();
	assert_memory_equal(header("From", 0),
			    "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=", 50);
	assert_string_equal(header("Subject", 0), "");
	assert_null(strstr(stage.got, "alice"));
	stage_restart(GROUP);
	to_group("3", "Privacy: none\r\n" MULTIPART(HELLO));
	kms_grants(2);
	hop_gets();
	assert_string_equal(header("P-Asserted-Identity", 0), "<sip:alice@example.test>");
}

static void group_damaged(void **state)
{
	(void)state;
	kernel.unprotect = FAULT(-EBADMSG, 1);
	to_group("1", MULTIPART(HELLO));
	kms_grants(1);
	refused("SIP/2.0 493 Undecipherable");
	kernel.resolve = FAULT(-EADDRNOTAVAIL, 1);
	to_group("2", MULTIPART(HELLO));
	refused("SIP/2.0 493 Undecipherable");
	/* nothing would prove who sent it, whatever is let through to clients */
	stage.config->users[0].unprotected = UNPROTECTED_MARK;
	to_group("3", "Content-Type: text/plain\r\n\r\nhello");
	refused("SIP/2.0 488 Not Acceptable Here");
	to_group("4", TYPE "\r\n" PARTS(HELLO));
	refused("SIP/2.0 493 Undecipherable");
	assert_int_equal(kernel.requests, 0);
}

/* The sender is told how many, and not who. */
static void group_not_reached(void **state)
{
	(void)state;
	to_group("1", MULTIPART(HELLO));
	kms_grants(2);
	hop_gets();
	hop_sends(answer("200 OK"));
	hop_gets();
	first_line_is("MESSAGE sip:dave@example.test SIP/2.0");
	hop_sends(answer("493 Undecipherable"));
	hop_gets();
	first_line_is("SIP/2.0 202 Accepted");
	assert_string_equal(header("Warning", 0), "399 mikeyd \"not delivered to 1 of 2\"");
	to_group("2", MULTIPART(HELLO));
	kms_grants(1);
	for (int i = 0; i < 2; i++) {
		hop_gets();
		hop_sends(answer("404 Not Found"));
	}
	hop_gets();
	first_line_is("SIP/2.0 480 Temporarily Unavailable");
}

/* What the list server cannot do is no fault of the message's. */
static void group_cannot_be_sealed(void **state)
{
	(void)state;
	to_group("1", MULTIPART(HELLO));
	kms_grants(1);
	kms_fails(-EREMOTEIO, "KMS error 5: no");
	refused("SIP/2.0 500 Server Internal Error");
	to_group("2", MULTIPART(HELLO));
	kms_grants(1);
	kms_fails(-EHOSTUNREACH, "gone");
	hop_gets();
	first_line_is("SIP/2.0 503 Service Unavailable");
	assert_string_equal(header("Retry-After", 0), "30");
	silence();
}

static void write_members(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Whoever is taken out of the file gets nothing any more, without a restart. */
static void group_from_a_file(void **state)
{
	char path[64], more[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/members", stage.state_dir);
	snprintf(more, sizeof(more), "list-server = ( { psi = \"bob@example.test\"; "
		 "members-file = \"%s\"; senders = \"?@example.test\"; } );\n", path);
	write_members(path, "# team\n\n  carol@example.test \r\ndave@example.test\n");
	stage_restart(more);
	to_group("1", MULTIPART(HELLO));
	kms_grants(2);
	for (int i = 0; i < 2; i++) {
		hop_gets();
		hop_sends(answer("200 OK"));
	}
	hop_gets();
	first_line_is("SIP/2.0 202 Accepted");
	write_members(path, "dave@example.test\n");
	to_group("2", MULTIPART(HELLO));
	kms_grants(2);
	assert_string_equal(kernel.wanted, "bob@example.test dave@example.test");
	hop_gets();
	first_line_is("MESSAGE sip:dave@example.test SIP/2.0");
	hop_sends(answer("200 OK"));
	hop_gets();
	first_line_is("SIP/2.0 202 Accepted");
	write_members(path, "dave@example.test\nnobody\n");
	to_group("3", MULTIPART(HELLO));
	kms_grants(1);
	refused("SIP/2.0 503 Service Unavailable");
	write_members(path, "alice@example.test\n");
	to_group("4", MULTIPART(HELLO));
	kms_grants(1);
	refused("SIP/2.0 480 Temporarily Unavailable");
}

static void loops(void **state)
{
	(void)state;
	to_group("1", LIST_HEADER ": <x@example.test>, <bob@EXAMPLE.test>\r\n" MULTIPART(HELLO));
	refused("SIP/2.0 482 Loop Detected");
	to_group("2", LIST_HEADER ": <1@x>,<2@x>,<3@x>,<4@x>,<5@x>,<6@x>,<7@x>,<8@x>\r\n"
		 MULTIPART(HELLO));
	refused("SIP/2.0 482 Loop Detected");
	assert_int_equal(kernel.resolves, 0);
	to_group("3", LIST_HEADER ": <x@example.test>\r\n" MULTIPART(HELLO));
	kms_grants(2);
	hop_gets();
	assert_string_equal(header(LIST_HEADER, 0), "<bob@example.test>");
	assert_string_equal(header(LIST_HEADER, 1), "<x@example.test>");
}

/* RFC 3428 8: none to a URI while one to it has no answer. */
static void one_at_a_time(void **state)
{
	char first[2][2048];

	(void)state;
	to_group("1", MULTIPART(HELLO));
	kms_grants(2);
	for (int i = 0; i < 2; i++) {
		snprintf(first[i], sizeof(first[i]), "%s", hop_gets());
		/* it is not repeated meanwhile (RFC 3261 17.1.2.2) */
		hop_answers("100 Trying");
	}
	to_group("2", MULTIPART("!" HELLO));
	kms_grants(1);
	silence();
	strcpy(stage.got, first[1]);
	hop_sends(answer("200 OK"));
	hop_gets();
	first_line_is("MESSAGE sip:dave@example.test SIP/2.0");
	silence();
	strcpy(stage.got, first[0]);
	hop_sends(answer("200 OK"));
	for (int i = 0; i < 2; i++) {
		hop_gets();
		if (!strncmp(stage.got, "MESSAGE", 7))
			first_line_is("MESSAGE sip:carol@example.test SIP/2.0");
		else
			assert_string_equal(header("Call-ID", 0), "1");
	}
}

/* Whatever is under way when mikeyd ends, the sender has an answer. */
static void ends_meanwhile(void **state)
{
	(void)state;
	to_group("1", MULTIPART(HELLO));
	kms_grants(1);
	stage_restart(GROUP);
	assert_int_equal(kms_waiting(), 0);
	to_group("2", MULTIPART(HELLO));
	kms_grants(2);
	hop_gets();
	stage_restart(GROUP);
	silence();
}

/* ---- URI-lists */

#define RL_HEAD "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists' " \
	"xmlns:c='urn:ietf:params:xml:ns:copycontrol'><list>"
#define E(user, control) "<entry uri='sip:" user "@example.test' c:copyControl='" control "'/>"
#define ANON(user, control) "<entry uri='sip:" user "@example.test' c:copyControl='" control \
	"' c:anonymize='true'/>"
#define LIST_PART(entries) "--b\r\nContent-Type: application/resource-lists+xml\r\n" \
	"Content-Disposition: recipient-list\r\n\r\n" RL_HEAD entries "</list></resource-lists>\r\n"
#define REQUIRE "Require: x, recipient-list-message\r\n"
#define HISTORY(entries) "--b\r\nContent-Type: application/resource-lists+xml\r\n" \
	"Content-Disposition: recipient-list-history; handling=optional\r\n\r\n" \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n" \
	"<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"\r\n" \
	" xmlns:cp=\"urn:ietf:params:xml:ns:copycontrol\">\r\n<list>\r\n" entries \
	"</list>\r\n</resource-lists>\r\n\r\n"
#define H(user, control) "<entry uri=\"sip:" user "@example.test\" cp:copyControl=\"" control \
	"\"/>\r\n"
#define HA(control, count) "<entry uri=\"sip:anonymous@anonymous.invalid\" cp:copyControl=\"" \
	control "\" cp:count=\"" count "\"/>\r\n"

static void to_list(const char *branch, const char *rest)
{
	hop_sends(message(branch, "\"A\" <sip:alice@example.test>", "list@example.test", rest));
}

/* F.3.4: no key is used; all but the list's part goes on byte for byte. */
static void uris(void **state)
{
	static const char * const users[] = { "carol", "dave" };

	(void)state;
	to_list("1", REQUIRE TYPE "\r\npreamble\r\n" LIST_PART(E("carol", "to") E("dave", "cc"))
		PARTS(HELLO) "--b--\r\nepilogue");
	for (int i = 0; i < 2; i++) {
		hop_gets();
		copy_is_for(users[i], "1");
		assert_string_equal(header("Require", 0), "x");
		assert_string_equal(header(LIST_HEADER, 0), "<list@example.test>");
		assert_string_equal(header("Content-Type", 0), "multipart/mixed;boundary=b");
		assert_string_equal(body(), "preamble\r\n" HISTORY(H("carol", "to") H("dave", "cc"))
				    PARTS(HELLO) "--b--\r\nepilogue");
		hop_sends(answer("200 OK"));
	}
	hop_gets();
	first_line_is("SIP/2.0 202 Accepted");
	assert_int_equal(kernel.resolves, 0);
	assert_int_equal(kernel.requests, 0);
	silence();
}

/* RFC 5365 7.2: an asserted identity stays within the domain of trust. */
static void uris_identity(void **state)
{
	static const char * const configs[] = {
		URIS, URIS "trusted = \"192.0.2.0/24\";\n", URIS "trusted = \"none\";\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		stage_restart(configs[i]);
		to_list("1", REQUIRE "P-Asserted-Identity: <sip:alice@example.test>\r\n" TYPE "\r\n"
			LIST_PART(E("carol", "bcc")) PARTS(HELLO) "--b--\r\n");
		hop_gets();
		assert_string_equal(header("P-Asserted-Identity", 0),
				    i ? "" : "<sip:alice@example.test>");
	}
}

/* RFC 5364 6, figures 3 and 4 */
static void history(void **state)
{
	struct bytes document, part;
	struct recipients recipients;
	struct problem problem;
	static const char text[] = RL_HEAD E("bill", "to") ANON("randy", "to") ANON("eddy", "to")
		E("joe", "cc") ANON("carol", "cc") E("ted", "bcc")
		"<entry uri='sip:t&amp;u@x' c:copyControl='to'/></list></resource-lists>";
	static const char secret[] = RL_HEAD E("ted", "bcc") "</list></resource-lists>";
	static const char wanted[] = HISTORY(H("bill", "to")
		"<entry uri=\"sip:t&amp;u@x\" cp:copyControl=\"to\"/>\r\n" HA("to", "2")
		H("joe", "cc") HA("cc", "1"));

	(void)state;
	document = (struct bytes){ .data = (uint8_t *)text, .len = sizeof(text) - 1 };
	assert_int_equal(recipients_read(&recipients, &document, &problem), 0);
	assert_int_equal(history_build(&part, &recipients), 0);
	assert_int_equal(part.len, sizeof(wanted) - 1 - strlen("--b\r\n") - strlen("\r\n"));
	assert_memory_equal(part.data, wanted + strlen("--b\r\n"), part.len);
	bytes_wipe(&part);
	recipients_free(&recipients);
	document = (struct bytes){ .data = (uint8_t *)secret, .len = sizeof(secret) - 1 };
	assert_int_equal(recipients_read(&recipients, &document, &problem), 0);
	assert_int_equal(history_build(&part, &recipients), 0);
	assert_int_equal(part.len, 0);
	recipients_free(&recipients);
}

/* Nobody is told of "bcc"; where nobody is left to tell of, there is no history. */
static void uris_hidden(void **state)
{
	(void)state;
	to_list("1", REQUIRE TYPE "\r\n" PARTS(HELLO)
		LIST_PART(E("carol", "bcc") ANON("dave", "to") E("carol", "bcc")) "--b--\r\n");
	for (int i = 0; i < 2; i++) {
		hop_gets();
		assert_string_equal(body(), PARTS(HELLO) HISTORY(HA("to", "1")) "--b--\r\n");
		hop_sends(answer("200 OK"));
	}
	hop_gets();
	first_line_is("SIP/2.0 202 Accepted");
	to_list("2", REQUIRE TYPE "\r\n" PARTS(HELLO) LIST_PART(E("carol", "bcc")) "--b--\r\n");
	hop_gets();
	first_line_is("MESSAGE sip:carol@example.test SIP/2.0");
	assert_string_equal(body(), PARTS(HELLO) "--b--\r\n");
}

#define PLAIN REQUIRE TYPE "\r\n" LIST_PART(E("carol", "bcc")) "--b\r\n\r\nplain\r\n--b--\r\n"

/* RFC 5365 7.3: what is left alone needs no multipart. */
static void uris_unwrapped(void **state)
{
	(void)state;
	stage.config->users[0].unprotected = UNPROTECTED_MARK;
	to_list("1", REQUIRE TYPE "\r\n--b\r\nContent-Type: text/html\r\nX: y\r\n\r\n<b>\r\n"
		LIST_PART(E("carol", "bcc")) "--b--\r\n");
	hop_gets();
	assert_string_equal(header("Content-Type", 0), "text/html");
	assert_string_equal(header("Content-Type", 1), "");
	assert_string_equal(header("X", 0), "");
	assert_string_equal(body(), "<b>");
	hop_sends(answer("200 OK"));
	hop_gets();
	to_list("2", PLAIN);
	hop_gets();
	assert_string_equal(header("Content-Type", 0), "text/plain");
	assert_string_equal(body(), "plain");
	hop_sends(answer("200 OK"));
	hop_gets();
	/* a part without content has no empty line, and stays where it is */
	to_list("b", REQUIRE TYPE "\r\n" LIST_PART(E("carol", "bcc"))
		"--b\r\nContent-Type: text/html\r\n\r\n--b--\r\n");
	hop_gets();
	assert_string_equal(body(), "--b\r\nContent-Type: text/html\r\n\r\n--b--\r\n");
	hop_sends(answer("200 OK"));
	hop_gets();
	/* as the configuration wants it for everything else */
	stage.config->users[0].unprotected = UNPROTECTED_REFUSE;
	to_list("3", PLAIN);
	refused("SIP/2.0 488 Not Acceptable Here");
}

/* A history that the service protects: for those it names, and only they get it. */
static void uris_history_protected(void **state)
{
	const char *at;

	(void)state;
	stage_restart("list-server = ( { uri-list = \"bob@example.test\"; "
		      "history = \"protect\"; senders = [\"?@example.test\"]; "
		      "recipients = [\"?@example.test\"]; } );\n");
	stage.mikeyd.next_hop.tp = SIP_TRANSP_TCP;
	hop_sends(message("1", "<sip:alice@example.test>", "bob@example.test", REQUIRE TYPE "\r\n"
			  PARTS(HELLO) LIST_PART(E("carol", "bcc") E("dave", "to")) "--b--\r\n"));
	kms_grants(1);
	assert_string_equal(kernel.wanted, "bob@example.test dave@example.test");
	assert_string_equal(kernel.protected_for, "bob@example.test");
	hop_gets_tcp();
	first_line_is("MESSAGE sip:carol@example.test SIP/2.0");
	assert_string_equal(body(), PARTS(HELLO) "--b--\r\n");
	hop_gets_tcp();
	first_line_is("MESSAGE sip:dave@example.test SIP/2.0");
	assert_memory_equal(body(), PARTS(HELLO) "--b\r\nContent-Type: multipart/mixed;",
			    strlen(PARTS(HELLO)) + 35);
	assert_null(strstr(body(), "carol"));
	at = strstr(body(), "Disposition: recipient-list-history; handling=optional\r\n\r\n");
	assert_non_null(at);
	/* TRANSFER_INIT of the service's own */
	assert_non_null(strstr(at, "VFJBTlNGRVJfSU5JVA=="));
	assert_null(strstr(at, "dave"));
}

static void uris_refused(void **state)
{
	static const struct {
		const char *rest, *line;
	} cases[] = {
		{ TYPE "\r\n" PARTS(HELLO) LIST_PART(E("carol", "to")) "--b--\r\n",
		  "SIP/2.0 400 Bad Request" },
		{ REQUIRE MULTIPART(HELLO), "SIP/2.0 400 Bad Request" },
		{ REQUIRE TYPE "\r\n" PARTS(HELLO) LIST_PART("<entry uri='tel:+49'/>") "--b--\r\n",
		  "SIP/2.0 400 Bad Request" },
		{ REQUIRE TYPE "\r\n" PARTS(HELLO)
		  LIST_PART("<entry uri='sip:a@elsewhere.test'/>") "--b--\r\n",
		  "SIP/2.0 403 Forbidden" },
		{ REQUIRE TYPE "\r\n" PARTS(HELLO) "--b\r\nContent-Type: text/plain\r\n"
		  "Content-Disposition: recipient-list\r\n\r\nsip:x@y\r\n--b--\r\n",
		  "SIP/2.0 415 Unsupported Media Type" },
		{ REQUIRE LIST_HEADER ": <list@example.test>\r\n" TYPE "\r\n" PARTS(HELLO)
		  LIST_PART(E("carol", "to")) "--b--\r\n", "SIP/2.0 482 Loop Detected" },
	};
	char branch[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(branch, sizeof(branch), "r%zu", i);
		to_list(branch, cases[i].rest);
		refused(cases[i].line);
	}
	hop_sends(message("9", "<sip:alice@elsewhere.test>", "list@example.test", REQUIRE TYPE
			  "\r\n" PARTS(HELLO) LIST_PART(E("carol", "to")) "--b--\r\n"));
	refused("SIP/2.0 403 Forbidden");
}

/* ---- what a list server says of the sender */

static void sender(void **state)
{
	static const struct {
		const char *text;
		bool there;
	} cases[] = {
		{ "Content-Mikey-Sender: <a@x>; proved=body\r\n\r\nx", true },
		{ "Content-Mikey-Sender: <a@x>; proved=recipient\r\n", true },
		{ "Content-Type: a/b\r\nContent-Mikey-Sender: <a@x>; proved=body\r\n\r\nx", false },
		{ "Content-Mikey-Sender: <a@x>; proved=all\r\n\r\nx", false },
		{ "Content-Mikey-Sender: <a@x>; proved=body", false },
		{ "Content-Mikey-Sender: <a>; proved=body\r\n", false },
		{ "Content-Mikey-Sender: <a@x", false },
		{ "", false },
	};
	struct sender sender;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct bytes entity = {
			.data = (uint8_t *)cases[i].text, .len = strlen(cases[i].text),
		};

		assert_int_equal(sender_read(&sender, &entity), cases[i].there);
		if (cases[i].there)
			assert_string_equal(sender.uid.text, "a@x");
	}
}

int main(void)
{
#define GROUP_TEST(test) cmocka_unit_test_setup_teardown(test, open_group, stage_teardown)
#define URIS_TEST(test) cmocka_unit_test_setup_teardown(test, open_uris, stage_teardown)
	const struct CMUnitTest tests[] = {
		GROUP_TEST(group),
		GROUP_TEST(group_again),
		GROUP_TEST(group_in_annex_i),
		GROUP_TEST(group_senders),
		GROUP_TEST(group_privacy),
		GROUP_TEST(group_damaged),
		GROUP_TEST(group_not_reached),
		GROUP_TEST(group_cannot_be_sealed),
		GROUP_TEST(group_from_a_file),
		GROUP_TEST(loops),
		GROUP_TEST(one_at_a_time),
		GROUP_TEST(ends_meanwhile),
		URIS_TEST(uris),
		URIS_TEST(uris_identity),
		cmocka_unit_test(history),
		URIS_TEST(uris_hidden),
		URIS_TEST(uris_unwrapped),
		URIS_TEST(uris_history_protected),
		URIS_TEST(uris_refused),
		cmocka_unit_test(sender),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
