/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listening sockets and names of peers: the ground under http.c.
 */
#ifndef HELPER_KMS_LISTENER_H
#define HELPER_KMS_LISTENER_H

#include "helper/kms/config.h"

/* A bound, listening socket, or a negative errno with words. */
int kms_listener_open(const struct kms_listen *listen, struct problem *problem);
void kms_listener_close(int fd);
unsigned int kms_listener_port(int fd);

#define KMS_PEER_MAX 64
void kms_peer_name(const struct sockaddr *address, char name[KMS_PEER_MAX]);

#endif
