/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listening sockets, PEM files and names of peers: the ground under http.c.
 */
#ifndef HELPER_KMS_LISTENER_H
#define HELPER_KMS_LISTENER_H

#include "helper/kms/config.h"

/* A bound, listening socket, or a negative errno with words. */
int kms_listener_open(const struct kms_listen *listen, struct problem *problem);
void kms_listener_close(int fd);
unsigned int kms_listener_port(int fd);

/* A whole PEM file as a string; wipe it with kms_pem_wipe(). */
int kms_pem_read(const char *path, char **pem, struct problem *problem);
void kms_pem_wipe(char *pem);

#define KMS_PEER_MAX 64
void kms_peer_name(const struct sockaddr *address, char name[KMS_PEER_MAX]);

#endif
