// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of groups, read field by field. */
#include "helper/lib/setting_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct setting *find_field(const struct setting_group *group, const char *name)
{
	for (size_t i = 0; i < group->n_fields; i++)
		if (!strcmp(group->fields[i].name, name))
			return &group->fields[i];
	return NULL;
}

static int take_field(void *item, const config_setting_t *given,
		      const struct setting_group *group, struct problem *problem)
{
	const char *name = config_setting_name(given);
	const struct setting *field = find_field(group, name);

	if (!field)
		return problem_set(problem, -EINVAL, "there is no \"%s\" in it", name);
	/* a taker writes at the offset in its row, here from the item on */
	if (field->take(item, given, field, problem))
		return problem_prefix(problem, "%s: ", name);
	return 0;
}

static int take_item(void *item, const config_setting_t *given,
		     const struct setting_group *group, struct problem *problem)
{
	int line = config_setting_source_line(given);

	if (!config_setting_is_group(given))
		return problem_set(problem, -EINVAL, "line %d: write { NAME = VALUE; ... }", line);
	for (int i = 0; i < config_setting_length(given); i++) {
		const config_setting_t *field = config_setting_get_elem(given, i);

		if (take_field(item, field, group, problem))
			return problem_prefix(problem, "line %u: ",
					      config_setting_source_line(field));
	}
	for (size_t i = 0; i < group->n_fields; i++)
		if (group->fields[i].needed &&
		    !config_setting_get_member(given, group->fields[i].name))
			return problem_set(problem, -EINVAL, "line %d: it lacks %s = %s;", line,
					   group->fields[i].name, group->fields[i].words);
	if (group->check && group->check(item, problem))
		return problem_prefix(problem, "line %d: ", line);
	return 0;
}

int take_group_list(struct setting_array *array, const config_setting_t *given,
		    const struct setting_group *group, struct problem *problem)
{
	int count = config_setting_length(given);

	if (!config_setting_is_list(given) || !count || (unsigned int)count > group->most)
		return problem_set(problem, -EINVAL,
				   "write a list of 1 to %u groups: ( { NAME = VALUE; ... }, ... )",
				   group->most);
	array->items = calloc(count, group->size);
	if (!array->items)
		return problem_set(problem, -ENOMEM, "no memory");
	for (int i = 0; i < count; i++) {
		void *item = (char *)array->items + array->count * group->size;

		array->count++;
		if (take_item(item, config_setting_get_elem(given, i), group, problem))
			return problem->error;
	}
	return 0;
}
