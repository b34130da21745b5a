// SPDX-License-Identifier: GPL-2.0-or-later
/* Protected bodies built and read (TS 33.328 Annex F.3, RFC 2046, RFC 5621). */
#include "tests/unit/helper/loop.h"

#include <errno.h>
#include <stdlib.h>

#include "helper/lib/mime.h"
#include "helper/mikeyd/multipart.h"

#define TRANSFER "Content-Type: application/mikey\r\n" \
	"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n"
#define CMS "Content-Type: application/pkcs7-mime; smime-type=auth-enveloped-data; " \
	"name=smime.p7m\r\n" \
	"Content-Transfer-Encoding: base64\r\n" \
	"Content-Disposition: attachment; filename=smime.p7m\r\n\r\nAwQF\r\n"
#define LIST "Content-Type: application/resource-lists+xml\r\n" \
	"Content-Disposition: recipient-list\r\n\r\n<x/>\r\n"
#define NEXT "--b\r\n"
#define END "--b--\r\n"
#define MIXED "multipart/mixed;boundary=b"

static enum multipart_kind parse_bytes(const char *type, const char *body, size_t len,
				       struct bytes *transfer, struct bytes *cms,
				       struct problem *problem)
{
	struct pl type_pl, body_pl = { .p = body, .l = len };

	pl_set_str(&type_pl, type);
	memset(transfer, 0, sizeof(*transfer));
	memset(cms, 0, sizeof(*cms));
	problem->words[0] = '\0';
	return multipart_parse(&type_pl, &body_pl, transfer, cms, problem);
}

/* It is protected and holds the bytes 0 1 2 and 3 4 5. */
static void protected(const char *type, const char *body)
{
	struct bytes transfer, cms;
	struct problem problem;

	assert_int_equal(parse_bytes(type, body, strlen(body), &transfer, &cms, &problem),
			 MULTIPART_PROTECTED);
	assert_int_equal(transfer.len, 3);
	assert_memory_equal(transfer.data, "\0\1\2", 3);
	assert_int_equal(cms.len, 3);
	assert_memory_equal(cms.data, "\3\4\5", 3);
	bytes_wipe(&transfer);
	bytes_wipe(&cms);
}

/* It is something else, with nothing left behind. */
static void other(enum multipart_kind kind, const char *type, const char *body,
		  const char *words)
{
	struct bytes transfer, cms;
	struct problem problem;

	assert_int_equal(parse_bytes(type, body, strlen(body), &transfer, &cms, &problem), kind);
	assert_null(transfer.data);
	assert_null(cms.data);
	if (!strstr(problem.words, words))
		fail_msg("\"%s\" is not in \"%s\"", words, problem.words);
}

static void what_is_built_is_read(void **state)
{
	uint8_t many[300];
	struct bytes transfer = { .data = (uint8_t *)"\0\1\2", .len = 3 }, in, out;
	struct bytes cms = { .data = many, .len = sizeof(many) };
	struct multipart multipart;
	struct problem problem;
	struct pl type, body;

	(void)state;
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i;
	for (uint32_t form = MIKEY_FORM_AUTH_ENVELOPED; form <= MIKEY_FORM_AUTHENTICATED; form++) {
		assert_int_equal(multipart_build(&multipart, &transfer, &cms, form, NULL), 0);
		assert_memory_equal(multipart.headers, "Content-Type: multipart/mixed;", 30);
		type.p = multipart.headers + 14;
		type.l = strlen(multipart.headers) - 16;
		pl_set_mbuf(&body, multipart.body);
		/* in this order, in lines a mail system could carry */
		assert_non_null(strstr((char *)multipart.body->buf, "application/mikey\r\n"));
		assert_int_equal(multipart_parse(&type, &body, &in, &out, &problem),
				 MULTIPART_PROTECTED);
		assert_int_equal(in.len, 3);
		assert_memory_equal(in.data, transfer.data, 3);
		assert_int_equal(out.len, sizeof(many));
		assert_memory_equal(out.data, many, sizeof(many));
		bytes_wipe(&in);
		bytes_wipe(&out);
		mem_deref(multipart.body);
	}
}

/* Every byte of what Annex F.3 shows. */
static void as_the_annex_writes_it(void **state)
{
	struct bytes transfer = { .data = (uint8_t *)"\0\1\2", .len = 3 };
	struct bytes cms = { .data = (uint8_t *)"\3\4\5", .len = 3 };
	struct multipart multipart;
	char boundary[40], expected[600];
	struct pl body;

	(void)state;
	assert_int_equal(multipart_build(&multipart, &transfer, &cms,
					 MIKEY_FORM_AUTH_ENVELOPED, NULL), 0);
	snprintf(boundary, sizeof(boundary), "%s", strchr(multipart.headers, '"') + 1);
	boundary[strcspn(boundary, "\"")] = '\0';
	snprintf(expected, sizeof(expected),
		 "Content-Type: multipart/mixed;boundary=\"%s\"\r\n", boundary);
	assert_string_equal(multipart.headers, expected);
	snprintf(expected, sizeof(expected), "--%s\r\n" TRANSFER "--%s\r\n" CMS "--%s--\r\n",
		 boundary, boundary, boundary);
	pl_set_mbuf(&body, multipart.body);
	assert_int_equal(body.l, strlen(expected));
	assert_memory_equal(body.p, expected, body.l);
	mem_deref(multipart.body);
}

/* A part that is not for the end terminal keeps its bytes and its place. */
static void open_parts(void **state)
{
	static const char list[] = "content-disposition: recipient-list\r\nX: y\r\n\r\n<x/>\0\r\n";
	struct bytes transfer = { .data = (uint8_t *)"\0\1\2", .len = 3 };
	struct bytes cms = { .data = (uint8_t *)"\3\4\5", .len = 3 };
	struct multipart_open open = { .part = { .p = list, .l = sizeof(list) - 1 } };
	struct multipart multipart;
	struct problem problem;
	struct pl type, body;
	struct bytes in, out;

	(void)state;
	for (int first = 0; first < 2; first++) {
		open.first = first;
		assert_int_equal(multipart_build(&multipart, &transfer, &cms,
						 MIKEY_FORM_AUTH_ENVELOPED, &open), 0);
		pl_set_mbuf(&body, multipart.body);
		/* "--", 32 characters of boundary, CRLF */
		assert_memory_equal(first ? body.p + 36 :
				    body.p + body.l - 40 - open.part.l, list, open.part.l);
		type.p = multipart.headers + 14;
		type.l = strlen(multipart.headers) - 16;
		assert_int_equal(multipart_parse(&type, &body, &in, &out, &problem),
				 MULTIPART_PROTECTED);
		bytes_wipe(&in);
		bytes_wipe(&out);
		mem_deref(multipart.body);
	}
}

static void any_order_and_headers(void **state)
{
	(void)state;
	protected(MIXED, NEXT TRANSFER NEXT CMS END);
	protected("multipart/mixed; boundary=\"b\"", NEXT CMS NEXT TRANSFER END);
	protected("Multipart/Mixed ;\r\n boundary=b",
		  NEXT LIST NEXT CMS NEXT LIST NEXT TRANSFER END);
	protected(MIXED, "a preamble\r\n" NEXT TRANSFER NEXT CMS END "an epilogue");
	/* parts without content, with headers or with nothing at all (RFC 2046 5.1.1) */
	protected(MIXED, NEXT TRANSFER NEXT "Content-Disposition: x;handling=optional\r\n\r\n"
		  NEXT CMS END);
	other(MULTIPART_UNKNOWN, MIXED, NEXT TRANSFER NEXT "\r\n" NEXT CMS END, "text/plain");
	/* no line end after the last boundary; white space after boundaries */
	protected(MIXED, "--b \r\n" TRANSFER "--b\t\r\n" CMS "--b--");
	protected(MIXED, NEXT "content-transfer-encoding: BASE64\r\n"
		  "CONTENT-TYPE:\r\n Application/MIKEY\r\nX-Other: x\r\n\r\n"
		  "AA\r\nEC\r\n" NEXT CMS END);
}

/* Boundaries of every kind (RFC 2046 5.1.1), comments and parameters (RFC 2045 5.1) */
static void as_others_write_it(void **state)
{
	static const char * const boundaries[] = {
		"b", "b b", "'()+_,-./:=?", "=_Part_1.2", "%62",
		"0123456789012345678901234567890123456789012345678901234567890123456789",
	};
	static const char * const types[] = {
		"multipart/mixed; boundary=\"b\";", "multipart/mixed (of two); boundary=b",
		"multipart/mixed;charset=utf-8;BOUNDARY=\"b\"; x=y",
		"multipart/mixed;boundary=\"\\b\"",
		"multipart/mixed\r\n\t;\r\n boundary=b", "MULTIPART/MIXED;type=\"a/b\";boundary=b",
	};
	static const char * const heads[] = {
		"Content-Type: application/mikey; charset=us-ascii\r\n",
		"Content-type: Application/Mikey (of RFC 3830)\r\n",
		"CONTENT-TYPE:application/mikey;\r\n\tname=\"a;b\"\r\n",
		"MIME-Version: 1.0\r\nContent-Description: x\r\nContent-Type: application/mikey\r\n"
		"Content-ID: <1@x>\r\nContent-Disposition: attachment ;filename=\"t;u\"\r\n",
	};
	char type[128], body[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++) {
		const char *b = boundaries[i];

		snprintf(type, sizeof(type), "multipart/mixed; boundary=\"%s\"", b);
		snprintf(body, sizeof(body), "--%s\r\n" TRANSFER "--%s\r\n" CMS "--%s--\r\n",
			 b, b, b);
		protected(type, body);
	}
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		protected(types[i], NEXT TRANSFER NEXT CMS END);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		snprintf(body, sizeof(body), NEXT "%sContent-Transfer-Encoding: base64\r\n\r\n"
			 "AAEC\r\n" NEXT CMS END, heads[i]);
		protected(MIXED, body);
	}
}

/* RFC 8551 3.2.2: smime-type is a hint; here it selects nothing. */
static void any_smime_type(void **state)
{
	static const char * const types[] = {
		"; smime-type=auth-enveloped-data", "; smime-type=authEnveloped-data",
		"; smime-type=authenticated-data", "; smime-type=\"enveloped-data\"",
		"; SMIME-TYPE=what", "; name=smime.p7m", "",
	};
	char body[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		snprintf(body, sizeof(body), NEXT TRANSFER NEXT
			 "Content-Type: application/pkcs7-mime%s\r\n"
			 "Content-Transfer-Encoding: base64\r\n\r\nAwQF\r\n" END, types[i]);
		protected(MIXED, body);
	}
}

/* RFC 2045 section 6, RFC 5621 3.2 */
static void any_transfer_encoding(void **state)
{
	static const char * const parts[] = {
		"base64\r\n\r\nA\r\nwQ\r\nF", "BASE64 (of three bytes)\r\n\r\n AwQF \r\n\r\n",
		"binary\r\n\r\n\3\4\5", "8bit\r\n\r\n\3\4\5", "7bit\r\n\r\n\3\4\5",
		"quoted-printable\r\n\r\n=03=\r\n=04\5", "base64\r\nX:\r\n\t\r\n\r\nAwQF",
	};
	char body[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(body, sizeof(body), NEXT TRANSFER NEXT
			 "Content-Type: application/pkcs7-mime\r\n"
			 "Content-Transfer-Encoding: %s\r\n" END, parts[i]);
		protected(MIXED, body);
	}
}

/*
 * What is beside the protected parts is not protected and goes nowhere. A part
 * is required if it does not say otherwise (RFC 5621 8.3).
 */
static void other_parts(void **state)
{
#define OTHER(head) NEXT TRANSFER NEXT head "\r\n\r\nhello\r\n" NEXT CMS END
	(void)state;
	protected(MIXED, OTHER("Content-Disposition: recipient-list-history; handling=optional"));
	protected(MIXED, OTHER("Content-Type: application/resource-lists+xml\r\n"
			       "Content-Disposition: Recipient-List-History"));
	protected(MIXED, OTHER("Content-Type: application/resource-lists+xml;charset=\"UTF-8\"\r\n"
			       "Content-Disposition: recipient-list (of two); x=\"y\""));
	protected(MIXED, OTHER("Content-Type: text/plain\r\n"
			       "Content-Disposition: render;HANDLING=\"Optional\""));
	other(MULTIPART_UNKNOWN, MIXED, OTHER("Content-Type: text/html"), "text/html");
	other(MULTIPART_UNKNOWN, MIXED, OTHER(""), "text/plain");
	other(MULTIPART_UNKNOWN, MIXED, OTHER("Content-Disposition: x; handling=required"),
	      "text/plain");
	other(MULTIPART_UNKNOWN, MIXED, OTHER("Content-Disposition: render"), "required");
	other(MULTIPART_UNKNOWN, MIXED, OTHER("Content-Type: multipart/mixed;boundary=c"),
	      "multipart/mixed");
	/* a list in a type of its own is no TRANSFER_INIT */
	protected(MIXED, NEXT TRANSFER NEXT "Content-Disposition: recipient-list\r\n" TRANSFER
		  NEXT CMS END);
}

/* What is nested is not looked into, however deep (RFC 2046 5.1). */
static void nested(void **state)
{
	enum { DEPTH = 20000, LINE = 64 };
	char *body = malloc(DEPTH * LINE + 1024), *to = body;

	(void)state;
	to += sprintf(to, NEXT TRANSFER NEXT "Content-Disposition: x;handling=optional\r\n");
	for (int i = 0; i < DEPTH; i++)
		to += sprintf(to, "Content-Type: multipart/mixed;boundary=c%d\r\n\r\n--c%d\r\n",
			      i, i);
	sprintf(to, "\r\n" NEXT CMS END);
	protected(MIXED, body);
	free(body);
}

static void many_parts(void **state)
{
	char *body = malloc(8192), *to = body;

	(void)state;
	to += sprintf(to, NEXT TRANSFER);
	for (int i = 0; i < 62; i++)
		to += sprintf(to, NEXT LIST);
	strcpy(to, NEXT CMS END);
	protected(MIXED, body);
	strcpy(to, NEXT LIST NEXT CMS END);
	other(MULTIPART_BROKEN, MIXED, body, "damaged");
	free(body);
}

static void binary_parts(void **state)
{
	static const char body[] = NEXT "Content-Type: application/mikey\r\n"
		"Content-Transfer-Encoding: binary\r\n\r\n\0\r\n\r\n\r\r\n"
		NEXT "Content-Type: application/pkcs7-mime\r\n\r\n\xff\n--b\0--\r\n--b--";
	struct bytes transfer, cms;
	struct problem problem;

	(void)state;
	assert_int_equal(parse_bytes(MIXED, body, sizeof(body) - 1, &transfer, &cms, &problem),
			 MULTIPART_PROTECTED);
	assert_int_equal(transfer.len, 6);
	assert_memory_equal(transfer.data, "\0\r\n\r\n\r", 6);
	assert_int_equal(cms.len, 8);
	assert_memory_equal(cms.data, "\xff\n--b\0--", 8);
	bytes_wipe(&transfer);
	bytes_wipe(&cms);
}

static void not_protected(void **state)
{
	(void)state;
	other(MULTIPART_PLAIN, "text/plain", "hello", "");
	other(MULTIPART_PLAIN, "multipart/mixed", NEXT TRANSFER NEXT CMS END, "");
	other(MULTIPART_PLAIN, "multipart/alternative;boundary=b", NEXT TRANSFER NEXT CMS END, "");
	other(MULTIPART_PLAIN, "nonsense", NEXT TRANSFER NEXT CMS END, "");
	other(MULTIPART_PLAIN, "", "", "");
	other(MULTIPART_PLAIN, MIXED, "", "");
	other(MULTIPART_PLAIN, MIXED, "nothing of the kind", "");
	other(MULTIPART_PLAIN, MIXED, NEXT LIST END, "");
	other(MULTIPART_PLAIN, MIXED, NEXT CMS END, "");
	/* one level down is somebody else's */
	other(MULTIPART_PLAIN, MIXED, NEXT "Content-Type: multipart/mixed;boundary=c\r\n\r\n"
	      "--c\r\n" TRANSFER "--c\r\n" CMS "--c--\r\n" END, "");
}

static void broken(void **state)
{
	(void)state;
	other(MULTIPART_UNKNOWN, MIXED, NEXT TRANSFER NEXT LIST END, "pkcs7-mime");
	other(MULTIPART_UNKNOWN, MIXED, NEXT TRANSFER END, "pkcs7-mime");
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT CMS, "cut short");
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT TRANSFER NEXT CMS END, "several parts");
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT CMS NEXT CMS END, "several parts");
	other(MULTIPART_BROKEN, MIXED, NEXT "Content-Type: application/mikey\r\n"
	      "Content-Transfer-Encoding: base64\r\n\r\nAA!EC\r\n" NEXT CMS END, "not base64");
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT "Content-Type: application/pkcs7-mime\r\n"
	      "Content-Transfer-Encoding: base64\r\n\r\nAwQ\r\n" END, "not base64");
	other(MULTIPART_BROKEN, MIXED, NEXT "Content-Type: application/mikey\r\n"
	      "Content-Transfer-Encoding: base64\r\n\r\n\r\n" NEXT CMS END, "empty");
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT "Content-Type: application/pkcs7-mime\r\n"
	      "Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n" END, "not known");
	/* which of two headers would count? */
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT "Content-Type: text/plain\r\n" CMS END,
	      "damaged");
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT "Content-Type\r\n\r\n" NEXT CMS END,
	      "damaged");
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT "X: y\r\n" NEXT CMS END, "damaged");
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT NEXT CMS END, "damaged");
	/* RFC 2046 5.1.1: the end is part of the grammar, what follows it is not */
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT CMS "--b\r\n", "cut short");
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT CMS "--b--x\r\n", "cut short");
	other(MULTIPART_BROKEN, MIXED, NEXT TRANSFER NEXT CMS "--b--\n", "cut short");
	other(MULTIPART_UNKNOWN, MIXED, NEXT TRANSFER END NEXT CMS END, "pkcs7-mime");
}

/* No prefix of a good body is taken for it, and none reads past its end. */
static void every_truncation(void **state)
{
	static const char body[] = NEXT TRANSFER NEXT CMS "--b--";
	struct bytes transfer, cms;
	struct problem problem;

	(void)state;
	for (size_t len = 0; len < sizeof(body) - 1; len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, body, len);
		assert_int_not_equal(parse_bytes(MIXED, copy, len, &transfer, &cms, &problem),
				     MULTIPART_PROTECTED);
		assert_null(transfer.data);
		assert_null(cms.data);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read),
		cmocka_unit_test(as_the_annex_writes_it),
		cmocka_unit_test(open_parts),
		cmocka_unit_test(any_order_and_headers),
		cmocka_unit_test(as_others_write_it),
		cmocka_unit_test(any_smime_type),
		cmocka_unit_test(any_transfer_encoding),
		cmocka_unit_test(other_parts),
		cmocka_unit_test(nested),
		cmocka_unit_test(many_parts),
		cmocka_unit_test(binary_parts),
		cmocka_unit_test(not_protected),
		cmocka_unit_test(broken),
		cmocka_unit_test(every_truncation),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
