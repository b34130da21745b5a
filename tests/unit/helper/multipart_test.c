// SPDX-License-Identifier: GPL-2.0-or-later
/* Multipart bodies built and read, and MIME entities put together and split. */
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
		assert_int_equal(multipart_build(&multipart, &transfer, &cms, form), 0);
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
					 MIKEY_FORM_AUTH_ENVELOPED), 0);
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

static void any_order_and_headers(void **state)
{
	(void)state;
	protected(MIXED, NEXT TRANSFER NEXT CMS END);
	protected("multipart/mixed; boundary=\"b\"", NEXT CMS NEXT TRANSFER END);
	protected("Multipart/Mixed ;\r\n boundary=b",
		  NEXT LIST NEXT CMS NEXT LIST NEXT TRANSFER END);
	protected(MIXED, "a preamble\r\n" NEXT TRANSFER NEXT CMS END "an epilogue");
	/* no line end after the last boundary; white space after boundaries */
	protected(MIXED, "--b \r\n" TRANSFER "--b\t\r\n" CMS "--b--");
	protected(MIXED, NEXT "content-transfer-encoding: BASE64\r\n"
		  "CONTENT-TYPE:\r\n Application/MIKEY\r\nX-Other: x\r\n\r\n"
		  "AA\r\nEC\r\n" NEXT CMS END);
	/* smime-type selects nothing */
	protected(MIXED, NEXT TRANSFER NEXT
		  "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n"
		  "Content-Transfer-Encoding: base64\r\n\r\nAwQF\r\n" END);
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
	      "Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n" END, "uuencoded");
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

static struct sip_msg *message(const char *headers, const char *body)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct sip_msg *msg;

	mbuf_printf(mb, "MESSAGE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\n"
		    "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n"
		    "%s\r\n%s", headers, body);
	mb->pos = 0;
	assert_int_equal(sip_msg_decode(&msg, mb), 0);
	mem_deref(mb);
	return msg;
}

static void entity_is(const char *headers, const char *body, const char *expected)
{
	struct sip_msg *msg = message(headers, body);
	struct bytes entity;

	assert_int_equal(entity_build(&entity, msg), 0);
	assert_int_equal(entity.len, strlen(expected));
	assert_memory_equal(entity.data, expected, entity.len);
	bytes_wipe(&entity);
	sipmsg_release(msg);
}

static void entities_built(void **state)
{
	(void)state;
	entity_is("", "", "\r\n");
	entity_is("Content-Length: 5\r\n", "hello", "\r\nhello");
	entity_is("Content-Length: 2\r\n", "hello", "\r\nhe");
	entity_is("Subject: s\r\nContent-Type: text/plain;charset=utf-8\r\nl: 3\r\n"
		  "MIME-Version: 1.0\r\nContent-Language: tlh\r\n", " \r\n",
		  "Content-Type: text/plain;charset=utf-8\r\nContent-Language: tlh\r\n\r\n \r\n");
	entity_is("c: text/plain\r\ne: gzip\r\nContent-X: y\r\n", "",
		  "Content-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-X: y\r\n\r\n");
}

static int split(const char *text, size_t len, char **headers, struct pl *body)
{
	struct bytes entity = { .data = (uint8_t *)text, .len = len };

	*headers = NULL;
	return entity_split(&entity, headers, body);
}

static void splits_to(const char *entity, const char *headers, const char *body)
{
	struct pl rest;
	char *lines;

	assert_int_equal(split(entity, strlen(entity), &lines, &rest), 0);
	assert_string_equal(lines, headers);
	assert_int_equal(rest.l, strlen(body));
	assert_memory_equal(rest.p, body, rest.l);
	mem_deref(lines);
}

static void entities_split(void **state)
{
	static const char * const bad[] = {
		"", "x", "Content-Type: text/plain", "Content-Type: text/plain\r\n",
		"no colon\r\n\r\n",
		": x\r\n\r\n", "Content-Ty pe: x\r\n\r\n", "Content-Type\r\n: x\r\n\r\n",
		"Content-Type: a\x01\r\n\r\n", "Content-Type: a\x7f\r\n\r\n",
	};
	char *lines;
	struct pl rest;

	(void)state;
	splits_to("\r\n", "", "");
	splits_to("\r\nbody\r\n\r\n", "", "body\r\n\r\n");
	splits_to("\n body", "", " body");
	splits_to("Content-Type: text/plain\r\n\r\nhello", "Content-Type: text/plain\r\n", "hello");
	splits_to("Content-Type: text/plain\n\nhello", "Content-Type: text/plain\r\n", "hello");
	splits_to("content-type: a;\r\n b=c\r\n\td\r\nContent-Language: x\r\n\r\n",
		  "content-type: a; b=c\td\r\nContent-Language: x\r\n", "");
	/* what is inside cannot add a header of its own choice */
	splits_to("P-Mikey-Verified: <king@x>; proved=body\r\nContent-Length: 9\r\n"
		  "MIME-Version: 1.0\r\nTo: x\r\nContent-ID: <1@x>\r\n\r\n",
		  "Content-ID: <1@x>\r\n", "");
	splits_to("Content-Type: a\rP-Mikey-Verified: x\r\n\r\n",
		  "Content-Type: aP-Mikey-Verified: x\r\n", "");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(split(bad[i], strlen(bad[i]), &lines, &rest), -EBADMSG);
		assert_null(lines);
	}
	assert_int_equal(split("Content-Type: a\0b\r\n\r\n", 20, &lines, &rest), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read),
		cmocka_unit_test(as_the_annex_writes_it),
		cmocka_unit_test(any_order_and_headers),
		cmocka_unit_test(binary_parts),
		cmocka_unit_test(not_protected),
		cmocka_unit_test(broken),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(entities_built),
		cmocka_unit_test(entities_split),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
