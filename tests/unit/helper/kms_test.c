// SPDX-License-Identifier: GPL-2.0-or-later
/* Exchanges with a KMS that is well, ill, slow, silent, or none. */
#include "tests/unit/helper/loop.h"

#include <errno.h>
#include <stdlib.h>

#include "helper/mikeyd/kms.h"

/* A server that sends one text whatever it is asked, and keeps the question. */
static struct {
	struct tcp_sock *socket;
	struct tcp_conn *conns[8];
	unsigned int n_conns;
	const char *answer;		/* NULL: says nothing */
	bool hang_up;			/* after the answer */
	char question[1024];
} server;

static struct {
	struct config_user config;
	struct kms *kms;
	char url[64];
} here;

struct result {
	unsigned int calls;
	bool answered;
	char answer[64];
	struct problem problem;
};

static void server_receive(struct mbuf *mb, void *arg)
{
	struct tcp_conn **conn = arg;
	size_t at = strlen(server.question);
	struct mbuf *out;

	re_snprintf(server.question + at, sizeof(server.question) - at, "%b", mbuf_buf(mb),
		    mbuf_get_left(mb));
	/* the body is the last line and ends with what is posted */
	if (!strstr(server.question, "\r\n\r\nAAEC"))
		return;
	if (server.answer) {
		out = mbuf_alloc(strlen(server.answer));
		mbuf_write_str(out, server.answer);
		out->pos = 0;
		tcp_send(*conn, out);
		mem_deref(out);
	}
	if (server.hang_up)
		*conn = mem_deref(*conn);
}

static void server_closed(int err, void *arg)
{
	struct tcp_conn **conn = arg;

	(void)err;
	*conn = mem_deref(*conn);
}

static void server_connected(const struct sa *peer, void *arg)
{
	struct tcp_conn **conn = &server.conns[server.n_conns++ % 8];

	(void)peer;
	(void)arg;
	assert_null(*conn);
	assert_int_equal(tcp_accept(conn, server.socket, NULL, server_receive, server_closed,
				    conn), 0);
}

static int open_kms(void **state)
{
	uint16_t port = loop_free_port();
	struct problem problem;
	struct sa local;

	(void)state;
	memset(&server, 0, sizeof(server));
	sa_set_str(&local, "127.0.0.1", port);
	snprintf(here.url, sizeof(here.url), "http://127.0.0.1:%u/", port);
	here.config.kms_url = here.url;
	here.config.kms_timeout = 1;
	return tcp_listen(&server.socket, &local, server_connected, NULL) ||
		kms_open(&here.kms, &here.config, &problem);
}

static int close_kms(void **state)
{
	(void)state;
	kms_close(here.kms);
	for (unsigned int i = 0; i < 8; i++)
		mem_deref(server.conns[i]);
	mem_deref(server.socket);
	return 0;
}

static void take(const struct bytes *answer, const struct problem *problem, void *arg)
{
	struct result *result = arg;

	result->calls++;
	result->answered = answer;
	if (answer)
		snprintf(result->answer, sizeof(result->answer), "%.*s", (int)answer->len,
			 (char *)answer->data);
	else
		result->problem = *problem;
}

static bool is_done(void *arg)
{
	return ((struct result *)arg)->calls;
}

static void post_kind(struct result *result, enum kms_request kind)
{
	const struct bytes message = { .data = (uint8_t *)"\0\1\2", .len = 3 };
	struct problem problem;

	memset(result, 0, sizeof(*result));
	server.question[0] = '\0';
	assert_int_equal(kms_post(here.kms, kind, &message, "txn", take, result, &problem), 0);
	assert_int_equal(result->calls, 0);
	assert_true(loop_until(is_done, result, 5000));
	loop_for(5);
	assert_int_equal(result->calls, 1);
}

static void post(struct result *result)
{
	post_kind(result, KMS_TICKET_RESOLVE);
}

static void fails(const char *answer, int error, const char *words)
{
	struct result result;

	server.answer = answer;
	post(&result);
	assert_false(result.answered);
	assert_int_equal(result.problem.error, error);
	if (!strstr(result.problem.words, words))
		fail_msg("\"%s\" is not in \"%s\"", words, result.problem.words);
}

static void a_kms_that_is_well(void **state)
{
	struct result result;

	(void)state;
	server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\naGVs\r\nbG8=";
	/* twice, the second time on the same connection */
	for (int i = 0; i < 2; i++) {
		post(&result);
		assert_true(result.answered);
		assert_string_equal(result.answer, "hello");
	}
	assert_int_equal(server.n_conns, 1);
	/* Annex A: what is asked, and as what */
	assert_non_null(strstr(server.question,
			       "POST /keymanagement?requesttype=ticketresolve HTTP/1.1\r\n"));
	assert_non_null(strstr(server.question, "Content-Type: application/mikey\r\n"));
	assert_non_null(strstr(server.question, "Content-Length: 4\r\n"));
	assert_null(strstr(server.question, "Expect"));
	assert_non_null(strstr(server.question, "\r\n\r\nAAEC"));
}

static void a_kms_that_is_ill(void **state)
{
	char *flood = malloc(KMS_ANSWER_MAX + 200);
	size_t head;

	(void)state;
	fails("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", -EHOSTUNREACH, "HTTP 500");
	fails("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", -EHOSTUNREACH, "HTTP 503");
	fails("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", -EPROTO, "HTTP 400");
	fails("HTTP/1.1 302 Away\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
	      -EPROTO, "HTTP 302");
	fails("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n!!!!!", -EPROTO, "base64");
	fails("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", -EPROTO, "base64");
	fails("SSH-2.0-nonsense\r\n\r\n", -EHOSTUNREACH, "cannot be reached");
	head = sprintf(flood, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", KMS_ANSWER_MAX + 1);
	memset(flood + head, 'A', KMS_ANSWER_MAX + 1);
	flood[head + KMS_ANSWER_MAX + 1] = '\0';
	fails(flood, -EPROTO, "more than");
	free(flood);
}

/* It says so, with or without for how long: 429 is no refusal (RFC 6585 section 4). */
static void a_kms_that_is_asked_too_often(void **state)
{
	static const char limit[] =
		"HTTP/1.1 429 Slow Down\r\nRetry-After: %d\r\nContent-Length: 0\r\n\r\n";
	struct config_user other = here.config;
	char answer[128];
	struct result result;

	(void)state;
	fails("HTTP/1.1 429 Slow Down\r\nContent-Length: 0\r\n\r\n", -EHOSTUNREACH,
	      "asked too often: HTTP 429");
	snprintf(answer, sizeof(answer), limit, 2000000000);
	fails(answer, -EHOSTUNREACH, "asked too often: HTTP 429");
	/* not for ever, whoever says so; and it is left alone, for this kind only */
	server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\naGVs\r\nbG8=";
	post(&result);
	assert_int_equal(result.problem.error, -EHOSTUNREACH);
	assert_int_equal(result.problem.retry_after, KMS_RETRY_AFTER_MOST);
	assert_string_equal(server.question, "");
	post_kind(&result, KMS_TICKET_REQUEST);
	assert_true(result.answered);
	/* another KMS said nothing yet; and then the first one, for a moment */
	other.kms_url = "http://127.0.0.1:1/";
	kms_use(here.kms, &other);
	kms_use(here.kms, &here.config);
	snprintf(answer, sizeof(answer), limit, 1);
	fails(answer, -EHOSTUNREACH, "HTTP 429");
	server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\naGVs\r\nbG8=";
	post(&result);
	assert_int_equal(result.problem.retry_after, 1);
	for (int i = 0; i < 100 && !result.answered; i++) {
		loop_for(100);
		post(&result);
	}
	assert_true(result.answered);
	/* 503 may say it, too */
	fails("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", -EHOSTUNREACH,
	      "HTTP 503");
	post(&result);
	assert_int_equal(result.problem.retry_after, 7);
}

static void a_kms_that_hangs_up(void **state)
{
	(void)state;
	server.hang_up = true;
	fails(NULL, -EHOSTUNREACH, "cannot be reached");
	fails("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\naGVs", -EHOSTUNREACH,
	      "cannot be reached");
}

static void a_kms_that_is_slow(void **state)
{
	uint64_t begin = tmr_jiffies();

	(void)state;
	fails(NULL, -EHOSTUNREACH, "timed out");
	assert_in_range(tmr_jiffies() - begin, 900, 3000);
	fails("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\naGVs", -EHOSTUNREACH, "timed out");
}

static void no_kms(void **state)
{
	(void)state;
	server.socket = mem_deref(server.socket);
	fails(NULL, -EHOSTUNREACH, "cannot be reached");
}

/* An exchange under way when the daemon ends calls nobody any more. */
static void closed_meanwhile(void **state)
{
	const struct bytes message = { .data = (uint8_t *)"\0\1\2", .len = 3 };
	struct result result = { 0 };
	struct problem problem;

	(void)state;
	assert_int_equal(kms_post(here.kms, KMS_TICKET_REQUEST, &message, "txn", take, &result,
				  &problem), 0);
	loop_for(20);
	kms_close(here.kms);
	here.kms = NULL;
	loop_for(20);
	assert_int_equal(result.calls, 0);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_kms, close_kms)
	const struct CMUnitTest tests[] = {
		EACH(a_kms_that_is_well),
		EACH(a_kms_that_is_ill),
		EACH(a_kms_that_is_asked_too_often),
		EACH(a_kms_that_hangs_up),
		EACH(a_kms_that_is_slow),
		EACH(no_kms),
		EACH(closed_meanwhile),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
