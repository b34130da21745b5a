// SPDX-License-Identifier: GPL-2.0-or-later
/* The group "inbox", read like the settings around it: one row for each. */
#include "helper/lib/config_inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/setting.h"

#define KILOBYTES_MAX (1024 * 1024)

static uint32_t when_value(const char *name)
{
	return !strcmp(name, "absent") ? INBOX_ABSENT : !strcmp(name, "always") ? INBOX_ALWAYS : 0;
}

void config_inbox_free(struct config_inbox *inbox)
{
	free(inbox->directory);
	free(inbox->socket);
	for (char **word = inbox->program; word && *word; word++)
		free(*word);
	free(inbox->program);
	memset(inbox, 0, sizeof(*inbox));
}

/* The n-th word, one alone being a program without arguments. */
static const char *word_of(const config_setting_t *given, int n)
{
	if (config_setting_type(given) == CONFIG_TYPE_STRING)
		return n ? NULL : config_setting_get_string(given);
	return config_setting_get_string_elem(given, n);
}

static int take_program(struct config_inbox *inbox, const config_setting_t *given,
			struct problem *problem)
{
	int count = config_setting_is_aggregate(given) ? config_setting_length(given) : 1;
	const char *first = word_of(given, 0);

	/* no shell and no search: what runs is this file and nothing else */
	if (!first || *first != '/')
		return problem_set(problem, -EINVAL,
				   "write a path that begins with /, or [\"/path\", \"argument\"]");
	inbox->program = calloc(count + 1, sizeof(*inbox->program));
	for (int i = 0; inbox->program && i < count; i++) {
		const char *word = word_of(given, i);

		if (!word)
			return problem_set(problem, -EINVAL, "write its arguments as texts");
		inbox->program[i] = strdup(word);
		if (!inbox->program[i])
			return problem_set(problem, -ENOMEM, "no memory");
	}
	return inbox->program ? 0 : problem_set(problem, -ENOMEM, "no memory");
}

#define ROW(name_, take_, member_, ...) \
	{ .name = name_, .take = take_, .offset = offsetof(struct config_inbox, member_), \
	  __VA_ARGS__ }

static const struct setting rows[] = {
	ROW("when", take_word, when, .value = when_value, .words = "\"absent\" or \"always\""),
	ROW("messages", take_number, messages, .most = 65536),
	ROW("kilobytes", take_number, kilobytes, .most = KILOBYTES_MAX),
	ROW("directory", take_path, directory),
	ROW("socket", take_path, socket),
	ROW("program", NULL, program),
	ROW("program-time", take_number, program_time, .most = 25),
	ROW("programs", take_number, programs, .most = 64),
	ROW("keep-failed", take_bool, keep_failed),
};

static int take_row(struct config_inbox *inbox, const config_setting_t *given,
		    struct problem *problem)
{
	const char *name = config_setting_name(given);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, name))
			continue;
		if (rows[i].take ? rows[i].take((void *)inbox, given, &rows[i], problem) :
				   take_program(inbox, given, problem))
			return problem_prefix(problem, "line %d: %s: ",
					      config_setting_source_line(given), name);
		return 0;
	}
	return problem_set(problem, -EINVAL, "line %d: there is no setting \"%s\" in inbox",
			   config_setting_source_line(given), name);
}

int take_inbox(void *into, const config_setting_t *given,
	       const struct setting *setting, struct problem *problem)
{
	struct config_inbox *inbox = (void *)((char *)into + setting->offset);
	int err = 0;

	if (!config_setting_is_group(given))
		return problem_set(problem, -EINVAL, "write { NAME = VALUE; ... }");
	config_inbox_free(inbox);
	*inbox = (struct config_inbox){
		.when = INBOX_ABSENT,
		.messages = 256,
		.kilobytes = 16384,
		.program_time = 10,
		.programs = 8,
	};
	for (int i = 0; i < config_setting_length(given) && !err; i++)
		err = take_row(inbox, config_setting_get_elem(given, i), problem);
	if (!err && inbox->keep_failed && !inbox->program)
		err = problem_set(problem, -EINVAL, "keep-failed needs a program");
	return err;
}
