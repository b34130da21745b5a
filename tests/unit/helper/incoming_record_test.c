// SPDX-License-Identifier: GPL-2.0-or-later
/* MESSAGEs that come again: remembered, over restarts too, and copies of a fork. */
#include "tests/unit/helper/incoming_stage.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* It comes again, and the kernel says so or has forgotten it. */
static void comes_again(const char *branch, int error, const char *line)
{
	kernel.unprotect = FAULT(error, 1);
	hop_sends(message(branch, MULTIPART(HELLO)));
	kms_gets(1);
	kms_answers();
	refused(line);
}

static void delivered_before(void **state)
{
	(void)state;
	kernel.mac = 7;
	opened("1", MULTIPART(HELLO));
	answered_by_the_client("486 Busy Here");
	comes_again("2", -EALREADY, "SIP/2.0 486 As Before");
	comes_again("3", 0, "SIP/2.0 486 As Before");
	kernel.mac = 8;
	opened("4", MULTIPART(HELLO));
	answered_by_the_client("202 Accepted");
	comes_again("5", -EALREADY, "SIP/2.0 202 OK");
	comes_again("6", 0, "SIP/2.0 202 OK");
	/* somebody else's with the same MAC is another message */
	kernel.initiator = "carol@example.test";
	opened("7", MULTIPART(HELLO));
}

/* What the kernel opened and nothing is known of is not said to have arrived. */
static void outcome_not_known(void **state)
{
	(void)state;
	kernel.mac = 7;
	comes_again("1", -EALREADY, "SIP/2.0 480 Temporarily Unavailable");
	/* the client says nothing before mikeyd is killed */
	opened("2", MULTIPART(HELLO));
	stage_restart("");
	client_registers("bob");
	comes_again("3", -EALREADY, "SIP/2.0 480 Temporarily Unavailable");
	comes_again("4", 0, "SIP/2.0 480 Temporarily Unavailable");
}

/* Another mikeyd, another kernel: the record is what both have. */
static void remembered_over_restarts(void **state)
{
	(void)state;
	kernel.mac = 7;
	opened("1", MULTIPART(HELLO));
	answered_by_the_client("200 OK");
	stage_restart("");
	client_registers("bob");
	comes_again("2", 0, "SIP/2.0 200 OK");
	comes_again("3", -EALREADY, "SIP/2.0 200 OK");
	kernel.mac = 8;
	opened("4", MULTIPART(HELLO));
}

/* RFC 6043 leaves deferred delivery no age limit; a bounded record needs one. */
static void floor_over_restarts(void **state)
{
	static const char small[] = "policy = { replay-sender = 2; replay-total = 9; };\n";
	char branch[16];

	(void)state;
	stage_restart(small);
	client_registers("bob");
	for (int i = 1; i <= 3; i++) {
		kernel.mac = i;
		kernel.sent = 1700000000 + i;
		snprintf(branch, sizeof(branch), "%d", i);
		opened(branch, MULTIPART(HELLO));
		answered_by_the_client("200 OK");
	}
	stage_restart(small);
	client_registers("bob");
	/* the first was forgotten; it must not come through as a new one */
	kernel.mac = 1;
	kernel.sent = 1700000001;
	comes_again("a", 0, "SIP/2.0 493 Undecipherable");
	kernel.mac = 9;
	comes_again("b", 0, "SIP/2.0 493 Undecipherable");
	kernel.mac = 2;
	kernel.sent = 1700000002;
	comes_again("c", 0, "SIP/2.0 200 OK");
	/* late, but newer than all that was forgotten: evicts nothing it needs */
	kernel.mac = 10;
	kernel.sent = 1700000003;
	opened("d", MULTIPART(HELLO));
}

/* Without a record nothing is delivered, and nothing is opened in vain. */
static void record_cannot_be_written(void **state)
{
	struct rlimit limit, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	signal(SIGXFSZ, SIG_IGN);
	kernel.mac = 7;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	comes_again("1", 0, "SIP/2.0 503 Service Unavailable");
	assert_string_equal(header("Retry-After", 0), "30");
	assert_int_equal(kernel.unprotects, 1);
	/* from now on it is noticed before the kernel spends the message */
	hop_sends(message("2", MULTIPART(HELLO)));
	refused("SIP/2.0 503 Service Unavailable");
	assert_int_equal(kms_waiting(), 0);
	assert_int_equal(kernel.unprotects, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	opened("3", MULTIPART(HELLO));
	answered_by_the_client("200 OK");
	comes_again("4", 0, "SIP/2.0 200 OK");
}

/* The client registers from another port; a copy goes to where it was before. */
static void move_client(const char *from)
{
	int other;
	char old_path[256], text[2048];
	struct sa address;
	uint16_t port = loop_free_port();

	strcpy(old_path, stage.path);
	other = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	sa_set_str(&address, "127.0.0.1", port);
	assert_int_equal(bind(other, &address.u.sa, address.len), 0);
	dup2(other, stage.client);
	stage.client_port = port;
	client_registers("bob");
	close(other);

	snprintf(text, sizeof(text), "MESSAGE sip:bob@127.0.0.1 SIP/2.0\r\n" VIA("$H", "old")
		 "Route: <%s>\r\nFrom: <sip:%s>;tag=f\r\nTo: <sip:bob@example.test>\r\n"
		 "Call-ID: 1\r\nCSeq: 1 MESSAGE\r\n" MULTIPART(HELLO), old_path, from);
	hop_sends(text);
}

/*
 * Who has one message under a true From opened may send a copy of it under
 * another one to the next contact (TS 33.328: IDRi takes precedence over From).
 */
static void copy_under_another_name(void **state)
{
	(void)state;
	kernel.initiator = "mallory@example.test";
	move_client("mallory@example.test");
	kms_gets(1);
	hop_sends(message_from("king@example.test", "new", "P-Asserted-Identity: <sip:king@x>\r\n"
			       MULTIPART(HELLO)));
	silence();
	kms_answers();
	client_gets();
	assert_string_equal(header("From", 0),
			    "\"claims to be king@example.test\" <sip:mallory@example.test>;tag=f");
	assert_string_equal(header("P-Asserted-Identity", 0), "<sip:mallory@example.test>");
}

/* A proxy that forks: one resolve, one opening, one copy for each contact. */
static void copies_of_a_fork(void **state)
{
	(void)state;
	move_client("alice@example.test");
	kms_gets(1);
	hop_sends(message("new", MULTIPART(HELLO)));	/* while it is resolved */
	silence();
	assert_int_equal(kms_waiting(), 1);
	kms_answers();
	client_gets();					/* not only the old contact */
	assert_string_equal(body(), "hello");
	hop_sends(message("again", MULTIPART(HELLO)));	/* while the client thinks */
	silence();
	client_sends(answer("200 OK"));
	for (int i = 0; i < 2; i++) {
		hop_gets();
		first_line_is("SIP/2.0 200 OK");
	}
	hop_sends(message("late", MULTIPART(HELLO)));	/* the old contact is still asked */
	hop_gets();
	first_line_is("SIP/2.0 200 OK");
	silence();
	assert_int_equal(kernel.resolves, 1);
	assert_int_equal(kernel.unprotects, 1);
}

/* The same TRANSFER_INIT with another body is another message. */
static void no_fork_but_a_forgery(void **state)
{
	(void)state;
	hop_sends(message("1", MULTIPART(HELLO)));
	kms_gets(1);
	hop_sends(message("2", MULTIPART("x" HELLO)));
	kms_gets(2);
	kms_answers();
	client_gets();
	kernel.unprotect = FAULT(-EKEYREJECTED, 1);
	kms_answers();
	hop_gets();
	first_line_is("SIP/2.0 493 Undecipherable");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		EACH(delivered_before),
		EACH(outcome_not_known),
		EACH(remembered_over_restarts),
		EACH(floor_over_restarts),
		EACH(record_cannot_be_written),
		EACH(copy_under_another_name),
		EACH(copies_of_a_fork),
		EACH(no_fork_but_a_forgery),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
