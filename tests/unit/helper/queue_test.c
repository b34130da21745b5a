// SPDX-License-Identifier: GPL-2.0-or-later
/* MESSAGEs that wait: what is answered, when they are sent, and how they end. */
#include "tests/unit/helper/queue_stage.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

#include "helper/mikeyd/queue.h"

#define ON "queue = true;\n"
#define MADE_HERE "ticket = \"self\";\n"

static char texts[8][1024];

/* A text message of alice's; its branch is its Call-ID. */
static const char *message(const char *uri, const char *branch, const char *headers)
{
	static unsigned int at;
	char *text = texts[at++ % ARRAY_SIZE(texts)];

	snprintf(text, sizeof(texts[0]), "MESSAGE %s SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bK%s;rport\r\n"
		 "From: <sip:alice@example.test>;tag=f\r\nTo: <%s>\r\n"
		 "Call-ID: %s\r\nCSeq: 7 MESSAGE\r\nSubject: %s\r\n"
		 "p-mikey-verified: <king@example.test>; proved=body\r\n"
		 "%sContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello", uri, branch,
		 uri, branch, branch, headers);
	return text;
}

static const char *to_bob(const char *branch)
{
	return message("sip:bob@example.test", branch, "");
}

static int open_stage(void **state)
{
	(void)state;
	kernel_reset();
	stage_open(ON MADE_HERE);
	return 0;
}

/* The next message at the hop, however long the pause. */
static void hop_gets_later(const char *subject)
{
	hop_gets_late(QUEUE_WAIT_MS);
	first_line_is("MESSAGE sip:bob@example.test SIP/2.0");
	assert_string_equal(header("Subject", 0), subject);
}

static struct queue_failed last_failed;
static char last_words[200];

static void note_failed(const struct queue_failed *failed, void *arg)
{
	unsigned int *count = arg;

	(*count)++;
	last_failed = *failed;
	snprintf(last_words, sizeof(last_words), "%s", failed->words);
}

static unsigned int failed(void)
{
	struct queue_store *store = look();
	struct problem problem;
	unsigned int count = 0;

	assert_int_equal(queue_store_each_failed(store, note_failed, &count, &problem), 0);
	queue_store_close(store);
	return count;
}

static bool has_failed(void *arg)
{
	(void)arg;
	return failed();
}

/* Alice's message finds the next hop unwilling. */
static void has_to_wait(const char *branch)
{
	client_sends(to_bob(branch));
	hop_gets_later(branch);
	hop_answers("503 Service Unavailable");
	client_is_told(LATER, "it will be sent later: the answer was 503 Service Unavailable");
}

/* While all is well the queue is not to be noticed. */
static void nothing_has_to_wait(void **state)
{
	(void)state;
	client_sends(to_bob("a"));
	hop_gets_later("a");
	assert_string_equal(header("Call-ID", 0), "a");
	assert_string_equal(header("CSeq", 0), "7 MESSAGE");
	hop_answers("200 OK");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
	client_sends(to_bob("b"));
	hop_gets_later("b");
	hop_answers("480 Not There");
	client_gets();
	first_line_is("SIP/2.0 480 Not There");
	assert_int_equal(waiting(), 0);
	assert_int_equal(failed(), 0);
}

static void sent_again(void **state)
{
	char first[8192], call_id[64], branch[128];

	(void)state;
	client_sends(to_bob("a"));
	hop_gets_later("a");
	strcpy(first, body());
	hop_answers("503 Service Unavailable");
	client_is_told(LATER, "503");
	assert_int_equal(waiting(), 1);
	hop_gets_later("a");
	assert_string_equal(body(), first);	/* the same TRANSFER_INIT */
	assert_null(strstr(stage.got, "hello"));
	assert_string_equal(header("P-Mikey-Verified", 0), "");
	assert_string_equal(header("From", 0), "<sip:alice@example.test>;tag=f");
	assert_string_equal(header("To", 0), "<sip:bob@example.test>");
	assert_string_equal(header("CSeq", 0), "2 MESSAGE");
	assert_string_equal(header("Via", 1), "");
	assert_int_equal(atoi(header("Max-Forwards", 0)), 70);
	assert_non_null(strstr(header("Date", 0), " GMT"));
	assert_memory_equal(header("Content-Type", 0), "multipart/mixed;boundary=", 25);
	assert_string_not_equal(header("Call-ID", 0), "a");
	strcpy(call_id, header("Call-ID", 0));
	strcpy(branch, header("Via", 0));
	/* a new attempt is a new transaction */
	hop_answers("500 Not Yet");
	hop_gets_later("a");
	assert_string_equal(header("Call-ID", 0), call_id);
	assert_string_equal(header("CSeq", 0), "3 MESSAGE");
	assert_string_not_equal(header("Via", 0), branch);
	assert_string_equal(body(), first);
	hop_answers("200 OK");
	wait_for_nothing();
	assert_int_equal(failed(), 0);
	silence();
	assert_int_equal(kernel.protects, 1);
}

/* One after the other, and others are not held up. */
static void order(void **state)
{
	static const char * const all[] = { "a", "b", "c" };

	(void)state;
	client_sends(to_bob("a"));
	hop_gets_later("a");
	client_sends(to_bob("b"));
	silence();		/* RFC 3428 section 8 */
	hop_answers("503 Service Unavailable");
	client_is_told(LATER, "the answer was 503");
	client_is_told(LATER, "others wait for the same recipient");
	client_sends(to_bob("c"));
	client_is_told(LATER, "others wait for the same recipient");
	client_sends(message("sip:carol@example.test", "d", ""));
	hop_gets();
	first_line_is("MESSAGE sip:carol@example.test SIP/2.0");
	hop_answers("200 OK");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
	assert_int_equal(waiting(), 3);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		hop_gets_later(all[i]);
		silence();
		hop_answers("202 Accepted");
	}
	wait_for_nothing();
	client_sends(to_bob("e"));
	hop_gets_later("e");
	hop_answers("200 OK");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
}

static void over_a_restart(void **state)
{
	char via[128];

	(void)state;
	has_to_wait("a");
	client_sends(to_bob("b"));
	client_is_told(LATER, "others wait");
	hop_gets_later("a");
	snprintf(via, sizeof(via), "%s", strstr(header("Via", 0), "branch=") + 7);
	via[strcspn(via, ";")] = '\0';
	/* it ends while that one is under way, and goes on with the same branch */
	stage_restart(ON MADE_HERE);
	hop_gets_later("a");
	assert_non_null(strstr(header("Via", 0), via));
	assert_string_equal(header("CSeq", 0), "2 MESSAGE");
	hop_answers("200 OK");
	hop_gets_later("b");
	hop_answers("200 OK");
	wait_for_nothing();
	assert_int_equal(failed(), 0);
}

/* mikeyd ends with a message that has no answer yet. */
static void ended_meanwhile(void **state)
{
	(void)state;
	client_sends(to_bob("a"));
	hop_gets_later("a");
	client_sends(to_bob("b"));
	silence();
	stage_restart(ON MADE_HERE);
	hop_gets_later("a");
	hop_answers("480 It Came Before");	/* which it may have: not for ever */
	assert_int_equal(waiting(), 2);
	hop_gets_later("a");
	hop_answers("200 OK");
	hop_gets_later("b");
	hop_answers("200 OK");
	wait_for_nothing();
}

/* The 202 was lost when mikeyd was killed: the client repeats its request. */
static void repeat_of_the_client(void **state)
{
	(void)state;
	has_to_wait("a");
	hop_gets_later("a");
	hop_answers("200 OK");
	wait_for_nothing();
	stage_restart_same(ON MADE_HERE);
	client_sends(to_bob("a"));
	client_is_told(LATER, "it came before");
	silence();
}

/* Killed during the first attempt, and before the second of two. */
static void killed_under_way(void **state)
{
	char first[8192];

	(void)state;
	client_sends(to_bob("a"));
	hop_gets_later("a");
	strcpy(first, body());
	client_sends(to_bob("b"));
	silence();
	assert_int_equal(waiting(), 2);
	stage_killed(ON MADE_HERE);
	client_sends(to_bob("a"));
	client_is_told(LATER, "it came before");
	hop_gets_later("a");
	assert_string_equal(body(), first);
	hop_answers("480 It Came Before");
	client_sends(to_bob("b"));
	client_is_told(LATER, "it came before");
	hop_gets_later("a");
	hop_answers("200 OK");
	hop_gets_later("b");
	hop_answers("200 OK");
	wait_for_nothing();
	silence();
	assert_int_equal(kernel.protects, 2);
}

/* What was refused is not known any more: trying again is the client's right. */
static void refusal_is_no_repeat(void **state)
{
	(void)state;
	client_sends(to_bob("a"));
	hop_gets_later("a");
	hop_answers("403 Forbidden");
	client_gets();
	first_line_is("SIP/2.0 403 Forbidden");
	stage_killed(ON MADE_HERE);
	assert_int_equal(waiting(), 0);
	client_sends(to_bob("a"));
	hop_gets_later("a");
	hop_answers("200 OK");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
}

static void refused_for_good(void **state)
{
	(void)state;
	has_to_wait("a");
	client_sends(to_bob("b"));
	client_is_told(LATER, "others wait");
	hop_gets_later("a");
	hop_answers("403 Forbidden");
	assert_true(loop_until(has_failed, NULL, QUEUE_WAIT_MS));
	assert_int_equal(last_failed.code, 403);
	assert_string_equal(last_words, "the answer was 403 Forbidden");
	assert_string_equal(last_failed.recipient.text, "bob@example.test");
	/* those behind it are sent */
	hop_gets_later("b");
	hop_answers("407 Who Are You");
	wait_for_nothing();
	assert_int_equal(failed(), 2);
	assert_string_equal(last_words,
			    "the next SIP hop wants credentials, which only the client has");
	/* so it would be for every one that waits: they are refused at once */
	client_sends(to_bob("c"));
	hop_gets_later("c");
	hop_answers("503 Service Unavailable");
	client_gets();
	first_line_is(REFUSED);
	assert_int_equal(waiting(), 0);
}

/*
 * The disk fails when a refusal is to be put down: the message is there still, and will
 * be sent. The client must not be told that it was refused, and then somebody gets it.
 */
static void refusal_is_not_forgotten(void **state)
{
	sqlite3 *other;
	char path[64];

	(void)state;
	client_sends(to_bob("a"));
	hop_gets_later("a");
	client_sends(to_bob("b"));
	silence();
	snprintf(path, sizeof(path), "%s/queue.db", stage.state_dir);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	hop_answers("403 Forbidden");
	client_gets_late(QUEUE_WAIT_MS);
	first_line_is(LATER);
	assert_non_null(strstr(header("Warning", 0), "the answer was 403 Forbidden"));
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	client_is_told(LATER, "others wait");
	assert_int_equal(waiting(), 2);
	hop_gets_later("a");
	hop_answers("403 Forbidden");
	assert_true(loop_until(has_failed, NULL, QUEUE_WAIT_MS));
	assert_int_equal(last_failed.code, 403);
	hop_gets_later("b");
	hop_answers("200 OK");
	wait_for_nothing();
}

static void what_cannot_wait(void **state)
{
	static const char * const headers[] = {
		"Proxy-Authorization: Digest x\r\n", "Authorization: Digest x\r\n",
	};
	time_t sent = time(NULL) - 90;
	char late[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		client_sends(message("sip:bob@example.test", i ? "b" : "a", headers[i]));
		hop_gets();
		hop_answers("503 Service Unavailable");
		client_gets();
		first_line_is(REFUSED);
	}
	/* an Expires that is over, though not by more than clocks may differ */
	strftime(late, sizeof(late), "Expires: 60\r\nDate: %a, %d %b %Y %H:%M:%S GMT\r\n",
		 gmtime(&sent));
	client_sends(message("sip:bob@example.test", "c", late));
	hop_gets();
	hop_answers("503 Service Unavailable");
	client_is_told(REFUSED, "and the message cannot wait: its time is over");
	assert_int_equal(waiting(), 0);
}

static void expires(void **state)
{
	(void)state;
	client_sends(message("sip:bob@example.test", "a", "Expires: 1\r\n"));
	hop_gets_later("a");
	hop_answers("503 Service Unavailable\r\nRetry-After: 2");
	client_is_told(LATER, "503");
	assert_int_equal(waiting(), 1);
	assert_true(loop_until(has_failed, NULL, QUEUE_WAIT_MS));
	assert_string_equal(last_words, "it expired");
	assert_int_equal(waiting(), 0);
	silence();
}

static void full(void **state)
{
	(void)state;
	stage_restart(ON MADE_HERE "queue-messages = 2;\n");
	has_to_wait("a");
	client_sends(to_bob("b"));
	client_is_told(LATER, "others wait");
	client_sends(to_bob("c"));
	client_is_told(REFUSED, "and the message cannot wait: 2 messages wait already");
	assert_string_equal(header("Retry-After", 0), "30");
	assert_int_equal(waiting(), 2);
}

/* The KMS is away. */
static void tickets_made_here(void **state)
{
	(void)state;
	stage_restart(ON);
	client_sends(to_bob("a"));
	wait_for_nothing();
	loop_for(50);
	kms_fails(-EHOSTUNREACH, "the KMS is away");
	client_is_told(REFUSED, "the KMS is away");
	stage_restart(ON "queue-ticket = \"self\";\n");
	kernel.mints = 0;
	client_sends(to_bob("b"));
	client_sends(to_bob("c"));
	loop_for(50);
	kms_fails(-EHOSTUNREACH, "the KMS is away");
	hop_gets_later("b");
	assert_int_equal(kernel.mints, 1);
	hop_answers("200 OK");
	client_gets();
	first_line_is("SIP/2.0 200 OK");
	hop_gets_later("c");
	hop_answers("200 OK");
	client_gets();
	/* it is not kept: the next one asks the KMS */
	client_sends(to_bob("d"));
	loop_for(50);
	assert_int_equal(kms_waiting(), 1);
	kms_fails(-EREMOTEIO, "KMS error 5: no");
	client_is_told("SIP/2.0 403 Forbidden", "no");
}

static void turned_off(void **state)
{
	(void)state;
	has_to_wait("a");
	stage_restart("ticket = \"self\";\n");
	/* what waits is sent, nothing more is taken */
	hop_gets_later("a");
	hop_answers("200 OK");
	wait_for_nothing();
	client_sends(to_bob("b"));
	hop_gets_later("b");
	hop_answers("503 Service Unavailable");
	client_gets();
	first_line_is(REFUSED);
	assert_int_equal(waiting(), 0);
}

static void closed_under_way(void **state)
{
	struct problem problem;

	(void)state;
	client_sends(to_bob("a"));
	hop_gets_later("a");
	queue_close(stage.user);
	hop_answers("200 OK");
	loop_for(50);
	assert_int_equal(queue_open(stage.user, &problem), 0);
	hop_gets_later("a");
	hop_answers("200 OK");
	wait_for_nothing();
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_stage, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(nothing_has_to_wait),
		EACH(sent_again),
		EACH(order),
		EACH(over_a_restart),
		EACH(ended_meanwhile),
		EACH(repeat_of_the_client),
		EACH(killed_under_way),
		EACH(refusal_is_no_repeat),
		EACH(refused_for_good),
		EACH(refusal_is_not_forgotten),
		EACH(what_cannot_wait),
		EACH(expires),
		EACH(full),
		EACH(tickets_made_here),
		EACH(turned_off),
		EACH(closed_under_way),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
