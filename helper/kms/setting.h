/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the readers of mikey-kms.conf(5) share: one row says what one setting
 * may be and where it goes.
 */
#ifndef HELPER_KMS_SETTING_H
#define HELPER_KMS_SETTING_H

#include <libconfig.h>

#include "helper/kms/config.h"

#define DAY 86400

struct setting;

/* take_fn - check what is given and keep it; a problem has no line yet */
typedef int (take_fn)(struct kms_config *config, const config_setting_t *given,
		      const struct setting *setting, struct problem *problem);

/* @offset says where it goes; @least and @most what a number, an s64, may be. */
struct setting {
	const char *name;
	take_fn *take;
	size_t offset;
	int least, most;
};

#define SETTING(name_, take_, member_, ...) \
	{ .name = name_, .take = take_, .offset = offsetof(struct kms_config, member_), \
	  __VA_ARGS__ }

/* One reading of @file: what it says, and what is wrong with it. */
struct reading {
	struct kms_config *config;
	struct kms_faults *faults;
	const char *file;
};

/* Where @given stands; its name is looked for in its line. */
struct kms_place reading_place(const struct reading *in,
			       const config_setting_t *given);

/* The setting @name of @group, or else the group. */
struct kms_place reading_place_in(const struct reading *in,
				  const config_setting_t *group, const char *name);

/* policy = { }, once everything else was read. */
void reading_policy(const struct reading *in, const config_setting_t *group);

/* Its allow = ( ), once the rest of it was. */
void reading_rules(const struct reading *in, const config_setting_t *list);

/* Names of what may stand in policy = { }, ended by NULL, and of its terms. */
extern const char *const policy_names[];
extern const char *const term_names[];

/*
 * One of the terms, by its name: 0, -ENOENT without words if there is none of
 * this name, or an error with words.
 */
int term_take(struct kms_terms *terms, const config_setting_t *given,
	      struct problem *problem);

/* Terms that were written into @group: what is of no effect, or too much. */
void term_doubts(const struct reading *in, const config_setting_t *group,
		 const struct kms_terms *terms);

take_fn setting_take_number;
take_fn setting_take_bool;
take_fn setting_take_listen;
take_fn setting_take_listen_tls;
take_fn setting_take_listen_peers;
take_fn setting_take_listen_admin;
int setting_number(const config_setting_t *given, int least, int most, s64 *value,
		   struct problem *problem);
int setting_bool(const config_setting_t *given, bool *value,
		 struct problem *problem);

/* Texts in a list; a lone text is a list of one. 0 if it is anything else. */
int setting_list_length(const config_setting_t *given);
const char *setting_list_text(const config_setting_t *given, int i);

/* Words, as their error. */
int setting_want_list(struct problem *problem);
int setting_no_memory(struct problem *problem);

#endif
