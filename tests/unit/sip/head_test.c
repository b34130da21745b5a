// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Heads that two parsers could read differently must not pass: a header that
 * tells whom the kernel verified could hide in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after those it needs */
#include <cmocka.h>

#include "helper/mikeyd/sipmsg.h"

#define START "MESSAGE sip:bob@b.test SIP/2.0\r\n"
#define VIA "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
#define TO "To: <sip:bob@b.test>\r\n"
#define FROM "From: \"Alice\" <sip:alice@a.test>;tag=1\r\n"
#define CALL "Call-ID: 1@a.test\r\n"
#define CSEQ "CSeq: 1 MESSAGE\r\n"
#define LENGTH "Content-Length: 2\r\n"
#define HEAD "MESSAGE sip:bob@b.test SIP/2.0\r\n" VIA TO FROM CALL CSEQ LENGTH
#define END "\r\nhi"

#define SPOOF "P-Mikey-Verified: <sip:eve@a.test>; proved=body"

/* -1: not even libre takes it */
static int passes(const char *text, size_t len)
{
	struct mbuf *mb = mbuf_alloc(len);
	struct sip_msg *msg;
	int result = -1;

	assert_non_null(mb);
	mbuf_write_mem(mb, (const uint8_t *)text, len);
	mb->pos = 0;
	if (!sipmsg_decode(&msg, mb)) {
		result = !sipmsg_fault(msg);
		sipmsg_release(msg);
	}
	mem_deref(mb);
	return result;
}

#define T(text) { text, sizeof(text) - 1 }

struct text {
	const char *text;
	size_t len;
};

static void good_heads(void **state)
{
	static const struct text good[] = {
		T(HEAD END),
		T(HEAD "Subject: folded\r\n value\r\n" END),
		T(HEAD "Subject: tab\tand J\303\274rgen\r\n" END),
		T(HEAD "Max-Forwards: 70\r\nRoute: <sip:a;lr>, <sip:b;lr>\r\n" END),
		T(HEAD "X-From: <sip:eve@a.test>\r\n" END),
		T(START VIA VIA TO FROM CALL CSEQ LENGTH END),
		T(START "v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/TCP h\r\n"
		  TO FROM CALL CSEQ LENGTH END),
		T(START VIA "t: <sip:bob@b.test>\r\nf: <sip:a@a.test>;tag=1\r\ni: 1\r\n"
		  CSEQ "l: 2\r\n" END),
		T("SIP/2.0 200 OK\r\n" VIA TO FROM CALL CSEQ LENGTH END),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (passes(good[i].text, good[i].len) != 1)
			fail_msg("refused: %s", good[i].text);
}

static void controls(void **state)
{
	static const struct text bad[] = {
		T(HEAD "Subject: x\r" SPOOF "\r\n" END),
		T(HEAD "Subject: x\n" SPOOF "\r\n" END),
		T(HEAD "X\r" SPOOF "\r\n" END),
		T(HEAD "Subject: x\r\r\n y\r\n" END),	/* a fold, or the head's end */
		T(HEAD "Subject: x\n\r\n y\r\n" END),
		T(HEAD "Subject: x\n y\r\n" END),
		T(HEAD "Subject: x\0y\r\n" END),
		T(HEAD "Subject: x\033y\r\n" END),
		T(HEAD "Subject: x\177y\r\n" END),
		T(HEAD "P-Mikey-Verified\v: x\r\n" END),
		T(HEAD "\nhi"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (passes(bad[i].text, bad[i].len) == 1)
			fail_msg("passed: %s", bad[i].text);
}

static void repeated(void **state)
{
	static const struct text bad[] = {
		T(HEAD FROM END),
		T(HEAD "f: <sip:eve@a.test>;tag=1\r\n" END),
		T(HEAD TO END),
		T(HEAD CALL END),
		T(HEAD CSEQ END),
		T(HEAD LENGTH END),
		T(HEAD "Max-Forwards: 1\r\nMax-Forwards: 2\r\n" END),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (passes(bad[i].text, bad[i].len) == 1)
			fail_msg("passed: %s", bad[i].text);
}

/* A name that libre takes for another one, since both have one hash. */
static void twin(char name[8], enum sip_hdrid id)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

	for (uint32_t i = 0; i < 26u * 26 * 26 * 26; i++) {
		name[0] = 'A' + i % 26;
		name[1] = letters[i / 26 % 26];
		name[2] = letters[i / 676 % 26];
		name[3] = letters[i / 17576];
		name[4] = '\0';
		if ((hash_joaat_ci(name, 4) & 0xfff) == (uint32_t)id && strcasecmp(name, "from") &&
		    strcasecmp(name, "cseq"))
			return;
	}
	fail_msg("no other name has hash %d", id);
}

/* ... is an unknown header here, and no reason to refuse anything. */
static void same_hash(void **state)
{
	static const struct {
		enum sip_hdrid id;
		const char *value;
	} cases[] = {
		{ SIP_HDR_VIA, "SIP/2.0/UDP 192.0.2.66;branch=z9hG4bKx" },
		{ SIP_HDR_FROM, "<sip:eve@a.test>;tag=1" },
		{ SIP_HDR_TO, "<sip:eve@b.test>" },
		{ SIP_HDR_CALL_ID, "2" },
		{ SIP_HDR_CSEQ, "2 MESSAGE" },
		{ SIP_HDR_MAX_FORWARDS, "70" },
		{ SIP_HDR_CONTENT_LENGTH, "1" },
	};
	char name[8], text[1024];
	struct sip_msg *msg;
	struct mbuf *mb;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		twin(name, cases[i].id);
		mb = mbuf_alloc(sizeof(text));
		mbuf_printf(mb, START "%s: %s\r\n" VIA TO FROM CALL CSEQ LENGTH "%s: %s\r\n" END,
			    name, cases[i].value, name, cases[i].value);
		mb->pos = 0;
		assert_int_equal(sipmsg_decode(&msg, mb), 0);
		assert_int_equal(sipmsg_fault(msg), 0);
		assert_int_equal(pl_strcmp(&msg->via.branch, "z9hG4bK1"), 0);
		assert_int_equal(pl_strcmp(&msg->from.auri, "sip:alice@a.test"), 0);
		assert_int_equal(pl_strcmp(&msg->to.auri, "sip:bob@b.test"), 0);
		assert_int_equal(pl_strcmp(&msg->callid, "1@a.test"), 0);
		assert_int_equal(msg->cseq.num, 1);
		assert_false(pl_isset(&msg->maxfwd));
		assert_int_equal(pl_strcmp(&msg->clen, "2"), 0);
		sipmsg_release(msg);
		mem_deref(mb);
	}
}

static void incomplete(void **state)
{
	static const struct text bad[] = {
		T(START TO FROM CALL CSEQ LENGTH END),
		T(START VIA FROM CALL CSEQ LENGTH END),
		T(START VIA TO CALL CSEQ LENGTH END),
		T(START VIA TO FROM CSEQ LENGTH END),
		T(START VIA TO FROM CALL LENGTH END),
		T(START VIA TO FROM CALL "CSeq: 1 INVITE\r\n" LENGTH END),
		T(START VIA TO FROM CALL CSEQ "Content-Length: 3\r\n" END),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (passes(bad[i].text, bad[i].len) == 1)
			fail_msg("passed: %s", bad[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_heads),
		cmocka_unit_test(controls),
		cmocka_unit_test(repeated),
		cmocka_unit_test(same_hash),
		cmocka_unit_test(incomplete),
	};

	return cmocka_run_group_tests_name("SIP heads", tests, NULL, NULL);
}
