// SPDX-License-Identifier: GPL-2.0-or-later
/* MIME entities put together from SIP messages, and split again. */
#include "tests/unit/helper/loop.h"

#include <errno.h>

#include "helper/mikeyd/entity.h"
#include "helper/mikeyd/sipmsg.h"

static struct sip_msg *message_of(const char *headers, const char *body, size_t len)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct sip_msg *msg;

	mbuf_printf(mb, "MESSAGE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\n"
		    "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n"
		    "%s\r\n", headers);
	mbuf_write_mem(mb, (const uint8_t *)body, len);
	mb->pos = 0;
	assert_int_equal(sipmsg_decode(&msg, mb), 0);
	mem_deref(mb);
	return msg;
}

static struct sip_msg *message(const char *headers, const char *body)
{
	return message_of(headers, body, strlen(body));
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
	/* SIP allows blanks before the colon, MIME does not */
	entity_is("Content-Type : text/plain\r\nE : x\r\n", "",
		  "Content-Type: text/plain\r\nContent-Encoding: x\r\n\r\n");
	/* what begins like a header, in the body */
	entity_is("", "Content-Type: x\r\n\r\n", "\r\nContent-Type: x\r\n\r\n");
}

/*
 * Out and in again: every header and every byte of a body is what it was
 * (docs/protocol.md, "The SIP MESSAGE").
 */
static void round_trip(const char *headers, const char *body, size_t len)
{
	struct sip_msg *msg = message_of(headers, body, len);
	struct bytes entity;
	struct pl rest;
	char *lines;

	assert_int_equal(entity_build(&entity, msg), 0);
	assert_int_equal(entity_split(&entity, &lines, &rest), 0);
	assert_string_equal(lines, headers);
	assert_int_equal(rest.l, len);
	assert_memory_equal(rest.p, body, len);
	mem_deref(lines);
	bytes_wipe(&entity);
	sipmsg_release(msg);
}

#define BOTH_WAYS(headers, body) round_trip(headers, body, sizeof(body) - 1)

static void both_ways(void **state)
{
	char all[1024];

	(void)state;
	BOTH_WAYS("", "");
	BOTH_WAYS("Content-Type: text/plain;charset=UTF-8\r\n",
		  "Gr\303\274\303\237e \342\234\223");
	BOTH_WAYS("Content-Type: text/plain\r\n", "");
	BOTH_WAYS("Content-Type: text/plain\r\n", "\r\n\r\n.\r\n--b--\r\n\r\r\n");
	BOTH_WAYS("Content-Language: de, en ,fr\r\n"
		  "Content-Disposition: render;handling=optional\r\n"
		  "Content-Encoding: gzip , deflate\r\nContent-Type:text/plain\x20\r\n"
		  "CONTENT-ID:\t<1@x>\r\nContent-X-Own:\r\n", "x");
	BOTH_WAYS("Content-Type: multipart/mixed;\r\n boundary=\"b b\";\r\n\tx=y\r\n",
		  "preamble\r\n--b b\r\n\r\none\r\n--b b--\r\nepilogue");
	BOTH_WAYS("Content-Type: text/plain;\r\n x=\"\303\274\\\"\"\r\n", "x");
	/* RFC 5621: multipart/alternative, multipart/related */
	BOTH_WAYS("Content-Type: multipart/alternative;boundary=a\r\n",
		  "--a\r\nContent-Type: text/plain\r\n\r\nx\r\n--a\r\nContent-Type: text/html\r\n"
		  "Content-Transfer-Encoding: base64\r\n\r\nPGI+\r\n--a--\r\n");
	BOTH_WAYS("Content-Type: multipart/related;boundary=r;start=\"<1@x>\"\r\n",
		  "--r\nContent-ID: <1@x>\n\n\377\0\r\n--r--");
	/* RFC 3862 CPIM with an RFC 5438 IMDN request, RFC 3994, RFC 5438 */
	BOTH_WAYS("Content-Type: message/cpim\r\n",
		  "From: <im:a@x>\r\nTo: <im:b@x>\r\nNS: imdn <urn:ietf:params:imdn>\r\n"
		  "imdn.Message-ID: 34jk324j\r\nimdn.Disposition-Notification: positive-delivery\r\n"
		  "\r\nContent-type: text/plain\r\n\r\nhello\r\n");
	BOTH_WAYS("Content-Type: application/im-iscomposing+xml\r\n",
		  "<?xml version=\"1.0\"?>\n"
		  "<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'>\n"
		  "<state>active</state></isComposing>\n");
	BOTH_WAYS("Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n",
		  "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"/>");
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = i;
	round_trip("Content-Type: application/octet-stream\r\n", all, sizeof(all));
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
		"Content-Type: a\rP-Mikey-Verified: x\r\n\r\n",
		"Content-Type: a\r\r\n\r\n", "Content-Type : a\r\n\r\n", "  \r\n\r\n",
		" Content-Type: a\r\n\r\n", "Content-X(1): x\r\n\r\n", "X\xff: x\r\n\r\n",
	};
	char *lines;
	struct pl rest;

	(void)state;
	splits_to("\r\n", "", "");
	/* RFC 2045 5.2 has a type for a body without one, and RFC 3261 20.15 wants one */
	splits_to("\r\nbody\r\n\r\n", "Content-Type: text/plain\r\n", "body\r\n\r\n");
	splits_to("\n body", "Content-Type: text/plain\r\n", " body");
	splits_to("Content-ID: <1@x>\r\n\r\nbody",
		  "Content-ID: <1@x>\r\nContent-Type: text/plain\r\n", "body");
	splits_to("c: text/html\r\n\r\nbody", "Content-Type: text/plain\r\n", "body");
	splits_to("Content-Type: text/plain\r\n\r\nhello", "Content-Type: text/plain\r\n", "hello");
	splits_to("Content-Type: text/plain\n\nhello", "Content-Type: text/plain\r\n", "hello");
	splits_to("content-type: a;\r\n b=c\r\n\td\r\nContent-Language: x\r\n\r\n",
		  "content-type: a;\r\n b=c\r\n\td\r\nContent-Language: x\r\n", "");
	splits_to("content-type: a;\n b=c\n\n", "content-type: a;\r\n b=c\r\n", "");
	/* what is inside cannot add a header of its own choice */
	splits_to("P-Mikey-Verified: <king@x>; proved=body\r\nContent-Length: 9\r\n"
		  "MIME-Version: 1.0\r\nTo: x\r\nContent-ID: <1@x>\r\n\r\n",
		  "Content-ID: <1@x>\r\n", "");
	splits_to("c: text/html\r\ne: gzip\r\n\r\n", "", "");
	/* names of any kind are passed over (RFC 5322 3.6.8), if they are none of SIP's */
	splits_to("X_Mailer.v2: x\r\nX(1)/{2}: y\r\nContent-X_1.a: z\r\n\r\n",
		  "Content-X_1.a: z\r\n", "");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(split(bad[i], strlen(bad[i]), &lines, &rest), -EBADMSG);
		assert_null(lines);
	}
	assert_int_equal(split("Content-Type: a\0b\r\n\r\n", 20, &lines, &rest), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entities_built),
		cmocka_unit_test(both_ways),
		cmocka_unit_test(entities_split),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
