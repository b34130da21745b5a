// SPDX-License-Identifier: GPL-2.0-or-later
/* A program that is run for each message of a user without a client. */
#include "tests/unit/helper/asker.h"
#include "tests/unit/helper/inbox_stage.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/mikeyd/inbox.h"

static void make_program(const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/program", inbox_dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fchmod(fileno(file), 0700), 0);
	fclose(file);
}

static void open_with_program(const char *text, const char *more)
{
	char inbox[512];

	make_program(text);
	snprintf(inbox, sizeof(inbox), "program = [\"%s/program\", \"$(touch /tmp/oops)\"]; %s",
		 inbox_dir, more);
	inbox_stage_open(inbox, "");
}

static const char *file_text(const char *name)
{
	static char text[4096];
	char path[128];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", inbox_dir, name);
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

static void program_takes(void **state)
{
	char text[512];
	const char *out;

	(void)state;
	snprintf(text, sizeof(text),
		 "cat > %s/body; env > %s/env; ls /proc/self/fd > %s/fds; "
		 "printf '%%s' \"$*\" > %s/args",
		 inbox_dir, inbox_dir, inbox_dir, inbox_dir);
	open_with_program(text, "");
	setenv("SECRET", "s", 1);
	kernel.initiator = "e\r\nvil$(x)\x1b@example.test";
	inbox_arrives("1", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	assert_string_equal(file_text("body"), "hello");
	/* as it was given, and no shell looked at it */
	assert_string_equal(file_text("args"), "$(touch /tmp/oops)");
	/* ls has its own one besides */
	assert_string_equal(file_text("fds"), "0\n1\n2\n3\n");
	out = file_text("env");
	assert_non_null(strstr(out, "MIKEY_SENDER=e%0D%0Avil%24(x)%1B@example.test\n") ?:
			strstr(out, "MIKEY_SENDER=e%0D%0Avil$(x)%1B@example.test\n"));
	assert_non_null(strstr(out, "MIKEY_PROVED=body\n"));
	assert_non_null(strstr(out, "MIKEY_FORM=auth-enveloped\n"));
	assert_non_null(strstr(out, "MIKEY_SENT=2023-11-14T22:13:20Z\n"));
	assert_non_null(strstr(out, "MIKEY_CONTENT_TYPE=text/plain\n"));
	assert_non_null(strstr(out, "MIKEY_LENGTH=5\n"));
	assert_null(strstr(out, "SECRET"));
	unsetenv("SECRET");
	assert_int_equal(inbox_store_use(inbox_store(stage.user->inbox)).messages, 0);
}

/* Is it gone, or at least nothing but a line in a table? */
static bool has_ended(void *arg)
{
	char path[64], state = 'Z';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/stat", (char *)arg);
	file = fopen(path, "r");
	if (!file)
		return true;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(file);
	return state == 'Z';
}

static void program_fails(void **state)
{
	static const char * const ways[] = { "exit 1", "kill -SEGV $$" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		open_with_program(ways[i], "");
		inbox_arrives("1", MULTIPART(HELLO));
		inbox_answered("SIP/2.0 480 Temporarily Unavailable");
		if (i + 1 < ARRAY_SIZE(ways))
			stage_close();
	}
}

/* What it started goes with it. */
static void program_hangs(void **state)
{
	char text[256], pid[32];

	(void)state;
	snprintf(text, sizeof(text), "sleep 600 & printf %%s $! > %s/pid; wait", inbox_dir);
	open_with_program(text, "program-time = 2;");
	inbox_arrives("1", MULTIPART(HELLO));
	loop_for(1500);
	inbox_answered("SIP/2.0 480 Temporarily Unavailable");
	snprintf(pid, sizeof(pid), "%s", file_text("pid"));
	assert_true(atoi(pid) > 1);
	assert_true(loop_until(has_ended, pid, 5000));
}

static void program_fails_and_it_is_kept(void **state)
{
	json_t *answer;
	int fd;

	(void)state;
	open_with_program("exit 1", "keep-failed = true;");
	inbox_arrives("1", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	fd = asker_at(inbox_socket);
	answer = asker_asks(fd, "{\"command\":\"next\"}");
	assert_string_equal(message_text(answer, "body"), "hello");
	json_decref(answer);
	close(fd);
}

static void program_is_missing(void **state)
{
	(void)state;
	inbox_stage_open("program = \"/nowhere/at all\";", "");
	inbox_arrives("1", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 480 Temporarily Unavailable");
}

static bool is_there(void *arg)
{
	return !access(arg, F_OK);
}

static void programs_at_the_same_time(void **state)
{
	char text[256], started[96], go[96];
	int fd;

	(void)state;
	snprintf(started, sizeof(started), "%s/started", inbox_dir);
	snprintf(go, sizeof(go), "%s/go", inbox_dir);
	snprintf(text, sizeof(text), "touch %s; while ! test -e %s; do sleep 0.1; done", started,
		 go);
	open_with_program(text, "programs = 1;");
	inbox_arrives("1", MULTIPART(HELLO));
	assert_true(loop_until(is_there, started, 5000));
	/* refused unopened */
	hop_sends(inbox_message("2", MULTIPART(ENTITY("owt"))));
	inbox_answered("SIP/2.0 480 Temporarily Unavailable");
	assert_string_equal(header("Retry-After", 0), "30");
	assert_int_equal(kernel.resolves, 1);
	/* nothing for those who ask */
	fd = asker_at(inbox_socket);
	asker_fails_with(fd, "{\"command\":\"next\",\"wait\":true}", "EOPNOTSUPP");
	close(fd);
	assert_int_equal(creat(go, 0600) >= 0, 1);
	inbox_answered("SIP/2.0 200 OK");
	inbox_arrives("3", MULTIPART(ENTITY("owt")));
	inbox_answered("SIP/2.0 200 OK");
}

/* mikeyd ends while one runs, which goes with it. */
static void program_at_the_end(void **state)
{
	char text[384], started[96];
	pid_t pid;

	(void)state;
	snprintf(started, sizeof(started), "%s/started", inbox_dir);
	snprintf(text, sizeof(text), "echo $$ > %s.; mv %s. %s; sleep 600", started, started,
		 started);
	open_with_program(text, "");
	inbox_arrives("1", MULTIPART(HELLO));
	assert_true(loop_until(is_there, started, 5000));
	pid = atoi(file_text("started"));
	assert_int_equal(kill(pid, 0), 0);
	stage_restart(inbox_settings("", ""));
	assert_int_equal(kill(pid, 0), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, inbox_make_dir, inbox_stage_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(program_takes),
		TEST(program_fails),
		TEST(program_hangs),
		TEST(program_fails_and_it_is_kept),
		TEST(program_is_missing),
		TEST(programs_at_the_same_time),
		TEST(program_at_the_end),
	};

	return cmocka_run_group_tests_name("mikeyd inbox hook", tests, loop_open, loop_close);
}
