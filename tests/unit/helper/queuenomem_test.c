// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each allocation on the way of a message that may wait fails once. What the client
 * is told has to be so: a message that was refused is neither sent nor kept, one
 * that was accepted arrives, and none arrives twice.
 */
#include "tests/unit/helper/nomem.h"
#include "tests/unit/helper/queue_stage.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "helper/mikeyd/queue.h"

/* All is quiet when nothing was heard for so long. */
#define QUIET_MS 25
/* A client over UDP repeats its request; not for ever. */
#define REPEATS 3
/* More than there are. */
#define ALLOCATIONS_MOST 200

static int open_stage(void **state)
{
	(void)state;
	kernel_reset();
	stage_open("queue = true;\nticket = \"self\";\n");
	return 0;
}

static void write_message(unsigned int n)
{
	char text[1024];

	snprintf(text, sizeof(text), "MESSAGE sip:bob@example.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bKn%u;rport\r\n"
		 FROM_TO("alice@example.test", "bob@example.test", "n%u", "MESSAGE")
		 "Subject: %u\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
		 n, n, n);
	client_sends(text);
}

/* What was seen of one message. */
static struct seen {
	unsigned int n;
	const char *first_answer;	/* the hop's, to the first attempt */
	unsigned int told;		/* the client; 0: nothing */
	unsigned int attempts, delivered;
	char via[200];			/* of the last attempt */
} seen;

static void at_the_hop(void)
{
	const char *status = seen.attempts ? "200 OK" : seen.first_answer;

	first_line_is("MESSAGE sip:bob@example.test SIP/2.0");
	assert_int_equal(atoi(header("Subject", 0)), seen.n);
	assert_null(strstr(stage.got, "hello"));
	if (strcmp(seen.via, header("Via", 0))) {
		snprintf(seen.via, sizeof(seen.via), "%s", header("Via", 0));
		seen.attempts++;
		seen.delivered += status[0] == '2';
	} else {
		status = seen.attempts > 1 ? "200 OK" : seen.first_answer;
	}
	hop_answers(status);
}

static void at_the_client(void)
{
	unsigned int code = atoi(stage.got + strlen("SIP/2.0 "));

	/* an answer may be repeated, and does not change */
	assert_true(!seen.told || seen.told == code);
	seen.told = code;
}

static bool hears(void *arg)
{
	static const struct {
		int *from;
		void (*got)(void);
	} who[] = {
		{ &stage.hop, at_the_hop }, { &stage.client, at_the_client },
	};
	bool heard = false;
	ssize_t len;

	(void)arg;
	nomem_hold(true);
	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		len = recv(*who[i].from, stage.got, sizeof(stage.got) - 1, 0);
		if (len <= 0)
			continue;
		stage.got[len] = '\0';
		who[i].got();
		heard = true;
	}
	nomem_hold(false);
	return heard;
}

static void until_quiet(void)
{
	while (loop_until(hears, NULL, QUIET_MS))
		;
}

static bool nothing_waits(void *arg)
{
	hears(arg);
	return !waiting();
}

/* Those who wait try at once, as when the KMS is back. */
static void no_pauses(void)
{
	queue_kms(stage.user, false);
	queue_kms(stage.user, true);
}

static void what_was_told_is_so(void)
{
	bool accepted;
	uint64_t left;

	if (seen.told / 100 == 2)
		no_pauses();
	/* without an answer it counts as failed, and may arrive all the same */
	if (seen.told < 300)
		assert_true(loop_until(nothing_waits, NULL, QUEUE_WAIT_MS));
	until_quiet();
	accepted = seen.told / 100 == 2;
	left = waiting();
	/* what was accepted the network can refuse still */
	if (left || seen.delivered > 1 || (seen.told && !accepted && seen.delivered) ||
	    (accepted && !seen.delivered && seen.first_answer[0] != '4'))
		fail_msg("allocation %u: told %u, %u of %u attempts accepted, %u wait", seen.n,
			 seen.told, seen.delivered, seen.attempts, (unsigned int)left);
}

/* The message whose nth allocation fails; false: it has not so many. */
static bool one_fails(unsigned int nth, const char *first_answer)
{
	bool failed;

	seen = (struct seen){ .n = nth, .first_answer = first_answer };
	write_message(nth);
	nomem_fail(nth);
	until_quiet();
	for (unsigned int i = 0; i < REPEATS && !seen.told; i++) {
		nomem_hold(true);
		write_message(nth);
		nomem_hold(false);
		until_quiet();
	}
	failed = nomem_failed();
	nomem_fail(0);
	what_was_told_is_so();
	return failed;
}

static void each_fails(const char *first_answer)
{
	unsigned int nth = 1;

	while (one_fails(nth, first_answer))
		assert_true(++nth < ALLOCATIONS_MOST);
	/* so many at the least: server, ticket, body, parcel, flight, client, answer */
	assert_true(nth > 10);
}

static void at_once(void **state)
{
	(void)state;
	each_fails("200 OK");
}

static void refused(void **state)
{
	(void)state;
	each_fails("403 Forbidden");
}

static void later(void **state)
{
	(void)state;
	each_fails("503 Service Unavailable");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_stage, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(at_once),
		EACH(refused),
		EACH(later),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
