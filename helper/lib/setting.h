/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How one setting of mikeyd.conf(5) is read: a row of config.c's table names
 * one of these functions, which checks the value and puts it where it goes.
 */
#ifndef HELPER_LIB_SETTING_H
#define HELPER_LIB_SETTING_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "helper/lib/config.h"
#include "helper/lib/problem.h"

struct setting;

/*
 * take_h - check what is given and put it where setting->offset says; a problem
 * has no line yet
 * @into: the struct config or struct config_user, as setting->scope says; what an
 *	earlier call put there is replaced
 */
typedef int (take_h)(void *into, const config_setting_t *given,
		     const struct setting *setting, struct problem *problem);

/* Whose a setting is, and where it may stand. */
enum setting_scope {
	SCOPE_DAEMON,		/* struct config; top level */
	SCOPE_USER,		/* struct config_user; with its user */
	SCOPE_SHARED,		/* the same, or at top level for all users without it */
	SCOPE_POLICY,		/* SCOPE_SHARED, and in a group of its own */
};

/*
 * One setting: how it is taken, whose it is and where it goes, what it may be,
 * and what to write if it has to be there and is not.
 */
struct setting {
	const char *name;
	take_h *take;
	enum setting_scope scope;
	size_t offset;
	const char *words;
	bool needed;
	int most;
	uint32_t (*value)(const char *name);
};

/* The table, in settings.c. */
#define SETTINGS_MAX 128
extern const struct setting settings[];
extern const size_t n_settings;

/*
 * What take_uids() and the like make of a list: an array and, right behind its
 * pointer, its length.
 */
struct setting_array {
	void *items;
	unsigned int count;
};

take_h take_string, take_path, take_url, take_id, take_number, take_bool, take_log_level;
take_h take_word;		/* one of those that setting->value knows */
take_h take_words;		/* several of them, as a mask of 1 << value */
take_h take_uids;		/* users: no wildcards */
take_h take_patterns;		/* users, '?' being zero or more characters */
take_h take_endpoints, take_networks, take_users, take_hop;
take_h take_inbox;		/* the group of config_inbox.h */

#endif
