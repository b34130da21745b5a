/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a recipe is cooked in: users with PSKs of every profile and suite, a KMS
 * and a sender inside the program (tests/kselftest/peer.h), and sockets of
 * both families.
 */
#ifndef MIKEY_FUZZ_SCENE_H
#define MIKEY_FUZZ_SCENE_H

#include "recipe.h"

/* Errno of a recipe that did not come to its request */
#define SCENE_NEVER 1

/*
 * In a session keyring of its own, once in each process. @all: the modules
 * were loaded with every suite. Return: 0 or a negative errno.
 */
int scene_open(bool all);

/*
 * Do what @r says. @err: what the kernel answered to the bent request, or
 * SCENE_NEVER.
 */
void scene_cook(const struct recipe *r, int *err);

/* How many kinds there are, before they repeat */
#define SCENE_KINDS 6

#endif
