/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a socket of mikeyd is if mikeyd.conf(5) does not say so. */
#ifndef HELPER_LIB_SOCKET_PATH_H
#define HELPER_LIB_SOCKET_PATH_H

#include <stddef.h>

/* Their names. */
#define SOCKET_INBOX "inbox.socket"
#define SOCKET_CONTROL "control.socket"

/*
 * socket_path_made - where mikeyd makes it: what systemd says
 * (RUNTIME_DIRECTORY), else XDG_RUNTIME_DIR
 *
 * -ENOENT if neither is known.
 */
int socket_path_made(char *path, size_t size, const char *name);

/*
 * socket_path_found - where it is sought: where one is of XDG_RUNTIME_DIR and
 * the folder that mikeyd@USER.service has
 *
 * -ENOENT if there is none.
 */
int socket_path_found(char *path, size_t size, const char *name);

#endif
