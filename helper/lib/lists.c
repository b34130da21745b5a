// SPDX-License-Identifier: GPL-2.0-or-later
/* What mikeyd.conf(5) says of list servers, and who is in a group. */
#include "helper/lib/lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/setting_group.h"

#define LISTS_MAX 64
/* A line of a file of members; a UID has at most 255 bytes. */
#define LINE_SIZE 1024

static int take_address(void *into, const config_setting_t *given,
			const struct setting *setting, struct problem *problem)
{
	struct uid *uid = (struct uid *)((char *)into + setting->offset);
	const char *text = config_setting_get_string(given);

	if (!text || uid_from_text(uid, text) || !uid_is_own(uid))
		return problem_set(problem, -EINVAL, "write \"user@domain\"");
	return 0;
}

static uint32_t history_value(const char *name)
{
	return !strcmp(name, "plain") ? LIST_HISTORY_PLAIN :
		!strcmp(name, "protect") ? LIST_HISTORY_PROTECT :
		!strcmp(name, "none") ? LIST_HISTORY_NONE : 0;
}

static int twice(const struct uid *uids, unsigned int count, unsigned int *at)
{
	for (*at = 1; *at < count; (*at)++)
		for (unsigned int i = 0; i < *at; i++)
			if (uid_equal(&uids[i], &uids[*at]))
				return -EINVAL;
	return 0;
}

static int check_members(const struct uid *members, unsigned int count,
			 const struct uid *psi, struct problem *problem)
{
	unsigned int at;

	if (count > LIST_MEMBERS_MAX)
		return problem_set(problem, -EINVAL, "more than %u members", LIST_MEMBERS_MAX);
	if (twice(members, count, &at))
		return problem_set(problem, -EINVAL, "%s is a member twice", members[at].text);
	for (at = 0; at < count; at++)
		if (uid_equal(&members[at], psi))
			return problem_set(problem, -EINVAL, "%s is a member of itself", psi->text);
	return 0;
}

static int check_list(void *item, struct problem *problem)
{
	struct list_server *list = item;
	const char *wrong = NULL;
	struct uid *members;
	unsigned int count;
	int err;

	if (!list->history)
		list->history = LIST_HISTORY_PLAIN;
	if (!list->psi.len == !list->uri_list.len)
		wrong = "write either psi or uri-list";
	else if (list->psi.len && !list->n_members == !list->members_file)
		wrong = "a psi has either members or members-file";
	else if (list->psi.len && (list->n_recipients || list->history != LIST_HISTORY_PLAIN))
		wrong = "recipients and history are a uri-list's";
	else if (list->uri_list.len && (list->n_members || list->members_file))
		wrong = "members are a psi's";
	else if (list->uri_list.len && (!list->n_senders || !list->n_recipients))
		wrong = "a uri-list has senders and recipients";
	if (wrong)
		return problem_set(problem, -EINVAL, "%s", wrong);
	if (!list->psi.len)
		return 0;
	err = list_server_members(list, &members, &count, problem);
	/* whatever it is, the configuration cannot be used */
	if (err)
		problem->error = -EINVAL;
	else
		free(members);
	return err ? -EINVAL : 0;
}

#define FIELD(name_, take_, member_, ...) \
	{ .name = name_, .take = take_, .offset = offsetof(struct list_server, member_), \
	  __VA_ARGS__ }

static const struct setting fields[] = {
	FIELD("psi", take_address, psi),
	FIELD("uri-list", take_address, uri_list),
	FIELD("members", take_uids, members),
	FIELD("members-file", take_path, members_file),
	FIELD("senders", take_patterns, senders),
	FIELD("recipients", take_patterns, recipients),
	FIELD("history", take_word, history, .value = history_value,
	      .words = "\"plain\", \"protect\" or \"none\""),
};

static const struct setting_group group = {
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
	.size = sizeof(struct list_server),
	.most = LISTS_MAX,
	.check = check_list,
};

int take_list_servers(void *into, const config_setting_t *given,
		      const struct setting *setting, struct problem *problem)
{
	struct setting_array *array = (struct setting_array *)((char *)into + setting->offset);
	const struct list_server *lists;

	if (take_group_list(array, given, &group, problem))
		return problem->error;
	lists = array->items;
	for (unsigned int i = 1; i < array->count; i++)
		for (unsigned int j = 0; j < i; j++)
			if (uid_equal(list_server_address(&lists[i]),
				      list_server_address(&lists[j])))
				return problem_set(problem, -EINVAL, "%s is there twice",
						   list_server_address(&lists[i])->text);
	return 0;
}

void list_servers_free(struct list_server *lists, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		free(lists[i].members);
		free(lists[i].members_file);
		free(lists[i].senders);
		free(lists[i].recipients);
	}
	free(lists);
}

const struct uid *list_server_address(const struct list_server *list)
{
	return list->psi.len ? &list->psi : &list->uri_list;
}

/* One member in each line; empty lines and those with # do not count. */
static int read_line(char *line, struct uid *members, unsigned int *count,
		     struct problem *problem)
{
	char *text = line + strspn(line, " \t");

	if (!strchr(line, '\n') && strlen(line) == LINE_SIZE - 1)
		return problem_set(problem, -EINVAL, "too long");
	text[strcspn(text, "\r\n")] = '\0';
	for (size_t len = strlen(text); len && strchr(" \t", text[len - 1]); len--)
		text[len - 1] = '\0';
	if (!*text || *text == '#')
		return 0;
	if (*count == LIST_MEMBERS_MAX)
		return problem_set(problem, -EINVAL, "more than %u members", LIST_MEMBERS_MAX);
	if (uid_from_text(&members[*count], text) || !uid_is_own(&members[*count]))
		return problem_set(problem, -EINVAL, "write user@domain");
	(*count)++;
	return 0;
}

static int read_members(FILE *file, const char *name, struct uid *members, unsigned int *count,
			struct problem *problem)
{
	char line[LINE_SIZE];

	*count = 0;
	for (unsigned int number = 1; fgets(line, sizeof(line), file); number++)
		if (read_line(line, members, count, problem))
			return problem_prefix(problem, "%s:%u: ", name, number);
	if (ferror(file))
		return problem_set(problem, -EIO, "%s: cannot be read", name);
	return 0;
}

int list_server_members(const struct list_server *list, struct uid **members,
			unsigned int *count, struct problem *problem)
{
	FILE *file;
	int err;

	*members = calloc(LIST_MEMBERS_MAX, sizeof(**members));
	if (!*members)
		return problem_set(problem, -ENOMEM, "no memory");
	if (!list->members_file) {
		*count = list->n_members < LIST_MEMBERS_MAX ? list->n_members : LIST_MEMBERS_MAX;
		memcpy(*members, list->members, *count * sizeof(**members));
		err = check_members(list->members, list->n_members, &list->psi, problem);
	} else {
		file = fopen(list->members_file, "re");
		err = file ? read_members(file, list->members_file, *members, count, problem) :
			problem_set(problem, -errno, "%s: %s", list->members_file,
				    strerror(errno));
		if (!err && check_members(*members, *count, &list->psi, problem))
			err = problem_prefix(problem, "%s: ", list->members_file);
		if (file)
			fclose(file);
	}
	if (err)
		free(*members);
	return err;
}

bool list_server_matches(const struct uid *patterns, unsigned int count, const struct uid *uid)
{
	for (unsigned int i = 0; i < count; i++)
		if (uid_matches(&patterns[i], uid))
			return true;
	return false;
}
