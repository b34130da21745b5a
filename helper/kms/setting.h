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

/* What may stand in policy = { }; ended by a row without a name. */
extern const struct setting policy_settings[];

take_fn setting_take_number;
take_fn setting_take_bool;
take_fn setting_take_listen;
take_fn setting_take_listen_tls;
take_fn setting_take_listen_peers;
take_fn setting_take_listen_admin;

/* Texts in a list; a lone text is a list of one. 0 if it is anything else. */
int setting_list_length(const config_setting_t *given);
const char *setting_list_text(const config_setting_t *given, int i);

/* Words, as their error. */
int setting_want_list(struct problem *problem);
int setting_no_memory(struct problem *problem);

#endif
