// SPDX-License-Identifier: GPL-2.0-or-later
/* Running a command inside the test. */
#include "tests/unit/mikeyctl/support.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32

int input_of(const void *data, size_t len)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(len <= 65536);	/* what a pipe holds without a reader */
	assert_int_equal(write(fds[1], data, len), (ssize_t)len);
	close(fds[1]);
	return fds[0];
}

/* Put a descriptor in place of another one; returns a copy of that. */
static int replace(int fd, int by)
{
	int saved = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	assert_true(saved >= 0);
	assert_int_equal(dup2(by, fd), fd);
	return saved;
}

static void restore(int fd, int saved)
{
	dup2(saved, fd);
	close(saved);
}

static void take(char *text, size_t size, int fd)
{
	ssize_t len = pread(fd, text, size - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	close(fd);
}

void run_vector(struct outcome *outcome, const struct command *command, int input,
		int argc, char **argv)
{
	int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
	int saved_in, saved_out, saved_err;

	if (input < 0)
		input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fflush(NULL);
	saved_in = replace(STDIN_FILENO, input);
	saved_out = replace(STDOUT_FILENO, out);
	saved_err = replace(STDERR_FILENO, err);
	optind = 0;	/* getopt_long(3): begin anew */
	outcome->code = command->run(command, argc, argv);
	fflush(NULL);
	restore(STDIN_FILENO, saved_in);
	restore(STDOUT_FILENO, saved_out);
	restore(STDERR_FILENO, saved_err);
	close(input);
	take(outcome->out, sizeof(outcome->out), out);
	take(outcome->err, sizeof(outcome->err), err);
}

void run(struct outcome *outcome, const struct command *command, int input, ...)
{
	char *argv[ARGUMENTS_MAX + 1] = { (char *)command->words };
	int argc = 1;
	va_list args;

	va_start(args, input);
	while (argc < ARGUMENTS_MAX && (argv[argc] = va_arg(args, char *)))
		argc++;
	va_end(args);
	run_vector(outcome, command, input, argc, argv);
}
