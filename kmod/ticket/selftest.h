/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Self tests at load, in a debug build.
 */
#ifndef MIKEY_TICKET_SELFTEST_H
#define MIKEY_TICKET_SELFTEST_H

#ifdef MIKEY_DEBUG
/* Return: 0, or -ENODATA when a result is not that of the vectors. */
int mikey_selftest(void);
#else
static inline int mikey_selftest(void)
{
	return 0;
}
#endif

#endif
