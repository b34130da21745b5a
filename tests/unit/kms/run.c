// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Running the program; see run.h.
 */
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/kms/run.h"

#define ARGS_MAX 16

struct outcome outcome;

/* build/tests/test-kms-program stands beside build/mikey-kms */
static const char *program(void)
{
	static char path[512], self[480];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	snprintf(path, sizeof(path), "%s/../mikey-kms", dirname(self));
	return path;
}

static pid_t spawn(const struct place *p, char *const *args, const char *in)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	if (chdir(p->dir) ||
	    dup2(open(in ? in : "/dev/null", O_RDONLY), 0) < 0 ||
	    dup2(open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600), 1) < 0 ||
	    dup2(open("err", O_WRONLY | O_CREAT | O_TRUNC, 0600), 2) < 0)
		_exit(126);
	execv(program(), args);
	_exit(127);
}

void program_file(const struct place *p, const char *name, char *text)
{
	FILE *f = fopen(place_file(p, name), "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, OUTPUT_MAX - 1, f);
	text[n] = '\0';
	fclose(f);
}

pid_t program_begin(const struct place *p, const char *line, const char *in)
{
	char *copy = strdup(line), *args[ARGS_MAX] = { "mikey-kms" }, *save;
	int num = 1;
	pid_t pid;

	for (args[num] = strtok_r(copy, " ", &save); args[num];
	     args[num] = strtok_r(NULL, " ", &save))
		assert_true(++num < ARGS_MAX);
	pid = spawn(p, args, in);
	free(copy);
	return pid;
}

void program_end(const struct place *p, pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) :
			 -WTERMSIG(status);
	program_file(p, "out", outcome.out);
	program_file(p, "err", outcome.err);
}

void program_run(const struct place *p, const char *line)
{
	program_end(p, program_begin(p, line, NULL));
}

void assert_run(const struct place *p, const char *line, int status,
		const char *out, const char *err)
{
	program_run(p, line);
	if (outcome.status != status || !strstr(outcome.out, out) ||
	    !strstr(outcome.err, err))
		fail_msg("%s: %d\nout: %serr: %s", line, outcome.status,
			 outcome.out, outcome.err);
}

int program_setup(void **state)
{
	char text[512];
	struct place *p;

	place_setup(state);
	p = *state;
	snprintf(text, sizeof(text), "identity = [\"" KMS_URL "\"];\n"
		 "listen = [\"127.0.0.1:0\"];\nstore = \"%s\";\nstore-key = \"key\";\n"
		 "audit = \"audit\";\n",
		 p->schema ? p->where : "store");
	place_write(p, "conf", text);
	assert_run(p, "--config conf init", 0, "made the store", "");
	return 0;
}

/* Wait for the line that says where it listens; the port. */
static unsigned int wait_ready(const struct place *p)
{
	static const char wanted[] = "listening to=users at=http://127.0.0.1:";
	struct timespec pause = { .tv_nsec = 20000000 };
	char text[OUTPUT_MAX] = "", *at;
	int i;

	for (i = 0; i < 6000; i++) {
		nanosleep(&pause, NULL);
		if (access(place_file(p, "err"), F_OK))
			continue;
		program_file(p, "err", text);
		at = strstr(text, wanted);
		if (at && strchr(at, '\n'))
			return strtoul(at + strlen(wanted), NULL, 10);
	}
	fail_msg("it does not get ready: %s", text);
	return 0;
}

pid_t program_serve(const struct place *p, const char *config,
		    unsigned int *port)
{
	char line[64];
	pid_t pid;

	/* what an earlier one said would be taken for this one's words */
	unlink(place_file(p, "err"));
	snprintf(line, sizeof(line), "--config %s serve", config);
	pid = program_begin(p, line, NULL);
	*port = wait_ready(p);
	return pid;
}

void program_stop(const struct place *p, pid_t pid)
{
	kill(pid, SIGTERM);
	program_end(p, pid);
}

void program_add_user(struct place *p, struct mem_user *user, u8 byte)
{
	char line[256], hex[66];
	int i;

	memset(user->psk.key, byte, 32);
	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", byte);
	place_write(p, "psk.hex", hex);
	snprintf(line, sizeof(line), "--config conf user add --uid %s --psk-id %s --psk-in psk.hex",
		 user->uids[0], user->psk_id);
	assert_run(p, line, 0, "", "");
}
