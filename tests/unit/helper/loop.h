/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libre's event loop for tests: run it until something is so. */
#ifndef TESTS_UNIT_HELPER_LOOP_H
#define TESTS_UNIT_HELPER_LOOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/lib/libre.h"

/* loop_until - run until condition(arg), at most ms; was it so? */
bool loop_until(bool (*condition)(void *arg), void *arg, unsigned int ms);

/* loop_for - run for a while */
void loop_for(unsigned int ms);

/*
 * loop_timers - how many timers libre has
 *
 * Each that is started walks past all that end later.
 */
int loop_timers(void);

/* loop_free_port - a port of 127.0.0.1 that nobody has, for UDP and TCP */
uint16_t loop_free_port(void);

/* loop_connect - a TCP connection to a port of 127.0.0.1, which does not block */
int loop_connect(uint16_t port);

/* Group fixtures: libre and its memory, of which none may be left. */
int loop_open(void **state);
int loop_close(void **state);

#endif
