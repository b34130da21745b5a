/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MIKEY_BENCH_FLOOR_H
#define MIKEY_BENCH_FLOOR_H

#include "mikey_bench.h"

#define FLOOR_BODY_MAX (1024 * 1024)

/*
 * The cryptography of one message, its bytes from a buffer that is there
 * already. Which bytes they are makes no difference. May sleep.
 * Return: 0, -EMSGSIZE for more than FLOOR_BODY_MAX, or an error of the crypto
 * API's.
 */
int floor_run(const struct mikey_bench_message *m);

int floor_init(void);
void floor_exit(void);

#endif
