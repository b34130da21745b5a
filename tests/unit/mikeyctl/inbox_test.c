// SPDX-License-Identifier: GPL-2.0-or-later
/* inbox and follow against something that answers as mikeyd's inbox does. */
#include "tests/unit/mikeyctl/support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], path[96], heard[96];
static pid_t server;

/* Answers to one connection's requests, in order; all requests go to a file. */
static void serve(const char * const *answers)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, sizeof(path), "%s/socket", dir);
	snprintf(heard, sizeof(heard), "%s/heard", dir);
	unlink(path);
	unlink(heard);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	server = fork();
	if (!server) {
		FILE *in, *log = fopen(heard, "w");
		char line[1024];
		int peer;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		peer = accept(fd, NULL, NULL);
		in = fdopen(peer, "r");
		while (in && log && *answers && fgets(line, sizeof(line), in)) {
			fputs(line, log);
			fflush(log);
			if (dprintf(peer, "%s\n", *answers++) < 0)
				break;
		}
		/* what is asked after the last answer is heard, too */
		while (in && log && *line && fgets(line, sizeof(line), in) && fputs(line, log) >= 0)
			break;
		if (log)
			fclose(log);
		_exit(0);
	}
	close(fd);
}

/* What was asked, once the command is over. */
static const char *asked(void)
{
	static char text[4096];
	size_t len = 0;
	FILE *file;

	waitpid(server, NULL, 0);
	file = fopen(heard, "r");
	if (file) {
		len = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[len] = '\0';
	return text;
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mikeyctl-inbox-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

#define MESSAGE(rest) \
	"{\"ok\":true,\"message\":{\"id\":7,\"received\":1700000001,\"sent\":1700000000," \
	"\"sender\":\"alice@example.test\",\"claimed\":\"king@example.test\"," \
	"\"recipient\":\"bob@example.test\",\"proved\":\"body\",\"form\":\"authenticated\"," \
	"\"headers\":\"\",\"content_type\":" rest "}}"
#define TEXT(body) MESSAGE("\"text/plain\",\"length\":5,\"body\":\"" body "\"")

#define CLAIM \
	"{\"ok\":true,\"message\":{\"id\":7,\"received\":1700000001,\"sent\":null," \
	"\"sender\":null,\"claimed\":\"king@example.test\",\"proved\":\"none\"," \
	"\"content_type\":\"image/png\",\"length\":3,\"body_base64\":\"AAEC\"}}"
#define TIME "2023-11-14T22:13:20Z"

static const char ok[] = "{\"ok\":true}";
static const char none[] = "{\"ok\":false,\"error\":\"ENOENT\",\"reason\":\"no such message\"}";

static void texts_steer_nothing(void **state)
{
	static const char * const answers[] = {
		TEXT("a\\u001b]0;x\\u0007\\r\\n8 " TIME " eve (body)\\n\\tb\\u202e"), NULL
	};
	struct outcome outcome;

	(void)state;
	serve(answers);
	run(&outcome, &inbox_show, -1, "--socket", path, "7", NULL);
	assert_string_equal(outcome.err, "");
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_string_equal(outcome.out,
			    "7            " TIME " alice@example.test (body) text/plain 5\n"
			    "    a?]0;x?\n    8 " TIME " eve (body)\n    \tb?\n");
	assert_string_equal(asked(), "{\"command\":\"show\",\"id\":7}\n");
}

static void claims_are_called_so(void **state)
{
	static const char * const answers[] = { CLAIM, NULL };
	struct outcome outcome;

	(void)state;
	serve(answers);
	run(&outcome, &inbox_show, -1, "--socket", path, "7", NULL);
	assert_says(outcome.out, "7            2023-11-14T22:13:21Z claims to be king@");
	assert_says(outcome.out, "king@example.test (none) image/png 3\n");
	asked();
	serve(answers);
	run(&outcome, &inbox_show, -1, "--socket", path, "--body", "7", NULL);
	assert_memory_equal(outcome.out, "\0\1\2", 4);
	asked();
	serve(answers);
	run(&outcome, &inbox_show, -1, "--socket", path, "--json", "7", NULL);
	assert_says(outcome.out, "\"body_base64\":\"AAEC\"");
	asked();
}

static void taken_when_written(void **state)
{
	static const char * const answers[] = { TEXT("hello"), ok, NULL };
	struct outcome outcome;

	(void)state;
	serve(answers);
	run(&outcome, &inbox_take, -1, "--socket", path, "--body", NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_string_equal(outcome.out, "hello");
	assert_string_equal(asked(),
			    "{\"command\":\"next\",\"after\":0,\"wait\":false,\"lend\":true}\n"
			    "{\"command\":\"take\",\"id\":7}\n");
}

/* The disk is full: the message stays where it is. */
static void not_taken_unwritten(void **state)
{
	static const char * const answers[] = { TEXT("hello"), ok, NULL };
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), saved;
	char *arguments[4] = { NULL };

	(void)state;
	serve(answers);
	arguments[0] = "mikeyctl";
	arguments[1] = "--socket";
	arguments[2] = path;
	fflush(NULL);
	saved = dup(STDOUT_FILENO);
	dup2(full, STDOUT_FILENO);
	optind = 0;
	assert_int_equal(inbox_take.run(&inbox_take, 3, arguments), EXIT_FAILED);
	clearerr(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(full);
	assert_null(strstr(asked(), "take"));
}

static void nothing_there(void **state)
{
	static const char * const answers[] = { none, NULL };
	static const char * const bad[] = { "[", NULL };
	static const char * const silent[] = { NULL };
	struct outcome outcome;

	(void)state;
	serve(answers);
	run(&outcome, &inbox_take, -1, "--socket", path, NULL);
	assert_int_equal(outcome.code, EXIT_NOTHING);
	assert_string_equal(outcome.err, "mikeyctl: no such message\n");
	asked();
	serve(bad);
	run(&outcome, &inbox_list, -1, "--socket", path, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	asked();
	serve(silent);
	kill(server, SIGSTOP);
	run(&outcome, &inbox_wait, -1, "--socket", path, "--timeout=1", NULL);
	assert_int_equal(outcome.code, EXIT_NOTHING);
	assert_says(outcome.err, "in time");
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	run(&outcome, &inbox_list, -1, "--socket", path, NULL);
	assert_int_equal(outcome.code, EXIT_FAILED);
	assert_says(outcome.err, "is mikeyd running?");
}

static void lists_in_pieces(void **state)
{
	static const char * const answers[] = {
		"{\"ok\":true,\"messages\":[{\"id\":3},{\"id\":5}]}",
		"{\"ok\":true,\"messages\":[{\"id\":9}]}",
		"{\"ok\":true,\"messages\":[]}", NULL
	};
	struct outcome outcome;

	(void)state;
	serve(answers);
	run(&outcome, &inbox_list, -1, "--socket", path, "--json", NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_says(outcome.out, "\"id\": 9");
	assert_string_equal(asked(), "{\"command\":\"list\",\"after\":0}\n"
			    "{\"command\":\"list\",\"after\":5}\n"
			    "{\"command\":\"list\",\"after\":9}\n");
}

static void followed(void **state)
{
	static const char * const answers[] = { TEXT("one"), ok, TEXT("two"), ok, NULL };
	struct outcome outcome;

	(void)state;
	serve(answers);
	run(&outcome, &follow_inbox, -1, "--socket", path, "--json", "--count=2", NULL);
	assert_int_equal(outcome.code, EXIT_DONE);
	assert_says(outcome.out, "\"body\":\"one\"}\n{");
	assert_says(outcome.out, "\"body\":\"two\"}\n");
	assert_says(asked(), "\"wait\":true,\"lend\":true}\n{\"command\":\"take\",\"id\":7}\n{");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_steer_nothing),
		cmocka_unit_test(claims_are_called_so),
		cmocka_unit_test(taken_when_written),
		cmocka_unit_test(not_taken_unwritten),
		cmocka_unit_test(nothing_there),
		cmocka_unit_test(lists_in_pieces),
		cmocka_unit_test(followed),
	};

	return cmocka_run_group_tests_name("mikeyctl inbox", tests, make_dir, remove_dir);
}
