// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "stride.h"

unsigned int stride(void)
{
	const char *bits = getenv("MIKEY_STRIDE");
	int n = bits ? atoi(bits) : 1;

	return n > 0 ? n : 1;
}
