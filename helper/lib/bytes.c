// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs of bytes that are wiped when they go. */
#include "helper/lib/bytes.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

int bytes_alloc(struct bytes *bytes, size_t len)
{
	bytes->len = 0;
	bytes->data = malloc(len ? len : 1);
	if (!bytes->data)
		return -ENOMEM;
	bytes->len = len;
	return 0;
}

void bytes_wipe(struct bytes *bytes)
{
	if (bytes->data)
		OPENSSL_cleanse(bytes->data, bytes->len);
	free(bytes->data);
	bytes->data = NULL;
	bytes->len = 0;
}
