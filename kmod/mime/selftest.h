/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MIKEY_MIME_SELFTEST_H
#define MIKEY_MIME_SELFTEST_H

/*
 * Self tests of the cryptography against known answers, in debug builds
 * only. Return: 0, or -EIO where one fails, which the log names.
 */
#ifdef MIKEY_DEBUG
int mime_selftest(void);
#else
static inline int mime_selftest(void)
{
	return 0;
}
#endif

#endif
