/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far it is from one damage to the next, for runs that have little time. */
#ifndef MIKEY_TEST_STRIDE_H
#define MIKEY_TEST_STRIDE_H

/**
 * stride() - of MIKEY_STRIDE bits or bytes one is damaged
 *
 * Which is each, unless that is set. With an odd number every bit of a byte has
 * its turn.
 */
unsigned int stride(void);

#endif
