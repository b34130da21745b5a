// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs for received messages. */
#include "helper/mikeyd/inbox_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "helper/lib/mime.h"

#define NOWHERE "/dev/null"
#define PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct hook {
	struct le le;
	pid_t pid;			/* of the program, and of its process group */
	int pidfd;
	struct tmr timer;
	bool late;
	inbox_hook_done_h *done;
	void *arg;
};

/* ---- what it is told */

#define VARIABLE_MAX (sizeof("MIKEY_CONTENT_TYPE=") + INBOX_TYPE_MAX)

enum variable {
	V_PATH, V_SENDER, V_ORIGINAL, V_ORIGINAL_PROVED, V_CLAIMED, V_RECIPIENT, V_PROVED,
	V_FORM, V_SENT, V_RECEIVED, V_TYPE, V_LENGTH, V_HOME, VARIABLES
};

/* The environment of one run. */
struct environment {
	char text[VARIABLES][VARIABLE_MAX];
	char *pointers[VARIABLES + 1];
};

_Static_assert(UID_ESCAPED_MAX + sizeof("MIKEY_RECIPIENT=") < VARIABLE_MAX,
	       "a name has room in a variable");

/* Escaped, a name has no zero byte, no control and no blank. */
static void put_uid(char *out, const char *name, const struct uid *uid)
{
	char escaped[UID_ESCAPED_MAX] = "";

	if (uid->len)
		uid_escape(escaped, uid);
	snprintf(out, VARIABLE_MAX, "%s=%s", name, escaped);
}

static void put_time(char *out, const char *name, int64_t seconds)
{
	time_t when = seconds;
	char text[32] = "";
	struct tm tm;

	if (seconds && gmtime_r(&when, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(out, VARIABLE_MAX, "%s=%s", name, text);
}

static void fill(struct environment *environment, const struct inbox_message *message)
{
	const char *original = mime_proved_name(message->original.proved);
	const char *proved = mime_proved_name(message->proved);
	const char *form = mime_form_name(message->form);
	const char *home = getenv("HOME");
	char (*text)[VARIABLE_MAX] = environment->text;
	char type[INBOX_TYPE_MAX + 1];

	inbox_message_type(type, message);
	strcpy(text[V_PATH], PATH);
	put_uid(text[V_SENDER], "MIKEY_SENDER", &message->sender);
	put_uid(text[V_ORIGINAL], "MIKEY_ORIGINAL", &message->original.uid);
	snprintf(text[V_ORIGINAL_PROVED], VARIABLE_MAX, "MIKEY_ORIGINAL_PROVED=%s",
		 original && message->original.uid.len ? original : "");
	put_uid(text[V_CLAIMED], "MIKEY_CLAIMED", &message->claimed);
	put_uid(text[V_RECIPIENT], "MIKEY_RECIPIENT", &message->recipient);
	snprintf(text[V_PROVED], VARIABLE_MAX, "MIKEY_PROVED=%s", proved ? proved : "none");
	snprintf(text[V_FORM], VARIABLE_MAX, "MIKEY_FORM=%s", form ? form : "none");
	put_time(text[V_SENT], "MIKEY_SENT", message->sent);
	put_time(text[V_RECEIVED], "MIKEY_RECEIVED", message->received);
	snprintf(text[V_TYPE], VARIABLE_MAX, "MIKEY_CONTENT_TYPE=%s", type);
	snprintf(text[V_LENGTH], VARIABLE_MAX, "MIKEY_LENGTH=%zu", message->body.len);
	snprintf(text[V_HOME], VARIABLE_MAX, "HOME=%s", home ? home : "/");
	for (int i = 0; i < VARIABLES; i++)
		environment->pointers[i] = text[i];
	environment->pointers[VARIABLES] = NULL;
}

/*
 * The body as a file in memory that nobody can change: there is nothing to pump
 * and no pipe that a program could let run full.
 */
static int body_file(const struct bytes *body)
{
	int fd = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t at = 0;

	while (fd >= 0 && at < body->len) {
		ssize_t wrote = write(fd, body->data + at, body->len - at);

		if (wrote <= 0) {
			close(fd);
			return -1;
		}
		at += wrote;
	}
	if (fd >= 0 && (lseek(fd, 0, SEEK_SET) || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE |
							F_SEAL_GROW | F_SEAL_SHRINK |
							F_SEAL_SEAL))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* ---- a run */

static void hook_destroy(void *data)
{
	struct hook *hook = data;

	tmr_cancel(&hook->timer);
	list_unlink(&hook->le);
	if (hook->pidfd >= 0) {
		fd_close(hook->pidfd);
		close(hook->pidfd);
	}
}

static void kill_group(const struct hook *hook)
{
	/* not reaped yet, so the number is still its own */
	kill(-hook->pid, SIGKILL);
	kill(hook->pid, SIGKILL);
}

static void ended(int flags, void *arg)
{
	struct hook *hook = arg;
	siginfo_t info = { 0 };
	int status;

	(void)flags;
	if (waitid(P_PIDFD, hook->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
		return;
	/* what it left behind in its group when its time was over goes too */
	if (hook->late)
		kill_group(hook);
	waitid(P_PIDFD, hook->pidfd, &info, WEXITED | WNOHANG);
	status = hook->late ? -ETIMEDOUT : info.si_code == CLD_EXITED ? info.si_status : -ECHILD;
	hook->done(status, hook->arg);
	mem_deref(hook);
}

static void time_is_over(void *arg)
{
	struct hook *hook = arg;

	hook->late = true;
	kill_group(hook);
}

static int spawn(struct hook *hook, char * const *program, char * const *environment, int body)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes)) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	err = posix_spawn_file_actions_adddup2(&actions, body, STDIN_FILENO) ?:
		posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, NOWHERE, O_WRONLY, 0) ?:
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, NOWHERE, O_WRONLY, 0) ?:
		posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1) ?:
		posix_spawn_file_actions_addchdir_np(&actions, "/") ?:
		posix_spawnattr_setpgroup(&attributes, 0) ?:
		posix_spawnattr_setsigmask(&attributes, &none) ?:
		posix_spawnattr_setsigdefault(&attributes, &all) ?:
		posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
					 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) ?:
		posix_spawn(&hook->pid, program[0], &actions, &attributes, program, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

/* It runs: from here on only its end is waited for. */
static int watch(struct hook *hook)
{
	int err;

	hook->pidfd = pidfd_open(hook->pid, 0);
	err = hook->pidfd < 0 ? errno : fd_listen(hook->pidfd, FD_READ, ended, hook);
	if (err) {
		kill_group(hook);
		waitpid(hook->pid, NULL, 0);
	}
	return -err;
}

int inbox_hook_run(struct inbox_hooks *hooks, char * const *program, unsigned int seconds,
		   const struct inbox_message *message, inbox_hook_done_h *done, void *arg,
		   struct problem *problem)
{
	struct environment *environment = calloc(1, sizeof(*environment));
	struct hook *hook = mem_zalloc(sizeof(*hook), hook_destroy);
	int body, err = environment && hook ? 0 : -ENOMEM;

	body = err ? -1 : body_file(&message->body);
	if (!err && body < 0)
		err = -errno;
	if (hook)
		hook->pidfd = -1;
	if (!err) {
		fill(environment, message);
		err = spawn(hook, program, environment->pointers, body);
	}
	err = err ?: watch(hook);
	if (body >= 0)
		close(body);
	free(environment);
	if (err) {
		mem_deref(hook);
		return problem_set(problem, err, "%s: %s", program[0], strerror(-err));
	}
	hook->done = done;
	hook->arg = arg;
	list_append(&hooks->running, &hook->le, hook);
	tmr_start(&hook->timer, seconds * 1000ULL, time_is_over, hook);
	return 0;
}

void inbox_hooks_stop(struct inbox_hooks *hooks)
{
	struct le *le;

	while ((le = list_head(&hooks->running))) {
		struct hook *hook = le->data;

		kill_group(hook);
		waitpid(hook->pid, NULL, 0);
		hook->done(-ECANCELED, hook->arg);
		mem_deref(hook);
	}
}
