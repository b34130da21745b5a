// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * send against a small SIP server on the loopback interface: what it sends,
 * over which transport, and what it makes of the answers. The user part of the
 * Request-URI tells the server what to answer.
 */
#include "tests/unit/mikeyctl/support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_MAX (768 * 1024)

/* What the server, a child, got last. */
struct received {
	char transport[4];
	size_t len;
	unsigned int count;
	char text[MESSAGE_MAX];
};

static struct received *received;
static pid_t server;
static int udp, tcp;
static char via_udp[64], via_tcp[64];

/* ---- the server */

static const struct {
	const char *user, *answer;
} answers[] = {
	{ "ok", "200 OK\r\n" },
	{ "accepted", "202 Accepted\r\n" },
	{ "moved", "302 Moved Temporarily\r\n" },
	{ "sealed", "493 Undecipherable\r\n"
		    "Warning: 399 mikeyd \"the ticket \033has expired\"\r\n" },
	{ "away", "503 Service Unavailable\r\nRetry-After: 30\r\n" },
	{ "no", "603 Decline\r\n" },
};

/* The first line of this name with its end, as it came. */
static void echo(FILE *out, const char *text, const char *name)
{
	const char *line = strstr(text, name);

	if (line)
		fprintf(out, "%.*s", (int)(strstr(line + 2, "\r\n") - line), line);
}

static size_t respond(char *out, size_t size, const char *answer)
{
	FILE *file = fmemopen(out, size, "w");
	size_t len;

	fprintf(file, "SIP/2.0 %.*s", (int)(strstr(answer, "\r\n") - answer), answer);
	echo(file, received->text, "\r\nVia: ");
	echo(file, received->text, "\r\nFrom: ");
	echo(file, received->text, "\r\nTo: ");
	fprintf(file, ";tag=x");
	echo(file, received->text, "\r\nCall-ID: ");
	echo(file, received->text, "\r\nCSeq: ");
	fprintf(file, "\r\n%sContent-Length: 0\r\n\r\n", strstr(answer, "\r\n") + 2);
	len = ftell(file);
	fclose(file);
	return len;
}

static const char *answer_for(const char *text)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		char line[64];

		snprintf(line, sizeof(line), "MESSAGE sip:%s@", answers[i].user);
		if (!strncmp(text, line, strlen(line)))
			return answers[i].answer;
	}
	return NULL;
}

static void note(const char *transport, size_t len)
{
	strcpy(received->transport, transport);
	received->text[len] = '\0';
	received->len = len;
	received->count++;
}

static void serve_udp(void)
{
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	const char *answer;
	char out[4096];
	ssize_t len = recvfrom(udp, received->text, MESSAGE_MAX - 1, 0,
			       (struct sockaddr *)&peer, &size);

	if (len <= 4)		/* a keep-alive */
		return;
	note("udp", len);
	answer = answer_for(received->text);
	if (!answer)
		return;
	/* a provisional one first */
	sendto(udp, out, respond(out, sizeof(out), "100 Trying\r\n"), 0,
	       (struct sockaddr *)&peer, size);
	sendto(udp, out, respond(out, sizeof(out), answer), 0,
	       (struct sockaddr *)&peer, size);
}

static void serve_tcp(void)
{
	int fd = accept(tcp, NULL, NULL);
	size_t len = 0, whole = 0;
	const char *answer, *end;
	char out[4096];
	ssize_t got;

	while ((!whole || len < whole) &&
	       (got = read(fd, received->text + len, MESSAGE_MAX - 1 - len)) > 0) {
		len += got;
		received->text[len] = '\0';
		end = strstr(received->text, "\r\n\r\n");
		if (end)
			whole = end + 4 - received->text +
				atoi(strstr(received->text, "\r\nContent-Length: ") + 18);
	}
	note("tcp", len);
	answer = answer_for(received->text);
	if (answer) {
		len = respond(out, sizeof(out), answer);
		if (write(fd, out, len) != (ssize_t)len)
			_exit(1);
	}
	close(fd);
}

static int bound(int type, struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)address, sizeof(*address)) ||
	    getsockname(fd, (struct sockaddr *)address, &size)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* One port for both transports. */
static int start_server(void **state)
{
	struct sockaddr_in address;

	(void)state;
	received = mmap(NULL, sizeof(*received), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (received == MAP_FAILED)
		return -1;
	for (int tries = 0; tries < 20; tries++) {
		address = (struct sockaddr_in) {
			.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		};
		udp = bound(SOCK_DGRAM, &address);
		tcp = bound(SOCK_STREAM, &address);
		if (udp >= 0 && tcp >= 0 && !listen(tcp, 4))
			break;
		close(udp);
		close(tcp);
	}
	snprintf(via_udp, sizeof(via_udp), "udp:127.0.0.1:%d", ntohs(address.sin_port));
	snprintf(via_tcp, sizeof(via_tcp), "tcp:127.0.0.1:%d", ntohs(address.sin_port));
	server = fork();
	if (server)
		return server < 0 ? -1 : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct pollfd fds[] = { { udp, POLLIN, 0 }, { tcp, POLLIN, 0 } };

		poll(fds, 2, -1);
		if (fds[0].revents)
			serve_udp();
		if (fds[1].revents)
			serve_tcp();
	}
}

static int stop_server(void **state)
{
	(void)state;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	close(udp);
	close(tcp);
	munmap(received, sizeof(*received));
	return 0;
}

/* ---- the tests */

#define FROM "--from=sip:alice@a.test"

static const char *body(void)
{
	return strstr(received->text, "\r\n\r\n") + 4;
}

static void words_over_udp(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, &send_message, -1, "--to=sip:ok@b.test", FROM, "--via", via_udp,
	    "Gr\303\274\303\237e", "aus", "Ulm", NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_string_equal(outcome.out, "200 OK\n");
	assert_string_equal(outcome.err, "");
	assert_string_equal(received->transport, "udp");
	assert_memory_equal(received->text, "MESSAGE sip:ok@b.test SIP/2.0\r\n", 31);
	assert_says(received->text, "\r\nVia: SIP/2.0/UDP 127.0.0.1:");
	assert_says(received->text, "\r\nTo: <sip:ok@b.test>\r\n");
	assert_says(received->text, "\r\nFrom: <sip:alice@a.test>;tag=");
	assert_says(received->text, "\r\nMax-Forwards: 70\r\n");
	assert_says(received->text, "\r\nCSeq: 1 MESSAGE\r\n");
	assert_says(received->text, "\r\nContent-Type: text/plain;charset=utf-8\r\n");
	assert_says(received->text, "\r\nContent-Length: 15\r\n");
	assert_string_equal(body(), "Gr\303\274\303\237e aus Ulm");
	assert_null(strstr(received->text, "Contact"));	/* RFC 3428 4 */
}

static void answers_as_exit_codes(void **state)
{
	static const struct {
		const char *to, *out;
		int code;
	} cases[] = {
		{ "--to=accepted@b.test", "202 Accepted\n", EXIT_DONE },
		{ "--to=moved@b.test", "302 Moved Temporarily\n", EXIT_NO_SUCH },
		{ "--to=sealed@b.test", "493 Undecipherable\n", EXIT_NOT_UNDERSTOOD },
		{ "--to=away@b.test", "503 Service Unavailable\n", EXIT_UNREACHABLE },
		{ "--to=no@b.test", "603 Decline\n", EXIT_REFUSED },
	};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *via = i % 2 ? via_udp : via_tcp;

		run(&outcome, &send_message, -1, cases[i].to, FROM, "--via", via, "text", NULL);
		assert_int_equal(outcome.code, cases[i].code);
		assert_string_equal(outcome.out, cases[i].out);
	}
	run(&outcome, &send_message, -1, "--to=sealed@b.test", FROM, "--via", via_udp, "x", NULL);
	assert_string_equal(outcome.err, "Warning: 399 mikeyd \"the ticket ?has expired\"\n");
	run(&outcome, &send_message, -1, "--to=away@b.test", FROM, "--via", via_udp, "x", NULL);
	assert_string_equal(outcome.err, "Retry-After: 30\n");
}

static void silence(void **state)
{
	unsigned int before = received->count;
	struct outcome outcome;

	(void)state;
	run(&outcome, &send_message, -1, "--to=silent@b.test", FROM, "--via", via_udp,
	    "--timeout=2", "x", NULL);
	assert_int_equal(outcome.code, EXIT_SILENT);
	assert_says(outcome.err, "no final answer in time");
	assert_string_equal(outcome.out, "");
	assert_true(received->count - before >= 3);	/* at 0, 0.5 and 1.5 s */
}

static void nobody_there(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = bound(SOCK_STREAM, &address);	/* bound and not listening */
	struct outcome outcome;
	char via[64];

	(void)state;
	snprintf(via, sizeof(via), "tcp:127.0.0.1:%d", ntohs(address.sin_port));
	run(&outcome, &send_message, -1, "--to=ok@b.test", FROM, "--via", via, "x", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "Connection refused");
	memcpy(via, "udp", 3);
	run(&outcome, &send_message, -1, "--to=ok@b.test", FROM, "--via", via, "x", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "nobody listens there");
	close(fd);
}

/* A file with all bytes of a certain length. */
static void make_file(char *name, size_t len)
{
	int fd = mkstemp(name);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	for (size_t i = 0; i < len; i++)
		fputc(i * 131 >> 3 & 0xff, file);
	assert_int_equal(fclose(file), 0);
}

static void bodies_of_all_sizes(void **state)
{
	static const struct {
		size_t len;
		const char *transport;
	} cases[] = {
		{ 0, "udp" }, { 1, "udp" }, { 700, "udp" }, { 1300, "tcp" },
		{ 65535, "tcp" }, { 65536, "tcp" }, { 262144, "tcp" }, { 524288, "tcp" },
	};
	struct outcome outcome;
	char length[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[] = "/tmp/mikeyctl-send-test.XXXXXX";

		make_file(name, cases[i].len);
		run(&outcome, &send_message, -1, "--to=ok@b.test", FROM, "--via", via_udp,
		    "--file", name, "--content-type=application/octet-stream", NULL);
		unlink(name);
		assert_int_equal(outcome.code, EXIT_DONE);
		assert_string_equal(received->transport, cases[i].transport);
		snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", cases[i].len);
		assert_says(received->text, length);
		assert_says(received->text, "\r\nContent-Type: application/octet-stream\r\n");
		assert_int_equal(received->text + received->len - body(), cases[i].len);
		for (size_t j = 0; j < cases[i].len; j++)
			if ((uint8_t)body()[j] != (j * 131 >> 3 & 0xff))
				fail_msg("byte %zu of %zu", j, cases[i].len);
	}
}

static void too_large(void **state)
{
	char name[] = "/tmp/mikeyctl-send-test.XXXXXX";
	unsigned int before = received->count;
	struct outcome outcome;

	(void)state;
	make_file(name, 524289);
	run(&outcome, &send_message, -1, "--to=ok@b.test", FROM, "--via", via_udp, "--file", name,
	    NULL);
	unlink(name);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "more than 524288 bytes");
	assert_int_equal(received->count, before);
}

static void standard_input(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, &send_message, input_of("a\0b\r\n", 5), "--to=ok@b.test", FROM, "--via",
	    via_udp, "-", NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_int_equal(received->text + received->len - body(), 5);
	assert_memory_equal(body(), "a\0b\r\n", 5);
}

/* What options leave open is in the daemon's configuration. */
static void configured(void **state)
{
	char name[] = "/tmp/mikeyctl-send-test.XXXXXX";
	FILE *file = fdopen(mkstemp(name), "w");
	struct outcome outcome;

	(void)state;
	fprintf(file,
		"identity = [\"alice%%20b@a.test\"];\n"
		"listen = [\"%s\"];\n"
		"listen-outside = [\"udp:127.0.0.1:5060\"];\n"
		"next-hop = \"sip:127.0.0.1\";\n"
		"kms = \"http://127.0.0.1:1\";\n"
		"kms-id = \"https://kms.test\";\n"
		"psk = \"logon:mikey:alice\";\n"
		"psk-id = \"alice\";\n", via_tcp);
	fclose(file);
	run(&outcome, &send_message, -1, "--to=ok@b.test", "--config", name, "x", NULL);
	assert_string_equal(outcome.err, "");
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_string_equal(received->transport, "tcp");
	assert_says(received->text, "\r\nFrom: <sip:alice%20b@a.test>;tag=");

	/* options before it */
	run(&outcome, &send_message, -1, "--to=ok@b.test", "--config", name, "--via", via_udp,
	    "x", NULL);
	assert_string_equal(received->transport, "udp");
	assert_says(received->text, "alice%20b@a.test");
	unlink(name);

	run(&outcome, &send_message, -1, "--to=ok@b.test", "--config", name, "x", NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, name);
}

/* One message to each, a line for each, and what they have in common. */
static void several_recipients(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, &send_message, -1, "--to=ok@b.test", "--to=accepted@b.test", "--to=ok@b.test",
	    FROM, "--via", via_udp, "x", NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_says(outcome.out, "sip:ok@b.test: 200 OK\n");
	assert_says(outcome.out, "sip:accepted@b.test: 202 Accepted\n");
	assert_int_equal(strlen(outcome.out), 56);
	run(&outcome, &send_message, -1, "--to=ok@b.test", "--to=away@b.test", FROM, "--via",
	    via_udp, "x", NULL);
	assert_int_equal(outcome.code, EXIT_PARTLY);
	assert_string_equal(outcome.err, "sip:away@b.test: Retry-After: 30\n");
	run(&outcome, &send_message, -1, "--to=away@b.test", "--to=no@b.test", FROM, "--via",
	    via_udp, "x", NULL);
	assert_int_equal(outcome.code, EXIT_REFUSED);
}

static void answers_as_json(void **state)
{
	static const char wanted[] =
		"[\n  {\n    \"to\": \"sip:sealed@b.test\",\n"
		"    \"outcome\": \"not-understood\",\n    \"code\": 493,\n"
		"    \"reason\": \"Undecipherable\",\n"
		"    \"warning\": \"399 mikeyd \\\"the ticket \\u001bhas expired\\\"\",\n"
		"    \"retry_after\": null\n  },\n"
		"  {\n    \"to\": \"sip:silent@b.test\",\n    \"outcome\": \"silent\",\n"
		"    \"code\": null,\n"
		"    \"reason\": \"no final answer in time; the message may have been sent\",\n"
		"    \"warning\": null,\n    \"retry_after\": null\n  }\n]\n";
	struct outcome outcome;

	(void)state;
	run(&outcome, &send_message, -1, "--to=sealed@b.test", "--to=silent@b.test", FROM, "--via",
	    via_udp, "--json", "--timeout=1", "x", NULL);
	assert_int_equal(outcome.code, EXIT_SILENT);
	assert_string_equal(outcome.err, "");
	assert_string_equal(outcome.out, wanted);
}

static void with_a_list(void **state)
{
	struct outcome outcome;

	(void)state;
	run(&outcome, &send_message, -1, "--to=a&b@b.test", "--to=c@b.test", FROM, "--via", via_udp,
	    "--list=accepted@b.test", "--expires=1h", "hello", NULL);
	assert_string_equal(outcome.err, "");
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_string_equal(outcome.out, "202 Accepted\n");
	assert_says(received->text, "MESSAGE sip:accepted@b.test SIP/2.0\r\n");
	assert_says(received->text, "\r\nRequire: recipient-list-message\r\n");
	assert_says(received->text, "\r\nExpires: 3600\r\n");
	assert_says(received->text, " GMT\r\n");
	assert_says(received->text, "\r\nContent-Type: multipart/mixed;boundary=");
	assert_says(body(), "\r\nContent-Type: text/plain;charset=utf-8\r\n\r\nhello\r\n--");
	assert_says(body(), "\r\nContent-Disposition: recipient-list\r\n");
	assert_says(body(), "<entry uri=\"sip:a&amp;b@b.test\" cp:copyControl=\"to\"/>");
	assert_says(body(), "<entry uri=\"sip:c@b.test\" cp:copyControl=\"to\"/>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_over_udp),
		cmocka_unit_test(answers_as_exit_codes),
		cmocka_unit_test(silence),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(bodies_of_all_sizes),
		cmocka_unit_test(too_large),
		cmocka_unit_test(standard_input),
		cmocka_unit_test(configured),
		cmocka_unit_test(several_recipients),
		cmocka_unit_test(answers_as_json),
		cmocka_unit_test(with_a_list),
	};

	return cmocka_run_group_tests_name("mikeyctl send", tests, start_server, stop_server);
}
