// SPDX-License-Identifier: GPL-2.0-or-later
/* What is counted, and who is told at the control socket. */
#include "tests/unit/helper/asker.h"
#include "tests/unit/helper/stage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/mikeyd/control.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/verdict.h"

#define NOBODY 65534

static char dir[64], path[96];
static uint64_t before[COUNTERS][64];

/* What a counter's samples are in the order of their labels. */
static json_t *samples_of(const json_t *counters, const char *name)
{
	json_t *counter;
	size_t at;

	json_array_foreach(counters, at, counter)
		if (!strcmp(json_string_value(json_object_get(counter, "name")), name))
			return json_object_get(counter, "samples");
	fail_msg("there is no counter %s", name);
	return NULL;
}

static int open_stage(void **state)
{
	char more[256];
	struct problem problem;

	(void)state;
	strcpy(dir, "/tmp/mikeyd-control-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/socket", dir);
	snprintf(more, sizeof(more), "control-socket = \"%s\";\nunprotected = \"mark\";\n", path);
	kernel_reset();
	stage_open(more);
	if (control_open(&stage.mikeyd, &problem))
		fail_msg("%s", problem.words);
	for (int i = 0; i < COUNTERS; i++)
		for (int j = 0; j < 2; j++)
			for (int k = 0; k < 15; k++)
				before[i][j * 15 + k] = counter_get(i, j, k);
	return 0;
}

static int close_stage(void **state)
{
	char command[96];

	(void)state;
	control_close();
	stage_close();
	assert_int_equal(access(path, F_OK), -1);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

/* By how much a counter grew since the stage was opened. */
static uint64_t grew(enum counter counter, unsigned int first, unsigned int second)
{
	return counter_get(counter, first, second) - before[counter][first * 15 + second];
}

static unsigned int method(const char *name)
{
	struct pl pl;

	pl_set_str(&pl, name);
	return counter_method(&pl);
}

static bool exchange_waits(void *arg)
{
	(void)arg;
	return kms_waiting();
}

#define OPTIONS \
	"OPTIONS sip:bob@example.test SIP/2.0\r\n" VIA("$C", "1") \
	FROM_TO("alice@example.test", "bob@example.test", "1", "OPTIONS") "\r\n"
static const char *to_bob(const char *id)
{
	static char message[1024];

	snprintf(message, sizeof(message), "MESSAGE sip:bob@example.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bK%s;rport\r\n"
		 "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:bob@example.test>\r\n"
		 "Call-ID: %s\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n"
		 "Content-Length: 5\r\n\r\nhello", id, id);
	return message;
}

static void requests_and_responses(void **state)
{
	char *ringing, *busy;

	(void)state;
	client_sends(OPTIONS);
	hop_gets();
	ringing = strdup(answer("180 Ringing"));
	busy = strdup(answer("486 Busy Here"));
	client_sends(OPTIONS);
	loop_for(20);
	hop_sends(ringing);
	client_gets();
	hop_sends(busy);
	client_gets();
	free(ringing);
	free(busy);
	assert_int_equal(grew(COUNTER_REQUESTS_RECEIVED, SIDE_INSIDE, method("OPTIONS")), 1);
	assert_int_equal(grew(COUNTER_RETRANSMISSIONS, SIDE_INSIDE, 0), 1);
	assert_int_equal(grew(COUNTER_REQUESTS_SENT, SIDE_OUTSIDE, method("OPTIONS")), 1);
	assert_int_equal(grew(COUNTER_REQUESTS_SENT, SIDE_OUTSIDE, method("MESSAGE")), 0);
	assert_int_equal(grew(COUNTER_RESPONSES_RECEIVED, SIDE_OUTSIDE, 1), 1);
	assert_int_equal(grew(COUNTER_RESPONSES_RECEIVED, SIDE_OUTSIDE, 4), 1);
	assert_int_equal(grew(COUNTER_RESPONSES_SENT, SIDE_INSIDE, 1), 1);
	assert_int_equal(grew(COUNTER_RESPONSES_SENT, SIDE_INSIDE, 4), 1);
	/* it is remembered for a while */
	assert_int_equal(grew(COUNTER_TRANSACTIONS, SIDE_INSIDE, 0), 1);
	assert_true(counter_get(COUNTER_TRANSACTIONS_MOST, SIDE_INSIDE, 0) >= 1);
}

static void methods_by_name(void **state)
{
	(void)state;
	assert_int_not_equal(method("MESSAGE"), method("INVITE"));
	/* as RFC 3261 7.1 has it, with the case they have */
	assert_int_equal(method("message"), method("FOO"));
	assert_int_equal(method(""), method("FOO"));
}

static void messages_by_what_became_of_them(void **state)
{
	(void)state;
	client_sends(to_bob("1"));
	assert_true(loop_until(exchange_waits, NULL, 10000));
	kms_answers();
	hop_gets();
	assert_int_equal(grew(COUNTER_PROTECTED, 0, 0), 1);
	hop_sends(answer("200 OK"));
	client_gets();
	kernel.protect = FAULT(-EMSGSIZE, 1);
	client_sends(to_bob("2"));
	client_gets();
	assert_int_equal(grew(COUNTER_PROTECTED, 0, 0), 1);
	assert_int_equal(grew(COUNTER_REFUSED, DIRECTION_OUTGOING, VERDICT_INVALID), 1);
	assert_int_equal(grew(COUNTER_REFUSED, DIRECTION_INCOMING, VERDICT_INVALID), 0);
}

static void what_is_no_sip(void **state)
{
	(void)state;
	client_sends("HELLO there, this is not SIP\r\n\r\n");
	client_sends("OPTIONS sip:bob@example.test SIP/2.0\r\n" VIA("$C", "1") "\r\n");
	client_gets();
	first_line_is("SIP/2.0 400 Bad Request");
	assert_int_equal(grew(COUNTER_DROPPED, SIDE_INSIDE, DROPPED_NOT_SIP), 1);
	assert_int_equal(grew(COUNTER_DROPPED, SIDE_INSIDE, DROPPED_MALFORMED), 1);
	assert_int_equal(grew(COUNTER_REQUESTS_RECEIVED, SIDE_INSIDE, method("OPTIONS")), 0);
}

/* ---- the table */

static void the_table(void **state)
{
	json_t *counters = counters_json(), *counter, *label;
	size_t at, n, size;

	(void)state;
	assert_int_equal(json_array_size(counters), COUNTERS);
	json_array_foreach(counters, at, counter) {
		const char *name = json_string_value(json_object_get(counter, "name"));
		json_t *samples = json_object_get(counter, "samples");

		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		assert_ptr_equal(samples_of(counters, name), samples);
		assert_true(*json_string_value(json_object_get(counter, "help")));
		/* each has a place of its own */
		size = json_array_size(samples);
		assert_in_range(size, 1, 32);
		json_array_foreach(json_object_get(counter, "labels"), n, label)
			assert_non_null(json_object_get(json_array_get(samples, size - 1),
							json_string_value(label)));
		assert_int_equal(json_object_size(json_array_get(samples, 0)), n + 1);
	}
	json_decref(counters);
	/* what a label does not have counts as its last value, and not as something else */
	counter_more(COUNTER_REQUESTS_SENT, SIDE_OUTSIDE, 1000);
	assert_int_equal(grew(COUNTER_REQUESTS_SENT, SIDE_OUTSIDE, method("FOO")), 1);
	counter_set(COUNTER_CONNECTIONS, SIDE_INSIDE, 1, 1);
	counter_less(COUNTER_CONNECTIONS, SIDE_INSIDE, 1);
	assert_int_equal(counter_get(COUNTER_CONNECTIONS, SIDE_INSIDE, 1), 0);
}

/* ---- at the socket */

/* The answer to a line; NULL if there is none, and the connection is closed. */
static json_t *asks(const char *request)
{
	int fd = asker_at(path);
	json_t *answer;

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	answer = asker_hears(fd);
	close(fd);
	return answer;
}

static void refuses(const char *request, const char *reason)
{
	json_t *answer = asks(request);

	assert_non_null(answer);
	assert_true(json_is_false(json_object_get(answer, "ok")));
	assert_string_equal(json_string_value(json_object_get(answer, "error")), "EINVAL");
	assert_string_equal(json_string_value(json_object_get(answer, "reason")), reason);
	json_decref(answer);
}

static json_int_t value(const json_t *samples, size_t n)
{
	return json_integer_value(json_object_get(json_array_get(samples, n), "value"));
}

static void asked_at_the_socket(void **state)
{
	json_t *answer, *counters, *sample;

	(void)state;
	client_sends(OPTIONS);
	hop_gets();
	answer = asks("{\"command\": \"stats\"}\n");
	assert_true(json_is_true(json_object_get(answer, "ok")));
	counters = json_object_get(answer, "counters");
	assert_int_equal(value(samples_of(counters, "users"), 0), 1);
	assert_true(value(samples_of(counters, "memory_bytes"), 0) > 1024 * 1024);
	assert_true(value(samples_of(counters, "started_seconds"), 0) > 1700000000);
	assert_int_equal(value(samples_of(counters, "queue_waiting"), 0), 0);
	sample = json_array_get(samples_of(counters, "requests_received"), method("OPTIONS"));
	assert_string_equal(json_string_value(json_object_get(sample, "side")), "inside");
	assert_string_equal(json_string_value(json_object_get(sample, "method")), "OPTIONS");
	assert_true(json_integer_value(json_object_get(sample, "value")) >= 1);
	json_decref(answer);
}

static void nonsense_at_the_socket(void **state)
{
	char line[2000];

	(void)state;
	refuses("{\"command\": \"stop\"}\n", "no such command");
	refuses("{\"command\": [\"stats\"]}\n", "no such request");
	refuses("[]\n", "no such request");
	refuses("GET / HTTP/1.1\n", "a line that is no JSON object");
	refuses("{\"command\": \"stats\", \"command\": \"stats\"}\n",
		"a line that is no JSON object");
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	assert_null(asks(line));
}

static bool child_ended(void *arg)
{
	return waitpid(*(pid_t *)arg, (int *)arg + 1, WNOHANG) > 0;
}

/* Not for other users, whoever can open it. */
static void somebody_else(void **state)
{
	int child[2] = { 0 };

	(void)state;
	if (geteuid())
		skip();
	child[0] = fork();
	if (!child[0]) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		char byte;

		alarm(60);
		strcpy(address.sun_path, path);
		if (setuid(NOBODY) || connect(fd, (struct sockaddr *)&address, sizeof(address)))
			_exit(2);
		send(fd, "{\"command\": \"stats\"}\n", 21, MSG_NOSIGNAL);
		_exit(recv(fd, &byte, 1, 0) > 0);
	}
	assert_true(loop_until(child_ended, child, 10000));
	assert_true(WIFEXITED(child[1]));
	assert_int_equal(WEXITSTATUS(child[1]), 0);
}

/* Its place is a fault of the configuration only where that names it. */
static void a_place_that_is_taken(void **state)
{
	struct config config = *stage.mikeyd.config;
	struct mikeyd other = { .config = &config };
	struct problem problem;
	struct stat found;

	(void)state;
	assert_int_equal(control_open(&other, &problem), -EADDRINUSE);
	assert_non_null(strstr(problem.words, "control-socket: "));
	assert_int_equal(stat(path, &found), 0);
	config.control_socket = NULL;
	setenv("RUNTIME_DIRECTORY", "/nonexistent", 1);
	assert_int_equal(control_open(&other, &problem), 0);
	unsetenv("RUNTIME_DIRECTORY");
	/* the one that is there is served still */
	config.control_socket = path;
	json_decref(asks("{\"command\": \"stats\"}\n"));
}

/* What libre does not listen to, once; the names are the linker's: ld(1) --wrap */
static bool deaf;

int __real_fd_listen(int fd, int flags, fd_h *handler, void *arg);
int __wrap_fd_listen(int fd, int flags, fd_h *handler, void *arg);

int __wrap_fd_listen(int fd, int flags, fd_h *handler, void *arg)
{
	int err = deaf ? ENOMEM : __real_fd_listen(fd, flags, handler, arg);

	/* libre's errors are what it returns */
	if (deaf)
		errno = 0;
	deaf = false;
	return err;
}

/* It says so, and leaves no file for others to wonder about. */
static void cannot_listen(void **state)
{
	struct problem problem;

	(void)state;
	control_close();
	deaf = true;
	assert_int_equal(control_open(&stage.mikeyd, &problem), -ENOMEM);
	assert_non_null(strstr(problem.words, "Cannot allocate memory"));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(control_open(&stage.mikeyd, &problem), 0);
	json_decref(asks("{\"command\": \"stats\"}\n"));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		EACH(requests_and_responses),
		EACH(methods_by_name),
		EACH(messages_by_what_became_of_them),
		EACH(what_is_no_sip),
		EACH(the_table),
		EACH(asked_at_the_socket),
		EACH(nonsense_at_the_socket),
		EACH(somebody_else),
		EACH(a_place_that_is_taken),
		EACH(cannot_listen),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
