// SPDX-License-Identifier: GPL-2.0-or-later
/* Questions about mikeyd as a whole. */
#include "helper/mikeyd/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "helper/lib/log.h"
#include "helper/lib/socket_path.h"
#include "helper/lib/version.h"
#include "helper/mikeyd/command_socket.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/inbox.h"
#include "helper/mikeyd/queue.h"
#include "helper/mikeyd/user.h"

static struct command_socket *control;

/* ---- what comes and goes is counted when somebody asks */

static void count_waiting(const struct list *users, uint64_t *queued, uint64_t *bytes,
			  uint64_t *kept)
{
	struct le *le;

	LIST_FOREACH(users, le) {
		const struct user *user = le->data;
		uint64_t messages = 0, size = 0;

		queue_waiting(user, &messages, &size);
		*queued += messages;
		*bytes += size;
		if (user->inbox)
			*kept += inbox_store_use(inbox_store(user->inbox)).messages;
	}
}

static uint64_t microseconds(const struct timeval *time)
{
	return time->tv_sec * UINT64_C(1000000) + time->tv_usec;
}

/* The second number of /proc/self/statm, in pages. */
static uint64_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(file);
	return (uint64_t)pages * sysconf(_SC_PAGESIZE);
}

static void count_program(void)
{
	struct rusage usage;

	counter_set(COUNTER_MEMORY, 0, 0, resident());
	if (!getrusage(RUSAGE_SELF, &usage))
		counter_set(COUNTER_CPU_SECONDS, 0, 0, microseconds(&usage.ru_utime) +
			    microseconds(&usage.ru_stime));
}

json_t *control_stats(struct mikeyd *mikeyd)
{
	uint64_t queued = 0, bytes = 0, kept = 0;

	count_waiting(&mikeyd->users, &queued, &bytes, &kept);
	count_waiting(&mikeyd->retired, &queued, &bytes, &kept);
	counter_set(COUNTER_QUEUE_WAITING, 0, 0, queued);
	counter_set(COUNTER_QUEUE_BYTES, 0, 0, bytes);
	counter_set(COUNTER_INBOX_WAITING, 0, 0, kept);
	counter_set(COUNTER_USERS, 0, 0, list_count(&mikeyd->users));
	count_program();
	return json_pack("{s:b, s:s, s:o}", "ok", 1, "version", MIKEY_RELEASE, "counters",
			 counters_json());
}

/* ---- the socket */

static const struct {
	const char *name;
	json_t *(*answer)(struct mikeyd *mikeyd);
} commands[] = {
	{ "stats", control_stats },
};

static json_t *answer(const json_t *request, void *state, void *arg)
{
	const char *name = json_string_value(json_object_get(request, "command"));
	json_t *given = NULL;

	(void)state;
	for (size_t i = 0; name && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			given = commands[i].answer(arg);
	return given ?: command_refusal(-EINVAL, name ? "no such command" : "no such request");
}

static bool allowed(unsigned int uid, void *arg)
{
	(void)arg;
	return !uid || uid == geteuid();
}

static const struct command_handlers handlers = {
	.allowed = allowed,
	.answer = answer,
};

int control_open(struct mikeyd *mikeyd, struct problem *problem)
{
	const char *given = mikeyd->config->control_socket;
	struct command_socket *opened;
	char usual[4096];

	counter_set(COUNTER_STARTED, 0, 0, time(NULL));
	if (given) {
		if (command_socket_open(&opened, given, &handlers, mikeyd, problem))
			return problem_prefix(problem, "control-socket: ");
	} else if (socket_path_made(usual, sizeof(usual), SOCKET_CONTROL)) {
		log_event(DEBUG, "control-none",
			  log_text("reason", "there is no runtime directory"));
		return 0;
	} else if (command_socket_open(&opened, usual, &handlers, mikeyd, problem)) {
		log_event(WARNING, "control-none", log_text("reason", problem->words));
		return 0;
	}
	control = opened;
	return 0;
}

void control_close(void)
{
	command_socket_close(control);
	control = NULL;
}
