/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the socket of an inbox is if mikeyd.conf(5) does not say so. */
#ifndef HELPER_LIB_INBOX_PATH_H
#define HELPER_LIB_INBOX_PATH_H

#include <stddef.h>

/*
 * inbox_path_made - where mikeyd makes it: what systemd says
 * (RUNTIME_DIRECTORY), else XDG_RUNTIME_DIR
 *
 * -ENOENT if neither is known.
 */
int inbox_path_made(char *path, size_t size);

/*
 * inbox_path_found - where it is sought: where one is of XDG_RUNTIME_DIR and
 * the folder that mikeyd@USER.service has
 *
 * -ENOENT if there is none.
 */
int inbox_path_found(char *path, size_t size);

#endif
