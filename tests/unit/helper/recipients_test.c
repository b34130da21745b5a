// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of recipients (RFC 4826, RFC 5364) read, and what may be seen of them. */
#include "tests/unit/helper/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "helper/mikeyd/recipients.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n" \
	"<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"\r\n" \
	"	xmlns:cp=\"urn:ietf:params:xml:ns:copycontrol\">\r\n"
#define TAIL "</resource-lists>\r\n"
#define LIST(entries) HEAD "<list>" entries "</list>\n" TAIL
#define TO(uri) "<entry uri=\"" uri "\" cp:copyControl=\"to\"/>"
#define CC(uri) "<entry uri=\"" uri "\" cp:copyControl=\"cc\" />"
#define BCC(uri) "<entry uri=\"" uri "\" cp:copyControl=\"bcc\"></entry>"
#define ANON(uri) "<entry uri='" uri "' cp:anonymize='true' cp:copyControl='to'/>"

#define COUNTED "<entry cp:count='2' uri='sip:a@x' cp:copyControl='to' cp:anonymize='0'/>"

static int read_bytes(struct recipients *recipients, const char *text, size_t len,
		      struct problem *problem)
{
	struct bytes document = { .data = (uint8_t *)text, .len = len };

	problem->words[0] = '\0';
	return recipients_read(recipients, &document, problem);
}

/* Who is there, those hidden in brackets; and what may be seen. */
static void reads(const char *document, const char *expected, const char *shown)
{
	struct recipients recipients;
	struct problem problem;
	char who[1024] = "";
	size_t at = 0;

	if (read_bytes(&recipients, document, strlen(document), &problem))
		fail_msg("%s", problem.words);
	for (unsigned int i = 0; i < recipients.count; i++)
		at += snprintf(who + at, sizeof(who) - at, recipients.all[i].hidden ?
			       "[%s]" : "(%s)", recipients.all[i].uid.text);
	assert_string_equal(who, expected);
	assert_int_equal(recipients.shown.len, strlen(shown));
	assert_memory_equal(recipients.shown.data, shown, strlen(shown));
	assert_int_equal(recipients.changed, strcmp(document, shown) != 0);
	recipients_free(&recipients);
}

static void refused(int error, const char *document, const char *words)
{
	struct recipients recipients;
	struct problem problem;

	assert_int_equal(read_bytes(&recipients, document, strlen(document), &problem), error);
	assert_null(recipients.all);
	assert_null(recipients.shown.data);
	if (!strstr(problem.words, words))
		fail_msg("\"%s\" is not in \"%s\"", words, problem.words);
}

/* RFC 5364 6, figure 3 */
static void example_of_the_rfc(void **state)
{
	static const char start[] = HEAD "  <list>\n"
		"    <entry uri=\"sip:bill@example.com\" cp:copyControl=\"to\" />\n    ";
	static const char randy[] = "<entry uri=\"sip:randy@example.net\" cp:copyControl=\"to\"\n"
		"\t\tcp:anonymize=\"true\"/>";
	static const char joe[] = "\n"
		"    <entry uri=\"sip:joe@example.org\" cp:copyControl=\"cc\" />\n    ";
	static const char ted[] =
		"<entry uri=\"sip:ted@example.net\" cp:copyControl=\"bcc\" />";
	static const char who[] =
		"(bill@example.com)[randy@example.net](joe@example.org)[ted@example.net]";
	char document[2048], shown[2048];

	(void)state;
	snprintf(document, sizeof(document), "%s%s%s%s\n</list>" TAIL, start, randy, joe, ted);
	snprintf(shown, sizeof(shown), "%s%s\n</list>" TAIL, start, joe);
	reads(document, who, shown);
}

/* RFC 5364 4: a missing copyControl is "bcc", a missing anonymize "false". */
static void missing_attributes(void **state)
{
	(void)state;
	reads(LIST("<entry uri='sip:a@x'/>"), "[a@x]", LIST(""));
	reads(LIST("<entry uri='sip:a@x'/>" TO("sip:b@x")), "[a@x](b@x)", LIST(TO("sip:b@x")));
	/* an attribute of no namespace is another one */
	reads(LIST("<entry uri='sip:a@x' copyControl='to'/>"), "[a@x]", LIST(""));
	reads(LIST(COUNTED), "(a@x)", LIST(COUNTED));
	reads(LIST("<entry uri='sip:a@x' cp:copyControl='cc' cp:anonymize=' 1 '/>"), "[a@x]",
	      LIST(""));
	refused(-EBADMSG, LIST("<entry uri='sip:a@x' cp:copyControl='TO'/>"), "none of to, cc");
	refused(-EBADMSG, LIST("<entry uri='sip:a@x' cp:copyControl=''/>"), "none of to, cc");
	refused(-EBADMSG, LIST("<entry uri='sip:a@x' cp:anonymize='yes'/>"), "neither true");
	refused(-EBADMSG, LIST("<entry uri='sip:a@x' cp:anonymize='true false'/>"), "neither true");
	refused(-EBADMSG, LIST("<entry uri='sip:a@x' cp:anonymize=''/>"), "neither true");
	refused(-EBADMSG, HEAD "<list cp:copyControl='to'>" TO("sip:a@x") "</list>" TAIL,
		"in entries only");
}

/* RFC 5364 4: to before cc before bcc, each recipient once. */
static void duplicates(void **state)
{
	(void)state;
	reads(LIST(TO("sip:a@x") CC("sip:a@X:5060;transport=tcp")), "(a@x)",
	      LIST(TO("sip:a@x") CC("sip:a@X:5060;transport=tcp")));
	reads(LIST(BCC("sip:a@x") CC("sip:%61@x")), "(a@x)", LIST(CC("sip:%61@x")));
	reads(LIST(CC("sip:a@x") BCC("sip:a@x") TO("sip:b@x")), "(a@x)(b@x)",
	      LIST(CC("sip:a@x") TO("sip:b@x")));
	/* who is anonymous once is not shown elsewhere */
	reads(LIST(TO("sip:a@x") ANON("sip:a@x") TO("sip:b@x")), "[a@x](b@x)", LIST(TO("sip:b@x")));
	/* "bcc" sets anonymize aside */
	reads(LIST(TO("sip:a@x") "<entry uri='sip:a@x' cp:anonymize='true'/>"), "(a@x)",
	      LIST(TO("sip:a@x")));
}

/* RFC 4826 3.1: lists in lists are there to be read; what others add is skipped. */
static void shapes(void **state)
{
	static const char many[] = HEAD "<list name='a'>" TO("sip:a@x")
		"<display-name xml:lang='de'>&lt;entry&gt;</display-name><list>" TO("sip:b@x")
		"</list></list><list>" TO("sip:c@x") "</list>" TAIL;
	static const char foreign[] = LIST("<entry uri='sip:a@x' cp:copyControl='to'>\n"
		"<display-name>A</display-name>\n"
		"<o:entry xmlns:o='urn:o' uri='sip:b@x'><o:x/></o:entry>\n"
		"</entry><o:x xmlns:o='urn:o'/><!-- " TO("sip:c@x") " --><![CDATA[<entry/>]]>");
	static const char prefixed[] =
		"<r:resource-lists xmlns:r='urn:ietf:params:xml:ns:resource-lists'\n"
		"xmlns:q='urn:ietf:params:xml:ns:copycontrol'><r:list>\n"
		"<r:entry q:copyControl='to' uri='sips:a@x'/></r:list></r:resource-lists>";
	static const char inside[] = LIST(TO("sip:b@x")
		"<entry uri='sip:a@x'><display-name>\303\244</display-name></entry>" CC("sip:c@x"));

	(void)state;
	reads(many, "(a@x)(b@x)(c@x)", many);
	reads(foreign, "(a@x)", foreign);
	reads(prefixed, "(a@x)", prefixed);
	reads(inside, "(b@x)[a@x](c@x)", LIST(TO("sip:b@x") CC("sip:c@x")));
}

static void utf16(void **state)
{
	static const char text[] =
		"<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'\n"
		"xmlns:cp='urn:ietf:params:xml:ns:copycontrol'><list>"
		TO("sip:a@x") "|<entry uri='sip:b@x'/>|</list></resource-lists>";
	char document[1024] = "\377\376", shown[1024] = "\377\376";
	size_t len = 2, shown_len = 2;
	struct recipients recipients;
	struct problem problem;
	bool cut = false;

	(void)state;
	for (const char *c = text; *c; c++) {
		if (*c == '|') {
			cut = !cut;
			continue;
		}
		document[len++] = *c;
		document[len++] = 0;
		if (cut)
			continue;
		shown[shown_len++] = *c;
		shown[shown_len++] = 0;
	}
	assert_int_equal(read_bytes(&recipients, document, len, &problem), 0);
	assert_int_equal(recipients.count, 2);
	assert_int_equal(recipients.shown.len, shown_len);
	assert_memory_equal(recipients.shown.data, shown, shown_len);
	recipients_free(&recipients);
}

/* RFC 5365 6: recipients that stand elsewhere cannot be resolved here. */
static void elsewhere(void **state)
{
	(void)state;
	refused(-EBADMSG, LIST("<entry-ref ref='resource-lists/users/x'/>"), "(entry-ref)");
	refused(-EBADMSG, LIST("<external anchor='http://x/'/>"), "(external)");
	refused(-EBADMSG, LIST(TO("sip:a@x") "<external anchor='http://x/'/>"), "(external)");
	refused(-EBADMSG, HEAD "<external anchor='http://x/'/>" TAIL, "(external)");
}

static void misshapen(void **state)
{
	(void)state;
	refused(-EBADMSG, "", "line 1");
	refused(-EBADMSG, "hello", "line 1");
	refused(-EBADMSG, HEAD, "line 4");
	refused(-EBADMSG, LIST("<o:x xmlns:o='urn:o'>"), "mismatched tag");
	refused(-EBADMSG, LIST("") "<x/>", "junk after");
	refused(-EBADMSG, LIST(""), "empty");
	refused(-EBADMSG, HEAD TAIL, "empty");
	refused(-EBADMSG, "<resource-lists/>", "no resource list");
	refused(-EBADMSG, "<list xmlns='urn:ietf:params:xml:ns:resource-lists'/>",
		"no resource list");
	refused(-EBADMSG, HEAD TO("sip:a@x") TAIL, "misplaced element entry");
	refused(-EBADMSG, LIST("<entry uri='sip:a@x'>" TO("sip:b@x") "</entry>"),
		"misplaced element entry");
	/* no recipient hides where it would be skipped */
	refused(-EBADMSG, LIST("<o:x xmlns:o='urn:o'>" TO("sip:b@x") "</o:x>"),
		"misplaced element entry");
	refused(-EBADMSG, LIST("<o:x xmlns:o='urn:o'><list/></o:x>"), "misplaced element list");
	refused(-EBADMSG, LIST("<new/>"), "misplaced element new");
	refused(-EBADMSG, LIST("\377"), "not well-formed");
	refused(-EBADMSG, "<?xml version='1.0' encoding='x-own'?><a/>", "encoding");
}

/* RFC 3261 19.1.1, 25.1; nothing that would end the URI, or the header. */
static void uris(void **state)
{
	(void)state;
	refused(-EBADMSG, LIST("<entry cp:copyControl='to'/>"), "without a URI");
	refused(-EBADMSG, LIST(TO("")), "malformed");
	refused(-EBADMSG, LIST(TO("sip:a@x;y&#13;&#10;Evil: 1")), "malformed");
	refused(-EBADMSG, LIST(TO("sip:a@x&gt;")), "malformed");
	refused(-EBADMSG, LIST(TO("&lt;sip:a@x&gt;")), "malformed");
	refused(-EBADMSG, LIST(TO("sip:a b@x")), "malformed");
	refused(-EBADMSG, LIST(TO("sip:\303\244@x")), "malformed");
	refused(-EBADMSG, LIST(TO("sip:a%4@x")), "malformed");
	refused(-EPROTONOSUPPORT, LIST(TO("tel:+4930")), "tel:+4930");
	refused(-EPROTONOSUPPORT, LIST(TO("sip:example.com")), "no sip: or sips: URI of a user");
	reads(LIST(TO("sip:a@x?Accept-Contact=*%3bmobility%3d%22mobile%22")), "(a@x)",
	      LIST(TO("sip:a@x?Accept-Contact=*%3bmobility%3d%22mobile%22")));
}

/* No entities: neither a billion of them, nor one from a file. */
static void document_types(void **state)
{
	(void)state;
	refused(-EBADMSG, "<!DOCTYPE a [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><a>&b;</a>",
		"document type");
	refused(-EBADMSG, "<!DOCTYPE resource-lists SYSTEM 'file:///etc/passwd'>" LIST(TO("sip:a@x")),
		"document type");
	refused(-EBADMSG, LIST("&a;"), "undefined entity");
}

static void limits(void **state)
{
	char *document = malloc(RECIPIENTS_DOCUMENT_MAX + 1024), *to;
	struct recipients recipients;
	struct problem problem;
	size_t len;

	(void)state;
	for (int n = RECIPIENTS_MAX; n <= RECIPIENTS_MAX + 1; n++) {
		to = document + sprintf(document, HEAD "<list>");
		for (int i = 0; i < n; i++)
			to += sprintf(to, TO("sip:user%d@example.test"), i);
		strcpy(to, "</list>" TAIL);
		if (n > RECIPIENTS_MAX) {
			refused(-E2BIG, document, "more than 256");
			continue;
		}
		assert_int_equal(read_bytes(&recipients, document, strlen(document), &problem), 0);
		assert_int_equal(recipients.count, RECIPIENTS_MAX);
		recipients_free(&recipients);
	}
	for (int n = 15; n <= 16; n++) {
		to = document + sprintf(document, HEAD);
		for (int i = 0; i < n; i++)
			to += sprintf(to, "<list>");
		to += sprintf(to, n == 15 ? "" : TO("sip:b@x"));
		for (int i = 0; i < n; i++)
			to += sprintf(to, "</list>%s", i == n - 2 ? TO("sip:a@x") : "");
		strcpy(to, TAIL);
		if (n == 15)
			reads(document, "(a@x)", document);
		else
			refused(-E2BIG, document, "too deeply");
	}
	len = sprintf(document, LIST(TO("sip:a@x")));
	memset(document + len, '\n', RECIPIENTS_DOCUMENT_MAX + 1 - len);
	assert_int_equal(read_bytes(&recipients, document, RECIPIENTS_DOCUMENT_MAX, &problem), 0);
	recipients_free(&recipients);
	assert_int_equal(read_bytes(&recipients, document, RECIPIENTS_DOCUMENT_MAX + 1, &problem),
			 -E2BIG);
	free(document);
}

/* No prefix of a list is taken for it, and none reads past its end. */
static void every_truncation(void **state)
{
	static const char whole[] = LIST(TO("sip:a@x") BCC("sip:b@x") ANON("sip:c@x"));
	/* the last line end is no part of it */
	size_t most = sizeof(whole) - 3;
	struct recipients recipients;
	struct problem problem;

	(void)state;
	for (size_t len = 0; len < most; len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, whole, len);
		assert_int_equal(read_bytes(&recipients, copy, len, &problem), -EBADMSG);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_of_the_rfc),
		cmocka_unit_test(missing_attributes),
		cmocka_unit_test(duplicates),
		cmocka_unit_test(shapes),
		cmocka_unit_test(utf16),
		cmocka_unit_test(elsewhere),
		cmocka_unit_test(misshapen),
		cmocka_unit_test(uris),
		cmocka_unit_test(document_types),
		cmocka_unit_test(limits),
		cmocka_unit_test(every_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
