/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings whose value is a list of groups: ( { NAME = VALUE; ... }, ... ). What
 * may stand in a group is a table of its own.
 */
#ifndef HELPER_LIB_SETTING_GROUP_H
#define HELPER_LIB_SETTING_GROUP_H

#include "helper/lib/setting.h"

struct setting_group {
	const struct setting *fields;	/* offsets are those in an item */
	size_t n_fields, size;		/* size of an item */
	unsigned int most;		/* groups in the list */
	/* does the item as a whole make sense? NULL: always */
	int (*check)(void *item, struct problem *problem);
};

/*
 * take_group_list - check what is given and append it to an array
 *
 * A fault in a group is told with its line. The array is the caller's to free,
 * after a problem too: then it has the items up to the faulty one.
 */
int take_group_list(struct setting_array *array, const config_setting_t *given,
		    const struct setting_group *group, struct problem *problem);

#endif
