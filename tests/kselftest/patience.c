// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The harness ends a test after so many seconds with alarm(), which the linker
 * leads here: on a kernel with checkers everything takes longer, and on a busy machine.
 */
#include <stdlib.h>

#define BUSY 4

unsigned int __real_alarm(unsigned int seconds);
unsigned int __wrap_alarm(unsigned int seconds);

unsigned int __wrap_alarm(unsigned int seconds)
{
	const char *patience = getenv("MIKEY_PATIENCE");

	return __real_alarm(BUSY * seconds * (patience ? atoi(patience) : 1));
}
