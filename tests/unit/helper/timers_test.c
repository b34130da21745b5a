// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens after a long time (RFC 3261 17, 16.6 step 11), on a clock that the test moves. */
#include "tests/unit/helper/clock.h"
#include "tests/unit/helper/queue_stage.h"

#include <sys/socket.h>

#define AB(cseq) FROM_TO("alice@example.test", "bob@example.test", "call", cseq)
#define INVITE "INVITE sip:bob@example.test SIP/2.0\r\n" VIA("$C", "i") AB("INVITE") "\r\n"
#define OPTIONS(branch) "OPTIONS sip:bob@example.test SIP/2.0\r\n" VIA("$C", branch) \
	AB("OPTIONS") "\r\n"
#define ACK "ACK sip:bob@example.test SIP/2.0\r\n" VIA("$C", "i") AB("ACK") "\r\n"

static char trying[2048], ringing[2048], progress[2048], busy[2048], accepted[2048];

/* What is due by then happens once, as after a sleep. */
static void pass(unsigned int seconds)
{
	/* what is on its way arrives before */
	loop_for(30);
	clock_ahead += seconds * 1000ULL;
	loop_for(30);
}

/* What was sent again meanwhile is of no interest. */
static void drain(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) >= 0)
		;
}

static bool any(struct le *le, void *arg)
{
	(void)le;
	(void)arg;
	return true;
}

static void nothing_is_left(void)
{
	const struct transactions *transactions = stage.mikeyd.transactions;

	assert_int_equal(transactions->n_servers[SIDE_INSIDE], 0);
	assert_int_equal(transactions->n_servers[SIDE_OUTSIDE], 0);
	assert_int_equal(transactions->n_bytes[SIDE_INSIDE], 0);
	assert_int_equal(transactions->n_bytes[SIDE_OUTSIDE], 0);
	assert_null(hash_apply(transactions->clients, any, NULL));
}

static void call(void)
{
	client_sends(INVITE);
	client_gets();
	first_line_is("SIP/2.0 100 Trying");
	hop_gets();
	first_line_is("INVITE sip:bob@example.test SIP/2.0");
	strcpy(trying, answer("100 Trying"));
	strcpy(ringing, answer("180 Ringing"));
	strcpy(progress, answer("183 Session Progress"));
	strcpy(busy, answer("486 Busy Here"));
	strcpy(accepted, answer("200 OK"));
}

static void client_gets_line(const char *line)
{
	client_gets();
	first_line_is(line);
}

/* Timer B; then Timer H, whether there is an ACK or not. */
static void nobody_answers(void **state)
{
	(void)state;
	call();
	pass(30);
	drain(stage.hop);
	assert_non_null(hash_apply(stage.mikeyd.transactions->clients, any, NULL));
	pass(3);
	client_gets_line("SIP/2.0 408 Request Timeout");
	pass(33);
	nothing_is_left();
}

/* Timer C: what rings for too long is cancelled; what does not stop then is given up. */
static void rings_for_ever(void **state)
{
	(void)state;
	call();
	hop_sends(ringing);
	client_gets_line("SIP/2.0 180 Ringing");
	pass(150);
	/* every one but a 100 starts it anew (16.7 step 2) */
	hop_sends(progress);
	client_gets_line("SIP/2.0 183 Session Progress");
	pass(150);
	hop_sends(trying);
	pass(45);
	silence();
	pass(6);
	hop_gets();
	first_line_is("CANCEL sip:bob@example.test SIP/2.0");
	hop_answers("200 OK");
	silence();
	pass(33);
	client_gets_line("SIP/2.0 408 Request Timeout");
	client_sends(ACK);
	pass(6);
	nothing_is_left();
}

/* Timers D, F, I, J, K, L and M: of all kinds nothing stays. */
static void all_ends(void **state)
{
	(void)state;
	call();
	hop_sends(accepted);
	client_gets_line("SIP/2.0 200 OK");
	pass(33);
	nothing_is_left();
	call();
	hop_sends(busy);
	hop_gets();
	first_line_is("ACK sip:bob@example.test SIP/2.0");
	client_gets_line("SIP/2.0 486 Busy Here");
	client_sends(ACK);
	pass(33);
	nothing_is_left();
	client_sends(OPTIONS("o"));
	hop_gets();
	hop_answers("200 OK");
	client_gets_line("SIP/2.0 200 OK");
	pass(33);
	nothing_is_left();
	/* RFC 4320: no 408 */
	client_sends(OPTIONS("u"));
	hop_gets();
	pass(4);
	client_gets_line("SIP/2.0 100 Trying");
	pass(61);
	drain(stage.hop);
	silence();
	nothing_is_left();
}

static int open_queue(void **state)
{
	(void)state;
	kernel_reset();
	stage_open("queue = true;\nticket = \"self\";\n");
	return 0;
}

/* RFC 3261 20.33: with a comment, and for how long that will be so */
static void told_to_wait(void **state)
{
	(void)state;
	client_sends("MESSAGE sip:bob@example.test SIP/2.0\r\n" VIA("$C", "m")
		     FROM_TO("alice@example.test", "bob@example.test", "m", "MESSAGE")
		     "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
	hop_gets();
	hop_answers("503 Service Unavailable\r\nRetry-After: 600 (until noon);duration=60");
	client_gets_line(LATER);
	pass(550);
	silence();
	pass(60);
	hop_gets();
	first_line_is("MESSAGE sip:bob@example.test SIP/2.0");
	hop_answers("200 OK");
	wait_for_nothing();
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(nobody_answers),
		EACH(rings_for_ever),
		EACH(all_ends),
		cmocka_unit_test_setup_teardown(told_to_wait, open_queue, stage_teardown),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
