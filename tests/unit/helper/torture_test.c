// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The 49 messages of RFC 4475, each as a proxy is to take it. They are seeds of
 * a fuzzer too, and lie there, as they are in the RFC's archive.
 */
#include "tests/unit/helper/stage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/mikeyd/sipmsg.h"

#define FOLDER "tests/fuzz/corpus/fuzz-sip-message/rfc4475-"
#define FORWARD 0
#define DROP 1

/* Section, and what becomes of it from the client's side; else a status code. */
static const struct row {
	const char *name;
	uint16_t code;
} rows[] = {
	{ "wsinv", FORWARD },		/* 3.1.1.1 */
	{ "intmeth", FORWARD },		/* 3.1.1.2 */
	{ "esc01", FORWARD },		/* 3.1.1.3 */
	{ "escnull", FORWARD },		/* 3.1.1.4 */
	{ "esc02", FORWARD },		/* 3.1.1.5 */
	{ "lwsdisp", FORWARD },		/* 3.1.1.6 */
	{ "longreq", FORWARD },		/* 3.1.1.7 */
	{ "dblreq", FORWARD },		/* 3.1.1.8: without what follows it */
	{ "semiuri", FORWARD },		/* 3.1.1.9 */
	{ "transports", FORWARD },	/* 3.1.1.10 */
	{ "mpart01", FORWARD },		/* 3.1.1.11 */
	{ "unreason", DROP },		/* 3.1.1.12: belongs to no transaction; see below */
	{ "noreason", DROP },		/* 3.1.1.13: the same */
	{ "badinv01", 400 },		/* 3.1.2.1 */
	{ "clerr", 400 },		/* 3.1.2.2 */
	{ "ncl", 400 },			/* 3.1.2.3 */
	{ "scalar02", 400 },		/* 3.1.2.4 */
	{ "scalarlg", DROP },		/* 3.1.2.5 */
	{ "quotbal", 400 },		/* 3.1.2.6 */
	{ "ltgtruri", 400 },		/* 3.1.2.7 */
	{ "lwsruri", 400 },		/* 3.1.2.8 */
	{ "lwsstart", 400 },		/* 3.1.2.9 */
	{ "trws", 400 },		/* 3.1.2.10 */
	{ "escruri", 400 },		/* 3.1.2.11 */
	{ "baddate", FORWARD },		/* 3.1.2.12: Date is not a proxy's business */
	{ "regbadct", FORWARD },	/* 3.1.2.13: nor is Contact */
	{ "badaspec", 400 },		/* 3.1.2.14 */
	{ "baddn", 400 },		/* 3.1.2.15 */
	{ "badvers", 505 },		/* 3.1.2.16 */
	{ "mismatch01", 400 },		/* 3.1.2.17 */
	{ "mismatch02", 400 },		/* 3.1.2.18: 501 or 400 */
	{ "bigcode", DROP },		/* 3.1.2.19 */
	{ "badbranch", FORWARD },	/* 3.2.1: by the rules of RFC 2543 */
	{ "insuf", 400 },		/* 3.3.1 */
	{ "unkscm", 416 },		/* 3.3.2 */
	{ "novelsc", 416 },		/* 3.3.3 */
	{ "unksm2", FORWARD },		/* 3.3.4 */
	{ "bext01", 420 },		/* 3.3.5 */
	{ "invut", FORWARD },		/* 3.3.6 */
	{ "regaut01", FORWARD },	/* 3.3.7 */
	{ "multi01", 400 },		/* 3.3.8 */
	{ "mcl01", 400 },		/* 3.3.9 */
	{ "bcast", DROP },		/* 3.3.10 */
	{ "zeromf", 483 },		/* 3.3.11 */
	{ "cparam01", FORWARD },	/* 3.3.12 */
	{ "cparam02", FORWARD },	/* 3.3.13 */
	{ "regescrt", FORWARD },	/* 3.3.14 */
	{ "sdp01", FORWARD },		/* 3.3.15 */
	{ "inv2543", FORWARD },		/* 3.4.1 */
};

static char text[8192];
static size_t text_len;

static void load(const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), FOLDER "%s", name);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("there is no %s", path);
	text_len = fread(text, 1, sizeof(text) - 1, file);
	text[text_len] = '\0';
	fclose(file);
}

static void transmit(int fd, unsigned int port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};

	assert_int_equal(sendto(fd, text, text_len, 0, (struct sockaddr *)&in, sizeof(in)),
			 text_len);
}

static bool changes(const struct sip_msg *msg, const struct sip_hdr *hdr)
{
	static const char * const names[] = { "Via", "Max-Forwards", "Content-Length", "Route" };

	/* RFC 3428 section 4 */
	if (sipmsg_is(msg, "MESSAGE") && sipmsg_named(hdr, "Contact"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (sipmsg_named(hdr, names[i]))
			return true;
	return false;
}

static void has(const char *what, const char *part, size_t len)
{
	if (!memmem(stage.got, sizeof(stage.got), part, len))
		fail_msg("%s: %.*s is missing", what, (int)len, part);
}

/* The next hop gets request line, headers and body as they were. */
static void is_forwarded(const char *name)
{
	struct mbuf *mb = mbuf_alloc(text_len);
	struct sip_msg *msg;
	char line[1024];
	struct pl body;
	struct le *le;

	memset(stage.got, 0, sizeof(stage.got));
	/* with what is added it is more than UDP takes */
	if (text_len > 1100)
		hop_gets_tcp();
	else
		hop_gets();
	mbuf_write_mem(mb, (const uint8_t *)text, text_len);
	mb->pos = 0;
	assert_int_equal(sipmsg_decode(&msg, mb), 0);
	/* a strict router's Route changes the request line */
	if (strcmp(name, "mpart01"))
		assert_memory_equal(stage.got, text, strcspn(text, "\r"));
	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;
		int len = re_snprintf(line, sizeof(line), "\r\n%r: %r\r\n", &hdr->name, &hdr->val);

		if (!changes(msg, hdr))
			has(name, line, len);
	}
	body = sipmsg_body(msg);
	assert_memory_equal(strstr(stage.got, "\r\n\r\n") + 4, body.p, body.l);
	assert_int_equal(strtoul(header("Content-Length", 0), NULL, 10), body.l);
	/* what follows dblreq */
	assert_null(strstr(stage.got, "INVITE sip:joe"));
	mem_deref(msg);
	mem_deref(mb);
}

static void is_refused(const char *name, uint16_t code)
{
	if (strncmp(stage.got, "SIP/2.0 ", 8) || strtoul(stage.got + 8, NULL, 10) != code)
		fail_msg("%s: %u expected, not %.*s", name, code, (int)strcspn(stage.got, "\r"),
			 stage.got);
}

static void open_stage(void)
{
	kernel_reset();
	stage_open("policy = { outgoing = \"pass\"; };\n");
}

static void from_the_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		open_stage();
		load(rows[i].name);
		transmit(stage.client, stage.inside_port);
		if (rows[i].code == FORWARD) {
			is_forwarded(rows[i].name);
		} else if (rows[i].code == DROP) {
			silence();
		} else {
			client_gets();
			is_refused(rows[i].name, rows[i].code);
			if (rows[i].code == 420)
				assert_string_equal(header("Unsupported", 0),
						    "noProxiesSupportThis, norDoAnyProxiesSupportThis");
			silence();
		}
		stage_close();
	}
}

/* From the network none is for somebody here. */
static void from_the_network(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		open_stage();
		load(rows[i].name);
		transmit(stage.hop, stage.outside_port);
		if (rows[i].code == DROP) {
			silence();
		} else {
			hop_gets();
			is_refused(rows[i].name, rows[i].code ?: 404);
		}
		stage_close();
	}
}

/* A response of the archive with the Via values of a request that waits for it. */
static void as_an_answer(const char *name)
{
	char vias[1024], whole[8192], *at, *end;

	open_stage();
	client_sends("INVITE sip:bob@example.test SIP/2.0\r\n" VIA("$C", "i")
		     FROM_TO("alice@example.test", "bob@example.test", "i", "INVITE") "\r\n");
	client_gets();
	hop_gets();
	snprintf(vias, sizeof(vias), "Via: %s\r\n", header("Via", 0));
	snprintf(vias + strlen(vias), sizeof(vias) - strlen(vias), "Via: %s\r\n",
		 header("Via", 1));
	load(name);
	at = strstr(text, "Via: ");
	end = strstr(at, "\r\n") + 2;
	snprintf(whole, sizeof(whole), "%.*s%s%s", (int)(at - text), text, vias, end);
	strcpy(text, whole);
	text_len = strlen(text);
}

static void reason_phrases(void **state)
{
	static const char * const names[] = { "unreason", "noreason", "bcast" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		as_an_answer(names[i]);
		/* 100 goes no further; with another code its empty reason does */
		if (i == 1)
			memcpy(text + strlen("SIP/2.0 "), "183", 3);
		transmit(stage.hop, stage.outside_port);
		/* and nothing to a broadcast address: the request tells whose it is */
		client_gets();
		assert_memory_equal(stage.got, text, strcspn(text, "\r") + 2);
		stage_close();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_client),
		cmocka_unit_test(from_the_network),
		cmocka_unit_test(reason_phrases),
	};

	_Static_assert(ARRAY_SIZE(rows) == 49, "all of the RFC");
	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
