// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fuzzer without libFuzzer: each file of the command line once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kmod/wire/wire.h"

#define FILE_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int main(int argc, char **argv)
{
	u8 *buf = malloc(FILE_MAX);

	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		u8 *exact;
		size_t len;

		if (!f || !buf) {
			perror(argv[i]);
			return 1;
		}
		len = fread(buf, 1, FILE_MAX, f);
		fclose(f);
		exact = realloc(buf, len ? len : 1);
		LLVMFuzzerTestOneInput(exact, len);
		buf = realloc(exact, FILE_MAX);
	}
	free(buf);
	return 0;
}
