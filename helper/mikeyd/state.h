/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state directory: what mikeyd keeps on the disk, for nobody else to read.
 *
 *	STATE_DIR/delivered.db		of the one user of a file without "users"
 *	STATE_DIR/users/NAME/		the same for each user of a file with "users"
 */
#ifndef HELPER_MIKEYD_STATE_H
#define HELPER_MIKEYD_STATE_H

#include <stddef.h>

#include "helper/lib/config.h"
#include "helper/lib/problem.h"

#define STATE_PATH_MAX 4096

/*
 * state_dir - where it is: as the configuration, the service manager or the
 * user's home says; made if it is not there
 */
int state_dir(char path[STATE_PATH_MAX], const struct config *config, struct problem *problem);

/* state_of_user - the part of one user; made if it is not there */
int state_of_user(char path[STATE_PATH_MAX], const struct config *config,
		  const struct config_user *user, struct problem *problem);

#endif
